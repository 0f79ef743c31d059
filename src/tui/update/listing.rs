//! Asking for the folder list.

use crate::backend::error::Result;
use crate::backend::request::Request;
use crate::mail::listing::ListEntry;
use crate::tui::state::job::Job;
use crate::tui::state::state::State;

/// Where copies of sent messages go, as Pine calls it.
const SENT: &str = "sent-mail";

/// Asks for the list of the directory that the folder list shows.
pub fn list(state: &mut State) {
    if state.is_busy_with(|job| matches!(job, Job::List)) {
        return;
    }
    let reference = format!("{}{}", state.options.collection, state.folders.directory);
    let request = Request::List {
        reference: reference.into_bytes(),
        pattern: b"%".to_vec(),
        subscribed: false,
        containing: None,
    };
    state.folders.holding = None;
    state.ask(request, Job::List);
}

/// Lists again what the folder list shows, unless that is what a search found.
pub fn come_back(state: &mut State) {
    if state.folders.holding.is_none() {
        list(state);
    }
}

/// Looks into another directory.
pub fn list_directory(state: &mut State, directory: String) {
    state.folders.directory = directory;
    state.folders.loaded = false;
    state.folders.entries.clear();
    list(state);
}

/// A piece of the list has come.
pub fn found(state: &mut State, entries: Vec<ListEntry>) {
    state.folders.add(entries);
}

/// Shows what was found.
pub fn show(state: &mut State) {
    let prefix = format!("{}{}", state.options.collection, state.folders.directory);
    let saved = state.options.saved.clone();
    state.folders.finish(&prefix, &[SENT, &saved]);
}

/// The list is complete.
pub fn listed(state: &mut State, result: Result<()>) {
    show(state);
    if let Err(error) = result {
        state.complain_own(format!("Cannot list folders: {error}"));
    }
}
