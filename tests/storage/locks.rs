//! Dot lock and name lock: names, modes, order, and what stands in their way.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mugo::os::dot_lock::{DotLock, DotLockError};
use mugo::os::environment::{Environment, Process};
use mugo::os::files::{Flock, MailFile, OpenMode};
use mugo::os::name_lock::{Asked, NameLock, NameLockError};
use mugo::os::real_files::RealFiles;
use rustix::fs::{Mode, mkfifoat};

use crate::common::faults::{Fault, Faults, Op};
use crate::common::world::{World, world};

fn lock_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    name.into()
}

fn dot_lock(environment: &Environment, path: &Path) -> Result<DotLock, DotLockError> {
    DotLock::acquire(environment, path, &mut |_| true)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path)
        .expect("a file")
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn r21_the_dot_lock_is_made_by_a_link_and_goes_with_its_holder() {
    let world = world();
    let path = world.mailbox("box", b"");
    let layer = Faults::over(Arc::new(RealFiles), Fault::None);
    let lock = dot_lock(&world.another(Arc::new(layer.clone())), &path).expect("the lock");
    let made = lock_of(&path);
    assert_eq!(mode(&made), 0o666);
    assert_eq!(fs::metadata(&made).expect("the lock").nlink(), 1);
    let text = fs::read(&made).expect("the lock");
    assert_eq!(
        Process::from_line(&text),
        Some(world.environment.process.clone())
    );
    let trace: Vec<Op> = layer.trace().into_iter().map(|(op, _)| op).collect();
    assert_eq!(
        trace,
        [Op::Create, Op::Mode, Op::Write, Op::Link, Op::Remove]
    );
    let helper = layer.trace()[0].1.to_string_lossy().into_owned();
    let Process { pid, host, .. } = &world.environment.process;
    assert!(helper.starts_with(&*made.to_string_lossy()), "{helper}");
    assert!(helper.contains(&format!(".{pid}.")), "{helper}");
    assert!(helper.ends_with(&format!(".{host}")), "{helper}");
    drop(lock);
    assert_eq!(
        fs::read_dir(&world.environment.home).expect("home").count(),
        1
    );
}

#[test]
fn r21_where_links_are_not_permitted_the_lock_is_made_directly() {
    let world = world();
    let path = world.mailbox("box", b"");
    let fault = Fault::Failure {
        op: Op::Link,
        at: 0,
        errno: 1,
        lasting: true,
    };
    let environment = world.another(Arc::new(Faults::over(Arc::new(RealFiles), fault)));
    let lock = dot_lock(&environment, &path).expect("the lock");
    assert_eq!(mode(&lock_of(&path)), 0o666);
    assert!(matches!(
        dot_lock(&environment, &path),
        Err(DotLockError::Held { .. })
    ));
    lock.release().expect("the release");
    assert!(!lock_of(&path).exists());
}

#[test]
fn r22_locks_of_the_living_the_dead_and_strangers() {
    let mut world = world();
    let path = world.mailbox("box", b"");
    let lock = lock_of(&path);
    let me = world.environment.process.clone();
    let dead = Process {
        start: me.start + 1,
        ..me.clone()
    };
    let elsewhere = Process {
        host: "another.example".into(),
        ..me.clone()
    };

    fs::write(&lock, dead.to_line()).expect("a lock");
    let begin = Instant::now();
    drop(dot_lock(&world.environment, &path).expect("the lock of a dead process is seized"));
    assert!(begin.elapsed() < Duration::from_secs(1));

    for text in [
        me.to_line(),
        elsewhere.to_line(),
        String::new(),
        "17 mutt".into(),
    ] {
        fs::write(&lock, &text).expect("a lock");
        let Err(DotLockError::Held { holder, .. }) = dot_lock(&world.environment, &path) else {
            panic!("{text}")
        };
        let signed = Process::from_line(text.as_bytes());
        assert_eq!(holder.pid, signed.map(|process| process.pid));
        assert_eq!(fs::read_to_string(&lock).expect("the lock"), text);
    }

    // The same locks, now stale: those of the living stay, strangers' are seized.
    world.environment.dot_lock_timeout = Duration::ZERO;
    for (text, seized) in [
        (me.to_line(), false),
        (format!("{}\n", std::process::id()), false),
        (NOBODY.to_owned(), true),
        (elsewhere.to_line(), true),
        (String::new(), true),
    ] {
        fs::write(&lock, &text).expect("a lock");
        assert_eq!(
            dot_lock(&world.environment, &path).is_ok(),
            seized,
            "{text}"
        );
        let _ = fs::remove_file(&lock);
    }
}

/// A number that no process has.
const NOBODY: &str = "4194305";

#[test]
fn r22_a_lock_from_before_the_machines_start_has_no_living_holder() {
    let mut world = world();
    let path = world.mailbox("box", b"");
    let lock = lock_of(&path);
    let now = (world.environment.clock)();
    for (booted, seized) in [
        (Some(now + 60), true),
        (Some(now - 60), false),
        (None, false),
    ] {
        fs::write(&lock, NOBODY).expect("a lock");
        world.environment.booted = booted;
        let begin = Instant::now();
        let taken = dot_lock(&world.environment, &path);
        assert_eq!(taken.is_ok(), seized, "{booted:?}");
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
    // A living holder that signed, and a file system that other machines write too.
    world.environment.booted = Some(now + 60);
    fs::write(&lock, world.environment.process.to_line()).expect("a lock");
    assert!(dot_lock(&world.environment, &path).is_err());
    fs::write(&lock, NOBODY).expect("a lock");
    let mut shared = world.another(Arc::new(
        Faults::over(Arc::new(RealFiles), Fault::None).on_a_network(),
    ));
    shared.booted = Some(now + 60);
    assert!(dot_lock(&shared, &path).is_err());
}

#[test]
fn r22_waiting_tells_and_can_be_cancelled() {
    let mut world = world();
    let path = world.mailbox("box", b"");
    fs::write(lock_of(&path), b"").expect("a lock");
    world.environment.lock_patience = Duration::from_secs(60);
    let mut told = None;
    let result = DotLock::acquire(&world.environment, &path, &mut |wait| {
        told = Some(wait);
        false
    });
    assert!(matches!(result, Err(DotLockError::Cancelled)));
    let left = told.expect("a word").left;
    assert!(
        left > Duration::from_secs(58) && left <= Duration::from_secs(60),
        "{left:?}"
    );
}

#[test]
fn r23_no_lock_where_none_can_be() {
    let world = world();
    let path = world.mailbox("box", b"");
    let victim = world.mailbox("victim", b"precious");
    symlink(&victim, lock_of(&path)).expect("a link");
    assert!(matches!(
        dot_lock(&world.environment, &path),
        Err(DotLockError::NotPlain(_))
    ));
    assert_eq!(fs::read(&victim).expect("the victim"), b"precious");
    fs::remove_file(lock_of(&path)).expect("the link");

    let fault = Fault::Failure {
        op: Op::Create,
        at: 0,
        errno: 13,
        lasting: true,
    };
    let environment = world.another(Arc::new(Faults::over(Arc::new(RealFiles), fault)));
    assert!(matches!(
        dot_lock(&environment, &path),
        Err(DotLockError::CannotCreate { .. })
    ));
    let long = world.environment.home.join("x".repeat(600));
    assert!(matches!(
        dot_lock(&world.environment, &long),
        Err(DotLockError::TooLong)
    ));
}

#[test]
fn a_seized_lock_is_not_taken_from_its_new_holder() {
    let world = world();
    let path = world.mailbox("box", b"");
    let lock = dot_lock(&world.environment, &path).expect("the lock");
    fs::remove_file(lock_of(&path)).expect("the lock");
    fs::write(lock_of(&path), b"").expect("another program's lock");
    drop(lock);
    assert!(lock_of(&path).exists());
}

fn open(world: &World, path: &Path) -> Box<dyn MailFile> {
    world
        .environment
        .files
        .open(path, OpenMode::ReadWrite)
        .expect("the mailbox")
}

fn name_of(world: &World, path: &Path) -> PathBuf {
    let metadata = fs::metadata(path).expect("the mailbox");
    world
        .environment
        .lock_dir
        .join(format!(".{:x}.{:x}", metadata.dev(), metadata.ino()))
}

#[test]
fn r21_the_name_lock_is_shared_with_other_programs() {
    let world = world();
    let path = world.mailbox("box", b"");
    let (file, name) = (open(&world, &path), name_of(&world, &path));
    let ask = |environment: &Environment| {
        NameLock::try_acquire(environment, file.as_ref(), Flock::Exclusive)
    };
    let Ok(Asked::Taken(mut lock)) = ask(&world.environment) else {
        panic!("not taken")
    };
    assert_eq!(
        (mode(&name), fs::read(&name).expect("the lock")),
        (0o666, Vec::new())
    );
    lock.sign(4711).expect("a signature");
    assert_eq!(fs::read(&name).expect("the lock"), b"4711");
    assert!(matches!(ask(&world.environment), Ok(Asked::Ours)));
    let other = world.another(Arc::new(RealFiles));
    // Signed with the id of a process that has nothing to do with it: whom the kernel names is believed.
    let Ok(Asked::Busy { holder, listens }) = ask(&other) else {
        panic!("taken twice")
    };
    assert!(holder.is_me() && !listens);
    lock.sign(std::process::id()).expect("a signature");
    assert!(matches!(ask(&other), Ok(Asked::Busy { listens: true, .. })));
    lock.release().expect("the release");
    assert!(!name.exists());

    // A file that a dead program left is no obstacle.
    fs::write(&name, b"99999").expect("a lock file");
    let Ok(Asked::Taken(lock)) = ask(&other) else {
        panic!("not taken")
    };
    drop(lock);
    assert!(!name.exists());
    assert!(matches!(ask(&world.environment), Ok(Asked::Taken(_))));
}

#[test]
fn r24_what_is_not_a_lock_file_is_left_alone() {
    let world = world();
    let path = world.mailbox("box", b"");
    let victim = world.mailbox("victim", b"precious");
    let (file, name) = (open(&world, &path), name_of(&world, &path));
    let table: [(&str, &dyn Fn()); 5] = [
        ("link", &|| symlink(&victim, &name).expect("a link")),
        ("second name", &|| {
            fs::hard_link(&victim, &name).expect("a name");
        }),
        ("fifo", &|| {
            mkfifoat(rustix::fs::CWD, &name, Mode::from_raw_mode(0o666)).expect("a FIFO");
        }),
        ("folder", &|| fs::create_dir(&name).expect("a folder")),
        ("other content", &|| {
            fs::write(&name, b"precious").expect("a file");
        }),
    ];
    for (what, place) in table {
        place();
        let begin = Instant::now();
        let asked = NameLock::try_acquire(&world.environment, file.as_ref(), Flock::Exclusive);
        assert!(matches!(asked, Err(NameLockError::Unsafe { .. })), "{what}");
        assert!(begin.elapsed() < Duration::from_secs(1), "{what}");
        assert_eq!(
            fs::read(&victim).expect("the victim"),
            b"precious",
            "{what}"
        );
        let _ = fs::remove_file(&name).or_else(|_| fs::remove_dir(&name));
    }
}

#[test]
fn r25_a_lock_held_by_others_is_answered_at_once() {
    let world = world();
    let path = world.mailbox("box", b"");
    let (file, name) = (open(&world, &path), name_of(&world, &path));
    let holder = File::create(&name).expect("the lock file");
    holder.lock().expect("the lock");
    let begin = Instant::now();
    let asked = NameLock::try_acquire(&world.environment, file.as_ref(), Flock::Exclusive);
    assert!(matches!(asked, Ok(Asked::Busy { listens: false, .. })));
    assert!(begin.elapsed() < Duration::from_secs(1));
    drop(asked);
    assert!(
        name.exists(),
        "the lock file of another program was removed"
    );
}

#[test]
fn a_fifo_in_a_mailboxs_place_does_not_block() {
    let world = world();
    let path = world.environment.home.join("fifo");
    mkfifoat(rustix::fs::CWD, &path, Mode::from_raw_mode(0o600)).expect("a FIFO");
    for mode in [
        OpenMode::Read,
        OpenMode::ReadWrite,
        OpenMode::ReadWriteNoFollow,
    ] {
        let file = world
            .environment
            .files
            .open(&path, mode)
            .expect("an open FIFO");
        assert!(!file.metadata().expect("its kind").is_file());
    }
}
