//! Mailboxes on a network file system: written where lock files protect them, looked at where nothing does.

use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::mbx::Mbx;
use mugo::driver::unix::Unix;
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::os::environment::Environment;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults};
use crate::desk::{Desk, Queue, add, fixture, job, message, open};
use crate::mbx::file;

/// The desk's world on a network file system.
fn network(desk: &Desk, nfs_writes: bool) -> Arc<Environment> {
    let files = Faults::over(Arc::new(RealFiles), Fault::None).on_a_network();
    let mut environment = desk.world.another(Arc::new(files));
    environment.formats.nfs_writes = nfs_writes;
    Arc::new(environment)
}

#[test]
fn a_format_without_safe_locks_is_only_looked_at_unless_told_otherwise() {
    let desk = Desk::new();
    let text = file(1, &[(0, 1, "Subject: one\r\n\r\nbody\r\n")]);
    let place = desk.place("box", &text);
    let driver = Mbx::new(&network(&desk, false));
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    let state = opened.list.state().expect("told").clone();
    assert_eq!(state.access, Access::ReadOnly);
    let why = state.why_read_only.expect("a reason");
    assert!(
        why.raw().contains("network") && why.raw().contains("local.nfs_writes"),
        "{why:?}"
    );
    assert_eq!(opened.uids(), [1]);
    let refused = opened.store(&[1], &add(SystemFlags::SEEN));
    assert!(matches!(refused, Err(Error::ReadOnly)), "{refused:?}");
    opened.close().expect("closed");
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: x\r\n\r\ny\r\n")]);
    let refused = driver.append(&place, &mut queue, &job);
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert!(driver.delete(&place, &job).is_err());
    assert_eq!(std::fs::read(&place.path).expect("there"), text);

    let driver = Mbx::new(&network(&desk, true));
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    opened.store(&[1], &add(SystemFlags::SEEN)).expect("stored");
    opened.close().expect("closed");
    assert_ne!(std::fs::read(&place.path).expect("there"), text);
}

#[test]
fn a_format_with_lock_files_is_written_under_them() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let driver = Unix::new(&network(&desk, false));
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1], &add(SystemFlags::FLAGGED))
        .expect("stored");
    opened.check().expect("written");
    let text = std::fs::read_to_string(&place.path).expect("text");
    assert!(text.contains("\nX-Status: F"), "{text}");
    // Without a lock file nothing is written, although the kernel's lock was to be had.
    let mut lock = place.path.clone().into_os_string();
    lock.push(".lock");
    std::fs::write(&lock, "").expect("a lock");
    opened
        .store(&[2], &add(SystemFlags::ANSWERED))
        .expect("in memory");
    assert!(matches!(opened.check(), Err(Error::Locked { .. })));
    assert_eq!(std::fs::read_to_string(&place.path).expect("text"), text);
    std::fs::remove_file(&lock).expect("unlocked");
    opened.close().expect("closed");
}
