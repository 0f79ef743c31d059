//! The folder list.

use ratatui::layout::Rect;

use crate::mail::text::Printable;
use crate::tui::state::folders::Folder;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::theme::Role;
use crate::tui::view::painter::{Painter, after, row};

/// Draws the folder list.
pub fn draw(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let folders = &state.folders;
    if !folders.loaded {
        painter.put(
            row(area, 0),
            &Printable::own("[Listing folders]"),
            Role::Note,
        );
        return;
    }
    if folders.entries.is_empty() {
        painter.put(
            row(area, 0),
            &Printable::own("[No folders here]"),
            Role::Note,
        );
        return;
    }
    let (columns, width) = folders.grid(area.width);
    let focus = matches!(state.screen, Screen::Folders | Screen::FolderSelect);
    let first = folders.top * columns;
    let visible = usize::from(area.height) * columns;
    let entries = folders.entries.iter().enumerate();
    for (place, entry) in entries.skip(first).take(visible) {
        let line = row(area, (place - first) / columns);
        let column = (place - first) % columns * width;
        let cell = after(line, u16::try_from(column).unwrap_or(u16::MAX));
        let cell = Rect {
            width: cell.width.min(u16::try_from(width).unwrap_or(u16::MAX)),
            ..cell
        };
        let unseen = unseen(state, entry);
        let role = match (place == folders.cursor, focus) {
            (true, true) => Role::Cursor,
            (true, false) => Role::CursorElsewhere,
            _ if entry.is_directory => Role::FolderDirectory,
            _ if unseen > 0 => Role::FolderUnread,
            _ => Role::Body,
        };
        let mut text = entry.label.field();
        if entry.is_directory {
            text.push_static("/");
        } else if unseen > 0 {
            text.push(&Printable::own(format!(" ({unseen})")));
        }
        painter.put(cell, &text, role);
    }
}

/// How many messages of a folder were not read; the open one is counted by itself.
fn unseen(state: &State, entry: &Folder) -> u32 {
    let open = state
        .mailbox
        .as_ref()
        .filter(|open| open.is_open() && open.loaded);
    match open.filter(|open| open.name == entry.name) {
        Some(open) => u32::try_from(open.unseen()).unwrap_or(u32::MAX),
        None => entry.unseen.unwrap_or(0),
    }
}
