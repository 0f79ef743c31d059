//! Choosing a folder for a question: its text becomes the folder's name.

use crate::tui::command::Command;
use crate::tui::state::prompt::Kind;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::{folders, listing};

/// Shows the folders; the open question waits.
pub fn begin(state: &mut State) {
    // while one question waits, another one opened over it has no list of its own
    if state.waiting.is_some() {
        return;
    }
    if let Some(prompt) = state.prompt.take() {
        state.waiting = Some((prompt, state.screen));
        state.go(Screen::FolderSelect);
        listing::list(state);
    }
}

/// Does a command of the list; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    match command {
        Command::Open => choose(state),
        Command::ExitSelect => {
            state.resume_question();
        }
        Command::Back => {
            if !folders::up(state) {
                state.resume_question();
            }
        }
        other => return folders::step(state, other),
    }
    true
}

fn choose(state: &mut State) {
    let Some(entry) = state.folders.current().cloned() else {
        return;
    };
    if entry.is_directory() {
        return folders::enter(state, &entry);
    }
    let name = match entry.name() {
        Some(name) if name.is_inbox() => "INBOX".to_owned(),
        _ => listing::as_typed(state, entry.label.raw()),
    };
    state.resume_question();
    if let Some(prompt) = &mut state.prompt
        && let Kind::Text(typed) = &mut prompt.kind
    {
        typed.edit.replace(name);
    }
}
