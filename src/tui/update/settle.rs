//! After every message: cursors are visible, text is wrapped, what is visible is asked for.

use crate::backend::request::{Ask, Request};
use crate::mail::uid::UidSet;
use crate::tui::layout::Areas;
use crate::tui::state::job::Job;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::reading;

/// Brings everything that depends on size and content in line with both.
pub fn settle(state: &mut State) {
    if !matches!(
        state.screen,
        Screen::Pager | Screen::FolderSelect | Screen::Browser
    ) {
        // left by another way than back: the question is off
        state.waiting = None;
    }
    let areas = state.areas();
    settle_index(state, &areas);
    settle_text(state, &areas);
    settle_folders(state, &areas);
    let alone = usize::from(areas.alone.height);
    if let Some(pager) = &mut state.pager {
        let rows = pager.rows.len();
        pager.lay_out(usize::from(areas.alone.width));
        let last = pager.rows.len().saturating_sub(alone.max(1));
        if let Some(follows) = &mut pager.follows {
            // What is laid out anew, or got longer, is at its end where it was there before.
            let is_other = rows != pager.rows.len() || follows.height != alone;
            if follows.is_at_end && is_other {
                pager.top = last;
            }
            follows.height = alone;
            follows.is_at_end = pager.top >= last;
        }
        pager.top = pager.top.min(last);
    }
    if let Some(browser) = &mut state.browser {
        let rows = browser.entries.len();
        browser.cursor = browser.cursor.min(rows.saturating_sub(1));
        browser.top = page_with(browser.cursor, browser.top, alone, rows);
    }
    if let Some(shown) = &mut state.message {
        let parts = shown
            .document
            .as_ref()
            .map_or(0, |document| document.parts.len());
        shown.part = shown.part.min(parts.saturating_sub(1));
        shown.part_top = page_with(shown.part, shown.part_top, alone, parts);
    }
    if let Some((flags, _)) = &mut state.flags {
        let last = flags.boxes.len().saturating_sub(1);
        flags.cursor = flags.cursor.min(last);
        let height = alone.saturating_sub(FLAG_HEAD);
        flags.top = page_with(flags.cursor, flags.top, height, flags.boxes.len());
    }
}

/// Lines above the boxes of the flag screen.
pub const FLAG_HEAD: usize = 6;

/// The first visible row, so that `cursor` is visible: turns whole pages, as Pine does.
fn page_with(cursor: usize, top: usize, height: usize, rows: usize) -> usize {
    let height = height.max(1);
    let top = top.min(rows.saturating_sub(1));
    if cursor < top {
        (cursor + 1).saturating_sub(height)
    } else if cursor >= top + height {
        cursor
    } else {
        top
    }
}

fn settle_index(state: &mut State, areas: &Areas) {
    let Some(pane) = areas.index else {
        return;
    };
    let busy = state.is_busy_with(|job| matches!(job, Job::Envelopes));
    let Some(open) = &mut state.mailbox else {
        return;
    };
    if !open.loaded {
        return;
    }
    if open.cursor_row().is_none() && !open.is_empty() {
        open.move_to(usize::MAX);
    }
    let height = usize::from(pane.body.height).max(1);
    let row = open.cursor_row().unwrap_or(0);
    // the last page is full where there are messages enough
    let last_top = open.len().saturating_sub(height);
    open.top = page_with(row, open.top, height, open.len()).min(last_top);
    if busy || !open.is_open() {
        return;
    }
    let visible = open.top..open.top + height;
    let around = open.top.saturating_sub(height)..open.top + 2 * height;
    for rows in [visible, around] {
        let missing = rows
            .filter_map(|row| open.uid_at(row))
            .filter(|uid| open.envelope(*uid).is_none() && !open.asked.contains(uid));
        let missing: Vec<_> = missing.collect();
        if !missing.is_empty() {
            open.asked.extend(missing.iter().copied());
            let uids: UidSet = missing.iter().copied().collect();
            state.ask_mailbox(Ask::Envelopes(uids), Job::Envelopes);
            return;
        }
    }
}

fn settle_text(state: &mut State, areas: &Areas) {
    let width = usize::from(reading::text_width(state));
    let ascii = state.options.ascii;
    let headers = state.headers.clone();
    let height = areas.text.map(|pane| usize::from(pane.body.height));
    let Some(shown) = &mut state.message else {
        return;
    };
    if height.is_none() {
        return;
    }
    shown.lay_out(width, &headers, ascii);
    let height = height.unwrap_or(1).max(1);
    shown.top = shown.top.min(shown.rows.len().saturating_sub(height));
    if shown.is_laid_out_wrongly(width) {
        reading::open_again(state);
    }
}

fn settle_folders(state: &mut State, areas: &Areas) {
    let folders = &mut state.folders;
    folders.cursor = folders.cursor.min(folders.entries.len().saturating_sub(1));
    if let Some(pane) = areas.folders {
        let (columns, _) = folders.grid(pane.body.width);
        let rows = folders.entries.len().div_ceil(columns);
        let row = folders.cursor / columns;
        let height = usize::from(pane.body.height);
        folders.top = page_with(row, folders.top, height, rows);
    }
    // counts are asked for one at a time, once the mailbox itself is there
    let ready = state
        .mailbox
        .as_ref()
        .is_none_or(|open| open.loaded || open.failed);
    let wanted = areas.folders.is_some() || state.screen == Screen::Main;
    if folders.counting || !ready || !wanted {
        return;
    }
    let open = state.mailbox.as_ref().filter(|open| open.is_open());
    let open = open.map(|open| &open.name);
    while let Some(name) = folders.uncounted.pop_front() {
        if Some(&name) != open {
            folders.counting = true;
            state.ask(Request::Status(name.clone()), Job::Count(name));
            return;
        }
    }
}
