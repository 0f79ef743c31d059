//! A screen of plain text: help, journal, a part of a message, what a program wrote.

use crate::mail::text::{Foreign, Printable};
use crate::tui::state::screen::Screen;

/// The most lines that a screen of text takes in.
const LINES: usize = 200_000;

/// The most lines of a text that goes on.
const FOLLOWED: usize = 5_000;

/// A text and where one is in it.
#[derive(Clone, Debug)]
pub struct Pager {
    /// The name of the screen.
    pub title: &'static str,
    /// Where `back` goes.
    pub back: Screen,
    /// The first row that is visible.
    pub top: usize,
    /// The row in which something was found.
    pub found: Option<usize>,
    /// The rows, wrapped.
    pub rows: Vec<Printable>,
    /// Where rows after the first of a line begin that begins with a blank; 0 for text that was not made of columns.
    pub hang: usize,
    /// How much of what is said to servers it shows; `None` for a text that stays as it is.
    pub follows: Option<Follows>,
    lines: Vec<Printable>,
    width: usize,
}

/// How far a text is that goes on while it is looked at.
#[derive(Clone, Copy, Default, Debug)]
pub struct Follows {
    /// How many lines were told.
    pub seen: u64,
    /// When they were asked for, in milliseconds since 1970.
    pub asked: i64,
    /// Whether the end is visible, and stays so.
    pub is_at_end: bool,
    /// How many rows are visible.
    pub height: usize,
}

impl Pager {
    /// A screen with `text`, whoever wrote it.
    pub fn new(title: &'static str, text: &str, back: Screen) -> Self {
        let lines = text.lines().take(LINES);
        let printable = |line: &str| Foreign::new(line).open_line(&[]).0;
        Self {
            title,
            back,
            top: 0,
            found: None,
            rows: Vec::new(),
            hang: 0,
            follows: None,
            lines: lines.map(printable).collect(),
            width: usize::MAX,
        }
    }

    /// Takes the text away.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.rows.clear();
        self.top = 0;
    }

    /// Adds lines behind the others; where there are too many the first ones go.
    pub fn add(&mut self, lines: impl Iterator<Item = Printable>) {
        let before = self.lines.len();
        self.lines.extend(lines);
        let excess = self.lines.len().saturating_sub(FOLLOWED);
        if excess > 0 {
            self.lines.drain(..excess);
            self.width = usize::MAX;
        } else if self.width != usize::MAX {
            let new = self.lines.iter().skip(before);
            let rows = new.flat_map(|line| wrap_hanging(line, self.width, self.hang));
            self.rows.extend(rows);
        }
    }

    /// Wraps the text unless that was done for this width already.
    pub fn lay_out(&mut self, width: usize) {
        if self.width == width {
            return;
        }
        let before = self.rows.len();
        self.width = width;
        self.rows = self
            .lines
            .iter()
            .flat_map(|line| wrap_hanging(line, width, self.hang))
            .collect();
        let place = self.top.saturating_mul(self.rows.len()).checked_div(before);
        self.top = place.unwrap_or(self.top);
        self.found = None;
    }
}

/// The same as [`wrap`], but a line that begins with a blank goes on `hang` columns further right, where that leaves room.
fn wrap_hanging(line: &Printable, width: usize, hang: usize) -> Vec<Printable> {
    let in_columns = line.as_str().starts_with(' ') && hang * 2 <= width;
    if hang == 0 || !in_columns || line.width() <= width {
        return wrap(line, width);
    }
    let mut rows = wrap(line, width);
    rows.truncate(1);
    let done = rows.first().map_or(0, |row| row.as_str().len());
    let rest = line.slice(done..line.as_str().len());
    let blanks = Printable::blanks(hang);
    let more = wrap(&rest, width - hang);
    rows.extend(more.iter().map(|row| Printable::concat([&blanks, row])));
    rows
}

/// Rows of at most `width` columns, broken at blanks where that is possible.
pub fn wrap(line: &Printable, width: usize) -> Vec<Printable> {
    let width = width.max(2);
    let mut rows = Vec::new();
    let mut start = 0;
    let whole = line.as_str().len();
    while start < whole {
        // a row of `width` columns has at most this many bytes that matter
        let window = line.slice(start..whole.min(start + width * 48));
        if window.width() <= width && start + window.as_str().len() >= whole {
            rows.push(window.isolated());
            return rows;
        }
        let head = window.cut(width);
        let text = head.as_str();
        let at_blank = text.rfind(' ').filter(|&at| at > text.len() / 3);
        let length = at_blank.map_or(text.len(), |at| at + 1).max(1);
        rows.push(window.slice(0..length).isolated());
        start += length;
    }
    if rows.is_empty() {
        rows.push(Printable::default());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_columns_go_on_below_their_text() {
        let line = Printable::own("  x     one two three");
        let rows = wrap_hanging(&line, 16, 8);
        let texts: Vec<&str> = rows.iter().map(Printable::as_str).collect();
        assert_eq!(texts, ["  x     one two ", "        three"]);
        assert_eq!(wrap_hanging(&line, 15, 8).len(), wrap(&line, 15).len());
    }

    #[test]
    fn long_lines_break_at_blanks() {
        let rows = wrap(&Printable::own("one two three four"), 9);
        let texts: Vec<&str> = rows.iter().map(Printable::as_str).collect();
        assert_eq!(texts, ["one two ", "three ", "four"]);
        assert_eq!(wrap(&Printable::own("x".repeat(25)), 10).len(), 3);
        assert_eq!(wrap(&Printable::default(), 10).len(), 1);
    }
}
