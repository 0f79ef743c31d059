//! Lock files that helper programs make, where the folder refuses them. Runs with those that are installed, and only
//! for the superuser, whom they serve in any folder.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mugo::os::dot_lock::{DotLock, DotLockError};
use mugo::os::environment::Environment;
use mugo::os::lock_helper::{self, LockHelper};
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::world::{World, world};

fn lock_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    name.into()
}

/// A program that may not make files itself.
fn denied(world: &World, helpers: Vec<LockHelper>) -> Environment {
    let fault = Fault::Failure {
        op: Op::Create,
        at: 0,
        errno: 13,
        lasting: true,
    };
    let mut environment = world.another(Arc::new(Faults::over(Arc::new(RealFiles), fault)));
    environment.lock_helpers = helpers;
    environment
}

/// The helpers to test with, one of each kind.
fn installed(test: &str) -> Vec<LockHelper> {
    let mut helpers: Vec<_> = lock_helper::usual();
    helpers.retain(LockHelper::is_installed);
    helpers.dedup_by_key(|helper| std::mem::discriminant(helper));
    let may = rustix::process::geteuid().is_root();
    if helpers.is_empty() || !may {
        let why = "needs the superuser, and mlock or dotlockfile";
        // Written past the test harness, which would keep it to itself for a test that passes.
        let _ = writeln!(std::io::stderr(), "not run: storage {test}: {why}");
        return Vec::new();
    }
    helpers
}

#[test]
fn r33_a_helper_makes_the_lock_and_takes_it_away() {
    for helper in installed("r33_a_helper_makes_the_lock_and_takes_it_away") {
        let world = world();
        let path = world.mailbox("box", b"precious");
        let environment = denied(&world, vec![helper.clone()]);
        let acquire = |answer: bool| DotLock::acquire(&environment, &path, &mut |_| answer);
        for way in ["released", "dropped"] {
            let lock = acquire(true).unwrap_or_else(|why| panic!("{helper:?}: {why:?}"));
            assert!(lock_of(&path).is_file(), "{helper:?}");
            let begin = Instant::now();
            assert!(matches!(acquire(true), Err(DotLockError::Held { .. })));
            assert!(matches!(acquire(false), Err(DotLockError::Cancelled)));
            assert!(begin.elapsed() < Duration::from_secs(1), "{helper:?}");
            match way {
                "released" => lock.release().expect("the release"),
                _ => drop(lock),
            }
            assert!(!lock_of(&path).exists(), "{helper:?} {way}");
        }
        let names = fs::read_dir(&world.environment.home).expect("home").count();
        assert_eq!(names, 1, "{helper:?} left something");
        assert_eq!(fs::read(&path).expect("the mailbox"), b"precious");
    }
}

#[test]
fn r33_a_lock_that_another_program_took_over_is_not_taken_from_it() {
    for helper in installed("r33_a_lock_that_another_program_took_over_is_not_taken_from_it") {
        let world = world();
        let path = world.mailbox("box", b"");
        let environment = denied(&world, vec![helper.clone()]);
        let lock = DotLock::acquire(&environment, &path, &mut |_| true).expect("the lock");
        fs::remove_file(lock_of(&path)).expect("the lock");
        fs::write(lock_of(&path), b"another").expect("another program's lock");
        lock.release().expect("the release");
        let left = fs::read(lock_of(&path)).expect("the other's lock");
        assert_eq!(left, b"another", "{helper:?}");
    }
}

#[test]
fn r33_the_helper_gets_nothing_but_the_mailbox_to_read() {
    let helpers = installed("r33_the_helper_gets_nothing_but_the_mailbox_to_read");
    let Some(helper) = helpers
        .into_iter()
        .find(|helper| matches!(helper, LockHelper::Mlock(_)))
    else {
        return;
    };
    let world = world();
    let path = world.mailbox("box", b"");
    let environment = denied(&world, vec![helper]);
    let secret = fs::File::open(&world.environment.home).expect("an open file of ours");
    let lock = DotLock::acquire(&environment, &path, &mut |_| true).expect("the lock");
    let argument = path.to_str().expect("a path");
    let process = fs::read_dir("/proc")
        .expect("processes")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|process| {
            let line = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
            line.split('\0').skip(1).eq(["2", argument, ""])
        });
    let process = process.expect("the running helper");
    assert_eq!(
        fs::read(process.join("environ")).expect("its environment"),
        b""
    );
    let inherited = open_in(Path::new("/proc/self")).into_iter();
    let inherited: Vec<_> = inherited.filter(|file| !closes_at_exec(file)).collect();
    let mut open = open_in(&process);
    open.retain(|file| !inherited.contains(file) || file.len() == 1);
    assert_eq!(open, ["0", "1", "2"]);
    let mailbox = fs::read_link(process.join("fd/2")).expect("its mailbox");
    assert_eq!(mailbox, path.canonicalize().expect("a mailbox"));
    let flags = fs::read_to_string(process.join("fdinfo/2")).expect("how it is open");
    let flags = flags.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|text| u32::from_str_radix(text.trim(), 8).ok());
    assert_eq!(flags.map(|flags| flags & 3), Some(0), "open for writing");
    drop((lock, secret));
}

fn open_in(process: &Path) -> Vec<String> {
    let entries = fs::read_dir(process.join("fd")).expect("open files");
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Whether the program that is started next does not get this file of ours.
fn closes_at_exec(file: &str) -> bool {
    let told = fs::read_to_string(Path::new("/proc/self/fdinfo").join(file)).unwrap_or_default();
    let flags = told.lines().find_map(|line| line.strip_prefix("flags:"));
    flags
        .and_then(|text| u32::from_str_radix(text.trim(), 8).ok())
        .is_none_or(|flags| flags & 0o2_000_000 != 0)
}

#[test]
fn r23_without_a_helper_the_reason_tells_what_to_do() {
    let world = world();
    let path = world.mailbox("box", b"");
    let environment = denied(&world, vec![LockHelper::Mlock("/nonexistent/mlock".into())]);
    let Err(DotLockError::CannotCreate { source, .. }) =
        DotLock::acquire(&environment, &path, &mut |_| true)
    else {
        panic!("a lock")
    };
    let told = source.to_string();
    assert!(
        told.contains("liblockfile-bin") && told.contains("local.without_dot_lock"),
        "{told}"
    );
}

#[test]
fn r23_a_helper_that_answers_nonsense_is_not_believed() {
    for program in ["/bin/true", "/bin/false", "/bin/cat", "/bin/echo"] {
        let world = world();
        let path = world.mailbox("box", b"");
        for helper in [
            LockHelper::Mlock(program.into()),
            LockHelper::Dotlockfile(program.into()),
        ] {
            let environment = denied(&world, vec![helper]);
            let begin = Instant::now();
            let refused = DotLock::acquire(&environment, &path, &mut |_| true);
            let refused = refused.err().unwrap_or_else(|| panic!("{program}: a lock"));
            assert!(
                matches!(
                    refused,
                    DotLockError::CannotCreate { .. } | DotLockError::Held { .. }
                ),
                "{program}: {refused:?}"
            );
            assert!(begin.elapsed() < Duration::from_secs(8), "{program}");
            assert!(!lock_of(&path).exists());
        }
    }
}
