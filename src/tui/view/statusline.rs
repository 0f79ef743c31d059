//! The status line: a question, a message in brackets, or work in progress.

use ratatui::layout::{Position, Rect};

use crate::mail::text::{Foreign, Printable};
use crate::tui::state::prompt::{Kind, Prompt, TextPrompt};
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
    if let Some((what, percent)) = &state.status.progress
        && message.is_none_or(|said| !said.is_error)
    {
        let text = Printable::concat(&[
            Printable::own("["),
            what.clone(),
            Printable::own(format!(" |{percent:>4}%   |]")),
        ]);
        painter.put_centred(area, &text, Role::Status);
        return None;
    }
    if let Some(said) = message {
        let (open, close, role) = if said.is_error {
            ("[>", "<]", Role::StatusError)
        } else {
            ("[", "]", Role::Status)
        };
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

fn draw_prompt(prompt: &Prompt, area: Rect, painter: &mut Painter<'_>) -> Option<Position> {
    painter.put(
        area,
        &Printable::blanks(usize::from(area.width)),
        Role::Prompt,
    );
    let width = usize::from(area.width);
    match &prompt.kind {
        Kind::Choice(_) => {
            let used = painter.put(area, &prompt.question.cut_marked(width), Role::Prompt);
            Some(Position::new(
                (area.x + used).min(area.right().saturating_sub(1)),
                area.y,
            ))
        }
        Kind::Text(typed) => {
            let room = (width * 2 / 3).max(width.saturating_sub(16));
            let question = question(prompt, typed).cut_marked(room);
            let used = painter.put(area, &question, Role::Prompt);
            Some(draw_typed(typed, after(area, used), painter))
        }
    }
}

fn question(prompt: &Prompt, typed: &TextPrompt) -> Printable {
    match &typed.default {
        Some(default) => Printable::concat(&[
            prompt.question.clone(),
            Printable::own(" ["),
            Foreign::new(default.as_str()).field(),
            Printable::own("] : "),
        ]),
        None if prompt.question.as_str().ends_with(' ') => prompt.question.clone(),
        None => Printable::concat(&[prompt.question.clone(), Printable::own(" : ")]),
    }
}

/// Draws the end of what stands before the cursor, and what follows it.
fn draw_typed(typed: &TextPrompt, area: Rect, painter: &mut Painter<'_>) -> Position {
    let width = usize::from(area.width);
    let before = Foreign::new(typed.edit.before()).open_line(&[]).0;
    let whole = Foreign::new(typed.edit.text()).open_line(&[]).0;
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
