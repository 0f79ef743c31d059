//! Keys while a question is open.

use crossterm::event::KeyCode;

use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::state::prompt::{Choice, Kind, TextPrompt, Topic};
use crate::tui::state::state::State;
use crate::tui::update::{answers, browser, complete, help, select, whereis};

/// What a key comes to.
enum Outcome {
    Stays,
    Help,
    Cancel,
    Text(String),
    Choice(char),
    Special(char),
    Recall(isize),
    Complete,
    Select,
    Browse,
    Unknown,
}

/// Takes a key for the open question.
pub fn key(state: &mut State, key: Key) {
    let Some(prompt) = &mut state.prompt else {
        return;
    };
    let outcome = match &mut prompt.kind {
        Kind::Text(typed) => text_key(typed, key),
        Kind::Choice(choices) => choice_key(choices, key),
    };
    // a key is an answer to what one sees: what was held back is shown from now on
    state.status.clear();
    match outcome {
        Outcome::Stays => whereis::typing(state),
        Outcome::Help if prompt.help_shown => help::show_for_question(state),
        Outcome::Help => prompt.help_shown = true,
        Outcome::Select => select::begin(state),
        Outcome::Browse => browser::begin(state),
        Outcome::Recall(step) => recall(state, step),
        Outcome::Complete => complete::ask(state),
        Outcome::Unknown => state.outbox.push(Effect::Beep),
        Outcome::Special(letter) => {
            let purpose = prompt.purpose.clone();
            answers::special(state, &purpose, letter);
        }
        Outcome::Cancel => {
            if let Some(prompt) = state.prompt.take() {
                answers::cancelled(state, &prompt.purpose);
            }
        }
        Outcome::Choice(letter) => {
            if let Some(prompt) = state.prompt.take() {
                answers::choice(state, prompt.purpose, letter);
            }
        }
        Outcome::Text(text) => accept(state, &text),
    }
}

/// Takes pasted text for the open question; control characters are left out.
pub fn paste(state: &mut State, text: &str) {
    if let Some(prompt) = &mut state.prompt
        && let Kind::Text(typed) = &mut prompt.kind
    {
        typed.edit.insert(text);
    }
    whereis::typing(state);
}

fn accept(state: &mut State, text: &str) {
    let Some(prompt) = state.prompt.take() else {
        return;
    };
    let Kind::Text(typed) = &prompt.kind else {
        return;
    };
    if text.trim().is_empty() {
        answers::cancelled(state, &prompt.purpose);
        return;
    }
    state.remember(typed.topic, text);
    answers::text(state, prompt.purpose, text);
}

fn text_key(typed: &mut TextPrompt, key: Key) -> Outcome {
    match (key.control(), key.code()) {
        (Some('c'), _) | (_, Some(KeyCode::Esc)) => return Outcome::Cancel,
        (Some('g'), _) => return Outcome::Help,
        (Some(letter), _) if typed.extra.iter().any(|extra| extra.0 == letter) => {
            return Outcome::Special(letter);
        }
        (_, Some(KeyCode::Enter)) | (Some('m' | 'j'), _) => {
            let text = typed.edit.text();
            let default = typed.default.clone().filter(|_| text.is_empty());
            return Outcome::Text(default.unwrap_or_else(|| text.to_owned()));
        }
        (_, Some(KeyCode::Tab)) if typed.topic == Topic::Folder => return Outcome::Complete,
        (Some('t'), _) if typed.topic == Topic::Folder => return Outcome::Select,
        (Some('t'), _) if typed.topic == Topic::File => return Outcome::Browse,
        (_, Some(KeyCode::Up)) => return Outcome::Recall(1),
        (_, Some(KeyCode::Down)) => return Outcome::Recall(-1),
        _ => {}
    }
    if typed.edit.key(key) {
        Outcome::Stays
    } else {
        Outcome::Unknown
    }
}

fn choice_key(choices: &[Choice], key: Key) -> Outcome {
    // ^T is a choice where one is offered under it
    let letter = match key.control() {
        Some('t') => Some('\u{14}'),
        Some(_) => None,
        None => key.character().map(|letter| letter.to_ascii_lowercase()),
    };
    if let Some(letter) = letter
        && choices.iter().any(|choice| choice.key == letter)
    {
        return Outcome::Choice(letter);
    }
    match (key.control(), key.code()) {
        (_, Some(KeyCode::Enter)) | (Some('m' | 'j'), _) => {
            let default = choices.iter().find(|choice| choice.is_default);
            default.map_or(Outcome::Unknown, |choice| Outcome::Choice(choice.key))
        }
        (Some('g'), _) | (_, Some(KeyCode::Char('?'))) => Outcome::Help,
        (Some('c'), _) | (_, Some(KeyCode::Esc)) => Outcome::Cancel,
        _ => Outcome::Unknown,
    }
}

fn recall(state: &mut State, step: isize) {
    let Some(prompt) = &state.prompt else {
        return;
    };
    let Kind::Text(typed) = &prompt.kind else {
        return;
    };
    let back = typed.recalled.saturating_add_signed(step);
    let answer = match back {
        0 => Some(String::new()),
        back => state.recall(typed.topic, back).map(str::to_owned),
    };
    if let Some(answer) = answer
        && let Some(prompt) = &mut state.prompt
        && let Kind::Text(typed) = &mut prompt.kind
    {
        typed.recalled = back;
        typed.edit.replace(answer);
    }
    whereis::typing(state);
}
