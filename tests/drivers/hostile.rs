//! What senders write and other programs do: nothing of it hides a message, takes a UID away or is written over.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::unix::Unix;
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;

use crate::desk::{Desk, Queue, add, fixture, job, message, open};

const FROM: &str = "From a@b Mon Mar  2 09:00:00 2026\n";

#[test]
fn only_the_pseudo_message_itself_is_hidden() {
    let subject = "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";
    let daemon = FROM.replace("a@b", "MAILER-DAEMON");
    for (from, subject, text) in [
        (
            FROM,
            subject,
            "This text is part of the internal format of your mail folder",
        ),
        (
            &daemon,
            "Subject: hello",
            "This text is part of the internal format of your mail folder",
        ),
        (&daemon, subject, "buy this"),
    ] {
        let desk = Desk::new();
        let driver = Unix::new(&desk.environment);
        let mail = format!("{from}{subject}\nX-IMAP: 1 1\n\n{text}\n\n");
        let place = desk.place("box", mail.as_bytes());
        for _ in 0..2 {
            let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
            assert_eq!(opened.list.len(), 1, "{mail}");
            let uid = opened.uids()[0];
            assert_eq!(
                opened.read(uid, Part::Text),
                format!("{text}\r\n").as_bytes()
            );
            opened.close().expect("closed");
        }
    }
}

#[test]
fn uids_cannot_be_used_up_by_a_sender() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let mut mail = fixture("unix/two");
    mail.extend(format!("{FROM}X-UID: 4294967295\nSubject: x\n\nx\n\n").bytes());
    mail.extend(format!("{FROM}X-UID: 99999999999\nSubject: y\n\ny\n\n").bytes());
    let place = desk.place("box", &mail);
    let opened = open(&driver, &place, Access::ReadWrite).expect("open");
    assert_eq!(opened.uids(), [1, 2, 3, 4]);
    opened.close().expect("closed");
}

#[test]
fn a_header_cut_off_by_the_end_opens_and_stays_writable() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let mail = format!("{FROM}Subject: s\n\nbody\n\n{FROM}Subject: cut off");
    let place = desk.place("box", mail.as_bytes());
    for flag in [
        SystemFlags::SEEN,
        SystemFlags::FLAGGED,
        SystemFlags::ANSWERED,
    ] {
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1, 2]);
        opened.store(&[2], &add(flag)).expect("stored");
        opened.close().expect("closed");
    }
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: new\r\n\r\nx\r\n")]);
    driver.append(&place, &mut queue, &job).expect("appended");
    let opened = open(&driver, &place, Access::ReadOnly).expect("open");
    assert_eq!(opened.uids(), [1, 2, 3]);
    assert!(
        opened.list.messages()[1]
            .flags
            .has(SystemFlags::SEEN | SystemFlags::ANSWERED)
    );
}

#[test]
fn a_mailbox_without_uids_is_not_written_for_their_sake() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let mail = format!("{FROM}Subject: s\nStatus: RO\n\nbody\n\n");
    let place = desk.place("box", mail.as_bytes());
    let opened = open(&driver, &place, Access::ReadWrite).expect("open");
    opened.close().expect("closed");
    assert_eq!(std::fs::read(&place.path).expect("there"), mail.as_bytes());
}

#[test]
fn a_session_that_may_not_write_leaves_no_trace() {
    let desk = Desk::new();
    let mut environment = desk.world.another(Arc::clone(&desk.environment.files));
    environment.read_only = true;
    let driver = Unix::new(&Arc::new(environment));
    let place = desk.place("box", &fixture("unix/input/delivered"));
    let before = std::fs::metadata(&place.path).expect("there");
    let opened = open(&driver, &place, Access::ReadWrite).expect("open");
    let state = opened.list.state().expect("told");
    assert!(state.access == Access::ReadOnly && state.why_read_only.is_some());
    opened.close().expect("closed");
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: x\n\ny\n")]);
    let refused = driver.append(&place, &mut queue, &job);
    assert!(matches!(refused, Err(Error::ReadOnly)));
    assert!(matches!(driver.delete(&place, &job), Err(Error::ReadOnly)));
    let after = std::fs::metadata(&place.path).expect("there");
    assert_eq!(
        before.modified().expect("a time"),
        after.modified().expect("a time")
    );
    for folder in [&desk.environment.home, &desk.environment.lock_dir] {
        let names: Vec<_> = std::fs::read_dir(folder).expect("a folder").collect();
        assert!(names.len() <= 1, "{names:?}");
    }
}

#[test]
fn the_kiss_of_death_is_heeded() {
    let desk = Desk::new();
    let other = Arc::new(desk.world.another(Arc::clone(&desk.environment.files)));
    let place = desk.place("box", &fixture("unix/two"));
    let mut first = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    first
        .store(&[1], &add(SystemFlags::FLAGGED))
        .expect("stored");
    desk.environment.kisses.fetch_add(1, Ordering::Relaxed);
    first.poll().expect("polled");
    assert_eq!(first.list.state().expect("told").access, Access::ReadOnly);
    let second = open(&Unix::new(&other), &place, Access::ReadWrite).expect("open");
    assert_eq!(second.list.state().expect("told").access, Access::ReadWrite);
    assert!(second.list.messages()[0].flags.has(SystemFlags::FLAGGED));
}

#[test]
fn a_file_that_was_replaced_or_shortened_is_followed_and_flags_are_kept() {
    let two = fixture("unix/two");
    let without_second = {
        let text = String::from_utf8_lossy(&two).into_owned();
        let end = text.find("From alice@mail.example.org Tue").expect("there");
        two[..end].to_vec()
    };
    for replaced in [true, false] {
        let desk = Desk::new();
        let driver = Unix::new(&desk.environment);
        let place = desk.place("box", &two);
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        opened
            .store(&[1], &add(SystemFlags::FLAGGED))
            .expect("stored");
        if replaced {
            let new = desk.place("new", &without_second);
            std::fs::rename(&new.path, &place.path).expect("replaced");
        } else {
            std::fs::write(&place.path, &without_second).expect("shortened");
        }
        opened.check().expect("followed");
        assert_eq!(opened.uids(), [1]);
        opened.close().expect("closed");
        let again = open(&driver, &place, Access::ReadOnly).expect("open");
        assert!(
            again.list.messages()[0].flags.has(SystemFlags::FLAGGED),
            "{replaced}"
        );
    }
}

#[test]
fn a_mailbox_that_became_something_else_is_lost_and_not_written() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let place = desk.place("box", &fixture("unix/two"));
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1], &add(SystemFlags::FLAGGED))
        .expect("stored");
    std::fs::write(&place.path, b"not mail at all, but some other text\n").expect("written");
    assert!(matches!(opened.poll(), Err(Error::Changed(_))));
    assert!(opened.close().is_err());
    let after = std::fs::read(&place.path).expect("there");
    assert_eq!(after, b"not mail at all, but some other text\n");
}

#[test]
fn no_message_keeps_the_flags_of_the_others_from_being_saved() {
    for header in [
        "a\r".repeat(1_500_000) + "\n",
        "Status: R\na\n".repeat(250_000),
    ] {
        let desk = Desk::new();
        let driver = Unix::new(&desk.environment);
        let odd = format!("{FROM}Subject: odd\n{header}\nodd\n\n");
        let place = desk.place(
            "box",
            (odd + &format!("{FROM}Subject: s\n\nx\n\n")).as_bytes(),
        );
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        let whole = opened.read(1, Part::Whole);
        opened
            .store(&[1, 2], &add(SystemFlags::FLAGGED))
            .expect("stored");
        opened.check().expect("saved");
        opened.close().expect("closed");
        let mut again = open(&driver, &place, Access::ReadWrite).expect("open");
        let flagged = |at: usize| again.list.messages()[at].flags.has(SystemFlags::FLAGGED);
        assert!(flagged(0) && flagged(1));
        assert_eq!(again.read(1, Part::Whole), whole);
    }
}

#[test]
fn a_half_delivered_message_leaves_what_is_known_as_it_was() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let mut mail = fixture("unix/two");
    let place = desk.place("box", &mail);
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    let text = opened.read(2, Part::Whole);
    // The last message grows: it is another one now, so the whole file is read again.
    mail.extend(b"one line more\n\n");
    std::fs::write(&place.path, &mail).expect("written");
    opened.poll().expect("polled");
    let uids = opened.uids();
    let longer = opened.read(*uids.last().expect("there"), Part::Whole);
    assert!(longer.len() > text.len() && uids.len() == 2);
}

#[test]
fn messages_of_one_second_and_one_size_are_told_apart() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let first = format!("{FROM}Subject: job 1\n\nx\n\n");
    let second = first.replace("job 1", "job 2");
    let place = desk.place("box", format!("{first}{second}").as_bytes());
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1], &add(SystemFlags::DELETED))
        .expect("stored");
    std::fs::write(&place.path, &second).expect("the first one removed");
    opened.poll().expect("polled");
    assert_eq!(opened.uids(), [2]);
    assert!(!opened.list.messages()[0].flags.has(SystemFlags::DELETED));
    opened.expunge(None).expect("nothing to do");
    assert_eq!(opened.uids(), [2]);
}
