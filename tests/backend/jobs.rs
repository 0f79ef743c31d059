//! Requests that need no open mailbox.

use std::time::{Duration, Instant};

use mugo::backend::error::Error;
use mugo::backend::event::Piece;
use mugo::backend::request::{Ask, Request, Submission};
use mugo::mail::flags::{FlagChange, Flags};
use mugo::mail::uid::Uid;

use crate::face::{Face, Kind, named, uids};

fn one_message() -> Vec<Submission> {
    vec![Submission {
        flags: Flags::default(),
        internal_date: None,
        source: Box::new(&b"Subject: x\n\n"[..]),
    }]
}

#[test]
fn requests_for_one_mailbox_keep_their_order() {
    let mut face = Face::new(Kind::Local);
    for round in 0..5 {
        let name = format!("box{round}");
        let tickets = [
            face.ask(Request::Create(named(&name))),
            face.ask(Request::Append(named(&name), one_message())),
            face.open(mugo::backend::request::MailboxId(round), &name),
        ];
        let results = face.until_all();
        for ticket in tickets {
            assert!(
                results[&ticket].is_ok(),
                "{ticket:?} {:?}",
                results[&ticket]
            );
        }
    }
}

#[test]
fn counting_many_mailboxes_holds_up_nobody() {
    let mut face = Face::new(Kind::Local);
    face.store.fill(&face.path("slow-status"), &[]);
    face.store.fill(&face.path("box"), &["a\r\n\r\n"]);
    let slow = face.ask(Request::Status(named("slow-status")));
    let others: Vec<_> = (0..500)
        .map(|_| face.ask(Request::Status(named("box"))))
        .collect();
    let began = Instant::now();
    let append = face.done(Request::Append(named("other"), one_message()));
    assert!(append.result.is_err(), "it is not there yet");
    assert!(face.done(Request::Create(named("other"))).result.is_ok());
    assert!(began.elapsed() < Duration::from_secs(2));
    face.backend().cancel(slow);
    let results = face.until_all();
    assert!(matches!(results[&slow], Err(Error::Cancelled)));
    assert!(others.iter().all(|ticket| results[ticket].is_ok()));
}

#[test]
fn an_open_mailbox_is_neither_deleted_nor_renamed() {
    let mut face = Face::new(Kind::Local);
    let mailbox = face.opened("box", &["a\r\n\r\n"]);
    for request in [
        Request::Delete(named("box")),
        Request::Rename(named("box"), named("other")),
    ] {
        assert!(matches!(face.done(request).result, Err(Error::OpenHere(_))));
    }
    assert!(face.served(mailbox, Ask::Close).result.is_ok());
    let renamed = face.done(Request::Rename(named("box"), named("other")));
    assert!(renamed.result.is_ok());
    assert!(face.done(Request::Delete(named("other"))).result.is_ok());
    let status = face.done(Request::Status(named("other")));
    assert!(status.result.is_err());
}

#[test]
fn a_read_only_run_writes_nothing() {
    let mut face = Face::with(Kind::Local, |environment| environment.read_only = true);
    let mailbox = face.opened("box", &["a\r\n\r\n"]);
    let change = FlagChange::Add(Flags::default());
    let copy = Ask::Copy {
        uids: uids(&[1]),
        to: named("other"),
        create: true,
        remove: true,
    };
    for request in [
        Request::Create(named("other")),
        Request::Delete(named("box")),
        Request::Rename(named("box"), named("other")),
        Request::Subscribe(named("box"), true),
        Request::Append(named("box"), one_message()),
        Request::Transfer {
            from: named("box"),
            to: named("other"),
        },
        Request::On(mailbox, Ask::Store(uids(&[1]), change)),
        Request::On(mailbox, Ask::Expunge(None)),
        Request::On(mailbox, copy),
    ] {
        assert!(matches!(face.done(request).result, Err(Error::ReadOnlyRun)));
    }
    let view = Ask::View {
        uid: Uid::FIRST,
        width: 80,
        prefer_html: false,
        peek: false,
    };
    assert!(face.served(mailbox, view).result.is_ok());
    assert_eq!(face.store.texts(&face.path("box")).len(), 1);
    assert!(
        face.store.lock()[&face.path("box")].messages[0]
            .summary
            .flags
            == Flags::default()
    );
}

#[test]
fn the_doctor_looks_at_everything() {
    let mut face = Face::new(Kind::Local);
    std::fs::write(&face.world.environment.spool, "").expect("a spool");
    let outcome = face.done(Request::Doctor);
    assert!(outcome.result.is_ok());
    let checks: Vec<&str> = outcome
        .pieces()
        .filter_map(|piece| match piece {
            Piece::Finding(finding) => Some(finding.check),
            _ => None,
        })
        .collect();
    for check in [
        "mail home",
        "INBOX rule",
        "spool",
        "dot lock",
        "opener lock",
        "lock folder",
        "journals",
        "state",
        "subscriptions",
    ] {
        assert!(checks.contains(&check), "{check} is missing in {checks:?}");
    }
}
