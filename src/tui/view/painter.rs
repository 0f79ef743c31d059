//! Putting printable text into cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::mail::text::Printable;
use crate::tui::theme::{Role, Theme};

/// A buffer, the theme, and whether only ASCII may be shown.
pub struct Painter<'a> {
    /// Where cells go.
    pub buffer: &'a mut Buffer,
    /// How roles look.
    pub theme: &'a Theme,
    /// Whether only ASCII may be shown.
    pub ascii: bool,
}

impl Painter<'_> {
    /// Draws as much of `text` as fits into the first row of `area`, and tells how many columns it took.
    pub fn put(&mut self, area: Rect, text: &Printable, role: Role) -> u16 {
        let style = self.theme.style(role);
        self.put_styled(area, text, style)
    }

    /// As [`put`](Self::put), with a style.
    pub fn put_styled(&mut self, area: Rect, text: &Printable, style: Style) -> u16 {
        let area = area.intersection(self.buffer.area);
        if area.is_empty() {
            return 0;
        }
        let ascii = if self.ascii { Some(text.ascii()) } else { None };
        let text = ascii.as_ref().unwrap_or(text).cut(usize::from(area.width));
        let width = usize::from(area.width);
        let muted = style.patch(self.theme.style(Role::Foreign));
        let (mut x, mut done) = (area.x, 0);
        let whole = text.as_str();
        for range in text.muted() {
            let plain = whole.get(done..range.start).unwrap_or_default();
            let marked = whole.get(range.clone()).unwrap_or_default();
            for (piece, style) in [(plain, style), (marked, muted)] {
                let left = width.saturating_sub(usize::from(x - area.x));
                x = self.buffer.set_stringn(x, area.y, piece, left, style).0;
            }
            done = range.end;
        }
        let left = width.saturating_sub(usize::from(x - area.x));
        let rest = whole.get(done..).unwrap_or_default();
        x = self.buffer.set_stringn(x, area.y, rest, left, style).0;
        x - area.x
    }

    /// Gives every cell of `area` a role.
    pub fn fill(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(role);
        self.buffer
            .set_style(area.intersection(self.buffer.area), style);
    }

    /// Draws `text` in the middle of the first row of `area`.
    pub fn put_centred(&mut self, area: Rect, text: &Printable, role: Role) {
        let width = u16::try_from(text.width())
            .unwrap_or(u16::MAX)
            .min(area.width);
        let left = (area.width - width) / 2;
        let area = Rect {
            x: area.x + left,
            width: area.width - left,
            ..area
        };
        self.put(area, text, role);
    }
}

/// Row `row` of `area`, which is empty when it has no such row.
pub fn row(area: Rect, row: usize) -> Rect {
    match u16::try_from(row) {
        Ok(row) if row < area.height => Rect {
            y: area.y + row,
            height: 1,
            ..area
        },
        _ => Rect::default(),
    }
}

/// `area` without its first `columns`.
pub fn after(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect {
        x: area.x + columns,
        width: area.width - columns,
        ..area
    }
}
