//! The two rows of keys: twelve cells, or the keys of the open question, or its help.

use ratatui::layout::Rect;

use crate::mail::text::Printable;
use crate::tui::command::Command;
use crate::tui::command_menu::menu_cell;
use crate::tui::state::pager::wrap;
use crate::tui::state::prompt::{Kind, Prompt, Topic};
use crate::tui::state::state::State;
use crate::tui::theme::Role;
use crate::tui::update::main_menu::LINES;
use crate::tui::view::painter::{Painter, after, row};

/// Draws the key menu.
pub fn draw(state: &State, area: Rect, painter: &mut Painter<'_>) {
    if area.is_empty() {
        return;
    }
    match &state.prompt {
        Some(prompt) if prompt.help_shown => help(prompt, area, painter),
        Some(prompt) => {
            let cells = prompt_cells(prompt);
            let columns = match area.width < NARROW {
                true => cells.len().div_ceil(2).clamp(1, COLUMNS),
                false => COLUMNS,
            };
            for (slot, (key, label)) in cells.into_iter().enumerate() {
                cell(area, (slot, columns), (&key, &label), painter);
            }
        }
        None => menu(state, area, painter),
    }
}

fn menu(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let context = state.screen.context();
    for slot in 0..12 {
        let Some((command, label)) = menu_cell(context, state.menu_page * 12 + slot) else {
            continue;
        };
        let Some(key) = state.keymap.key_name(context, command) else {
            continue;
        };
        let chosen = LINES.get(state.menu_line);
        let label = match (command, chosen) {
            (Command::Open, Some(line)) if context == crate::tui::command::Context::Main => {
                main_label(line.0)
            }
            _ => label,
        };
        cell(area, (usize::from(slot), COLUMNS), (&key, label), painter);
    }
}

/// What Return does in the main menu.
fn main_label(command: Command) -> &'static str {
    match command {
        Command::Help => "[Help]",
        Command::Compose => "[Compose]",
        Command::MessageIndex => "[Index]",
        Command::FolderList => "[ListFldrs]",
        Command::AddressBook => "[AddrBook]",
        Command::Setup => "[Setup]",
        _ => "[Quit]",
    }
}

/// How many columns of keys there are; fewer for a question where the screen is narrow.
const COLUMNS: usize = 6;
const NARROW: u16 = 60;

fn cell(
    area: Rect,
    (slot, columns): (usize, usize),
    (key, label): (&str, &str),
    painter: &mut Painter<'_>,
) {
    let width = area.width / u16::try_from(columns).unwrap_or(1);
    let column = u16::try_from(slot / 2).unwrap_or(0);
    let line = row(area, slot % 2);
    let place = after(line, column * width);
    let place = Rect {
        width: width.saturating_sub(1).max(1).min(place.width),
        ..place
    };
    let used = painter.put(place, &Printable::own(key), Role::MenuKey);
    painter.put(
        after(place, used + 1),
        &Printable::own(label),
        Role::MenuLabel,
    );
}

fn help(prompt: &Prompt, area: Rect, painter: &mut Painter<'_>) {
    let rows = wrap(&Printable::own(prompt.help), usize::from(area.width));
    for (place, text) in rows.iter().enumerate() {
        painter.put(row(area, place), text, Role::MenuLabel);
    }
}

/// The keys of a question, in the order of slots.
fn prompt_cells(prompt: &Prompt) -> Vec<(String, String)> {
    let own = |key: &str, label: &str| (key.to_owned(), label.to_owned());
    match &prompt.kind {
        Kind::Text(typed) => {
            let mut cells = vec![own("^G", "Help"), own("^C", "Cancel")];
            if typed.topic == Topic::Folder {
                cells.push(own("^T", "To Fldrs"));
            }
            if typed.topic == Topic::File {
                cells.push(own("^T", "To Files"));
            }
            cells.push(own("Ret", "Accept"));
            if typed.topic == Topic::Folder {
                cells.push(own("Tab", "Complete"));
            }
            for (letter, label) in &typed.extra {
                let key = format!("^{}", letter.to_ascii_uppercase());
                cells.push(own(&key, label));
            }
            cells
        }
        Kind::Choice(choices) => {
            let yes_no = choices.len() == 2 && choices[0].key == 'y';
            let second = if yes_no {
                own("", "")
            } else {
                own("^C", "Cancel")
            };
            let mut cells = vec![own("?", "Help"), second];
            for choice in choices {
                let key = match choice.key {
                    '\u{14}' => "^T".to_owned(),
                    key => key.to_ascii_uppercase().to_string(),
                };
                let label = if choice.is_default {
                    format!("[{}]", choice.label)
                } else {
                    choice.label.to_owned()
                };
                cells.push((key, label));
            }
            cells
        }
    }
}
