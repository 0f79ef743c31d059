//! Mail from mailbox to mailbox.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mugo::backend::error::Error;
use mugo::backend::event::{Event, Piece};
use mugo::backend::request::{Ask, Request, Submission};
use mugo::mail::change::Change;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{Flags, Keyword, SystemFlags};
use mugo::mail::uid::UidSet;

use crate::face::{Face, KINDS, Kind, named, uids};

const MAIL: [&str; 3] = ["one\r\n\r\n1", "two\r\n\r\n2", "three\r\n\r\n3"];

fn copy(to: &str, numbers: &[u32], create: bool, remove: bool) -> Ask {
    Ask::Copy {
        uids: uids(numbers),
        to: named(to),
        create,
        remove,
    }
}

#[test]
fn a_copy_keeps_flags_keywords_and_dates() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let work = Keyword::new("work").expect("a keyword");
        let flags = Flags::new(
            SystemFlags::FLAGGED | SystemFlags::DELETED | SystemFlags::RECENT,
            vec![work],
        );
        let (from, to) = (face.path("from"), face.path("to"));
        face.store.deliver(&from, b"one\r\n\r\n", flags.clone());
        let mailbox = face.opened("from", &["two\r\n\r\n"]);
        face.store.fill(&to, &[]);
        let copied = face.served(mailbox, copy("to", &[1, 2], false, false));
        assert!(copied.result.is_ok(), "{kind:?}");
        let Some(Piece::Copied(sources, appended)) = copied.pieces().next() else {
            panic!("not told what was copied");
        };
        assert_eq!((sources, appended.count), (&uids(&[1, 2]), 2));
        let boxes = face.store.lock();
        let (old, new) = (&boxes[&from].messages[0], &boxes[&to].messages[0]);
        assert_eq!(new.summary.flags.keywords(), flags.keywords());
        assert_eq!(
            new.summary.flags.system,
            SystemFlags::FLAGGED | SystemFlags::DELETED
        );
        assert_eq!(new.summary.internal_date, old.summary.internal_date);
        assert_eq!(new.bytes, old.bytes);
    }
}

#[test]
fn a_move_removes_exactly_what_was_copied() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("from", &MAIL);
        let from = face.path("from");
        if let Some(third) = face.store.lock().get_mut(&from) {
            third.messages[2].summary.flags = Flags::system(SystemFlags::DELETED);
        }
        let moved = face.served(mailbox, copy("new", &[1, 2], true, true));
        assert!(moved.result.is_ok(), "{kind:?}");
        let gone = |event: &Event| matches!(event, Event::Change(_, Change::Expunged(gone)) if *gone == uids(&[1, 2]));
        assert!(moved.events.iter().any(gone));
        assert_eq!(face.store.texts(&from), [MAIL[2]]);
        assert_eq!(face.store.texts(&face.path("new")), MAIL[..2]);
    }
}

#[test]
fn a_mailbox_can_be_copied_into_itself() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let many: Vec<String> = (0..40).map(|number| format!("m{number}\r\n\r\n")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mailbox = face.opened("box", &many);
        let all = Ask::Copy {
            uids: UidSet::all(),
            to: named("box"),
            create: false,
            remove: false,
        };
        assert!(face.served(mailbox, all).result.is_ok(), "{kind:?}");
        assert_eq!(face.store.texts(&face.path("box")).len(), 80);
        face.until_event(
            |event| matches!(event, Event::Change(_, Change::Arrived(new)) if new.len() == 40),
        );
    }
}

#[test]
fn a_cancelled_or_failed_copy_leaves_nothing() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("from", &["one\r\n\r\n", "slow\r\n\r\n"]);
        face.store.fill(&face.path("to"), &[]);
        for (to, create) in [("to", false), ("new", true)] {
            let ticket = face.on(mailbox, copy(to, &[1, 2], create, true));
            std::thread::sleep(Duration::from_millis(100));
            face.backend().cancel(ticket);
            assert!(
                matches!(face.until(ticket).result, Err(Error::Cancelled)),
                "{kind:?}"
            );
        }
        assert!(face.store.texts(&face.path("to")).is_empty());
        assert!(!face.store.lock().contains_key(&face.path("new")));
        assert_eq!(face.store.texts(&face.path("from")).len(), 2);
        let missing = face.served(mailbox, copy("nowhere", &[1], false, true));
        assert!(missing.result.is_err());
        assert_eq!(face.store.texts(&face.path("from")).len(), 2);
    }
}

/// A program whose process is known to be dead, as seen by the next one.
fn doomed() -> Face {
    Face::with(Kind::Local, |environment| environment.process.start += 1)
}

#[test]
fn r10_a_move_cut_off_before_the_removal_is_finished_at_the_next_opening() {
    let mut face = doomed();
    let mailbox = face.opened("from", &MAIL);
    face.store.fill(&face.path("to"), &["other\r\n\r\n"]);
    face.store.dies_at_removal.store(true, Ordering::SeqCst);
    let moved = face.served(mailbox, copy("to", &[1, 2], false, true));
    assert!(matches!(moved.result, Err(Error::Panicked(_))));
    assert_eq!(face.store.texts(&face.path("from")), MAIL);
    let mut next = face.next_program();
    let mailbox = next.opened("from", &[]);
    assert_eq!(next.store.texts(&next.path("from")), [MAIL[2]]);
    assert_eq!(
        next.store.texts(&next.path("to")),
        ["other\r\n\r\n", MAIL[0], MAIL[1]]
    );
    let moves = next.world.environment.state.join("moves");
    assert_eq!(std::fs::read_dir(moves).expect("a folder").count(), 0);
    assert!(next.served(mailbox, Ask::Check).result.is_ok());
}

#[test]
fn r10_a_move_cut_off_before_the_copy_leaves_the_originals() {
    let mut face = doomed();
    let mailbox = face.opened("from", &MAIL);
    // One of the two is there already: half a copy is no copy.
    face.store.fill(&face.path("to"), &[MAIL[0]]);
    face.store.dies_at_append.store(true, Ordering::SeqCst);
    let moved = face.served(mailbox, copy("to", &[1, 2], false, true));
    assert!(matches!(moved.result, Err(Error::Panicked(_))));
    let mut next = face.next_program();
    next.opened("from", &[]);
    assert_eq!(next.store.texts(&next.path("from")), MAIL);
    assert_eq!(next.store.texts(&next.path("to")), [MAIL[0]]);
    let moves = next.world.environment.state.join("moves");
    assert_eq!(std::fs::read_dir(moves).expect("a folder").count(), 0);
}

#[test]
fn a_move_that_is_over_leaves_no_record() {
    let mut face = Face::new(Kind::Local);
    let mailbox = face.opened("from", &MAIL);
    for (to, done) in [("nowhere", false), ("new", true)] {
        let moved = face.served(mailbox, copy(to, &[1], done, true));
        assert_eq!(moved.result.is_ok(), done);
        let moves = face.world.environment.state.join("moves");
        assert_eq!(std::fs::read_dir(moves).map_or(0, Iterator::count), 0);
    }
}

#[test]
fn transfer_makes_the_destination_and_takes_everything() {
    let mut face = Face::new(Kind::Local);
    face.store.fill(&face.path("from"), &MAIL);
    let transfer = Request::Transfer {
        from: named("from"),
        to: named("#driver.unix/to"),
    };
    let outcome = face.done(transfer);
    assert!(outcome.result.is_ok());
    assert!(matches!(outcome.pieces().next(), Some(Piece::Appended(all)) if all.count == 3));
    assert_eq!(face.store.texts(&face.path("to")), MAIL);
    let into_itself = Request::Transfer {
        from: named("from"),
        to: named("from"),
    };
    assert!(face.done(into_itself).result.is_err());
    assert_eq!(face.store.texts(&face.path("from")), MAIL);
}

fn submission(bytes: &'static [u8]) -> Submission {
    Submission {
        flags: Flags::default(),
        internal_date: Some(InternalDate {
            seconds: 7,
            offset: 0,
        }),
        source: Box::new(bytes),
    }
}

#[test]
fn append_is_all_or_nothing_and_seen_at_once() {
    let mut face = Face::with(Kind::Local, |environment| {
        environment.poll_interval = Duration::from_secs(3600);
    });
    face.opened("box", &[]);
    let path = face.path("box");
    let good_and_empty = vec![submission(b"a\n\nb"), submission(b"")];
    let refused = face.done(Request::Append(named("box"), good_and_empty));
    assert!(matches!(refused.result, Err(Error::EmptyMessage)));
    assert!(face.store.texts(&path).is_empty());
    let ticket = face.ask(Request::Append(named("box"), vec![submission(b"a\n\nb")]));
    let arrived = |event: &Event| matches!(event, Event::Change(_, Change::Arrived(_)));
    face.until_event(arrived);
    assert_eq!(face.store.texts(&path), ["a\r\n\r\nb"]);
    assert_eq!(
        face.store.lock()[&path].messages[0]
            .summary
            .internal_date
            .seconds,
        7
    );
    let results = face.until_all();
    assert!(results.get(&ticket).is_none_or(Result::is_ok));
}
