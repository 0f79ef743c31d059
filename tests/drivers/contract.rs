//! The laws of `driver::contract`, for every local driver. A driver joins with one line in `all`.

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::Error;
use mugo::driver::news::driver::NewsDriver;
use mugo::driver::place::Place;
use mugo::driver::table::local_drivers;
use mugo::mail::change::Change;
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::uid::Uid;

use crate::desk::{Desk, add, fixture, job, open};

/// A driver with a mailbox of its own format, and how many messages are in it.
struct Subject {
    desk: Desk,
    driver: Box<dyn LocalDriver>,
    place: Place,
    messages: usize,
}

/// Every driver that there is.
fn all() -> Vec<Subject> {
    vec![
        inbox(subject("mbox", "mbox/before/mbox", 2)),
        mix(),
        mx(),
        maildir(),
        subject("mbx", "mbx/two", 2),
        subject("tenex", "tenex/two", 2),
        subject("mtx", "mtx/two", 2),
        mh(),
        subject("mmdf", "mmdf/two", 2),
        subject("unix", "unix/two", 2),
        news(),
        subject("phile", "phile/utf8", 1),
        subject("dummy", "dummy/empty", 0),
    ]
}

/// The same for a driver that serves INBOX alone, in a file of its own name.
fn inbox(mut subject: Subject) -> Subject {
    let name = subject.driver.characteristics().driver;
    let path = subject.place.path.with_file_name(name);
    std::fs::rename(&subject.place.path, &path).expect("renamed");
    subject.place = Place {
        is_inbox: true,
        ..subject.desk.at(path)
    };
    subject
}

/// A mailbox that is a directory, without messages.
fn directory(name: &str, messages: usize) -> Subject {
    let subject = subject(name, "dummy/empty", messages);
    std::fs::remove_file(&subject.place.path).expect("removed");
    let (job, _log) = job();
    let made = subject.driver.create(&subject.place, &job);
    made.expect("made");
    subject
}

fn mx() -> Subject {
    let subject = directory("mx", 2);
    for file in [".mxindex", "1", "2"] {
        let bytes = fixture(&format!("mx/two/{file}"));
        std::fs::write(subject.place.path.join(file), bytes).expect("written");
    }
    subject
}

fn mix() -> Subject {
    let subject = directory("mix", 2);
    crate::mix::put_fixture("two", &subject.place.path);
    subject
}

fn maildir() -> Subject {
    let subject = directory("maildir", 2);
    for (file, text) in [
        ("cur/1772000000.x:2,FS", "Subject: one\n\nText.\n"),
        ("new/1772000001.x", "Subject: two\r\n\r\nbare\nText"),
    ] {
        std::fs::write(subject.place.path.join(file), text).expect("delivered");
    }
    subject
}

fn mh() -> Subject {
    let subject = directory("mh", 2);
    for file in [".mh_sequences", "1", "2", ",3"] {
        let bytes = fixture(&format!("mh/Mail/box/{file}"));
        std::fs::write(subject.place.path.join(file), bytes).expect("written");
    }
    subject
}

fn news() -> Subject {
    let mut subject = subject("news", "dummy/empty", 3);
    let scene = crate::news::scene();
    subject.place = scene.place("comp.mail.misc");
    subject.driver = Box::new(NewsDriver::new(&scene.desk.environment));
    subject.desk = scene.desk;
    subject
}

/// All bytes of a mailbox, with the names of its files where it is a directory.
fn bytes_of(path: &std::path::Path) -> Vec<u8> {
    if path.is_file() {
        return std::fs::read(path).expect("readable");
    }
    let mut all: Vec<_> = std::fs::read_dir(path)
        .expect("a directory")
        .map(|entry| entry.expect("readable").path())
        .collect();
    all.sort();
    let each = all.iter().map(|path| {
        let name = path.as_os_str().as_encoded_bytes().to_vec();
        [name, bytes_of(path)].concat()
    });
    each.collect::<Vec<_>>().concat()
}

fn subject(name: &str, content: &str, messages: usize) -> Subject {
    let desk = Desk::new();
    let place = desk.place("box", &fixture(content));
    let mut drivers = local_drivers(&desk.environment).into_iter();
    let driver = drivers.find(|driver| driver.characteristics().driver == name);
    Subject {
        driver: driver.unwrap_or_else(|| panic!("no driver {name}")),
        desk,
        place,
        messages,
    }
}

#[test]
fn every_driver_of_the_table_is_held_to_the_laws() {
    let desk = Desk::new();
    let table = local_drivers(&desk.environment);
    let names: Vec<_> = table
        .iter()
        .map(|driver| driver.characteristics().driver)
        .collect();
    let here: Vec<_> = all()
        .iter()
        .map(|subject| subject.driver.characteristics().driver)
        .collect();
    assert_eq!(names, here);
}

#[test]
fn the_first_driver_that_claims_a_file_is_its_own() {
    for subject in all() {
        let drivers = local_drivers(&subject.desk.environment);
        let owner = drivers
            .iter()
            .find(|driver| driver.probe(&subject.place).expect("looked at") == Probe::Mine);
        let name = owner.map(|driver| driver.characteristics().driver);
        assert_eq!(name, Some(subject.driver.characteristics().driver));
    }
}

#[test]
fn opening_tells_the_state_and_then_ascending_arrivals() {
    for subject in all() {
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let (job, log) = job();
            let mailbox = subject
                .driver
                .open(&subject.place, access, &job)
                .expect("open");
            let changes = log.take();
            let name = subject.driver.characteristics().driver;
            let Some(Change::State(state)) = changes.first() else {
                panic!("{name} does not tell its state first");
            };
            assert_eq!(state.driver, name);
            let arrived: Vec<Uid> = changes
                .iter()
                .filter_map(|change| match change {
                    Change::Arrived(summaries) => Some(summaries),
                    _ => None,
                })
                .flatten()
                .map(|summary| summary.uid)
                .collect();
            assert_eq!(arrived.len(), subject.messages, "{name}");
            assert!(arrived.is_sorted() && arrived == mailbox.uids().iter().collect::<Vec<_>>());
            mailbox.close(&job).expect("closed");
        }
    }
}

#[test]
fn reading_changes_nothing_and_gives_the_size_that_was_told() {
    for subject in all() {
        let before = bytes_of(&subject.place.path);
        let mut opened = open(&*subject.driver, &subject.place, Access::ReadOnly).expect("open");
        for message in opened.list.messages().to_vec() {
            let whole = opened.read(message.uid.get(), Part::Whole);
            let mut parts = opened.read(message.uid.get(), Part::Header);
            parts.extend(opened.read(message.uid.get(), Part::Text));
            assert_eq!(whole, parts);
            assert_eq!(whole.len() as u64, message.rfc822_size);
        }
        let unknown = Uid::new(999).expect("not 0");
        let mut wanted: Vec<Uid> = opened.mailbox.uids().iter().collect();
        wanted.insert(0, unknown);
        wanted.push(unknown);
        let mut headers = Vec::new();
        opened
            .mailbox
            .headers(
                &wanted,
                &mut |uid, header| headers.push((uid, header.to_vec())),
                &opened.job.clone(),
            )
            .expect("readable");
        assert_eq!(headers.len(), wanted.len() - 2);
        for (uid, header) in headers {
            assert_eq!(header, opened.read(uid.get(), Part::Header));
        }
        let mut nowhere = Vec::new();
        let refused = opened
            .mailbox
            .read(unknown, Part::Whole, &mut nowhere, &opened.job.clone());
        assert!(matches!(refused, Err(Error::NoSuchMessage)));
        opened.poll().expect("polled");
        opened.close().expect("closed");
        let lock = subject.place.path.with_extension("lock");
        assert!(!lock.exists());
        assert!(bytes_of(&subject.place.path) == before);
    }
}

#[test]
fn a_read_only_mailbox_refuses_flags() {
    for subject in all().into_iter().filter(|subject| subject.messages > 0) {
        let mut opened = open(&*subject.driver, &subject.place, Access::ReadOnly).expect("open");
        let first = opened.uids().first().copied().expect("a message");
        let refused = opened.store(&[first], &add(SystemFlags::SEEN));
        assert!(matches!(refused, Err(Error::ReadOnly)));
    }
}

#[test]
fn status_agrees_with_opening() {
    for subject in all() {
        let (job, _log) = job();
        let status = subject
            .driver
            .status(&subject.place, &job)
            .expect("counted");
        let opened = open(&*subject.driver, &subject.place, Access::ReadOnly).expect("open");
        let has = |flag| {
            let messages = opened.list.messages().iter();
            messages.filter(|message| message.flags.has(flag)).count() as u32
        };
        assert_eq!(status.messages as usize, subject.messages);
        assert_eq!(status.recent, has(SystemFlags::RECENT));
        assert_eq!(status.messages - status.unseen, has(SystemFlags::SEEN));
        let state = opened.list.state().expect("told");
        assert_eq!(status.uid_next, state.uid_next);
    }
}

#[test]
fn a_cancelled_opening_ends_at_once_and_leaves_no_lock() {
    for subject in all().into_iter().filter(|subject| subject.messages > 0) {
        let (job, _log) = job();
        job.cancelled().cancel();
        let refused = subject.driver.open(&subject.place, Access::ReadWrite, &job);
        assert!(matches!(refused, Err(Error::Cancelled)));
        let opened = open(&*subject.driver, &subject.place, Access::ReadWrite).expect("open");
        opened.close().expect("closed");
    }
}

#[test]
fn a_missing_mailbox_is_told_as_such() {
    for subject in all() {
        if subject.place.is_inbox {
            continue;
        }
        let (job, _log) = job();
        let place = subject
            .desk
            .at(subject.desk.environment.home.join("nowhere"));
        assert_eq!(
            subject.driver.probe(&place).expect("looked at"),
            Probe::Missing
        );
        let refused = subject.driver.open(&place, Access::ReadOnly, &job);
        assert!(matches!(
            refused,
            Err(Error::NoSuchMailbox {
                can_create: true,
                ..
            })
        ));
    }
}

#[test]
fn what_is_created_can_be_renamed_and_deleted_but_nothing_is_overwritten() {
    for subject in all() {
        if subject.place.is_inbox || subject.driver.characteristics().driver == "news" {
            continue;
        }
        let (job, _log) = job();
        let home = &subject.desk.environment.home;
        let first = subject.desk.at(home.join("deep/er/first"));
        let second = subject.desk.at(home.join("other/second"));
        subject.driver.create(&first, &job).expect("created");
        let again = subject.driver.create(&first, &job);
        assert!(matches!(again, Err(Error::AlreadyExists(_))));
        let taken = subject.driver.rename(&first, &subject.place, &job);
        assert!(matches!(taken, Err(Error::AlreadyExists(_))));
        subject
            .driver
            .rename(&first, &second, &job)
            .expect("renamed");
        subject.driver.delete(&second, &job).expect("deleted");
        assert!(!first.path.exists() && !second.path.exists());
    }
}
