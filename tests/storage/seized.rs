//! Abandoned locks: whose they are, and two programs that seize one at the same time.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mugo::os::dot_lock::{DotLock, DotLockError};
use mugo::os::environment::{Environment, Process};
use mugo::os::files::{FileLayer, MailFile, OpenMode};
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults};
use crate::common::world::world;

fn dot_lock(environment: &Environment, path: &Path) -> Result<DotLock, DotLockError> {
    DotLock::acquire(environment, path, &mut |_| true)
}

/// The real files, where another program seizes the lock just before this one does.
struct Racing {
    lock: PathBuf,
    new: Vec<u8>,
    over: AtomicBool,
}

impl Racing {
    fn race(&self, path: &Path) {
        if path == self.lock && !self.over.swap(true, Ordering::SeqCst) {
            fs::remove_file(path).expect("seized");
            fs::write(path, &self.new).expect("locked");
        }
    }
}

impl FileLayer for Racing {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn MailFile>> {
        RealFiles.open(path, mode)
    }
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        RealFiles.metadata(path)
    }
    fn link_metadata(&self, path: &Path) -> io::Result<Metadata> {
        RealFiles.link_metadata(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.race(from);
        RealFiles.rename(from, to)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.rename_new(from, to)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.hard_link(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.race(path);
        RealFiles.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealFiles.remove_dir(path)
    }
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        RealFiles.create_dir(path, mode)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        RealFiles.read_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealFiles.sync_dir(path)
    }
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        RealFiles.set_mode(path, mode)
    }
    fn may_write(&self, path: &Path) -> io::Result<bool> {
        RealFiles.may_write(path)
    }
    fn is_network(&self, path: &Path) -> io::Result<bool> {
        RealFiles.is_network(path)
    }
    fn is_local_disk(&self, path: &Path) -> io::Result<bool> {
        RealFiles.is_local_disk(path)
    }
}

#[test]
fn r22_of_two_who_seize_a_lock_one_has_it() {
    let world = world();
    let path = world.mailbox("box", b"");
    let lock = world.environment.home.join("box.lock");
    let me = &world.environment.process;
    let dead = Process {
        start: me.start + 1,
        ..me.clone()
    };
    fs::write(&lock, dead.to_line()).expect("an abandoned lock");
    let racing = Racing {
        lock: lock.clone(),
        new: me.to_line().into_bytes(),
        over: AtomicBool::new(false),
    };
    let environment = world.another(Arc::new(racing));
    let taken = dot_lock(&environment, &path);
    assert!(matches!(taken, Err(DotLockError::Held { .. })));
    assert_eq!(fs::read_to_string(&lock).expect("the lock"), me.to_line());
    let names = fs::read_dir(&environment.home).expect("home").count();
    assert_eq!(names, 2);
}

#[test]
fn r29_a_lock_of_another_boot_may_be_of_another_machine() {
    let world = world();
    let path = world.mailbox("box", b"");
    let lock = world.environment.home.join("box.lock");
    let earlier = Process {
        boot: "another+1".into(),
        ..world.environment.process.clone()
    };
    let shared = Faults::over(Arc::new(RealFiles), Fault::None).on_a_network();
    for (files, seized) in [
        (Arc::new(shared) as Arc<dyn FileLayer>, false),
        (Arc::new(RealFiles), true),
    ] {
        fs::write(&lock, earlier.to_line()).expect("a lock");
        let taken = dot_lock(&world.another(files), &path);
        assert_eq!(taken.is_ok(), seized);
    }
}

#[test]
fn r22_a_lock_that_is_held_for_long_does_not_grow_old() {
    let mut world = world();
    let path = world.mailbox("box", b"");
    world.environment.dot_lock_timeout = Duration::from_secs(2);
    let lock = dot_lock(&world.environment, &path).expect("the lock");
    std::thread::sleep(Duration::from_millis(3500));
    let mut other = world.another(Arc::new(RealFiles));
    other.dot_lock_timeout = Duration::from_secs(2);
    // To a program that cannot see the holder only the age of the lock counts.
    other.process.host = "another.example".to_owned();
    let taken = dot_lock(&other, &path);
    assert!(matches!(taken, Err(DotLockError::Held { .. })));
    lock.release().expect("the release");
    assert!(dot_lock(&other, &path).is_ok());
    assert!(!world.environment.home.join("box.lock").exists());
}
