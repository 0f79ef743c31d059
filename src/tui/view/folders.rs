//! The folder list.

use ratatui::layout::Rect;

use crate::mail::account::Standing;
use crate::mail::text::{Foreign, Printable};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::{State, phrase};
use crate::tui::theme::Role;
use crate::tui::view::painter::{Painter, after, row};

/// Draws the folder list.
pub fn draw(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let folders = &state.folders;
    if !folders.loaded {
        let text = waiting(state);
        painter.put(row(area, 0), &text, Role::Note);
        return;
    }
    if let Some(why) = folders
        .failure
        .as_ref()
        .filter(|_| folders.entries.is_empty())
    {
        let text = "[Folders not listed; Enter tries again]";
        painter.put(row(area, 0), &Printable::own(text), Role::Note);
        painter.put(row(area, 1), &Printable::own(why.as_str()), Role::Note);
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
        let unseen = state.unseen_in(entry);
        let role = match (place == folders.cursor, focus) {
            (true, true) => Role::Cursor,
            (true, false) => Role::CursorElsewhere,
            _ if entry.is_directory() => Role::FolderDirectory,
            _ if unseen > 0 => Role::FolderUnread,
            _ => Role::Body,
        };
        let mut text = entry.label.field();
        if entry.is_directory() {
            text.push_static("/");
            if let Some(note) = entry.note {
                text.push(&Printable::own(format!(" ({note})")));
            }
        } else if unseen > 0 {
            text.push(&Printable::own(format!(" ({unseen})")));
        }
        painter.put(cell, &text, role);
        if let Some(description) = &entry.description {
            let column = folders.widest_name().min(usize::from(area.width) / 2) + 2;
            let place = after(line, u16::try_from(column).unwrap_or(u16::MAX));
            painter.put(place, &description.field(), Role::Note);
        }
    }
}

/// What is being waited for.
fn waiting(state: &State) -> Printable {
    let collection = state.options.collections.get(state.folders.collection);
    let account = collection.and_then(|it| state.accounts.of(it));
    match account {
        Some(news) if news.standing == Standing::Connecting => {
            phrase("[Connecting to ", &Foreign::new(news.host.as_str()), "]")
        }
        _ => Printable::own("[Listing folders]"),
    }
}
