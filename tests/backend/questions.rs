//! The laws of questions: withdrawn when needless, answered once, never in the way of an end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mugo::backend::error::Error;
use mugo::backend::event::Event;
use mugo::backend::request::{Ask, MailboxId, Ticket};
use mugo::driver::error::Error as DriverError;
use mugo::mail::question::{Answer, Question, Reply};
use mugo::mail::structure::Part;
use mugo::mail::uid::Uid;

use crate::face::{Face, KINDS};

/// Asks for the message that makes the mailbox ask.
fn begin(face: &mut Face, mailbox: MailboxId) -> (Ticket, Question) {
    let uid = Uid::new(1).expect("not 0");
    let ticket = face.on(mailbox, Ask::Read(uid, Part::Whole));
    (ticket, question(face, ticket))
}

fn question(face: &mut Face, ticket: Ticket) -> Question {
    let asked =
        face.until_event(|event| matches!(event, Event::Question(asking, _) if *asking == ticket));
    match asked {
        Event::Question(_, question) => question,
        other => panic!("{other:?}"),
    }
}

fn answer(face: &mut Face, ticket: Ticket, question: &Question, reply: Reply) {
    let number = question.number;
    face.backend().answer(ticket, Answer { number, reply });
}

const ASKS: &[&str] = &["asks\r\n\r\nbody\r\n"];

#[test]
fn work_goes_on_by_itself_and_the_question_is_withdrawn() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", ASKS);
        let (ticket, first) = begin(&mut face, mailbox);
        let again = question(&mut face, ticket);
        assert_eq!(again.number, first.number, "new facts of the same question");
        assert_ne!(again.about, first.about);
        face.store.free.store(true, Ordering::SeqCst);
        face.until_event(|event| matches!(event, Event::Withdrawn(asking, number) if (*asking, *number) == (ticket, first.number)));
        let outcome = face.until(ticket);
        assert!(outcome.result.is_ok(), "{kind:?}");
        assert_eq!(outcome.bytes(), ASKS[0].as_bytes());
        // Too late: nobody hears it.
        answer(&mut face, ticket, &first, Reply::ReadOnly);
        assert!(face.served(mailbox, Ask::Check).result.is_ok());
        assert!(face.shutdown().is_empty());
    }
}

#[test]
fn an_answer_is_heard_and_waiting_is_none_that_ends_the_question() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", ASKS);
        let (ticket, asked) = begin(&mut face, mailbox);
        answer(&mut face, ticket, &asked, Reply::Wait);
        let again = question(&mut face, ticket);
        assert_eq!(again.number, asked.number);
        let mut other = asked.clone();
        other.number.0 += 1;
        answer(&mut face, ticket, &other, Reply::ReadOnly);
        question(&mut face, ticket);
        answer(&mut face, ticket, &asked, Reply::ReadOnly);
        let result = face.until(ticket).result;
        let read_only = matches!(result, Err(Error::Driver(DriverError::ReadOnly)));
        assert!(read_only, "{kind:?}: {result:?}");
        // The next question of the mailbox is another one.
        let (next, asked) = begin(&mut face, mailbox);
        answer(&mut face, next, &asked, Reply::Cancel);
        assert!(matches!(face.until(next).result, Err(Error::Cancelled)));
    }
}

#[test]
fn cancelling_ends_the_wait_soon_and_once() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", ASKS);
        let (ticket, asked) = begin(&mut face, mailbox);
        let begin = Instant::now();
        face.backend().cancel(ticket);
        answer(&mut face, ticket, &asked, Reply::ReadOnly);
        let result = face.until(ticket).result;
        let ended = matches!(
            result,
            Err(Error::Cancelled | Error::Driver(DriverError::ReadOnly))
        );
        assert!(ended, "{kind:?}: {result:?}");
        assert!(begin.elapsed() < Duration::from_millis(100), "{kind:?}");
        assert!(face.is_quiet());
    }
}

#[test]
fn two_ask_at_once_and_each_gets_its_own_answer() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let (one, two) = (face.opened("one", ASKS), face.opened("two", ASKS));
        let (first, about_first) = begin(&mut face, one);
        let (second, about_second) = begin(&mut face, two);
        answer(&mut face, second, &about_second, Reply::ReadOnly);
        assert!(face.until(second).result.is_err(), "{kind:?}");
        question(&mut face, first);
        answer(&mut face, first, &about_first, Reply::Cancel);
        assert!(matches!(face.until(first).result, Err(Error::Cancelled)));
    }
}

#[test]
fn closing_waits_its_turn_and_the_end_of_the_backend_for_no_answer() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", ASKS);
        let (ticket, asked) = begin(&mut face, mailbox);
        let closing = face.on(mailbox, Ask::Close);
        answer(&mut face, ticket, &asked, Reply::Cancel);
        assert!(matches!(face.until(ticket).result, Err(Error::Cancelled)));
        assert!(face.until(closing).result.is_ok(), "{kind:?}");

        let mailbox = face.opened("box", &[]);
        begin(&mut face, mailbox);
        let begin = Instant::now();
        assert!(face.shutdown().is_empty());
        assert!(begin.elapsed() < Duration::from_secs(1), "{kind:?}");
        assert_eq!(face.store.open.load(Ordering::SeqCst), 0, "{kind:?}");
    }
}

#[test]
fn a_face_that_is_gone_hangs_nobody() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", ASKS);
        begin(&mut face, mailbox);
        drop(face.backend.take());
        let begin = Instant::now();
        while face.store.open.load(Ordering::SeqCst) > 0 {
            assert!(begin.elapsed() < Duration::from_secs(2), "{kind:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
