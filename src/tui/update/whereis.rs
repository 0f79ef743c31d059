//! Whereis: searching in what the screen shows, in the folder list as one types.

use crate::backend::error::Result;
use crate::backend::request::Ask;
use crate::mail::criteria::Criteria;
use crate::mail::fold::Needle;
use crate::mail::text::Printable;
use crate::mail::uid::Uid;
use crate::present::attachments::described;
use crate::tui::state::folders::{Folder, Target};
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Kind, Prompt, Purpose, Topic};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;

const HELP: &str = "Type what to search; Return alone searches the last thing again. ^Y goes to the start, ^V to the end.";

/// Asks what to search.
pub fn ask(state: &mut State) {
    let question = Printable::own("Word to find");
    let default = Some(state.searched.clone());
    let folders = &state.folders;
    let under = folders
        .entries
        .get(folders.cursor)
        .filter(|_| in_folders(state));
    let purpose = Purpose::Whereis(under.map(|entry| entry.target.clone()));
    let prompt = Prompt::text(question, purpose, Topic::Search, HELP)
        .with_default(default)
        .with_key('y', "First Line")
        .with_key('v', "Last Line");
    state.prompt = Some(prompt);
}

/// What is asked was typed so far: in the folder list the cursor goes along.
pub fn typing(state: &mut State) {
    let Some(Prompt {
        kind: Kind::Text(typed),
        purpose: Purpose::Whereis(from),
        ..
    }) = &state.prompt
    else {
        return;
    };
    let (from, text) = (from.clone(), typed.edit.text().to_owned());
    back_to(state, from.as_ref());
    if !text.is_empty() && in_folders(state) {
        // What is not found is told when Return is pressed.
        let _ = search_folders(state, &Needle::new(&text));
    }
}

/// Puts the cursor back where it was in the folder list when the search began.
pub fn back_to(state: &mut State, from: Option<&Target>) {
    if !in_folders(state) {
        return;
    }
    let folders = &mut state.folders;
    let is_it = |entry: &Folder| Some(&entry.target) == from;
    if let Some(place) = folders.entries.iter().position(is_it) {
        folders.cursor = place;
    }
}

fn in_folders(state: &State) -> bool {
    matches!(state.screen, Screen::Folders | Screen::FolderSelect)
}

/// Searches from the line after the cursor on, and from the start when the end is reached.
pub fn search(state: &mut State, typed: &str) {
    state.searched = typed.to_owned();
    let needle = Needle::new(typed);
    let found = match state.screen {
        Screen::Index => return search_index(state, &needle),
        Screen::Text => search_text(state, &needle),
        Screen::Pager => search_pager(state, &needle),
        Screen::Folders | Screen::FolderSelect => search_folders(state, &needle),
        Screen::Browser => search_files(state, &needle),
        Screen::Attachments => search_parts(state, &needle),
        Screen::Main | Screen::Flags => None,
    };
    tell(state, found);
}

/// Where something was found, and whether the search went past the end.
struct Found {
    wrapped: bool,
}

fn tell(state: &mut State, found: Option<Found>) {
    match found {
        Some(found) if found.wrapped => state.say_own("Search wrapped to beginning"),
        Some(_) => {}
        None => state.complain_own("Word not found"),
    }
}

/// The first of `count` places from `from` on, going round, for which `hit` holds.
fn around(count: usize, from: usize, hit: impl Fn(usize) -> bool) -> Option<(usize, bool)> {
    let after = (from..count).find(|place| hit(*place));
    let after = after.map(|place| (place, false));
    after.or_else(|| {
        (0..from.min(count))
            .find(|place| hit(*place))
            .map(|place| (place, true))
    })
}

fn search_text(state: &mut State, needle: &Needle) -> Option<Found> {
    let shown = state.message.as_mut()?;
    let from = shown.found.map_or(shown.top, |row| row + 1);
    let rows = &shown.rows;
    let hit = |row: usize| needle.is_in(rows[row].text().as_str());
    let (row, wrapped) = around(rows.len(), from, hit)?;
    shown.found = Some(row);
    shown.top = row;
    Some(Found { wrapped })
}

fn search_pager(state: &mut State, needle: &Needle) -> Option<Found> {
    let pager = state.pager.as_mut()?;
    let from = pager.found.map_or(pager.top, |row| row + 1);
    let rows = &pager.rows;
    let hit = |row: usize| needle.is_in(rows[row].as_str());
    let (row, wrapped) = around(rows.len(), from, hit)?;
    pager.found = Some(row);
    pager.top = row;
    Some(Found { wrapped })
}

fn search_folders(state: &mut State, needle: &Needle) -> Option<Found> {
    let folders = &mut state.folders;
    let entries = &folders.entries;
    let hit = |place: usize| {
        let entry = &entries[place];
        let about = entry.description.as_ref().map_or("", |it| it.raw());
        needle.is_in(entry.label.raw()) || needle.is_in(about)
    };
    let (place, wrapped) = around(entries.len(), folders.cursor + 1, hit)?;
    folders.cursor = place;
    Some(Found { wrapped })
}

fn search_files(state: &mut State, needle: &Needle) -> Option<Found> {
    let browser = state.browser.as_mut()?;
    let entries = &browser.entries;
    let hit = |place: usize| needle.is_in(&entries[place].name.to_string_lossy());
    let (place, wrapped) = around(entries.len(), browser.cursor + 1, hit)?;
    browser.cursor = place;
    Some(Found { wrapped })
}

fn search_parts(state: &mut State, needle: &Needle) -> Option<Found> {
    let shown = state.message.as_mut()?;
    let parts = &shown.document.as_ref()?.parts;
    let hit = |place: usize| needle.is_in(described(&parts[place]).as_str());
    let (place, wrapped) = around(parts.len(), shown.part + 1, hit)?;
    shown.part = place;
    Some(Found { wrapped })
}

/// Index lines are searched by the mailbox itself, since most of them were never read.
fn search_index(state: &mut State, needle: &Needle) {
    let field = |name: &str| Criteria::Field(name.to_owned(), needle.clone());
    let criteria = Criteria::or(field("From"), field("Subject"));
    let row = state.mailbox.as_ref().and_then(|open| open.cursor_row());
    let job = Job::Search(row.map_or(0, |row| row + 1), Vec::new());
    if state.ask_mailbox(Ask::Search(criteria), job).is_some() {
        state.status.work(Printable::own("Searching"), state.now);
    }
}

/// The mailbox has searched.
pub fn searched(state: &mut State, from: usize, uids: &[Uid], result: Result<()>) {
    state.status.progress = None;
    if let Err(error) = result {
        state.complain_own(format!("Cannot search: {error}"));
        return;
    }
    let Some(open) = &mut state.mailbox else {
        return;
    };
    let mut rows: Vec<usize> = uids.iter().filter_map(|uid| open.row_of(*uid)).collect();
    rows.sort_unstable();
    let after = rows
        .iter()
        .find(|row| **row >= from)
        .map(|row| (*row, false));
    let found = after.or_else(|| rows.first().map(|row| (*row, true)));
    if let Some((row, _)) = found {
        open.move_to(row);
    }
    tell(state, found.map(|(_, wrapped)| Found { wrapped }));
}

/// Goes to the first line, or to the last one.
pub fn to_end(state: &mut State, last: bool) {
    let place = if last { usize::MAX } else { 0 };
    match state.screen {
        Screen::Index => {
            if let Some(open) = &mut state.mailbox {
                open.move_to(place);
            }
        }
        Screen::Text => {
            if let Some(shown) = &mut state.message {
                shown.top = place;
            }
        }
        Screen::Pager => {
            if let Some(pager) = &mut state.pager {
                pager.top = place;
            }
        }
        Screen::Folders | Screen::FolderSelect => state.folders.cursor = place,
        Screen::Attachments => {
            if let Some(shown) = &mut state.message {
                shown.part = place;
            }
        }
        Screen::Browser => {
            if let Some(browser) = &mut state.browser {
                browser.cursor = place;
            }
        }
        Screen::Main | Screen::Flags => {}
    }
}
