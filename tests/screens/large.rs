//! A million messages: no key walks through them, and only what is near the screen is asked for.

use std::time::Instant;

use mugo::backend::error::Error;
use mugo::backend::event::Event;
use mugo::backend::request::{Ask, Request};
use mugo::mail::change::Change;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{Flags, SystemFlags};
use mugo::mail::summary::Summary;
use mugo::mail::uid::Uid;
use mugo::tui::effect::Effect;
use mugo::tui::key::Key;
use mugo::tui::keymap::Keymap;
use mugo::tui::msg::Msg;
use mugo::tui::options::Options;
use mugo::tui::state::state::State;
use mugo::tui::update::update::{start, update};

const MESSAGES: u32 = 1_000_000;

/// A state with an open mailbox of this many messages, all read.
fn state(messages: u32) -> State {
    let options = Options::default();
    let keymap = Keymap::load(&options.keymap).expect("a keymap");
    let mut state = State::new(options, keymap);
    update(&mut state, Msg::Resize(100, 30));
    let effects = start(&mut state);
    let open = effects.iter().find_map(|effect| match effect {
        Effect::Ask(ticket, Request::Open { mailbox, .. }) => Some((*ticket, *mailbox)),
        _ => None,
    });
    let (ticket, mailbox) = open.expect("it opens");
    for first in (1..=messages).step_by(500) {
        let last = messages.min(first + 499);
        let summaries = (first..=last).map(|number| Summary {
            uid: Uid::new(number).expect("not 0"),
            flags: Flags::system(SystemFlags::SEEN),
            internal_date: InternalDate::EPOCH,
            rfc822_size: 1000,
        });
        let change = Change::Arrived(summaries.collect());
        update(&mut state, Msg::Event(Event::Change(mailbox, change)));
    }
    update(&mut state, Msg::Event(Event::Finished(ticket, Ok(()))));
    types(&mut state, "i");
    state
}

#[test]
fn quitting_does_not_wait_for_a_mailbox_that_is_still_opening() {
    let options = Options::default();
    let keymap = Keymap::load(&options.keymap).expect("a keymap");
    let mut state = State::new(options, keymap);
    start(&mut state);
    update(&mut state, Msg::Key(Key::parse("q").expect("a key")));
    let effects = update(&mut state, Msg::Key(Key::parse("y").expect("a key")));
    let mut tickets = effects.iter().filter_map(|effect| match effect {
        Effect::Cancel(ticket) | Effect::Ask(ticket, Request::On(_, Ask::Close)) => Some(*ticket),
        _ => None,
    });
    let (open, close) = (
        tickets.next().expect("cancelled"),
        tickets.next().expect("closed"),
    );
    for (ticket, error) in [(open, Error::Cancelled), (close, Error::NotOpen)] {
        update(&mut state, Msg::Event(Event::Finished(ticket, Err(error))));
    }
    assert!(state.over && state.farewell.is_empty());
}

/// Types keys; gives the UIDs whose envelopes were asked for.
fn types(state: &mut State, names: &str) -> Vec<Uid> {
    let mut asked = Vec::new();
    for name in names.split_whitespace() {
        let mut effects = update(state, Msg::Key(Key::parse(name).expect("a key")));
        while let Some(effect) = effects.pop() {
            if let Effect::Ask(ticket, request) = effect {
                if let Request::On(_, Ask::Envelopes(uids)) = request {
                    asked.extend(uids.iter());
                }
                let finished = Msg::Event(Event::Finished(ticket, Ok(())));
                effects.extend(update(state, finished));
            }
        }
    }
    asked
}

#[test]
fn only_what_is_near_the_screen_is_asked_for() {
    let mut state = state(MESSAGES);
    let asked = types(&mut state, "home");
    assert!(asked.iter().all(|uid| uid.get() <= 60), "{asked:?}");
    let asked = types(&mut state, "5 0 0 0 0 0 enter");
    assert!(!asked.is_empty());
    assert!(
        asked
            .iter()
            .all(|uid| (499_900..500_100).contains(&uid.get())),
        "{asked:?}"
    );
}

#[test]
fn keys_cost_the_same_however_many_messages_there_are() {
    let keys = "n n n p space - n n p p space n d u end home";
    let time = |messages: u32| {
        let mut state = state(messages);
        types(&mut state, "1 0 0 enter");
        let begun = Instant::now();
        for _ in 0..20 {
            types(&mut state, keys);
        }
        begun.elapsed()
    };
    let few = time(1000);
    let many = time(MESSAGES);
    assert!(
        many < few * 5 + std::time::Duration::from_millis(200),
        "{few:?} {many:?}"
    );
}
