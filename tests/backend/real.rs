//! The backend over the drivers that Mugo has, on real files.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use mugo::backend::event::{Event, Piece};
use mugo::backend::request::{Ask, MailboxId, Request, Submission};
use mugo::mail::change::Change;
use mugo::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::uid::{Uid, UidSet};
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults};
use crate::face::{Face, Kind, named, uids};

fn message(number: usize) -> String {
    format!("From: Ann <ann@example.org>\nSubject: number {number}\n\nbody {number}\n")
}

/// A new mailbox of this name with so many messages, the second one flagged.
fn filled(face: &mut Face, name: &str, count: usize) {
    assert!(face.done(Request::Create(named(name))).result.is_ok());
    let submissions = (1..=count)
        .map(|number| Submission {
            flags: match number {
                2 => Flags::new(
                    SystemFlags::FLAGGED,
                    vec![Keyword::new("work").expect("one")],
                ),
                _ => Flags::default(),
            },
            internal_date: None,
            source: Box::new(std::io::Cursor::new(message(number).into_bytes())),
        })
        .collect();
    let appended = face.done(Request::Append(named(name), submissions));
    assert!(appended.result.is_ok(), "{:?}", appended.result);
}

fn open(face: &mut Face, id: u64, name: &str) -> (MailboxId, usize) {
    let mailbox = MailboxId(id);
    let outcome = face.done(Request::Open {
        mailbox,
        name: named(name),
        access: Access::ReadWrite,
    });
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    let arrived = outcome.events.iter().map(|event| match event {
        Event::Change(_, Change::Arrived(new)) => new.len(),
        _ => 0,
    });
    (mailbox, arrived.sum())
}

fn copy(to: &str, which: UidSet, remove: bool) -> Ask {
    Ask::Copy {
        uids: which,
        to: named(to),
        create: true,
        remove,
    }
}

#[test]
fn a_day_with_a_unix_mailbox() {
    let mut face = Face::new(Kind::Real);
    filled(&mut face, "box", 3);
    let (mailbox, count) = open(&mut face, 1, "box");
    assert_eq!(count, 3);
    let raw = face.served(mailbox, Ask::Read(Uid::FIRST, Part::Whole));
    assert_eq!(raw.bytes(), message(1).replace('\n', "\r\n").as_bytes());
    let view = Ask::View {
        uid: Uid::FIRST,
        width: 80,
        prefer_html: false,
        peek: false,
    };
    let viewed = face.served(mailbox, view);
    assert!(
        viewed
            .pieces()
            .any(|piece| matches!(piece, Piece::View(..)))
    );
    let deleted = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    assert!(
        face.served(mailbox, Ask::Store(uids(&[3]), deleted))
            .result
            .is_ok()
    );
    assert!(face.served(mailbox, Ask::Expunge(None)).result.is_ok());
    assert!(face.served(mailbox, Ask::Check).result.is_ok());
    assert!(face.served(mailbox, Ask::Close).result.is_ok());
    let status = face.done(Request::Status(named("box")));
    let Some(Piece::Status(status)) = status.pieces().next() else {
        panic!("no status");
    };
    assert_eq!((status.messages, status.unseen), (2, 1));
}

#[test]
fn copies_between_unix_mailboxes() {
    let mut face = Face::new(Kind::Real);
    filled(&mut face, "from", 3);
    let (from, _) = open(&mut face, 1, "from");
    let copied = face.served(from, copy("to", UidSet::all(), false));
    assert!(copied.result.is_ok(), "{:?}", copied.result);
    let (to, count) = open(&mut face, 2, "to");
    assert_eq!(count, 3);
    let criteria = mugo::mail::criteria::Criteria::parse("FLAGGED").expect("criteria");
    assert_eq!(face.served(to, Ask::Search(criteria)).found(), [2]);
    // Into a mailbox that is open here: it hears of it at once.
    let moved = face.served(from, copy("to", uids(&[1]), true));
    assert!(moved.result.is_ok(), "{:?}", moved.result);
    let arrived = |event: &Event| matches!(event, Event::Change(id, Change::Arrived(new)) if *id == to && new.len() == 1);
    if !moved.events.iter().any(arrived) {
        face.until_event(arrived);
    }
    // Into itself.
    let doubled = face.served(from, copy("from", UidSet::all(), false));
    assert!(doubled.result.is_ok(), "{:?}", doubled.result);
    face.served(from, Ask::Check);
    assert_eq!(face.served(from, Ask::Sort(by_arrival())).found().len(), 4);
    // And onward, crosswise, at the same time.
    let here = face.on(from, copy("to", UidSet::all(), false));
    let there = face.on(to, copy("from", UidSet::all(), false));
    let results = face.until_all();
    assert!(results[&here].is_ok(), "{:?}", results[&here]);
    assert!(results[&there].is_ok(), "{:?}", results[&there]);
    assert!(face.shutdown().is_empty());
}

fn by_arrival() -> mugo::mail::order::Order {
    mugo::mail::order::Order {
        key: mugo::mail::order::SortKey::Arrival,
        reverse: false,
    }
}

#[test]
fn an_empty_inbox_becomes_a_mailbox_with_its_first_mail() {
    let mut face = Face::new(Kind::Real);
    let (inbox, count) = open(&mut face, 1, "INBOX");
    assert_eq!(count, 0);
    let mut spool = std::fs::File::create(&face.world.environment.spool).expect("a spool");
    spool
        .write_all(b"From ann Mon Jan  5 10:00:00 2026\nSubject: first\n\nhello\n\n")
        .expect("delivered");
    face.until_event(|event| matches!(event, Event::Change(_, Change::Reset)));
    let state = face.until_event(|event| matches!(event, Event::Change(_, Change::State(_))));
    let Event::Change(_, Change::State(state)) = state else {
        panic!("a state");
    };
    assert_eq!(state.driver, "unix");
    face.until_event(|event| {
        matches!(event, Event::Change(id, Change::Arrived(new)) if *id == inbox && new.len() == 1)
    });
    assert!(face.served(inbox, Ask::Close).result.is_ok());
}

#[test]
fn the_end_writes_pending_flags() {
    let mut face = Face::with(Kind::Real, |environment| {
        environment.poll_interval = Duration::from_secs(3600);
    });
    filled(&mut face, "box", 2);
    let (mailbox, _) = open(&mut face, 1, "box");
    let flagged = FlagChange::Add(Flags::system(SystemFlags::FLAGGED));
    assert!(
        face.served(mailbox, Ask::Store(uids(&[1]), flagged))
            .result
            .is_ok()
    );
    assert!(face.shutdown().is_empty());
    let text = std::fs::read_to_string(face.path("box")).expect("readable");
    assert_eq!(text.matches("\nX-Status: F").count(), 2, "{text}");
}

#[test]
fn a_mailbox_that_is_replaced_by_something_else_is_closed_with_the_reason() {
    let mut face = Face::new(Kind::Real);
    filled(&mut face, "box", 2);
    let (mailbox, _) = open(&mut face, 1, "box");
    std::fs::write(
        face.path("box"),
        "no mailbox at all, and longer than it was before\n".repeat(40),
    )
    .expect("written");
    let closed = face.until_event(|event| matches!(event, Event::Change(_, Change::Closed(_))));
    assert!(matches!(closed, Event::Change(id, _) if id == mailbox));
    assert!(face.is_quiet());
}

#[test]
fn a_lock_of_somebody_else_holds_up_no_reader() {
    let mut face = Face::with(Kind::Real, |environment| {
        environment.lock_patience = Duration::from_secs(300);
    });
    filled(&mut face, "box", 2);
    let (mailbox, _) = open(&mut face, 1, "box");
    let lock = face.path("box.lock");
    std::fs::write(&lock, "").expect("a lock");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(face.path("box"))
        .expect("the mailbox");
    file.write_all(b"From ann Mon Jan  5 10:00:00 2026\nSubject: late\n\nhello\n\n")
        .expect("delivered");
    std::thread::sleep(Duration::from_millis(100));
    let began = std::time::Instant::now();
    let read = face.served(mailbox, Ask::Envelopes(uids(&[1])));
    assert!(read.result.is_ok(), "{:?}", read.result);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    let told = |event: &Event| matches!(event, Event::Notice(..));
    if !read.events.iter().any(told) {
        face.until_event(told);
    }
    std::fs::remove_file(&lock).expect("unlocked");
    face.until_event(
        |event| matches!(event, Event::Change(_, Change::Arrived(new)) if new.len() == 1),
    );
}

#[test]
fn a_network_file_system_is_told_once_and_by_the_doctor() {
    let mut face = Face::with(Kind::Real, |environment| {
        let files = Faults::over(Arc::new(RealFiles), Fault::None).on_a_network();
        environment.files = Arc::new(files);
    });
    filled(&mut face, "one", 1);
    filled(&mut face, "two", 1);
    let mut cautions = 0;
    for (id, name) in [(1, "one"), (2, "two")] {
        let outcome = face.done(Request::Open {
            mailbox: MailboxId(id),
            name: named(name),
            access: Access::ReadWrite,
        });
        let told = outcome.events.iter().filter(|event| {
            matches!(event, Event::Notice(Some(_), text) if text.raw().contains("network file system"))
        });
        cautions += told.count();
    }
    assert_eq!(cautions, 1);
    let examined = face.done(Request::Doctor);
    let told = |piece: &Piece| {
        matches!(piece, Piece::Finding(finding) if finding.check == "file system"
            && finding.detail.raw().contains("local.nfs_writes"))
    };
    assert!(examined.pieces().any(told));
    let mut local = Face::new(Kind::Real);
    assert!(!local.done(Request::Doctor).pieces().any(told));
}
