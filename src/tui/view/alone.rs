//! Screens that stand alone: main menu, attachment index, flag screen, screens of text.

use ratatui::layout::Rect;

use crate::mail::text::Printable;
use crate::present::attachments::attachment_lines;
use crate::tui::command::Context;
use crate::tui::state::browser::FileKind;
use crate::tui::state::flags::{FORWARDED, Flag};
use crate::tui::state::state::State;
use crate::tui::theme::Role;
use crate::tui::update::main_menu::LINES;
use crate::tui::update::settle::FLAG_HEAD;
use crate::tui::view::painter::{Painter, after, row};

/// Draws the main menu.
pub fn main_menu(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let widest: u16 = 60;
    let left = area.width.saturating_sub(widest) / 2;
    // lines apart where there is room for it
    let apart = if usize::from(area.height) >= LINES.len() * 2 + 4 {
        2
    } else {
        1
    };
    let top = if apart == 2 { 1 } else { 0 };
    for (place, (command, name, what)) in LINES.iter().enumerate() {
        let key = state
            .keymap
            .key_name(Context::Main, *command)
            .unwrap_or_default();
        let text = Printable::own(format!("{key:<6}{name:<19}-  {what}"));
        let line = after(row(area, top + place * apart), left);
        let role = if place == state.menu_line {
            Role::Cursor
        } else {
            Role::Body
        };
        painter.put(line, &text, role);
    }
    if apart == 2 {
        let hint = Printable::own("For Copyright information press \"?\"");
        let last = usize::from(area.height).saturating_sub(1);
        painter.put_centred(row(area, last), &hint, Role::Body);
    }
}

/// Draws the attachment index.
pub fn attachments(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let Some(shown) = &state.message else {
        return;
    };
    let Some(document) = &shown.document else {
        return;
    };
    let lines = attachment_lines(document, usize::from(area.width));
    let lines = lines.iter().enumerate().skip(shown.part_top);
    for (place, text) in lines.take(usize::from(area.height)) {
        let role = if place == shown.part {
            Role::Cursor
        } else {
            Role::Body
        };
        painter.put(row(area, place - shown.part_top), text, role);
    }
}

/// Draws the flag screen.
pub fn flags(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let Some((flags, _)) = &state.flags else {
        return;
    };
    let head = [
        "    Set desired flags for current message below.  An 'X' means set",
        "    it, and a ' ' means to unset it.  Choose \"Exit\" when finished.",
        "",
        "      Set  Flag/Keyword Name",
        "      ---  -----------------",
    ];
    debug_assert!(head.len() < FLAG_HEAD, "the boxes start below the head");
    for (place, text) in head.iter().enumerate() {
        painter.put(row(area, place), &Printable::own(*text), Role::Body);
    }
    let visible = usize::from(area.height).saturating_sub(head.len());
    let boxes = flags.boxes.iter().enumerate().skip(flags.top);
    for (place, one) in boxes.take(visible) {
        let mark = if one.set { 'X' } else { ' ' };
        let name = match &one.flag {
            Flag::System(name, _) => name,
            Flag::Keyword(keyword) if keyword.as_str().eq_ignore_ascii_case(FORWARDED) => {
                "Forwarded"
            }
            Flag::Keyword(keyword) => keyword.as_str(),
        };
        let role = if place == flags.cursor {
            Role::Cursor
        } else {
            Role::Body
        };
        let text = Printable::own(format!("[{mark}]  {name}"));
        let line = row(area, head.len() + place - flags.top);
        painter.put(after(line, 6), &text, role);
    }
}

/// Draws the files to choose from.
pub fn browser(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let Some(browser) = &state.browser else {
        let note = Printable::own("[Listing files]");
        painter.put(row(area, 0), &note, Role::Note);
        return;
    };
    let entries = browser.entries.iter().enumerate().skip(browser.top);
    for (place, entry) in entries.take(usize::from(area.height)) {
        let role = match entry.kind {
            _ if place == browser.cursor => Role::Cursor,
            FileKind::File(_) => Role::Body,
            _ => Role::FolderDirectory,
        };
        let text = entry.line(usize::from(area.width));
        painter.put(row(area, place - browser.top), &text, role);
    }
}

/// Draws a screen of text.
pub fn pager(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let Some(pager) = &state.pager else {
        return;
    };
    let rows = pager.rows.iter().enumerate().skip(pager.top);
    for (place, text) in rows.take(usize::from(area.height)) {
        let role = if pager.found == Some(place) {
            Role::Match
        } else {
            Role::Body
        };
        painter.put(row(area, place - pager.top), text, role);
    }
}
