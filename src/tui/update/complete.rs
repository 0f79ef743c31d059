//! Completing the name of a folder: the directory that was typed so far is listed, and what all that fits has in common
//! is added.

use crate::backend::request::Request;
use crate::mail::listing::{Attribute, ListEntry};
use crate::tui::effect::Effect;
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Kind, TextPrompt};
use crate::tui::state::state::State;
use crate::tui::update::names::is_inside;

/// Asks what could complete the text that was typed.
pub fn ask(state: &mut State) {
    let Some(typed) = text_prompt(state) else {
        return;
    };
    let begun = typed.edit.text().to_owned();
    let prefix = match is_inside(&begun) {
        true => state.options.default_prefix().to_owned(),
        false => String::new(),
    };
    let directory = begun.rfind('/').map_or("", |at| &begun[..=at]);
    let request = Request::List {
        reference: format!("{prefix}{directory}").into_bytes(),
        pattern: b"%".to_vec(),
        subscribed: false,
        containing: None,
    };
    let names = Vec::new();
    let job = Job::Complete {
        begun,
        prefix,
        names,
    };
    state.ask(request, job);
}

/// A piece of the list has come: keeps the names as they would be typed.
pub fn found(prefix: &str, names: &mut Vec<String>, entries: &[ListEntry]) {
    for entry in entries {
        let whole = String::from_utf8_lossy(entry.name.as_bytes()).into_owned();
        let mut name = whole.strip_prefix(prefix).unwrap_or(&whole).to_owned();
        if entry.attributes.contains(&Attribute::NoSelect) && !name.ends_with('/') {
            name.push('/');
        }
        names.push(name);
    }
}

/// The list is complete: adds what is common, unless something else was typed meanwhile.
pub fn complete(state: &mut State, begun: &str, names: &[String]) {
    let Some(typed) = text_prompt(state).filter(|typed| typed.edit.text() == begun) else {
        return;
    };
    let common = common(begun, names.iter().map(String::as_str).chain(["INBOX"]));
    match common.filter(|common| common.len() > begun.len()) {
        Some(common) => typed.edit.replace(common),
        None => state.outbox.push(Effect::Beep),
    }
}

/// The longest start of all names that begin with `begun`.
fn common<'a>(begun: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let fitting = names.filter(|name| name.starts_with(begun) && *name != begun);
    fitting.map(str::to_owned).reduce(|one, other| {
        let same = one.chars().zip(other.chars());
        let same = same.take_while(|(a, b)| a == b);
        same.map(|(letter, _)| letter).collect()
    })
}

fn text_prompt(state: &mut State) -> Option<&mut TextPrompt> {
    match &mut state.prompt.as_mut()?.kind {
        Kind::Text(typed) => Some(typed),
        Kind::Choice(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_is_added_and_no_more() {
        let names = ["club", "clubs/", "cabin", "INBOX"];
        let common = |begun| common(begun, names.into_iter());
        assert_eq!(common("cl").as_deref(), Some("club"));
        assert_eq!(common("club").as_deref(), Some("clubs/"));
        assert_eq!(common("I").as_deref(), Some("INBOX"));
        assert_eq!(common("").as_deref(), Some(""));
        assert_eq!(common("x"), None);
    }
}
