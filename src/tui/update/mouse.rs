//! The mouse: a click moves the cursor or the focus, a click on the cursor opens, the wheel scrolls.

use ratatui::layout::{Position, Rect};

use crate::tui::command::Command;
use crate::tui::msg::Mouse;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;

/// How many rows the wheel scrolls.
const WHEEL: usize = 3;

/// Does what the mouse did; gives back a command where that is what it meant.
pub fn mouse(state: &mut State, mouse: Mouse) -> Option<Command> {
    match mouse {
        Mouse::Click(column, row) => click(state, Position::new(column, row)),
        Mouse::WheelUp(column, row) => {
            wheel(state, Position::new(column, row), false);
            None
        }
        Mouse::WheelDown(column, row) => {
            wheel(state, Position::new(column, row), true);
            None
        }
    }
}

/// The pane at a position, and its content.
fn pane_at(state: &State, at: Position) -> Option<(Screen, Rect)> {
    let areas = state.areas();
    let folders = match state.screen {
        Screen::FolderSelect => Screen::FolderSelect,
        _ => Screen::Folders,
    };
    let panes = [
        (folders, areas.folders),
        (Screen::Index, areas.index),
        (Screen::Text, areas.text),
    ];
    let mut bodies = panes
        .into_iter()
        .filter_map(|(screen, pane)| Some((screen, pane?.body)));
    let found = bodies.find(|(_, body)| body.contains(at));
    let alone = areas.alone.contains(at) && !state.screen.is_pane();
    found.or_else(|| alone.then_some((state.screen, areas.alone)))
}

fn click(state: &mut State, at: Position) -> Option<Command> {
    let (screen, body) = pane_at(state, at)?;
    let row = usize::from(at.y - body.y);
    if screen == Screen::Text && state.message.is_none() {
        return None;
    }
    let had_focus = state.screen == screen;
    state.go(screen);
    let again = match screen {
        Screen::Index => {
            let open = state.mailbox.as_mut()?;
            let row = open.top + row;
            let again = open.cursor_row() == Some(row);
            (row < open.len()).then(|| open.move_to(row))?;
            again
        }
        Screen::Folders | Screen::FolderSelect => {
            let (columns, width) = state.folders.grid(body.width);
            let column = usize::from(at.x - body.x) / width.max(1);
            let place = (state.folders.top + row) * columns + column.min(columns - 1);
            let again = state.folders.cursor == place;
            (place < state.folders.entries.len()).then_some(())?;
            state.folders.cursor = place;
            again
        }
        Screen::Browser => {
            let browser = state.browser.as_mut()?;
            let place = browser.top + row;
            let again = browser.cursor == place;
            (place < browser.entries.len()).then_some(())?;
            browser.cursor = place;
            again
        }
        Screen::Attachments => {
            let shown = state.message.as_mut()?;
            let place = shown.part_top + row;
            let again = shown.part == place;
            shown.part = place;
            again
        }
        _ => false,
    };
    (again && had_focus).then_some(Command::Open)
}

fn wheel(state: &mut State, at: Position, down: bool) {
    let step = |place: usize| {
        if down {
            place + WHEEL
        } else {
            place.saturating_sub(WHEEL)
        }
    };
    let Some((screen, body)) = pane_at(state, at) else {
        return;
    };
    match screen {
        Screen::Index => {
            let height = usize::from(body.height).max(1);
            if let Some(open) = &mut state.mailbox {
                let last_top = open.len().saturating_sub(height);
                open.top = step(open.top).min(last_top);
                let row = open.cursor_row().unwrap_or(0);
                open.move_to(row.clamp(open.top, open.top + height - 1));
            }
        }
        Screen::Text => {
            if let Some(shown) = &mut state.message {
                shown.top = step(shown.top);
            }
        }
        Screen::Folders | Screen::FolderSelect => {
            state.folders.cursor = step(state.folders.cursor);
        }
        Screen::Pager => {
            if let Some(pager) = &mut state.pager {
                pager.top = step(pager.top);
            }
        }
        Screen::Browser => {
            if let Some(browser) = &mut state.browser {
                browser.cursor = step(browser.cursor);
            }
        }
        Screen::Main | Screen::Attachments | Screen::Flags => {}
    }
}
