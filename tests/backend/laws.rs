//! The laws of open mailboxes, for those served by threads and those served by tasks.

use std::time::{Duration, Instant};

use mugo::backend::error::Error;
use mugo::backend::event::Event;
use mugo::backend::request::{Ask, MailboxId};
use mugo::mail::change::Change;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::structure::Part;
use mugo::mail::uid::Uid;

use crate::face::{Face, KINDS, uids};

fn add(flags: SystemFlags) -> FlagChange {
    FlagChange::Add(Flags::system(flags))
}

#[test]
fn opening_is_state_then_arrivals_then_finished() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        face.store
            .fill(&face.path("box"), &["a\r\n\r\n", "b\r\n\r\n"]);
        let mailbox = MailboxId(1);
        let ticket = face.open(mailbox, "box");
        let outcome = face.until(ticket);
        assert!(outcome.result.is_ok(), "{kind:?}");
        let changes: Vec<&Change> = outcome
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Change(id, change) if *id == mailbox => Some(change),
                _ => None,
            })
            .collect();
        assert!(matches!(changes[0], Change::State(_)), "{kind:?}");
        assert!(matches!(changes[1], Change::Arrived(new) if new.len() == 2));
    }
}

#[test]
fn a_missing_mailbox_fails_and_nothing_stays_open() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let ticket = face.open(MailboxId(1), "nowhere");
        assert!(face.until(ticket).result.is_err(), "{kind:?}");
        let after = face.served(MailboxId(1), Ask::Check);
        assert!(matches!(after.result, Err(Error::NotOpen)));
        assert!(face.shutdown().is_empty());
    }
}

#[test]
fn flags_and_expunges_are_told_as_changes_before_the_end() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &["a\r\n\r\n", "b\r\n\r\n"]);
        let stored = face.served(mailbox, Ask::Store(uids(&[2]), add(SystemFlags::DELETED)));
        assert!(stored.result.is_ok());
        assert!(stored.pieces().next().is_none());
        let flagged = |event: &Event| {
            matches!(event, Event::Change(_, Change::Flags(flags))
                if flags.len() == 1 && flags[0].1.has(SystemFlags::DELETED))
        };
        assert!(stored.events.iter().any(flagged), "{kind:?}");
        let expunged = face.served(mailbox, Ask::Expunge(None));
        let gone = |event: &Event| matches!(event, Event::Change(_, Change::Expunged(gone)) if *gone == uids(&[2]));
        assert!(expunged.events.iter().any(gone), "{kind:?}");
        assert!(face.served(mailbox, Ask::Close).result.is_ok());
    }
}

#[test]
fn news_come_unasked() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        face.opened("box", &["a\r\n\r\n"]);
        let path = face.path("box");
        face.store.deliver(&path, b"new\r\n\r\n", Flags::default());
        face.until_event(|event| {
            matches!(event, Event::Change(_, Change::Arrived(new)) if new[0].uid.get() == 2)
        });
    }
}

#[test]
fn a_running_request_is_cancelled_and_the_mailbox_stays_usable() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &["slow\r\n\r\n", "b\r\n\r\n"]);
        let slow = face.on(mailbox, Ask::Read(Uid::FIRST, Part::Whole));
        std::thread::sleep(Duration::from_millis(50));
        face.backend().cancel(slow);
        assert!(
            matches!(face.until(slow).result, Err(Error::Cancelled)),
            "{kind:?}"
        );
        let next = face.served(
            mailbox,
            Ask::Read(uids(&[2]).last().expect("one"), Part::Whole),
        );
        assert_eq!(next.bytes(), b"b\r\n\r\n");
    }
}

#[test]
fn a_waiting_request_is_cancelled_at_once() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &["slow\r\n\r\n"]);
        let slow = face.on(mailbox, Ask::Read(Uid::FIRST, Part::Whole));
        std::thread::sleep(Duration::from_millis(50));
        let waiting = face.on(mailbox, Ask::Check);
        face.backend().cancel(waiting);
        let began = Instant::now();
        assert!(
            matches!(face.until(waiting).result, Err(Error::Cancelled)),
            "{kind:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(1));
        face.backend().cancel(waiting);
        face.backend().cancel(slow);
        assert!(matches!(face.until(slow).result, Err(Error::Cancelled)));
        assert!(face.is_quiet(), "{kind:?}");
    }
}

#[test]
fn closing_answers_everything_that_waits() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &["slow\r\n\r\n"]);
        let slow = face.on(mailbox, Ask::Read(Uid::FIRST, Part::Whole));
        let close = face.on(mailbox, Ask::Close);
        let late: Vec<_> = (0..5).map(|_| face.on(mailbox, Ask::Check)).collect();
        std::thread::sleep(Duration::from_millis(50));
        face.backend().cancel(slow);
        let results = face.until_all();
        assert!(results[&close].is_ok(), "{kind:?}");
        for ticket in late {
            assert!(matches!(results[&ticket], Err(Error::NotOpen)), "{kind:?}");
        }
        assert!(face.is_quiet());
        assert_eq!(face.store.open.load(std::sync::atomic::Ordering::SeqCst), 0);
    }
}

#[test]
fn a_lost_mailbox_says_why_and_others_go_on() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let lost = face.opened("lost", &["changed\r\n\r\n"]);
        let other = face.opened("other", &["b\r\n\r\n"]);
        let read = face.on(lost, Ask::Read(Uid::FIRST, Part::Whole));
        let waiting = face.on(lost, Ask::Check);
        let results = face.until_all();
        assert!(
            results[&read].is_err() && results[&waiting].is_err(),
            "{kind:?}"
        );
        assert!(face.served(other, Ask::Check).result.is_ok());
    }
}

#[test]
fn r17_a_panic_closes_its_mailbox_and_nothing_else() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let bad = face.opened("bad", &["panics\r\n\r\n"]);
        let other = face.opened("other", &["b\r\n\r\n"]);
        let read = face.served(bad, Ask::Read(Uid::FIRST, Part::Whole));
        let closed =
            |event: &Event| matches!(event, Event::Change(id, Change::Closed(_)) if *id == bad);
        assert!(read.events.iter().any(closed), "{kind:?}");
        let Err(Error::Panicked(why)) = read.result else {
            panic!("{kind:?}: not told as a panic");
        };
        assert!(why.raw().contains("told to panic"));
        assert!(face.served(other, Ask::Check).result.is_ok());
        assert!(face.shutdown().is_empty());
        assert_eq!(face.store.open.load(std::sync::atomic::Ordering::SeqCst), 0);
    }
}

#[test]
fn an_id_cannot_be_opened_twice() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &[]);
        let again = face.open(mailbox, "box");
        assert!(matches!(face.until(again).result, Err(Error::AlreadyOpen)));
        assert!(face.served(mailbox, Ask::Check).result.is_ok());
    }
}
