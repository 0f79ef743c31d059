//! Asking for the folder list.

use crate::backend::error::Result;
use crate::backend::request::{Request, Ticket};
use crate::mail::account::AccountNews;
use crate::mail::listing::ListEntry;
use crate::tui::effect::Effect;
use crate::tui::state::job::Job;
use crate::tui::state::state::State;

/// Where copies of sent messages go, as Pine calls it.
const SENT: &str = "sent-mail";

/// What the names of the list begin with.
pub fn prefix(state: &State) -> String {
    let collection = state.options.collections.get(state.folders.collection);
    let prefix = collection.map_or("", |collection| &collection.prefix);
    format!("{prefix}{}", state.folders.directory)
}

/// What parts the levels of the names: as a server says of its own, else as the collection has it.
pub fn delimiter(state: &State) -> char {
    let collection = state.options.collections.get(state.folders.collection);
    let usual = collection.map_or('/', |collection| collection.delimiter);
    match is_on_server(state) {
        true => state.folders.delimiter.unwrap_or(usual),
        false => usual,
    }
}

/// Whether the list shows newsgroups.
pub fn is_news(state: &State) -> bool {
    prefix(state).starts_with("#news.")
}

fn is_on_server(state: &State) -> bool {
    prefix(state).starts_with('{')
}

/// A name of the list as users would type it: the default collection goes without saying.
pub fn as_typed(state: &State, label: &str) -> String {
    match state.folders.collection {
        0 => format!("{}{label}", state.folders.directory),
        _ => format!("{}{label}", prefix(state)),
    }
}

/// Asks for the list of the directory that the folder list shows.
pub fn list(state: &mut State) {
    give_up(state);
    state.folders.begin();
    state.folders.holding = None;
    state.folders.failure = None;
    // Of many newsgroups those are shown first that are subscribed, by their whole names.
    match is_news(state) && state.folders.directory.is_empty() {
        true => ask(state, b"*", Job::ListSubscribed),
        false => ask(state, b"%", Job::List),
    }
}

/// Nobody waits any more for what was asked of another list.
fn give_up(state: &mut State) {
    let is_of_list = |job: &Job| matches!(job, Job::List | Job::ListSubscribed | Job::CountAll);
    let earlier = state.jobs.iter().filter(|(_, job)| is_of_list(job));
    let earlier: Vec<Ticket> = earlier.map(|(ticket, _)| *ticket).collect();
    for ticket in earlier {
        state.jobs.remove(&ticket);
        state.outbox.push(Effect::Cancel(ticket));
    }
}

fn ask(state: &mut State, pattern: &[u8], job: Job) {
    let request = Request::List {
        reference: prefix(state).into_bytes(),
        pattern: pattern.to_vec(),
        subscribed: matches!(job, Job::ListSubscribed),
        containing: None,
    };
    state.ask(request, job);
}

/// What is subscribed has come; now the others.
pub fn subscribed_listed(state: &mut State, result: Result<()>) {
    if let Err(error) = result {
        state.complain_own(format!("Cannot list subscriptions: {error}"));
    }
    ask(state, b"%", Job::List);
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

/// Looks into another collection.
pub fn list_collection(state: &mut State, place: usize) {
    state.folders.collection = place;
    state.folders.delimiter = None;
    list_directory(state, String::new());
}

/// A piece of the list has come.
pub fn found(state: &mut State, entries: Vec<ListEntry>) {
    state.folders.add(entries);
}

/// Shows what was found.
pub fn show(state: &mut State) {
    let prefix = prefix(state);
    let options = &state.options;
    let first = [SENT, options.saved.as_str()];
    state.folders.finish(&prefix, &first, &options.collections);
    note_accounts(state);
}

/// An account on a server stands otherwise than before.
pub fn account(state: &mut State, news: AccountNews) {
    state.accounts.take(news);
    note_accounts(state);
}

fn note_accounts(state: &mut State) {
    let (accounts, collections) = (&state.accounts, &state.options.collections);
    let word = |place: usize| accounts.word(collections.get(place)?);
    state.folders.note(word);
}

/// The list is complete.
pub fn listed(state: &mut State, result: Result<()>) {
    show(state);
    match result {
        Ok(()) if is_on_server(state) => count(state),
        Ok(()) => {}
        Err(error) => {
            state.folders.failure = Some(error.to_string());
            state.complain_own(format!("Cannot list folders: {error}"));
        }
    }
}

/// Asks a server how much is new in the folders that are shown.
fn count(state: &mut State) {
    let request = Request::Unseen {
        reference: prefix(state).into_bytes(),
        pattern: b"%".to_vec(),
    };
    state.ask(request, Job::CountAll);
}
