//! The folder list.

use crate::backend::error::Result;
use crate::backend::request::Request;
use crate::mail::name::MailboxName;
use crate::mail::text::Printable;
use crate::tui::command::Command;
use crate::tui::state::folders::{Folder, Target};
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Prompt, Purpose, Topic};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::names::{named, typed_name};
use crate::tui::update::{about, formats, listing, opening, scan, subscribe, transfer_to};

const ADD_HELP: &str = "Type the name of the new folder. A slash at its end makes a directory.";
const RENAME_HELP: &str = "Type the new name of the folder.";
const DELETE_HELP: &str =
    "Yes deletes the folder and every message in it, for good. No leaves it as it is.";

/// Does a command of the folder list; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    match command {
        Command::Open => open(state),
        Command::Back => back(state),
        Command::AddFolder if listing::is_news(state) => subscribe::ask(state),
        Command::Delete if listing::is_news(state) => subscribe::ask_to_end(state),
        Command::RenameFolder if listing::is_news(state) => {
            state.complain_own("Newsgroups get their names from the news server");
        }
        Command::Subscribe => subscribe::current(state, true),
        Command::Unsubscribe => subscribe::current(state, false),
        Command::AddFolder => {
            let question = Printable::own("Folder name to add : ");
            let prompt = Prompt::text(question, Purpose::AddFolder, Topic::Nothing, ADD_HELP);
            state.prompt = Some(prompt);
        }
        Command::Delete => ask_delete(state),
        Command::RenameFolder => ask_rename(state),
        Command::NextNew => next_new(state),
        Command::AboutFolder => about::of_folder(state),
        Command::Transfer => transfer_to::ask(state),
        Command::ScanFolders => scan::ask(state),
        other => return step(state, other),
    }
    true
}

/// Moves the cursor of the list; `false` when that is not what `command` does.
pub fn step(state: &mut State, command: Command) -> bool {
    let page = page(state);
    let folders = &mut state.folders;
    let last = folders.entries.len().saturating_sub(1);
    match command {
        Command::Next if folders.cursor < last => folders.cursor += 1,
        Command::Previous if folders.cursor > 0 => folders.cursor -= 1,
        Command::Next => state.say_own("Already on last folder"),
        Command::Previous => state.say_own("Already on first folder"),
        Command::NextPage => folders.cursor = (folders.cursor + page).min(last),
        Command::PreviousPage => folders.cursor = folders.cursor.saturating_sub(page),
        Command::FirstPage => folders.cursor = 0,
        Command::LastPage => folders.cursor = last,
        _ => return false,
    }
    true
}

/// Goes to the next folder with messages that were not read.
fn next_new(state: &mut State) {
    let entries = state.folders.entries.iter().enumerate();
    let after = entries.skip(state.folders.cursor + 1);
    let mut new = after.filter(|(_, entry)| state.unseen_in(entry) > 0);
    match new.next().map(|(place, _)| place) {
        Some(place) => state.folders.cursor = place,
        None => state.say_own("No more folders with new mail"),
    }
}

/// How many names a page holds.
fn page(state: &State) -> usize {
    let body = state.areas().folders.unwrap_or_default().body;
    let (columns, _) = state.folders.grid(body.width);
    columns * usize::from(body.height).max(1)
}

fn open(state: &mut State) {
    let Some(entry) = state.folders.current().cloned() else {
        if state.folders.failure.is_some() {
            state.folders.loaded = false;
            listing::list(state);
        }
        return;
    };
    match entry.folder() {
        Some(name) => opening::open(state, name.clone()),
        None => enter(state, &entry),
    }
}

/// Looks into a directory or collection of the list.
pub fn enter(state: &mut State, entry: &Folder) {
    state.folders.cursor = 0;
    if let Target::Collection(place) = entry.target {
        return listing::list_collection(state, place);
    }
    let delimiter = entry.delimiter.unwrap_or(listing::delimiter(state));
    let label = entry.label.raw();
    let directory = format!("{}{label}{delimiter}", state.folders.directory);
    listing::list_directory(state, directory);
}

fn back(state: &mut State) {
    if state.folders.holding.is_some() {
        return listing::list(state);
    }
    if !up(state) {
        state.go(Screen::Main);
    }
}

/// Looks into the directory above, from another collection into the default one; `false` at the root of that.
pub fn up(state: &mut State) -> bool {
    if state.folders.is_at_root() {
        return false;
    }
    if state.folders.directory.is_empty() {
        state.folders.came_from = Some(Target::Collection(state.folders.collection));
        listing::list_collection(state, 0);
        return true;
    }
    let delimiter = listing::delimiter(state);
    let whole = listing::prefix(state);
    let name = MailboxName::parse(whole.trim_end_matches(delimiter).as_bytes());
    state.folders.came_from = name.ok().map(Target::Directory);
    let directory = state.folders.directory.trim_end_matches(delimiter);
    let parent = directory
        .rfind(delimiter)
        .map_or("", |at| &directory[..=at]);
    listing::list_directory(state, parent.to_owned());
    true
}

/// The folder under the cursor with its name, unless it is INBOX or a collection, which `verb` cannot be done to.
fn changeable(state: &mut State, verb: &str) -> Option<(Folder, MailboxName)> {
    let entry = state.folders.current().cloned()?;
    let Some(name) = entry.name().cloned() else {
        state.complain_own(format!("Can't {verb} a collection of folders"));
        return None;
    };
    if name.is_inbox() {
        state.complain_own(format!("Can't {verb} special folder \"INBOX\"."));
        return None;
    }
    let open = state.mailbox.as_ref().filter(|open| open.is_open());
    if open.is_some_and(|open| open.name == name) {
        state.complain_own(format!(
            "Can't {verb} the open folder; go to another one first"
        ));
        return None;
    }
    Some((entry, name))
}

fn ask_delete(state: &mut State) {
    if let Some((entry, name)) = changeable(state, "delete") {
        let after = if entry.is_directory() {
            " (a directory)?"
        } else {
            "?"
        };
        let question = named(state, "Really delete folder ", &name, after);
        let purpose = Purpose::DeleteFolder(name);
        state.prompt = Some(Prompt::yes_no(question, purpose, Answer::No, DELETE_HELP));
    }
}

fn ask_rename(state: &mut State) {
    if let Some((entry, name)) = changeable(state, "rename") {
        let question = named(state, "Rename folder ", &name, " to : ");
        let purpose = Purpose::RenameFolder(name);
        let prompt = Prompt::text(question, purpose, Topic::Nothing, RENAME_HELP);
        state.prompt = Some(prompt.typed(entry.label.raw()));
    }
}

/// The name of the new folder was typed.
pub fn add(state: &mut State, typed: &str) {
    let within = listing::as_typed(state, typed.trim());
    if let Some(name) = typed_name(state, &within) {
        formats::ask(state, name, None);
    }
}

/// It was said that the folder shall go.
pub fn delete(state: &mut State, name: MailboxName) {
    state.ask(Request::Delete(name.clone()), Job::Delete(name));
}

/// The new name was typed.
pub fn rename(state: &mut State, from: MailboxName, typed: &str) {
    let within = listing::as_typed(state, typed.trim());
    if let Some(to) = typed_name(state, &within) {
        let request = Request::Rename(from.clone(), to.clone());
        state.ask(request, Job::Rename(from, to));
    }
}

/// A request that changes folders has ended.
pub fn changed(state: &mut State, name: &MailboxName, verb: &str, result: Result<()>) {
    match result {
        Ok(()) => {
            let said = named(state, "Folder ", name, &format!(" {verb}"));
            state.say(said);
        }
        Err(error) => state.complain_own(format!("The folder was not {verb}: {error}")),
    }
    listing::list(state);
}
