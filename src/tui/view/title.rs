//! The title bar: program and screen, folder, counter. What does not fit is dropped, the least important first.

use ratatui::layout::Rect;

use crate::mail::flags::SystemFlags;
use crate::mail::text::{Foreign, Printable};
use crate::mail::uid::Uid;
use crate::tui::state::mailbox::OpenMailbox;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::theme::Role;
use crate::tui::update::names::short_name;
use crate::tui::view::painter::{Painter, after};

/// Draws the title bar.
pub fn draw(state: &State, area: Rect, painter: &mut Painter<'_>) {
    if area.is_empty() {
        return;
    }
    let open = state.mailbox.as_ref();
    let closed = open.is_some_and(|open| !open.is_open());
    let role = if closed {
        Role::TitleClosed
    } else {
        Role::Title
    };
    let blank = Printable::blanks(usize::from(area.width));
    painter.put(area, &blank, role);
    let width = usize::from(area.width);
    let name = screen_name(state);
    let version = &state.options.version;
    let long = Printable::own(format!("  MUGO {version}   {name}"));
    let short = Printable::own(format!("  {name}"));
    let counters = counters(state);
    let middles = middles(state);
    let gap = 2;
    for left in [&long, &short] {
        for middle in &middles {
            for right in &counters {
                let needed = left.width() + middle.width() + right.width() + 3 * gap;
                if needed <= width {
                    return place(area, role, [left, middle, right], painter);
                }
            }
        }
    }
    painter.put(area, &Printable::own(name), role);
}

fn place(area: Rect, role: Role, pieces: [&Printable; 3], painter: &mut Painter<'_>) {
    let [left, middle, right] = pieces;
    let columns = |text: &Printable| u16::try_from(text.width()).unwrap_or(u16::MAX);
    painter.put(area, left, role);
    let right_start = area.width.saturating_sub(columns(right) + 2);
    painter.put(after(area, right_start), right, role);
    // the middle of the bar, unless the left piece reaches that far
    let centre = (area.width.saturating_sub(columns(middle))) / 2;
    let free = right_start.saturating_sub(columns(middle) + 2);
    let start = centre.min(free).max(columns(left) + 2);
    painter.put(after(area, start), middle, role);
}

fn screen_name(state: &State) -> &'static str {
    match state.screen {
        Screen::Main => "MAIN MENU",
        Screen::Folders => "FOLDER LIST",
        Screen::Index => "MESSAGE INDEX",
        Screen::Text => "MESSAGE TEXT",
        Screen::Attachments => "ATTACHMENT INDEX",
        Screen::Flags => "FLAG MAINTENANCE",
        Screen::FolderSelect => "FOLDER SELECT",
        Screen::Browser => "BROWSER",
        Screen::Pager => state.pager.as_ref().map_or("", |pager| pager.title),
    }
}

/// What stands in the middle, the longest first.
fn middles(state: &State) -> Vec<Printable> {
    if let (Screen::Browser, Some(browser)) = (state.screen, &state.browser) {
        let directory = Foreign::new(browser.directory.to_string_lossy()).field();
        let long = Printable::concat([&Printable::own("Dir: "), &directory]);
        return vec![long, directory.cut_marked(24), Printable::default()];
    }
    let Some(open) = &state.mailbox else {
        return vec![Printable::default()];
    };
    let name = short_name(state, &open.name);
    let state_of = if !open.is_open() {
        " (CLOSED)"
    } else if open.is_read_only() {
        " (READONLY)"
    } else {
        ""
    };
    let with = |before: &'static str, name: &Printable| {
        Printable::concat(&[
            Printable::own(before),
            name.clone(),
            Printable::own(state_of),
        ])
    };
    vec![
        with("Folder: ", &name),
        with("", &name),
        with("", &name.cut_marked(12)),
        Printable::default(),
    ]
}

/// What stands on the right, the longest first.
fn counters(state: &State) -> Vec<Printable> {
    let Some(open) = &state.mailbox else {
        return vec![Printable::default()];
    };
    let total = open.len();
    let message = |uid: Option<Uid>, place: &str| {
        let row = uid.and_then(|uid| open.row_of(uid))?;
        let mark = uid.map_or("", |uid| mark(open, uid));
        let forms = ["Message", "Msg", ""].map(|word| {
            let text = format!("{word} {:>2} of {total}{place}{mark}", row + 1);
            Printable::own(text.trim_start())
        });
        Some(Vec::from(forms))
    };
    let counter = match state.screen {
        Screen::Index => message(open.cursor, ""),
        Screen::Text => message(
            state.message.as_ref().map(|shown| shown.uid),
            &format!(" {}", text_place(state)),
        ),
        Screen::Attachments => message(state.message.as_ref().map(|shown| shown.uid), ""),
        Screen::Pager => Some(vec![Printable::own(pager_place(state))]),
        Screen::Browser => Some(vec![Printable::default()]),
        _ => None,
    };
    counter.unwrap_or_else(|| {
        let text = match total {
            0 => "No Messages".to_owned(),
            1 => "1 Message".to_owned(),
            total => format!("{total} Messages"),
        };
        vec![Printable::own(text), Printable::default()]
    })
}

fn mark(open: &OpenMailbox, uid: Uid) -> &'static str {
    let Some(summary) = open.list.message(uid) else {
        return "";
    };
    if summary.flags.has(SystemFlags::DELETED) {
        " DEL"
    } else if summary.flags.has(SystemFlags::ANSWERED) {
        " ANS"
    } else if summary.flags.has(SystemFlags::SEEN) {
        ""
    } else {
        " NEW"
    }
}

/// How far the last visible row is into the text.
fn text_place(state: &State) -> String {
    let height = state.areas().text.map_or(0, |pane| pane.body.height);
    let shown = state.message.as_ref();
    let (top, rows) = shown.map_or((0, 0), |shown| (shown.top, shown.rows.len()));
    percent(top, usize::from(height), rows)
}

fn pager_place(state: &State) -> String {
    let height = usize::from(state.areas().alone.height);
    let Some(pager) = &state.pager else {
        return String::new();
    };
    let rows = pager.rows.len();
    let bottom = (pager.top + height).min(rows);
    let place = percent(pager.top, height, rows);
    format!("Line {bottom} of {rows} {place}")
}

fn percent(top: usize, height: usize, rows: usize) -> String {
    let bottom = (top + height).min(rows);
    if top == 0 && bottom == rows {
        return "ALL".to_owned();
    }
    format!("{}%", (bottom * 100).checked_div(rows).unwrap_or(100))
}
