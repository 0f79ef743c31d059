//! Choosing a file for a question: its name becomes the answer, which can still be changed.

use std::path::{Path, PathBuf};

use crate::backend::request::Ticket;
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::state::browser::{Browser, FileEntry, FileKind};
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Kind, path_typed};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;

/// Shows the files of the directory that was typed, else of the home directory; the open question waits.
pub fn begin(state: &mut State) {
    if state.waiting.is_some() {
        return;
    }
    let Some(prompt) = state.prompt.take() else {
        return;
    };
    let typed = match &prompt.kind {
        Kind::Text(typed) => typed.edit.text(),
        Kind::Choice(_) => "",
    };
    let before = typed.rfind('/').map_or("", |at| &typed[..=at]);
    let directory = path_typed(before, &state.options.home);
    state.waiting = Some((prompt, state.screen));
    state.browser = None;
    state.go(Screen::Browser);
    look(state, directory);
}

fn look(state: &mut State, directory: PathBuf) {
    let ticket = Ticket(state.mint());
    state.jobs.insert(ticket, Job::Files(directory.clone()));
    state.outbox.push(Effect::ListFiles(ticket, directory));
}

/// The files of a directory have come.
pub fn listed(state: &mut State, directory: &Path, entries: Vec<FileEntry>) {
    let before = state.browser.take();
    let mut browser = Browser::new(directory, entries);
    // on the way up the cursor stands on where one came from
    let from = before.and_then(|before| before.directory.file_name().map(PathBuf::from));
    let place = browser
        .entries
        .iter()
        .position(|entry| Some(&entry.name) == from.as_ref());
    browser.cursor = place.unwrap_or(0);
    state.browser = Some(browser);
}

/// A directory could not be listed.
pub fn failed(state: &mut State) {
    if state.browser.is_none() && state.screen == Screen::Browser {
        state.resume_question();
    }
}

/// Does a command of the browser; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    let page = usize::from(state.areas().alone.height.max(1));
    if command == Command::ExitSelect {
        state.resume_question();
        return true;
    }
    let Some(browser) = &mut state.browser else {
        return false;
    };
    let last = browser.entries.len().saturating_sub(1);
    match command {
        Command::Open => choose(state),
        Command::Back => up(state),
        Command::Next if browser.cursor < last => browser.cursor += 1,
        Command::Previous if browser.cursor > 0 => browser.cursor -= 1,
        Command::Next => state.say_own("Already on last file"),
        Command::Previous => state.say_own("Already on first file"),
        Command::NextPage => browser.cursor = (browser.cursor + page).min(last),
        Command::PreviousPage => browser.cursor = browser.cursor.saturating_sub(page),
        Command::FirstPage => browser.cursor = 0,
        Command::LastPage => browser.cursor = last,
        _ => return false,
    }
    true
}

fn up(state: &mut State) {
    let parent = state.browser.as_ref().and_then(|browser| {
        let parent = browser.directory.parent();
        parent.map(Path::to_owned)
    });
    match parent {
        Some(parent) => look(state, parent),
        None => state.say_own("There is no directory above this one"),
    }
}

fn choose(state: &mut State) {
    let Some(browser) = &state.browser else {
        return;
    };
    let Some(entry) = browser.current() else {
        return;
    };
    let path = browser.directory.join(&entry.name);
    match entry.kind {
        FileKind::Parent => up(state),
        FileKind::Directory => look(state, path),
        FileKind::File(_) => answer(state, &path),
        FileKind::Here => {
            let directory = browser.directory.clone();
            let name = file_name_asked(state);
            answer(state, &directory.join(name));
        }
    }
}

/// The file name that was typed, else the proposed one.
fn file_name_asked(state: &State) -> String {
    let waiting = state.waiting.as_ref().map(|(prompt, _)| &prompt.kind);
    let Some(Kind::Text(typed)) = waiting else {
        return String::new();
    };
    let text = match typed.edit.text() {
        "" => typed.default.as_deref().unwrap_or_default(),
        text => text,
    };
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Comes back to the question with this answer; a file below the home directory is named from there.
fn answer(state: &mut State, path: &Path) {
    let Some(path_text) = path.to_str() else {
        return state.complain_own("This name is not valid UTF-8 and cannot be typed");
    };
    let home = path.strip_prefix(&state.options.home).ok();
    let short = home.and_then(Path::to_str).unwrap_or(path_text).to_owned();
    state.resume_question();
    if let Some(prompt) = &mut state.prompt
        && let Kind::Text(typed) = &mut prompt.kind
    {
        typed.edit.replace(short);
    }
}
