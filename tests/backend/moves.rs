//! Moves over real files: under two names of one file, and what a kill leaves of them.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use mugo::backend::error::Error;
use mugo::backend::move_record::{Mark, MoveRecord};
use mugo::backend::request::{Ask, MailboxId, Request};
use mugo::mail::status::Access;
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
    let mut dead: Environment = face.world.another(face.world.environment.files.clone());
    dead.process.start += 1;
    let marks = messages.iter().map(|bytes| Mark::of(bytes));
    let uids = (1..).filter_map(Uid::new);
    let record = MoveRecord {
        from: face.path(from),
        to: named(to),
        messages: uids.zip(marks).collect::<BTreeMap<_, _>>(),
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

#[test]
fn r10_a_move_on_a_disk_that_fails_is_all_or_nothing() {
    for op in [Op::Write, Op::Sync, Op::SetLen] {
        for at in 0.. {
            let fault = Fault::Failure {
                op,
                at,
                errno: 28,
                lasting: true,
            };
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
                // The user was told that both are there.
                most += usize::from(matches!(moved.result, Err(Error::NotRemoved(_))));
            }
            let mut next = face.next_program();
            open(&mut next, 1, "a");
            open(&mut next, 2, "b");
            assert!(next.shutdown().is_empty());
            for text in ["Subject: one", "Subject: two"] {
                let copies = count(&next, "a", text) + count(&next, "b", text);
                assert!(
                    (1..=most).contains(&copies),
                    "{op:?} {at}: {copies} of {text}"
                );
            }
            if !layer.hit() {
                break;
            }
        }
    }
}
