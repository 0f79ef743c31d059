//! The status line: a question, a message in brackets, or work in progress.

use ratatui::layout::{Position, Rect};

use crate::mail::text::{Foreign, Printable};
use crate::tui::state::asking::Asking;
use crate::tui::state::pager::wrap;
use crate::tui::state::prompt::{Kind, Prompt, TextPrompt, Topic};
use crate::tui::state::state::State;
use crate::tui::theme::Role;
use crate::tui::view::painter::{Painter, after};

/// Draws the status line; tells where the cursor of a typed text is.
pub fn draw(state: &State, area: Rect, painter: &mut Painter<'_>) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let held = state.status.holds(state.now);
    if let Some(prompt) = state.prompt.as_ref().filter(|_| !held) {
        return draw_prompt(prompt, area, painter);
    }
    let message = state.status.shown();
    if let Some(open) = state.questions.iter().find(|open| open.waits)
        && message.is_none_or(|said| !said.is_error || !held)
    {
        draw_wait(open, area, painter);
        return None;
    }
    if let Some((what, percent)) = &state.status.progress
        && message.is_none_or(|said| !said.is_error)
    {
        let after = match state.status.stalls(state.now) {
            true => " - waiting, perhaps for a lock; ^C gives up]".to_owned(),
            false => format!(" |{percent:>4}%   |]"),
        };
        let text = [Printable::own("["), what.clone(), Printable::own(after)];
        let text = Printable::concat(&text);
        painter.put_centred(area, &text, Role::Status);
        return None;
    }
    if let Some(said) = message {
        let (open, close, role) = if said.is_error {
            ("[>", "<]", Role::StatusError)
        } else {
            ("[", "]", Role::Status)
        };
        let whole = [
            Printable::own(open),
            said.text.clone(),
            Printable::own(close),
        ];
        let whole = Printable::concat(&whole);
        if said.is_error && whole.width() > usize::from(area.width) && area.y > ROWS {
            draw_long(&whole, area, role, painter);
            return None;
        }
        let room = usize::from(area.width).saturating_sub(open.len() + close.len());
        let text = Printable::concat(&[
            Printable::own(open),
            said.text.cut_marked(room),
            Printable::own(close),
        ]);
        painter.put_centred(area, &text, role);
    }
    None
}

/// What is waited for: who has it locked stands before what one can do about it.
fn draw_wait(open: &Asking, area: Rect, painter: &mut Painter<'_>) {
    let after = match area.width {
        0..60 => "; ^C stops]",
        _ => " - waiting; ^C gives up]",
    };
    let room = usize::from(area.width).saturating_sub(after.len() + 1);
    let text = [
        Printable::own("["),
        open.words().cut_marked(room),
        Printable::own(after),
    ];
    painter.put_centred(area, &Printable::concat(&text), Role::Status);
}

/// The most rows that a long message takes; they lie over the end of the body.
const ROWS: u16 = 3;

/// Draws a message that needs several rows: what was kept and what to do stands at its end.
fn draw_long(text: &Printable, area: Rect, role: Role, painter: &mut Painter<'_>) {
    let width = usize::from(area.width);
    let mut rows = wrap(text, width);
    let most = usize::from(ROWS);
    if rows.len() > most {
        rows.truncate(most);
        if let Some(last) = rows.last_mut() {
            *last = Printable::concat(&[last.cut(width.saturating_sub(1)), Printable::own("…")]);
        }
    }
    let above = u16::try_from(rows.len()).unwrap_or(ROWS).saturating_sub(1);
    for (place, text) in (area.y - above..=area.y).zip(&rows) {
        let line = Rect { y: place, ..area };
        painter.put(line, &Printable::blanks(width), role);
        painter.put(line, text, role);
    }
}

fn draw_prompt(prompt: &Prompt, area: Rect, painter: &mut Painter<'_>) -> Option<Position> {
    painter.put(
        area,
        &Printable::blanks(usize::from(area.width)),
        Role::Prompt,
    );
    let width = usize::from(area.width);
    match &prompt.kind {
        Kind::Choice(_) if prompt.is_shown_whole() && prompt.question.width() > width => {
            Some(draw_rows(&prompt.question, area, painter))
        }
        Kind::Choice(_) => {
            let used = painter.put(area, &prompt.question.cut_marked(width), Role::Prompt);
            Some(Position::new(
                (area.x + used).min(area.right().saturating_sub(1)),
                area.y,
            ))
        }
        Kind::Text(typed) => {
            let room = (width * 2 / 3).max(width.saturating_sub(16));
            let question = question(prompt, typed, room);
            let used = painter.put(area, &question, Role::Prompt);
            Some(draw_typed(typed, after(area, used), painter))
        }
    }
}

/// The most rows that a question takes.
const PROMPT_ROWS: u16 = 7;

/// Draws a question that needs several rows, over the end of the body: nothing of it may be missing.
fn draw_rows(question: &Printable, area: Rect, painter: &mut Painter<'_>) -> Position {
    let width = usize::from(area.width);
    let mut rows = wrap(question, width);
    rows.truncate(usize::from(PROMPT_ROWS.min(area.y)));
    let above = u16::try_from(rows.len()).unwrap_or(1).saturating_sub(1);
    let mut used = 0;
    for (y, text) in (area.y - above..=area.y).zip(&rows) {
        let line = Rect { y, ..area };
        painter.put(line, &Printable::blanks(width), Role::Prompt);
        used = painter.put(line, text, Role::Prompt);
    }
    let last = area.right().saturating_sub(1);
    Position::new((area.x + used).min(last), area.y)
}

/// The question with its default. Where both do not fit, the default is what one has to see.
fn question(prompt: &Prompt, typed: &TextPrompt, room: usize) -> Printable {
    let after = match &typed.default {
        Some(default) => Printable::concat(&[
            Printable::own(" ["),
            Foreign::new(default.as_str()).field(),
            Printable::own("] : "),
        ]),
        None if prompt.question.as_str().ends_with(' ') => Printable::default(),
        None => Printable::own(" : "),
    };
    let before = room.saturating_sub(after.width());
    if before < SHORTEST {
        return Printable::concat(&[prompt.question.clone(), after]).cut_marked(room);
    }
    Printable::concat(&[prompt.question.cut_marked(before), after])
}

/// The least of a question that says what it is.
const SHORTEST: usize = 8;

/// Draws the end of what stands before the cursor, and what follows it.
fn draw_typed(typed: &TextPrompt, area: Rect, painter: &mut Painter<'_>) -> Position {
    let width = usize::from(area.width);
    let seen = |text: &str| match typed.topic {
        Topic::Password => Printable::own("*".repeat(text.chars().count())),
        _ => Foreign::new(text).open_line(&[]).0,
    };
    let before = seen(typed.edit.before());
    let whole = seen(typed.edit.text());
    let column = before.width();
    // keep one column for the cursor
    let hidden = (column + 1).saturating_sub(width);
    let start = before.cut(hidden).as_str().len();
    let shown = whole.slice(start..whole.as_str().len());
    painter.put(area, &shown, Role::Prompt);
    let x = u16::try_from(column.saturating_sub(hidden)).unwrap_or(0);
    let last = area.right().saturating_sub(1);
    Position::new((area.x + x).min(last), area.y)
}
