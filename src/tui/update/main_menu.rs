//! The main menu.

use crate::tui::command::Command;
use crate::tui::state::state::State;
use crate::tui::update::everywhere;

/// The lines of the menu: the command, its name, what it is for.
pub const LINES: [(Command, &str, &str); 7] = [
    (Command::Help, "HELP", "Get help using Mugo"),
    (
        Command::Compose,
        "COMPOSE MESSAGE",
        "Compose and send a message",
    ),
    (
        Command::MessageIndex,
        "MESSAGE INDEX",
        "View messages in current folder",
    ),
    (
        Command::FolderList,
        "FOLDER LIST",
        "Select a folder to view",
    ),
    (Command::AddressBook, "ADDRESS BOOK", "Update address book"),
    (Command::Setup, "SETUP", "Configure Mugo options"),
    (Command::Quit, "QUIT", "Leave the Mugo program"),
];

/// Does a command of the main menu; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    let last = LINES.len() - 1;
    match command {
        Command::Next if state.menu_line < last => state.menu_line += 1,
        Command::Previous if state.menu_line > 0 => state.menu_line -= 1,
        Command::Next | Command::Previous => {}
        Command::FirstPage => state.menu_line = 0,
        Command::LastPage => state.menu_line = last,
        Command::Open => {
            let chosen = LINES[state.menu_line.min(last)].0;
            return everywhere::command(state, chosen);
        }
        _ => return false,
    }
    true
}
