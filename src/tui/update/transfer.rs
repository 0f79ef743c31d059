//! Copying a whole folder to another one, and the receipt for it.

use crate::backend::error::{Error, Result};
use crate::backend::request::Request;
use crate::mail::name::MailboxName;
use crate::mail::receipt::Receipt;
use crate::mail::text::Printable;
use crate::present::receipt::receipt_lines;
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Prompt, Purpose, Topic};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::names::{named as phrase_of, typed_name};
use crate::tui::update::{formats, listing};

const HELP: &str = "Type the name of a new folder, or of one that is there. It gets a copy of every message, with flags, \
    keywords and dates; the folder itself stays as it is.";
const ADD_HELP: &str = "Yes adds all messages to what is in that folder. No changes nothing.";

/// Asks where the messages of the folder under the cursor go.
pub fn ask(state: &mut State) {
    let Some(entry) = state.folders.current().cloned() else {
        return;
    };
    if entry.is_directory {
        return state.say_own("A directory holds no messages of its own; choose a folder in it");
    }
    if state.is_busy_with(|job| matches!(job, Job::Transfer(..))) {
        return state.complain_own("One transfer is under way; ^C stops it");
    }
    let question = phrase_of(state, "Transfer all of ", &entry.name, " to folder : ");
    let purpose = Purpose::Transfer(entry.name);
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
    let exists = there
        .clone()
        .any(|entry| !entry.is_directory && entry.name == plain);
    if exists {
        let question = phrase_of(state, "Folder ", &plain, " exists. Add all messages to it?");
        let purpose = Purpose::AddTo(from, to);
        state.prompt = Some(Prompt::yes_no(question, purpose, Answer::No, ADD_HELP));
        return;
    }
    formats::ask(state, to, Some(from));
}

/// Begins.
pub fn begin(state: &mut State, from: MailboxName, to: MailboxName) {
    let text = phrase_of(state, "Transferring ", &from, "");
    state.status.work(text, state.now);
    let job = Job::Transfer(to.without_format(), None);
    state.ask(Request::Transfer { from, to }, job);
}

/// It has ended: shows the receipt, where there is one.
pub fn ended(
    state: &mut State,
    to: &MailboxName,
    receipt: Option<Box<Receipt>>,
    result: Result<()>,
) {
    state.status.progress = None;
    listing::list(state);
    if let Some(receipt) = &receipt {
        keep(state, to, receipt);
    }
    match (result, receipt) {
        (Ok(()), Some(receipt)) => {
            let same = if receipt.is_exact() {
                ", all the same".to_owned()
            } else {
                format!(", with {} differences", receipt.different)
            };
            let count = receipt.messages;
            let said = phrase_of(state, &format!("{count} messages copied to "), to, &same);
            state.say(said);
        }
        (Ok(()), None) => {}
        (Err(Error::Cancelled), _) => state.say_own("Transfer cancelled; nothing was copied"),
        (Err(error), _) => state.complain_own(format!("The transfer failed: {error}")),
    }
}

fn keep(state: &mut State, to: &MailboxName, receipt: &Receipt) {
    let width = usize::from(state.areas().alone.width);
    let mut lines = vec![
        phrase_of(state, "Receipt for ", to, ""),
        Printable::default(),
    ];
    lines.extend(receipt_lines(receipt, width));
    let lines: Vec<&str> = lines.iter().map(Printable::as_str).collect();
    state.receipt = Some(lines.join("\n"));
}

/// Shows a receipt once the folder list is there to come back to.
pub fn settle(state: &mut State) {
    let free = state.screen == Screen::Folders && state.prompt.is_none();
    if let Some(receipt) = state.receipt.take_if(|_| free) {
        state.show_text("RECEIPT", &receipt);
    }
}
