//! Questions of the backend: a lock that is waited for asks with one key, and goes away by itself once it is free.

use crate::backend::request::Ticket;
use crate::mail::question::{About, Answer, Question, QuestionNumber, Reply};
use crate::mail::secret::Secret;
use crate::mail::text::Printable;
use crate::tui::effect::Effect;
use crate::tui::state::asking::Asking;
use crate::tui::state::prompt::{Choice, Prompt, Purpose, Topic};
use crate::tui::state::state::State;

const HELP: &str = "Wait goes on as soon as the folder is free. Read-only shows what is in it now, and changes nothing. \
    ^C gives up.";

const PASSWORD_HELP: &str =
    "The password is kept in memory until Mugo ends, and written nowhere. ^C gives up.";
const CERTIFICATE_HELP: &str = "Ask whoever runs the server for the SHA-256 fingerprint of its certificate. Trust remembers this \
    certificate for this host; another one is asked about again. No gives up, and no password was sent.";

/// A question came, or new facts of one that is open.
pub fn asked(state: &mut State, ticket: Ticket, question: Question) {
    if !state.jobs.contains_key(&ticket) {
        return;
    }
    let open = state
        .questions
        .iter_mut()
        .find(|open| open.is(ticket, question.number));
    match open {
        Some(open) => open.question = question,
        None => {
            let asking = Asking {
                ticket,
                question,
                waits: false,
            };
            let waits = !asking.has_a_choice();
            state.questions.push(Asking { waits, ..asking });
        }
    }
}

/// A question needs no answer any more.
pub fn withdrawn(state: &mut State, ticket: Ticket, number: QuestionNumber) {
    state.questions.retain(|open| !open.is(ticket, number));
}

/// A request is over, and all its questions.
pub fn over(state: &mut State, ticket: Ticket) {
    state.questions.retain(|open| open.ticket != ticket);
}

/// A password was typed.
pub fn typed(state: &mut State, ticket: Ticket, number: QuestionNumber, text: &str) {
    let reply = Reply::Password(Secret::new(text.to_owned()));
    reply_to(state, ticket, number, reply);
}

/// A certificate was judged.
pub fn judged(state: &mut State, ticket: Ticket, number: QuestionNumber, key: char) {
    match key {
        't' => reply_to(state, ticket, number, Reply::Trust),
        _ => cancelled(state, ticket),
    }
}

fn reply_to(state: &mut State, ticket: Ticket, number: QuestionNumber, reply: Reply) {
    withdrawn(state, ticket, number);
    let answer = Answer { number, reply };
    state.outbox.push(Effect::Answer(ticket, answer));
}

/// A key was chosen.
pub fn answered(state: &mut State, ticket: Ticket, number: QuestionNumber, key: char) {
    let reply = match key {
        'r' => Reply::ReadOnly,
        _ => Reply::Wait,
    };
    if let Some(open) = state
        .questions
        .iter_mut()
        .find(|open| open.is(ticket, number))
    {
        open.waits = true;
        let answer = Answer { number, reply };
        state.outbox.push(Effect::Answer(ticket, answer));
    }
}

/// The question was answered with `^C`.
pub fn cancelled(state: &mut State, ticket: Ticket) {
    over(state, ticket);
    state.outbox.push(Effect::Cancel(ticket));
}

/// Takes the prompt of a question that is over away, tells new facts in it, or asks what was not asked yet.
pub fn settle(state: &mut State) {
    let shown = state
        .prompt
        .as_ref()
        .and_then(|prompt| match prompt.purpose {
            Purpose::Locked(ticket, number)
            | Purpose::Password(ticket, number)
            | Purpose::Certificate(ticket, number) => Some((ticket, number)),
            _ => None,
        });
    let Some((ticket, number)) = shown else {
        return ask(state);
    };
    let open = state.questions.iter().find(|open| open.is(ticket, number));
    match (open.map(text), &mut state.prompt) {
        (Some(text), Some(prompt)) => prompt.question = text,
        _ => {
            state.prompt = None;
            ask(state);
        }
    }
}

fn ask(state: &mut State) {
    if state.prompt.is_some() || state.waiting.is_some() {
        return;
    }
    if let Some(open) = state.questions.iter().find(|open| !open.waits) {
        let (ticket, number) = (open.ticket, open.question.number);
        let question = text(open);
        state.prompt = Some(match &open.question.about {
            About::Locked(_) => {
                Prompt::choice(question, Purpose::Locked(ticket, number), &CHOICES, HELP)
            }
            About::Password(_) => Prompt::text(
                question,
                Purpose::Password(ticket, number),
                Topic::Password,
                PASSWORD_HELP,
            ),
            About::Certificate(_) => Prompt::choice(
                question,
                Purpose::Certificate(ticket, number),
                &TRUST,
                CERTIFICATE_HELP,
            ),
        });
    }
}

fn text(open: &Asking) -> Printable {
    let asks = match &open.question.about {
        About::Locked(_) => ". Wait?",
        About::Password(_) => "",
        About::Certificate(_) => ". Trust it?",
    };
    Printable::concat(&[open.words(), Printable::own(asks)])
}

const TRUST: [Choice; 2] = [
    Choice {
        key: 'n',
        label: "No",
        is_default: true,
    },
    Choice {
        key: 't',
        label: "Trust it",
        is_default: false,
    },
];

const CHOICES: [Choice; 2] = [
    Choice {
        key: 'w',
        label: "Wait",
        is_default: true,
    },
    Choice {
        key: 'r',
        label: "Read-only",
        is_default: false,
    },
];
