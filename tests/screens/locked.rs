//! The question of a lock that is waited for: it asks with one key, stays out of the way of others, goes by itself.

use std::time::Duration;

use mugo::backend::event::Event;
use mugo::backend::request::Ticket;
use mugo::mail::question::{About, Answer, LockHeld, Question, QuestionNumber, Reply};
use mugo::mail::text::Foreign;
use mugo::tui::effect::Effect;
use mugo::tui::key::Key;
use mugo::tui::msg::Msg;
use mugo::tui::state::job::Job;
use mugo::tui::update::update::update;

use crate::bench::{Bench, bench, mail};

const TICKET: Ticket = Ticket(9999);
const NUMBER: QuestionNumber = QuestionNumber(1);

/// A bench on which a folder is being opened, and asks.
fn asking(width: u16, height: u16) -> Bench {
    let mut bench = bench(width, height, &mail());
    bench.state.jobs.insert(TICKET, Job::Open);
    bench.send(question(4, true));
    bench
}

fn question(seconds: u64, may_read: bool) -> Msg {
    let held = LockHeld {
        mailbox: Foreign::new("INBOX"),
        by: Foreign::new("pine\u{1b}[31m (pid 123)"),
        since: Duration::from_secs(seconds),
        left: Duration::from_secs(300 - seconds),
        may_read,
    };
    let question = Question {
        number: NUMBER,
        about: About::Locked(held),
    };
    Msg::Event(Event::Question(TICKET, question))
}

/// What a key leads to.
fn key(bench: &mut Bench, name: &str) -> Vec<Effect> {
    let key = Key::parse(name).expect("a key");
    update(&mut bench.state, Msg::Key(key))
}

#[test]
fn the_question_and_the_wait_as_they_look() {
    for (width, height) in [(80, 24), (40, 12)] {
        let mut bench = asking(width, height);
        insta::assert_snapshot!(format!("locked-{width}x{height}"), bench.screen());
        key(&mut bench, "w");
        bench.send(question(14, true));
        insta::assert_snapshot!(format!("waiting-{width}x{height}"), bench.screen());
    }
}

#[test]
fn each_key_is_an_answer() {
    for (name, reply) in [
        ("w", Reply::Wait),
        ("enter", Reply::Wait),
        ("r", Reply::ReadOnly),
    ] {
        let mut bench = asking(80, 24);
        let effects = key(&mut bench, name);
        let answer = Answer {
            number: NUMBER,
            reply,
        };
        let answered =
            |effect: &Effect| matches!(effect, Effect::Answer(TICKET, given) if *given == answer);
        assert!(effects.iter().any(answered), "{name}");
        assert!(bench.state.prompt.is_none(), "{name}");
        // While it waits all keys are free again, and ^C still gives up.
        key(&mut bench, "l");
        bench.send(question(5, true));
        assert!(bench.state.prompt.is_none(), "{name}");
        let effects = key(&mut bench, "ctrl-c");
        let cancelled = |effect: &Effect| matches!(effect, Effect::Cancel(TICKET));
        assert!(effects.iter().any(cancelled), "{name}");
    }
    let mut bench = asking(80, 24);
    let effects = key(&mut bench, "ctrl-c");
    assert!(matches!(effects[..], [Effect::Cancel(TICKET)]));
    assert!(bench.state.prompt.is_none() && bench.state.questions.is_empty());
}

#[test]
fn new_facts_are_shown_and_the_question_goes_when_the_lock_is_free() {
    let mut bench = asking(80, 24);
    bench.send(question(9, true));
    assert!(
        bench.screen().contains("(pid 123) for 9 s"),
        "{}",
        bench.screen()
    );
    bench.send(Msg::Event(Event::Withdrawn(TICKET, NUMBER)));
    assert!(bench.state.prompt.is_none() && bench.state.questions.is_empty());
    assert!(!bench.screen().contains("is locked"), "{}", bench.screen());
    let mut bench = asking(80, 24);
    bench.send(Msg::Event(Event::Finished(TICKET, Ok(()))));
    assert!(bench.state.prompt.is_none() && bench.state.questions.is_empty());
}

#[test]
fn it_takes_no_key_from_another_question() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i");
    key(&mut bench, "g");
    bench.state.jobs.insert(TICKET, Job::Open);
    bench.send(question(4, true));
    for name in ["r", "w"] {
        assert!(key(&mut bench, name).is_empty());
    }
    assert!(bench.screen().contains(": rw"), "{}", bench.screen());
    key(&mut bench, "ctrl-c");
    assert!(
        bench.screen().contains("is locked by"),
        "{}",
        bench.screen()
    );
}

#[test]
fn where_nothing_can_be_chosen_nothing_is_asked() {
    let mut bench = bench(80, 24, &mail());
    bench.state.jobs.insert(TICKET, Job::Check);
    bench.send(question(4, false));
    assert!(bench.state.prompt.is_none());
    let screen = bench.screen();
    assert!(
        screen.contains("for 4 s - waiting; ^C gives up]"),
        "{screen}"
    );
    let effects = key(&mut bench, "ctrl-c");
    assert!(matches!(effects[..], [Effect::Cancel(TICKET)]));
}
