//! Which format a new folder gets: one key for each format there is.

use crate::backend::request::Request;
use crate::mail::name::MailboxName;
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Choice, Prompt, Purpose};
use crate::tui::state::state::State;
use crate::tui::update::names::named;
use crate::tui::update::transfer;

const HELP: &str = "Every format keeps messages, flags and dates; = in the folder list tells more of a folder's format. \
    unix is read by every mail program; mbx can be used by several programs at once.";

/// Asks for the format of the new folder `name`, which gets the messages of `from` where given.
pub fn ask(state: &mut State, name: MailboxName, from: Option<MailboxName>) {
    let is_directory = name.as_bytes().ends_with(b"/");
    let has_format = name != name.without_format();
    if is_directory || has_format || state.options.formats.len() < 2 {
        return make(state, name, from);
    }
    let choices: Vec<Choice> = keys(&state.options.formats)
        .into_iter()
        .map(|(key, label)| Choice {
            key,
            label,
            is_default: label == state.options.new_format,
        })
        .collect();
    let question = named(state, "Format of new folder ", &name, " ? ");
    let purpose = Purpose::Format { name, from };
    state.prompt = Some(Prompt::choice(question, purpose, &choices, HELP));
}

/// A key was chosen.
pub fn chosen(state: &mut State, name: &MailboxName, from: Option<MailboxName>, key: char) {
    let keys = keys(&state.options.formats);
    let format = keys
        .iter()
        .find(|entry| entry.0 == key)
        .map(|entry| entry.1);
    let Some(format) = format else {
        return;
    };
    match name.in_format(format) {
        Ok(name) => make(state, name, from),
        Err(error) => state.complain_own(format!("This is no folder name: {error}")),
    }
}

fn make(state: &mut State, name: MailboxName, from: Option<MailboxName>) {
    match from {
        Some(from) => transfer::begin(state, from, name),
        None => {
            let plain = name.without_format();
            state.ask(Request::Create(name), Job::Create(plain));
        }
    }
}

/// A key for each format: the first of its letters that is free, or a digit.
fn keys<'f>(formats: &[&'f str]) -> Vec<(char, &'f str)> {
    let mut taken: Vec<(char, &'f str)> = Vec::new();
    for &format in formats {
        let letters = format.chars().chain('1'..='9');
        let mut free = letters.filter(|letter| taken.iter().all(|entry| entry.0 != *letter));
        taken.extend(free.next().map(|key| (key, format)));
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn every_format_has_a_key_of_its_own() {
        let formats = ["mx", "mbx", "tenex", "mtx", "mmdf", "mm", "unix"];
        let letters: String = keys(&formats).iter().map(|entry| entry.0).collect();
        assert_eq!(letters, "mbtxd1u");
    }
}
