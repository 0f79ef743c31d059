//! Moves over real files: under two names of one file, and what a kill leaves of them.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use mugo::backend::error::Error;
use mugo::backend::move_record::{MoveRecord, Origin, Original};
use mugo::backend::request::{Ask, MailboxId, Request};
use mugo::driver::floor::Floor;
use mugo::driver::mark::Mark;
use mugo::driver::message::Content;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::uid::{Uid, UidSet};
use mugo::os::environment::Environment;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::face::{Face, Kind, named};

const FROM: &str = "From ann@example.org Mon Jan  5 10:00:00 2026\n";

/// A mailbox file with these messages.
fn deliver(face: &Face, name: &str, messages: &[&str]) {
    let text: String = messages
        .iter()
        .map(|message| format!("{FROM}{message}\n"))
        .collect();
    std::fs::write(face.path(name), text).expect("delivered");
}

fn open(face: &mut Face, id: u64, name: &str) -> MailboxId {
    let outcome = face.done(Request::Open {
        mailbox: MailboxId(id),
        name: named(name),
        access: Access::ReadWrite,
    });
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    MailboxId(id)
}

/// How often a text stands in a mailbox.
fn count(face: &Face, name: &str, text: &str) -> usize {
    let content = std::fs::read_to_string(face.path(name)).expect("a mailbox");
    content.matches(text).count()
}

/// The record that a program left which died while it moved `messages` (UIDs from 1).
fn leave_record(face: &Face, from: &str, to: &str, messages: &[&[u8]]) {
    leave_record_above(face, (from, to), messages, Floor::default());
}

/// The same, where the destination was like this before.
fn leave_record_above(face: &Face, (from, to): (&str, &str), messages: &[&[u8]], floor: Floor) {
    let mut dead: Environment = face.world.another(face.world.environment.files.clone());
    dead.process.start += 1;
    let originals = messages.iter().map(|bytes| {
        let mut content = Content::from_bytes(bytes).expect("in memory");
        let mark = Mark::of(&mut content).expect("in memory");
        let size = content.len();
        Original { size, mark }
    });
    let uids = (1..).filter_map(Uid::new);
    let record = MoveRecord {
        from: Origin::File(face.path(from)),
        to: named(to),
        floor,
        messages: uids.zip(originals).collect::<BTreeMap<_, _>>(),
    };
    record.write(&dead).expect("a record");
}

fn records(face: &Face) -> usize {
    let moves = face.world.environment.state.join("moves");
    std::fs::read_dir(moves).map_or(0, Iterator::count)
}

#[test]
fn originals_are_not_taken_for_copies_of_themselves() {
    for hard in [false, true] {
        let mut face = Face::new(Kind::Real);
        deliver(&face, "a", &["Subject: one\n\n1\n", "Subject: two\n\n2\n"]);
        if hard {
            std::fs::hard_link(face.path("a"), face.path("b")).expect("a link");
        } else {
            symlink("a", face.path("b")).expect("a link");
        }
        let moved: [&[u8]; 2] = [b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n"];
        leave_record(&face, "a", "b", &moved);
        open(&mut face, 1, "a");
        assert!(face.shutdown().is_empty());
        assert_eq!(count(&face, "a", "Subject: "), 2);
        assert_eq!(records(&face), 0);
    }
}

#[test]
fn a_mailbox_is_the_same_under_two_names() {
    let mut face = Face::new(Kind::Real);
    deliver(&face, "a", &["Subject: one\n\n1\n", "Subject: two\n\n2\n"]);
    symlink("a", face.path("b")).expect("a link");
    let transfer = Request::Transfer {
        from: named("a"),
        to: named("b"),
    };
    assert!(face.done(transfer).result.is_err());
    assert_eq!(count(&face, "a", "Subject: "), 2);
    let mailbox = open(&mut face, 1, "a");
    let moved = face.served(
        mailbox,
        Ask::Copy {
            uids: UidSet::all(),
            to: named("b"),
            create: false,
            remove: true,
        },
    );
    assert!(moved.result.is_ok(), "{:?}", moved.result);
    assert!(face.shutdown().is_empty());
    assert_eq!(count(&face, "a", "Subject: "), 2);
    assert_eq!(count(&face, "a", "Subject: one"), 1);
}

fn move_all(to: &str) -> Ask {
    Ask::Copy {
        uids: UidSet::all(),
        to: named(to),
        create: false,
        remove: true,
    }
}

/// Moves two messages while files fail like this; then the next program must find each of them once. Whether it failed.
fn move_with(fault: Fault, what: &str) -> bool {
    let layer = Faults::over(Arc::new(RealFiles), fault);
    let mut face = Face::with(Kind::Real, |environment| {
        environment.files = Arc::new(layer.clone());
        environment.process.start += 1;
    });
    deliver(&face, "a", &["Subject: one\n\n1\n", "Subject: two\n\n2\n"]);
    deliver(&face, "b", &["Subject: other\n\n3\n"]);
    let opened = face.done(Request::Open {
        mailbox: MailboxId(1),
        name: named("a"),
        access: Access::ReadWrite,
    });
    let mut most = 1;
    if opened.result.is_ok() {
        let moved = face.served(MailboxId(1), move_all("b"));
        let is_told = matches!(moved.result, Err(Error::NotRemoved(_)));
        // The dead tell nobody that both are there.
        most += usize::from(is_told && !matches!(fault, Fault::Death(_)));
    }
    let mut next = face.next_program();
    open(&mut next, 1, "a");
    open(&mut next, 2, "b");
    assert!(next.shutdown().is_empty());
    for text in ["Subject: one", "Subject: two"] {
        let copies = count(&next, "a", text) + count(&next, "b", text);
        assert!((1..=most).contains(&copies), "{what}: {copies} of {text}");
    }
    layer.hit()
}

#[test]
fn r10_a_move_on_a_disk_that_fails_is_all_or_nothing() {
    for op in [Op::Write, Op::Sync, Op::SetLen] {
        let fault = |at| Fault::Failure {
            op,
            at,
            errno: 28,
            lasting: true,
        };
        let mut all = 0..;
        assert!(all.any(|at| !move_with(fault(at), &format!("{op:?} {at}"))));
    }
}

#[test]
fn r10_a_move_killed_at_any_operation_is_all_or_nothing() {
    let mut all = 0..;
    assert!(all.any(|at| !move_with(Fault::Death(at), &format!("killed at {at}"))));
}

#[test]
fn r10_a_copy_is_known_though_appending_changed_it() {
    let bodies: [&[u8]; 4] = [
        b"Subject: one\n\nprose\nFrom here on\n",
        b"Subject: two\n\na\0b\n",
        b"Subject: three\nX-Mailer: x\n\n\n",
        b"Subject: four\n",
    ];
    let mut face = Face::new(Kind::Real);
    let mut text = Vec::new();
    for body in bodies {
        text.extend_from_slice(FROM.as_bytes());
        text.extend_from_slice(body);
        text.push(b'\n');
    }
    std::fs::write(face.path("a"), text).expect("delivered");
    let mailbox = open(&mut face, 1, "a");
    let mut sources = Vec::new();
    for uid in (1..5).filter_map(Uid::new) {
        sources.push(face.served(mailbox, Ask::Read(uid, Part::Whole)).bytes());
    }
    let copied = face.served(
        mailbox,
        Ask::Copy {
            uids: UidSet::all(),
            to: named("b"),
            create: true,
            remove: false,
        },
    );
    assert!(copied.result.is_ok(), "{:?}", copied.result);
    face.served(mailbox, Ask::Close);
    let sources: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
    leave_record(&face, "a", "b", &sources);
    open(&mut face, 2, "a");
    assert!(face.shutdown().is_empty());
    for subject in ["one", "two", "three", "four"] {
        assert_eq!(count(&face, "a", &format!("Subject: {subject}")), 0);
    }
    assert_eq!(records(&face), 0);
}

#[test]
fn r10_what_the_destination_had_before_is_no_copy() {
    let message = "Subject: one\n\n1\n";
    let moved: [&[u8]; 1] = [b"Subject: one\r\n\r\n1\r\n"];
    for messages in [1, 0] {
        let mut face = Face::new(Kind::Real);
        deliver(&face, "a", &[message]);
        // An older copy, which may go any time.
        deliver(&face, "b", &[message]);
        let floor = Floor {
            messages,
            ..Floor::default()
        };
        leave_record_above(&face, ("a", "b"), &moved, floor);
        open(&mut face, 1, "a");
        assert!(face.shutdown().is_empty());
        assert_eq!(count(&face, "a", "Subject: one"), messages as usize);
        assert_eq!(records(&face), 0);
    }
}

#[test]
fn r10_killed_while_the_destination_is_locked_nothing_is_removed() {
    // The record is there before the destination can be written; an older copy is no reason to remove the original.
    for at in 0.. {
        let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
        let mut face = Face::with(Kind::Real, |environment| {
            environment.files = Arc::new(layer.clone());
            environment.process.start += 1;
        });
        deliver(&face, "a", &["Subject: one\n\n1\n"]);
        deliver(&face, "b", &["Subject: one\n\n1\n", "Subject: two\n\n2\n"]);
        let opened = face.done(Request::Open {
            mailbox: MailboxId(1),
            name: named("a"),
            access: Access::ReadWrite,
        });
        if opened.result.is_ok() {
            face.served(MailboxId(1), move_all("b"));
        }
        let mut next = face.next_program();
        open(&mut next, 1, "a");
        open(&mut next, 2, "b");
        assert!(next.shutdown().is_empty());
        let copies = count(&next, "a", "Subject: one") + count(&next, "b", "Subject: one");
        assert_eq!(copies, 2, "killed at {at}");
        if !layer.hit() {
            break;
        }
    }
}
