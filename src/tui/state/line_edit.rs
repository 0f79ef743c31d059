//! One line being typed, with the composer's keys. The cursor stands between grapheme clusters.

use unicode_segmentation::UnicodeSegmentation;

use crate::tui::key::Key;
use crossterm::event::KeyCode;

/// The longest line that can be typed, in bytes.
const LIMIT: usize = 4096;

/// A line and a cursor.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LineEdit {
    text: String,
    at: usize,
    cut: String,
}

impl LineEdit {
    /// A line with `text` in it and the cursor behind it.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            at: text.len(),
            text,
            cut: String::new(),
        }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor.
    pub fn before(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// Types `text`; control characters are left out.
    pub fn insert(&mut self, text: &str) {
        let clean: String = text.chars().filter(|letter| !letter.is_control()).collect();
        if self.text.len() + clean.len() <= LIMIT {
            self.text.insert_str(self.at, &clean);
            self.at += clean.len();
        }
    }

    /// Replaces the whole line.
    pub fn replace(&mut self, text: impl Into<String>) {
        self.text = text.into();
        self.at = self.text.len();
    }

    /// Does what an editing key does; `false` when `key` is none.
    pub fn key(&mut self, key: Key) -> bool {
        if let Some(letter) = key.character() {
            self.insert(letter.encode_utf8(&mut [0; 4]));
            return true;
        }
        match (key.control(), key.code()) {
            (Some('a'), _) | (_, Some(KeyCode::Home)) => self.at = 0,
            (Some('e'), _) | (_, Some(KeyCode::End)) => self.at = self.text.len(),
            (Some('b'), _) | (_, Some(KeyCode::Left)) => self.at = self.previous(),
            (Some('f'), _) | (_, Some(KeyCode::Right)) => self.at = self.next(),
            (Some('d'), _) | (_, Some(KeyCode::Delete)) => {
                let end = self.next();
                self.text.replace_range(self.at..end, "");
            }
            (Some('h'), _) | (_, Some(KeyCode::Backspace)) => {
                let start = self.previous();
                self.text.replace_range(start..self.at, "");
                self.at = start;
            }
            (Some('k'), _) => {
                self.cut = std::mem::take(&mut self.text);
                self.at = 0;
            }
            (Some('u'), _) => self.insert(&self.cut.clone()),
            _ => return false,
        }
        true
    }

    fn previous(&self) -> usize {
        let last = self.before().grapheme_indices(true).next_back();
        last.map_or(0, |cluster| cluster.0)
    }

    fn next(&self) -> usize {
        let after = self.text.get(self.at..).unwrap_or_default();
        let cluster = after.graphemes(true).next().unwrap_or_default();
        self.at + cluster.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_keys_keep_clusters_whole() {
        let mut line = LineEdit::new("cafe\u{301}s");
        assert!(line.key(Key::plain(KeyCode::Left)));
        assert!(line.key(Key::plain(KeyCode::Backspace)));
        assert_eq!(line.text(), "cafs");
        line.key(Key::ctrl('k'));
        line.insert("a\u{1b}[31mb\n");
        assert_eq!(line.text(), "a[31mb");
        line.key(Key::ctrl('u'));
        assert_eq!(line.text(), "a[31mbcafs");
        assert!(!line.key(Key::ctrl('x')));
    }
}
