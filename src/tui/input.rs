//! Terminal events as messages.

use crossterm::event::{Event as Input, KeyEventKind, MouseButton, MouseEventKind};

use crate::tui::key::Key;
use crate::tui::msg::{Mouse, Msg};

/// What a terminal event means, if anything.
pub fn message(event: Input) -> Option<Msg> {
    match event {
        Input::Key(key) if key.kind != KeyEventKind::Release => Some(Msg::Key(Key::from(key))),
        Input::Paste(text) => Some(Msg::Paste(text)),
        Input::Resize(width, height) => Some(Msg::Resize(width, height)),
        Input::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            let done = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Mouse::Click(column, row),
                MouseEventKind::ScrollUp => Mouse::WheelUp(column, row),
                MouseEventKind::ScrollDown => Mouse::WheelDown(column, row),
                _ => return None,
            };
            Some(Msg::Mouse(done))
        }
        _ => None,
    }
}
