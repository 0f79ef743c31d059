//! Screens of plain text.

use crate::tui::command::Command;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;

/// Does a command of a screen of text; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    let height = usize::from(state.areas().alone.height.max(1));
    let overlap = usize::from(state.options.overlap).min(height - 1);
    let Some(pager) = &mut state.pager else {
        state.go(Screen::Main);
        return true;
    };
    let last = pager.rows.len().saturating_sub(height);
    let top = match command {
        Command::LineDown => pager.top + 1,
        Command::LineUp => pager.top.saturating_sub(1),
        Command::NextPage => pager.top + height - overlap,
        Command::PreviousPage => pager.top.saturating_sub(height - overlap),
        Command::FirstPage => 0,
        Command::LastPage => last,
        Command::Back => {
            let back = pager.back;
            state.pager = None;
            if matches!(back, Screen::FolderSelect | Screen::Browser) || !state.resume_question() {
                state.go(back);
            }
            return true;
        }
        _ => return false,
    };
    let top = top.min(last);
    let moves = matches!(command, Command::LineDown | Command::NextPage);
    if top == pager.top && moves {
        state.say_own("Already at end of screen");
    } else {
        pager.top = top;
    }
    true
}
