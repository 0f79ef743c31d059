//! Slow faces, large mailboxes, and the end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mugo::backend::event::Event;
use mugo::backend::request::{Ask, MailboxId};
use mugo::backend::stream::EventStream;
use mugo::mail::change::Change;
use mugo::mail::flags::Flags;
use mugo::mail::message_list::MessageList;
use mugo::mail::structure::Part;
use mugo::mail::uid::Uid;

use crate::face::{Face, KINDS, Kind};

#[test]
fn a_slow_face_holds_up_the_reader() {
    let mut face = Face::new(Kind::Local);
    let path = face.path("box");
    let large = vec![b'x'; 64 << 20];
    face.store.deliver(&path, &large, Flags::default());
    let mailbox = face.opened("box", &[]);
    let read = face.on(mailbox, Ask::Read(Uid::FIRST, Part::Whole));
    std::thread::sleep(Duration::from_millis(300));
    let ahead = face.store.read.load(Ordering::SeqCst);
    assert!(
        ahead <= EventStream::CAPACITY + (1 << 20),
        "{ahead} bytes ahead"
    );
    let outcome = face.until(read);
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.bytes().len(), large.len());
}

#[test]
fn the_end_waits_for_nobody_who_waits_for_the_face() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let path = face.path("box");
        face.store
            .deliver(&path, &vec![b'x'; 32 << 20], Flags::default());
        let mailbox = face.opened("box", &["slow\r\n\r\n"]);
        face.on(mailbox, Ask::Read(Uid::FIRST, Part::Whole));
        std::thread::sleep(Duration::from_millis(100));
        let began = Instant::now();
        assert!(face.shutdown().is_empty(), "{kind:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "{kind:?}");
        assert_eq!(face.store.open.load(Ordering::SeqCst), 0, "{kind:?}");
    }
}

#[test]
fn the_end_cancels_what_runs() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &["slow\r\n\r\n"]);
        face.on(mailbox, Ask::Read(Uid::FIRST, Part::Whole));
        std::thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        assert!(face.shutdown().is_empty(), "{kind:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "{kind:?}");
        assert_eq!(face.store.open.load(Ordering::SeqCst), 0, "{kind:?}");
    }
}

#[test]
fn a_hundred_thousand_arrivals_cost_next_to_nothing() {
    const COUNT: usize = 100_000;
    for kind in KINDS {
        let mut face = Face::new(kind);
        let path = face.path("box");
        for _ in 0..COUNT {
            face.store.deliver(&path, b"", Flags::default());
        }
        let began = Instant::now();
        let ticket = face.open(MailboxId(1), "box");
        let outcome = face.until(ticket);
        let took = began.elapsed();
        let mut list = MessageList::new();
        let mut batches = 0;
        for event in &outcome.events {
            if let Event::Change(_, change) = event {
                list.apply(change);
                batches += usize::from(matches!(change, Change::Arrived(_)));
            }
        }
        assert_eq!((list.len(), batches), (COUNT, 200), "{kind:?}");
        assert!(took < Duration::from_secs(3), "{kind:?}: {took:?}");
    }
}
