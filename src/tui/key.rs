//! Keys by name: `n`, `N`, `space`, `ctrl-x`, `alt-v`, `f1`, `pageup`; sequences are keys with blanks between.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key press. Letters carry their case, so Shift is never a modifier of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

const NAMED: [(&str, &str, KeyCode); 17] = [
    ("space", "Spc", KeyCode::Char(' ')),
    ("enter", "Ret", KeyCode::Enter),
    ("tab", "Tab", KeyCode::Tab),
    ("backtab", "BTb", KeyCode::BackTab),
    ("backspace", "Bsp", KeyCode::Backspace),
    ("esc", "Esc", KeyCode::Esc),
    ("up", "Up", KeyCode::Up),
    ("down", "Dn", KeyCode::Down),
    ("left", "Lft", KeyCode::Left),
    ("right", "Rgt", KeyCode::Right),
    ("home", "Hme", KeyCode::Home),
    ("end", "End", KeyCode::End),
    ("pageup", "PgU", KeyCode::PageUp),
    ("pagedown", "PgD", KeyCode::PageDown),
    ("insert", "Ins", KeyCode::Insert),
    ("delete", "Del", KeyCode::Delete),
    ("minus", "-", KeyCode::Char('-')),
];

impl Key {
    /// A key without modifiers.
    pub fn plain(code: KeyCode) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
        }
    }

    /// A letter with Control.
    pub fn ctrl(letter: char) -> Self {
        Self {
            code: KeyCode::Char(letter),
            ctrl: true,
            alt: false,
        }
    }

    /// Reads a name; `None` when it names no key.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix("ctrl-") {
            let key = Self::parse(rest)?;
            return Some(Self { ctrl: true, ..key });
        }
        if let Some(rest) = name.strip_prefix("alt-") {
            let key = Self::parse(rest)?;
            return Some(Self { alt: true, ..key });
        }
        let mut letters = name.chars();
        if let (Some(letter), None) = (letters.next(), letters.next()) {
            return (!letter.is_control()).then(|| Self::plain(KeyCode::Char(letter)));
        }
        if let Some(entry) = NAMED.iter().find(|entry| entry.0 == name) {
            return Some(Self::plain(entry.2));
        }
        let number: u8 = name.strip_prefix('f')?.parse().ok()?;
        (1..=24)
            .contains(&number)
            .then(|| Self::plain(KeyCode::F(number)))
    }

    /// Reads keys with blanks between; `None` when one of them is none.
    pub fn parse_sequence(names: &str) -> Option<Vec<Self>> {
        let keys: Option<Vec<_>> = names.split_whitespace().map(Self::parse).collect();
        keys.filter(|keys| !keys.is_empty())
    }

    /// The same key with its letter in lower case.
    #[must_use]
    pub fn folded(self) -> Self {
        match self.code {
            KeyCode::Char(letter) => Self {
                code: KeyCode::Char(letter.to_ascii_lowercase()),
                ..self
            },
            _ => self,
        }
    }

    /// The same key with its letter in upper case, unless Control or Alt is held.
    #[must_use]
    pub fn raised(self) -> Self {
        match self.code {
            KeyCode::Char(letter) if !self.ctrl && !self.alt => {
                Self::plain(KeyCode::Char(letter.to_ascii_uppercase()))
            }
            _ => self,
        }
    }

    /// What the key types into a prompt, if anything.
    pub fn character(self) -> Option<char> {
        match self.code {
            KeyCode::Char(letter) if !self.ctrl && !self.alt => Some(letter),
            _ => None,
        }
    }

    /// The letter of a key with Control.
    pub fn control(self) -> Option<char> {
        match self.code {
            KeyCode::Char(letter) if self.ctrl && !self.alt => Some(letter.to_ascii_lowercase()),
            _ => None,
        }
    }

    /// The key without modifiers that it is, if it is one.
    pub fn code(self) -> Option<KeyCode> {
        (!self.ctrl && !self.alt).then_some(self.code)
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(letter) if ctrl => KeyCode::Char(letter.to_ascii_lowercase()),
            code => code,
        };
        Self {
            code,
            ctrl,
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }
}

impl fmt::Display for Key {
    /// Writes the key as the key menu shows it: `^X`, `Spc`, `N`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("^")?;
        }
        if self.alt {
            f.write_str("M-")?;
        }
        if let Some(entry) = NAMED.iter().find(|entry| entry.2 == self.code) {
            return f.write_str(entry.1);
        }
        match self.code {
            KeyCode::Char(letter) if self.ctrl => write!(f, "{}", letter.to_ascii_uppercase()),
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            _ => f.write_str("key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_keys() {
        assert_eq!(Key::parse("ctrl-x"), Some(Key::ctrl('x')));
        assert_eq!(Key::parse("-"), Key::parse("minus"));
        assert_eq!(Key::parse_sequence("g g").map(|keys| keys.len()), Some(2));
        for bad in ["", "nn", "f0", "f99", "ctrl-", "\u{7}"] {
            assert_eq!(Key::parse_sequence(bad), None, "{bad:?}");
        }
    }
}
