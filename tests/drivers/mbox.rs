//! Rules of the driver `mbox` alone: INBOX in the user's own file.

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::Error;
use mugo::driver::mbox::Mbox;
use mugo::driver::place::Place;
use mugo::mail::flags::SystemFlags;
use mugo::mail::name::MailboxName;
use mugo::mail::status::Access;

use crate::desk::{Desk, Queue, add, fixture, job, message, open};

/// INBOX as it is asked for: where it is, the driver knows.
fn inbox(desk: &Desk) -> Place {
    Place {
        name: MailboxName::inbox(),
        is_inbox: true,
        ..desk.at(desk.environment.spool.clone())
    }
}

#[test]
fn it_serves_inbox_and_nothing_else() {
    let desk = Desk::new();
    let driver = Mbox::new(&desk.environment);
    assert_eq!(
        driver.probe(&inbox(&desk)).expect("looked at"),
        Probe::Missing
    );
    let place = desk.place("mbox", &fixture("mbox/before/mbox"));
    assert_eq!(driver.probe(&inbox(&desk)).expect("looked at"), Probe::Mine);
    assert_eq!(driver.probe(&place).expect("looked at"), Probe::Foreign);
    let (job, _log) = job();
    let refused = driver.open(&place, Access::ReadOnly, &job);
    assert!(matches!(refused, Err(Error::NotThisFormat { .. })));
    let mut opened = open(&driver, &inbox(&desk), Access::ReadWrite).expect("open");
    assert_eq!(opened.list.state().expect("told").driver, "mbox");
    assert_eq!(opened.uids(), [1, 2]);
    opened
        .store(&[1], &add(SystemFlags::FLAGGED))
        .expect("stored");
    opened.close().expect("closed");
    assert!(
        std::fs::read_to_string(&place.path)
            .expect("there")
            .contains("X-Status: F\n")
    );
}

#[test]
fn an_empty_file_is_an_empty_inbox_that_takes_mail() {
    let desk = Desk::new();
    let driver = Mbox::new(&desk.environment);
    let place = desk.place("mbox", b"");
    assert_eq!(
        driver.probe(&inbox(&desk)).expect("looked at"),
        Probe::Empty
    );
    let mut opened = open(&driver, &inbox(&desk), Access::ReadWrite).expect("open");
    assert!(opened.list.is_empty());
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: new\r\n\r\nx\r\n")]);
    driver
        .append(&inbox(&desk), &mut queue, &job)
        .expect("appended");
    opened.poll().expect("polled");
    assert_eq!(opened.uids(), [1]);
    opened.close().expect("closed");
    std::fs::remove_file(&place.path).expect("removed");
    let mut queue = Queue(vec![message(b"Subject: new\r\n\r\nx\r\n")]);
    driver
        .append(&inbox(&desk), &mut queue, &job)
        .expect("made and appended");
    assert!(place.path.exists() && !desk.environment.spool.exists());
}

#[test]
fn counting_adds_what_waits_in_the_spool() {
    let desk = Desk::new();
    let driver = Mbox::new(&desk.environment);
    desk.place("mbox", &fixture("mbox/before/mbox"));
    let (job, _log) = job();
    for (spool, expected) in [
        (None, (2, 0, 1, 3)),
        (Some(Vec::new()), (2, 0, 1, 3)),
        (Some(b"not mail".to_vec()), (2, 0, 1, 3)),
        (Some(fixture("mbox/before/spool")), (4, 2, 2, 5)),
        (Some(fixture("unix/created-empty")), (2, 0, 1, 3)),
    ] {
        if let Some(spool) = spool {
            std::fs::write(&desk.environment.spool, spool).expect("a spool");
        }
        let status = driver.status(&inbox(&desk), &job).expect("counted");
        let next = status.uid_next.expect("told").get();
        assert_eq!(
            (status.messages, status.recent, status.unseen, next),
            expected
        );
    }
}

#[test]
fn renaming_inbox_leaves_an_empty_one() {
    let desk = Desk::new();
    let driver = Mbox::new(&desk.environment);
    let place = desk.place("mbox", &fixture("mbox/before/mbox"));
    let to = desk.at(desk.environment.home.join("old/saved"));
    let (job, _log) = job();
    driver.rename(&inbox(&desk), &to, &job).expect("renamed");
    assert_eq!(
        std::fs::read(&to.path).expect("there"),
        fixture("mbox/before/mbox")
    );
    let opened = open(&driver, &inbox(&desk), Access::ReadWrite).expect("open");
    assert!(opened.list.is_empty() && place.path.exists());
    opened.close().expect("closed");
    assert!(matches!(
        driver.delete(&inbox(&desk), &job),
        Err(Error::Refused(_))
    ));
    assert!(matches!(
        driver.create(&inbox(&desk), &job),
        Err(Error::AlreadyExists(_))
    ));
}
