//! The folder list.

use crate::backend::error::Result;
use crate::backend::request::Request;
use crate::mail::name::MailboxName;
use crate::mail::text::Printable;
use crate::tui::command::Command;
use crate::tui::state::folders::Folder;
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Prompt, Purpose, Topic};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::names::{named, typed_name};
use crate::tui::update::{about, formats, listing, opening, scan, transfer_to};

const ADD_HELP: &str = "Type the name of the new folder. A slash at its end makes a directory.";
const RENAME_HELP: &str = "Type the new name of the folder.";
const DELETE_HELP: &str =
    "Yes deletes the folder and every message in it, for good. No leaves it as it is.";

/// Does a command of the folder list; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    match command {
        Command::Open => open(state),
        Command::Back => back(state),
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
    let mut new = after.filter(|(_, entry)| !entry.is_directory && state.unseen_in(entry) > 0);
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
        return;
    };
    if entry.is_directory {
        enter(state, &entry);
    } else {
        opening::open(state, entry.name);
    }
}

/// Looks into a directory of the list.
pub fn enter(state: &mut State, entry: &Folder) {
    let directory = format!("{}{}/", state.folders.directory, entry.label.raw());
    state.folders.cursor = 0;
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

/// Looks into the directory above; `false` at the root of the collection.
pub fn up(state: &mut State) -> bool {
    if state.folders.directory.is_empty() {
        return false;
    }
    let directory = state.folders.directory.trim_end_matches('/');
    let parent = directory.rfind('/').map_or("", |at| &directory[..=at]);
    listing::list_directory(state, parent.to_owned());
    true
}

/// The folder under the cursor, unless it is INBOX, which `verb` cannot be done to.
fn changeable(state: &mut State, verb: &str) -> Option<Folder> {
    let entry = state.folders.current().cloned()?;
    if entry.name.is_inbox() {
        state.complain_own(format!("Can't {verb} special folder \"INBOX\"."));
        return None;
    }
    let open = state.mailbox.as_ref().filter(|open| open.is_open());
    if open.is_some_and(|open| open.name == entry.name) {
        state.complain_own(format!(
            "Can't {verb} the open folder; go to another one first"
        ));
        return None;
    }
    Some(entry)
}

fn ask_delete(state: &mut State) {
    if let Some(entry) = changeable(state, "delete") {
        let after = if entry.is_directory {
            " (a directory)?"
        } else {
            "?"
        };
        let question = named(state, "Really delete folder ", &entry.name, after);
        let purpose = Purpose::DeleteFolder(entry.name);
        state.prompt = Some(Prompt::yes_no(question, purpose, Answer::No, DELETE_HELP));
    }
}

fn ask_rename(state: &mut State) {
    if let Some(entry) = changeable(state, "rename") {
        let question = named(state, "Rename folder ", &entry.name, " to : ");
        let purpose = Purpose::RenameFolder(entry.name);
        let prompt = Prompt::text(question, purpose, Topic::Nothing, RENAME_HELP);
        state.prompt = Some(prompt.typed(entry.label.raw()));
    }
}

/// The name of the new folder was typed.
pub fn add(state: &mut State, typed: &str) {
    let within = format!("{}{}", state.folders.directory, typed.trim());
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
    let within = format!("{}{}", state.folders.directory, typed.trim());
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
