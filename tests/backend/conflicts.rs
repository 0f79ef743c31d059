//! A mailbox whose interrupted change does not fit it any more.

use std::sync::Arc;

use mugo::backend::event::{Event, Piece};
use mugo::backend::request::{Ask, MailboxId, Request, Submission};
use mugo::mail::change::Change;
use mugo::mail::status::Access;
use mugo::os::files::OpenMode;
use mugo::os::journal::error::JournalError;
use mugo::os::journal::plan::Plan;
use mugo::os::journal::redo::Journal;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::face::{Face, Kind, named};

const MAIL: &str = "From ann@example.org Mon Jan  5 10:00:00 2026\nSubject: one\n\n1\n\n";

/// Cuts a change of the mailbox off before its first byte, and lets another program change what it was made for.
fn tear(face: &Face, name: &str) {
    let fault = Fault::Failure {
        op: Op::Write,
        at: 1,
        errno: 5,
        lasting: true,
    };
    let layer = Faults::over(Arc::new(RealFiles), fault);
    let environment = face.world.another(Arc::new(layer));
    let path = face.path(name);
    let mut file = environment
        .files
        .open(&path, OpenMode::ReadWrite)
        .expect("the mailbox");
    let length = MAIL.len() as u64;
    let mut plan = Plan::new(length);
    plan.keep(0, 55);
    plan.put(b"two");
    plan.keep(58, length - 58);
    let changed = Journal::new(&environment).rewrite(&path, &mut *file, &plan, &mut |_, _| {});
    assert!(matches!(changed, Err(JournalError::Pending { .. })));
    std::fs::write(&path, MAIL.replace("one", "six")).expect("changed");
}

/// Opens for writing; what came of it, and why.
fn access(face: &mut Face, id: u64) -> (Access, bool) {
    let outcome = face.done(Request::Open {
        mailbox: MailboxId(id),
        name: named("box"),
        access: Access::ReadWrite,
    });
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    let state = outcome.events.iter().find_map(|event| match event {
        Event::Change(_, Change::State(state)) => {
            Some((state.access, state.why_read_only.is_some()))
        }
        _ => None,
    });
    face.served(MailboxId(id), Ask::Close);
    state.expect("a state")
}

fn append(face: &mut Face) -> bool {
    let submission = Submission {
        flags: Default::default(),
        internal_date: None,
        source: Box::new(&b"Subject: new\n\n"[..]),
    };
    let appended = face.done(Request::Append(named("box"), vec![submission]));
    appended.result.is_ok()
}

#[test]
fn r2_it_stays_read_only_until_the_user_has_decided() {
    for look_first in [false, true] {
        let mut face = Face::new(Kind::Real);
        std::fs::write(face.path("box"), MAIL).expect("delivered");
        tear(&face, "box");
        let torn = std::fs::read(face.path("box")).expect("the mailbox");
        if look_first {
            let status = face.done(Request::Status(named("box")));
            assert!(status.result.is_ok(), "{:?}", status.result);
        }
        for id in 1..4 {
            assert_eq!(access(&mut face, id), (Access::ReadOnly, true), "{id}");
            assert!(!append(&mut face));
        }
        assert_eq!(std::fs::read(face.path("box")).expect("the mailbox"), torn);
        let left = Journal::new(&face.world.environment).left_over();
        let [left] = &left.expect("the list")[..] else {
            panic!("one journal");
        };
        let named = left.journal.to_string_lossy().into_owned();
        let doctor = face.done(Request::Doctor);
        let tells = |piece: &Piece| matches!(piece, Piece::Finding(one) if one.detail.raw().contains(&named));
        assert!(doctor.pieces().any(tells));
        std::fs::remove_file(&left.journal).expect("decided");
        assert_eq!(access(&mut face, 9), (Access::ReadWrite, false));
        assert!(append(&mut face));
    }
}
