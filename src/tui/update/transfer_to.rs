//! Where a whole folder is to be copied: the questions before a transfer.

use crate::mail::name::MailboxName;
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Prompt, Purpose, Topic};
use crate::tui::state::state::State;
use crate::tui::update::formats;
use crate::tui::update::names::{named as phrase_of, typed_name};

const HELP: &str = "Type the name of a new folder, or of one that is there. It gets a copy of every message, with flags, \
    keywords and dates; the folder itself stays as it is.";
const ADD_HELP: &str = "Yes adds all messages to what is in that folder. No changes nothing.";

/// Asks where the messages of the folder under the cursor go.
pub fn ask(state: &mut State) {
    let Some(entry) = state.folders.current().cloned() else {
        return;
    };
    let Some(name) = entry.folder().cloned() else {
        return state.say_own("A directory holds no messages of its own; choose a folder in it");
    };
    if state.is_busy_with(|job| matches!(job, Job::Transfer(..))) {
        return state.complain_own("One transfer is under way; ^C stops it");
    }
    let question = phrase_of(state, "Transfer ", &name, " to : ");
    let purpose = Purpose::Transfer(name);
    state.prompt = Some(Prompt::text(question, purpose, Topic::Folder, HELP));
}

/// The target was named: asks for its format, or whether to add to it where it exists.
pub fn named(state: &mut State, from: MailboxName, typed: &str) {
    let Some(to) = typed_name(state, typed) else {
        return;
    };
    let plain = to.without_format();
    if from == plain {
        return state.complain_own("A folder cannot be transferred to itself");
    }
    let there = state.folders.entries.iter();
    let exists = there.clone().any(|entry| entry.folder() == Some(&plain));
    if exists {
        let question = phrase_of(state, "Add to existing folder ", &plain, "?");
        let purpose = Purpose::AddTo(from, to);
        state.prompt = Some(Prompt::yes_no(question, purpose, Answer::No, ADD_HELP));
        return;
    }
    formats::ask(state, to, Some(from));
}
