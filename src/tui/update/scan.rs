//! Only the folders in whose file a text stands.
//!
//! INBOX is looked at first, where the list is at its root; then everything below the directory that is shown.

use crate::backend::error::Result;
use crate::backend::request::Request;
use crate::mail::listing::ListEntry;
use crate::mail::text::{Foreign, Printable};
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Prompt, Purpose, Topic};
use crate::tui::state::state::{State, phrase};
use crate::tui::update::listing;

const HELP: &str = "Type a text. Only the folders are shown in whose file it stands as it is, in small or capital letters; \
    those in directories too. < shows all folders again.";

/// Asks for the text.
pub fn ask(state: &mut State) {
    let question = Printable::own("Text that folders hold : ");
    let prompt = Prompt::text(question, Purpose::ScanFolders, Topic::Search, HELP);
    state.prompt = Some(prompt);
}

/// The text was typed.
pub fn begin(state: &mut State, typed: &str) {
    if state.is_busy_with(|job| matches!(job, Job::Scan(..))) {
        return;
    }
    let text = phrase("Looking for \"", &Foreign::new(typed), "\"");
    state.status.work(text, state.now);
    if state.folders.is_at_root() {
        let job = Job::Scan(typed.to_owned(), Vec::new(), true);
        return look(state, Vec::new(), b"INBOX", job, typed);
    }
    below(state, typed.to_owned(), Vec::new());
}

fn below(state: &mut State, text: String, found: Vec<ListEntry>) {
    let reference = listing::prefix(state);
    let job = Job::Scan(text.clone(), found, false);
    look(state, reference.into_bytes(), b"*", job, &text);
}

fn look(state: &mut State, reference: Vec<u8>, pattern: &[u8], job: Job, text: &str) {
    let request = Request::List {
        reference,
        pattern: pattern.to_vec(),
        subscribed: false,
        containing: Some(text.as_bytes().to_vec()),
    };
    state.ask(request, job);
}

/// A look has ended.
pub fn ended(
    state: &mut State,
    text: String,
    mut found: Vec<ListEntry>,
    inbox_only: bool,
    result: Result<()>,
) {
    if let Err(error) = result {
        state.status.progress = None;
        return state.complain_own(format!("Cannot search the folders: {error}"));
    }
    if inbox_only {
        return below(state, text, found);
    }
    state.status.progress = None;
    // `*` finds INBOX once more where the collection is the home directory
    let mut inboxes = 0;
    found.retain(|entry| {
        inboxes += u32::from(entry.name.is_inbox());
        !entry.name.is_inbox() || inboxes == 1
    });
    if found.is_empty() {
        let said = phrase("No folder holds \"", &Foreign::new(text), "\"");
        return state.complain(said);
    }
    let count = match found.len() {
        1 => "1 folder holds \"".to_owned(),
        count => format!("{count} folders hold \""),
    };
    let said = phrase(&count, &Foreign::new(text.as_str()), "\"; < shows all");
    state.folders.holding = Some(text);
    state.folders.add(found);
    listing::show(state);
    state.say(said);
}
