//! Rules of the driver `dummy`.

use std::sync::Arc;

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::dummy::Dummy;
use mugo::driver::error::Error;
use mugo::driver::unix::Unix;
use mugo::mail::status::Access;
use mugo::os::files::FileLayer;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults};
use crate::desk::{Desk, Queue, fixture, job, message, open};

#[test]
fn an_empty_file_is_a_mailbox_until_something_is_in_it() {
    let desk = Desk::new();
    let driver = Dummy::new(&desk.environment);
    let place = desk.place("box", &fixture("dummy/empty"));
    assert_eq!(driver.probe(&place).expect("looked at"), Probe::Mine);
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    assert!(opened.list.is_empty() && opened.poll().expect("polled").is_empty());
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: x\r\n\r\ny\r\n")]);
    let appended = driver.append(&place, &mut queue, &job).expect("appended");
    assert_eq!(appended.uids.len(), 1);
    assert!(matches!(opened.poll(), Err(Error::NotThisFormat { .. })));
    assert!(driver.open(&place, Access::ReadOnly, &job).is_err());
}

#[test]
fn a_missing_inbox_is_empty_and_made_by_the_first_append() {
    let desk = Desk::new();
    let driver = Dummy::new(&desk.environment);
    let mut place = desk.at(desk.environment.spool.clone());
    assert_eq!(driver.probe(&place).expect("looked at"), Probe::Missing);
    place.is_inbox = true;
    assert_eq!(driver.probe(&place).expect("looked at"), Probe::Mine);
    let opened = open(&driver, &place, Access::ReadWrite).expect("open");
    assert_eq!(opened.list.state().expect("told").path, None);
    assert!(!place.path.exists());
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: x\r\n\r\ny\r\n")]);
    driver.append(&place, &mut queue, &job).expect("appended");
    assert!(place.path.exists());
}

#[test]
fn directories_are_made_renamed_and_removed() {
    let desk = Desk::new();
    let driver = Dummy::new(&desk.environment);
    let (job, _log) = job();
    let home = &desk.environment.home;
    let folder = desk.at(home.join("a/b/"));
    driver.create(&folder, &job).expect("made");
    assert!(home.join("a/b").is_dir());
    assert!(matches!(
        driver.create(&folder, &job),
        Err(Error::AlreadyExists(_))
    ));
    let inside = desk.at(home.join("a/b/file"));
    driver.create(&inside, &job).expect("made");
    assert!(driver.delete(&desk.at(home.join("a/b")), &job).is_err());
    driver.delete(&inside, &job).expect("removed");
    driver
        .rename(&desk.at(home.join("a/b")), &desk.at(home.join("c/d")), &job)
        .expect("renamed");
    driver
        .delete(&desk.at(home.join("c/d")), &job)
        .expect("removed");
    assert!(home.join("c").is_dir() && !home.join("c/d").exists());
}

#[test]
fn mail_that_came_to_an_empty_mailbox_is_not_removed_with_it() {
    const MAIL: &[u8] = b"From ann@example.org Mon Jan  5 10:00:00 2026\nSubject: x\n\ny\n\n";
    let desk = Desk::new();
    let (job, _log) = job();
    let dummy = Dummy::new(&desk.environment);
    let unix = Unix::new(&desk.environment);
    let drivers: [&dyn LocalDriver; 2] = [&dummy, &unix];
    for driver in drivers {
        // Delivered after it was found empty.
        let place = desk.place("box", MAIL);
        let removed = driver.delete_empty(&place, &job);
        assert!(matches!(removed, Err(Error::Refused(_))), "{removed:?}");
        assert_eq!(std::fs::read(&place.path).expect("the mailbox"), MAIL);
    }
    let place = desk.place("box", MAIL);
    assert!(dummy.delete(&place, &job).is_err() && place.path.exists());
    // Being delivered to.
    let place = desk.place("empty", b"");
    let lock = desk.environment.home.join("empty.lock");
    std::fs::write(&lock, b"").expect("a lock");
    assert!(matches!(
        dummy.delete(&place, &job),
        Err(Error::Locked { .. })
    ));
    std::fs::remove_file(&lock).expect("unlocked");
    dummy.delete(&place, &job).expect("removed");
    let place = desk.at(desk.environment.home.join("made"));
    unix.create(&place, &job).expect("made");
    unix.delete_empty(&place, &job).expect("removed");
    assert!(!place.path.exists());
}

#[test]
fn a_mailbox_that_is_renamed_has_one_name_at_any_time() {
    for at in 0.. {
        let desk = Desk::new();
        let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
        let environment = desk.world.another(Arc::new(layer.clone()));
        let driver = Dummy::new(&Arc::new(environment));
        let (from, to) = (
            desk.place("a", b""),
            desk.at(desk.environment.home.join("b")),
        );
        let (job, _log) = job();
        let renamed = driver.rename(&from, &to, &job);
        assert!(from.path.exists() != to.path.exists(), "killed at {at}");
        if !layer.hit() {
            renamed.expect("renamed");
            break;
        }
    }
    let desk = Desk::new();
    let driver = Dummy::new(&desk.environment);
    let (from, to) = (desk.place("a", b""), desk.place("b", b"mail"));
    let (job, _log) = job();
    let renamed = driver.rename(&from, &to, &job);
    assert!(matches!(renamed, Err(Error::AlreadyExists(_))));
    assert!(RealFiles.rename_new(&from.path, &to.path).is_err());
    assert_eq!(std::fs::read(&to.path).expect("kept"), b"mail");
}
