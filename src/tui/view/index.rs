//! The message index.

use ratatui::layout::Rect;

use crate::backend::event::Finding;
use crate::mail::flags::SystemFlags;
use crate::mail::summary::Summary;
use crate::mail::text::Printable;
use crate::mail::uid::MsgNo;
use crate::present::index_line::{IndexContext, IndexRow, index_line, number_width};
use crate::tui::state::mailbox::OpenMailbox;
use crate::tui::state::pager::wrap;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::theme::Role;
use crate::tui::view::painter::{Painter, after, row};

/// Draws the index.
pub fn draw(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let Some(open) = &state.mailbox else {
        let text = Printable::own("No folder is open");
        painter.put_centred(row(area, usize::from(area.height) / 3), &text, Role::Note);
        return;
    };
    if open.is_empty() || !open.loaded {
        return draw_nothing(open, area, painter);
    }
    let context = IndexContext {
        now: state.now.div_euclid(1000),
        zone: &state.options.zone,
        me: &state.options.me,
        width: usize::from(area.width),
        number_width: number_width(open.len()),
    };
    let focus = state.screen == Screen::Index;
    for line in 0..usize::from(area.height) {
        let place = open.top + line;
        let Some(uid) = open.uid_at(place) else {
            break;
        };
        let (Some(summary), Some(msgno)) = (open.list.message(uid), MsgNo::from_index(place))
        else {
            break;
        };
        let index_row = IndexRow {
            msgno,
            summary,
            envelope: open.envelope(uid),
            selected: false,
        };
        let text = index_line(index_row, context);
        let role = match (open.cursor == Some(uid), focus) {
            (true, true) => Role::Cursor,
            (true, false) => Role::CursorElsewhere,
            _ => role_of(summary),
        };
        painter.put(row(area, line), &text, role);
    }
}

fn role_of(summary: &Summary) -> Role {
    let has = |flag| summary.flags.has(flag);
    if has(SystemFlags::DELETED) {
        Role::IndexDeleted
    } else if has(SystemFlags::FLAGGED) {
        Role::IndexImportant
    } else if has(SystemFlags::SEEN) {
        Role::Body
    } else {
        Role::IndexNew
    }
}

/// Columns left empty before what stands where there is no mail.
const MARGIN: u16 = 2;
const NOTHING: [&str; 2] = [
    "Press L for other folders, or G to go to one by name. If your INBOX is elsewhere, set folders.inbox in config.toml; \
     mugo --demo shows sample mail, mugo doctor tells more.",
    "This is what was looked for; space shows the rest:",
];

/// What an index without messages says: what to do, and what was looked for.
fn draw_nothing(open: &OpenMailbox, area: Rect, painter: &mut Painter<'_>) {
    if !open.says_why_empty() {
        return;
    }
    let head = if open.failed {
        "Your INBOX cannot be opened."
    } else {
        "There is no mail for you yet."
    };
    let mut lines = vec![(Printable::own(head), Role::Strong)];
    let width = usize::from(area.width).saturating_sub(usize::from(MARGIN));
    let mut add = |text: &Printable, role| {
        lines.extend(wrap(text, width).into_iter().map(|row| (row, role)));
    };
    for text in NOTHING {
        add(&Printable::own(" "), Role::Body);
        add(&Printable::own(text), Role::Body);
    }
    let mut findings: Vec<&Finding> = open.findings.iter().collect();
    findings.retain(|found| tells(open, found));
    // Where mail is delivered matters most.
    findings.sort_by_key(|found| found.check != "spool");
    for finding in findings {
        let mark = if finding.ok { "+" } else { "-" };
        let text = Printable::concat(&[
            Printable::own(format!("{mark} {}: ", finding.check)),
            finding.detail.field(),
        ]);
        let role = if finding.ok {
            Role::Body
        } else {
            Role::Warning
        };
        add(&text, role);
    }
    let height = usize::from(area.height);
    let top = usize::from(lines.len() < height);
    let skipped = open.findings_top.min(lines.len().saturating_sub(height));
    let shown = lines.iter().skip(skipped).take(height).enumerate();
    for (place, (text, role)) in shown {
        painter.put(after(row(area, place + top), MARGIN), text, *role);
    }
}

/// Whether a finding says something about where the mail of the user is.
fn tells(open: &OpenMailbox, finding: &Finding) -> bool {
    open.failed || !finding.ok || ["mail home", "INBOX rule", "spool"].contains(&finding.check)
}
