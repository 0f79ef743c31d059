//! Commands on their way to a server (RFC 3501, section 6 and the grammar of section 9).
//!
//! What others chose (names, search words, user names) is written as an atom, in quotes or as a literal, so that it can be
//! nothing but that: no line end and no quote of it is ever a part of the command. A literal parts the command: what is
//! behind waits for the server's leave, unless the server takes literals unasked (RFC 7888).

use crate::wire::imap::level::Level;

/// How a server takes literals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Literals {
    /// Each after the server's leave.
    #[default]
    Asked,
    /// Those of up to 4096 bytes unasked (`LITERAL-`).
    ShortUnasked,
    /// All unasked (`LITERAL+`).
    Unasked,
}

/// How this command is to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// The server's level.
    pub level: Level,
    /// How it takes literals.
    pub literals: Literals,
}

/// A piece of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// Bytes to be sent.
    Bytes(Vec<u8>),
    /// The server's leave is waited for.
    Leave,
    /// So many bytes of a message are sent.
    Upload(u64),
}

/// A command without its tag and line end.
#[derive(Clone, Debug)]
pub struct Command {
    style: Style,
    parts: Vec<Part>,
    /// Whether a parenthesis of the program's own was written last.
    opened: bool,
}

/// The longest quoted string, in bytes; longer ones are literals.
const LONGEST_QUOTED: usize = 1024;
/// The longest literal that `LITERAL-` allows unasked, in bytes.
const SHORT: usize = 4096;

impl Command {
    /// A command that begins with these words, which are the program's own.
    pub fn new(style: Style, words: &str) -> Self {
        Self {
            style,
            parts: vec![Part::Bytes(words.as_bytes().to_vec())],
            opened: words.ends_with('('),
        }
    }

    /// Its pieces, first and last of which are bytes.
    pub fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// Adds words of the program's own behind a blank.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        self.add_word(word);
        self
    }

    /// Adds words of the program's own as they are.
    #[must_use]
    pub fn plain(mut self, word: &str) -> Self {
        self.add_plain(word);
        self
    }

    /// The same as [`word`](Self::word).
    pub fn add_word(&mut self, word: &str) {
        self.blank();
        self.add_plain(word);
    }

    /// The same as [`plain`](Self::plain).
    pub fn add_plain(&mut self, word: &str) {
        self.push(word.as_bytes());
        self.opened = word.ends_with('(');
    }

    /// The same as [`quoted`](Self::quoted).
    pub fn add_quoted(&mut self, bytes: &[u8]) {
        self.blank();
        self.put(bytes, false);
    }

    /// Adds a string behind a blank, in the simplest form that can hold it.
    #[must_use]
    pub fn string(mut self, bytes: &[u8]) -> Self {
        self.blank();
        self.put(bytes, is_atom(bytes));
        self
    }

    /// Adds a pattern of LIST behind a blank: a string in which the wildcards stay.
    #[must_use]
    pub fn pattern(mut self, bytes: &[u8]) -> Self {
        let plain: Vec<u8> = bytes
            .iter()
            .copied()
            .filter(|it| !b"*%".contains(it))
            .collect();
        self.push(b" ");
        self.put(
            bytes,
            !bytes.is_empty() && (plain.is_empty() || is_atom(&plain)),
        );
        self
    }

    /// Adds a string behind a blank, never as an atom.
    #[must_use]
    pub fn quoted(mut self, bytes: &[u8]) -> Self {
        self.add_quoted(bytes);
        self
    }

    /// Adds the announcement of a literal of this length, whose bytes are sent apart; what is added later comes behind them.
    #[must_use]
    pub fn announced(mut self, length: u64, mark: &str) -> Self {
        let plus = if Self::takes_unasked(self.style, length) {
            "+"
        } else {
            ""
        };
        self.push(format!(" {mark}{{{length}{plus}}}\r\n").as_bytes());
        if plus.is_empty() {
            self.parts.push(Part::Leave);
        }
        self.parts
            .extend([Part::Upload(length), Part::Bytes(Vec::new())]);
        self
    }

    /// Whether the server takes a literal of this length unasked.
    pub fn takes_unasked(style: Style, length: u64) -> bool {
        match style.literals {
            Literals::Asked => false,
            Literals::ShortUnasked => length <= SHORT as u64,
            Literals::Unasked => true,
        }
    }

    /// Parts what comes from what is there; nothing is to be parted behind a parenthesis.
    fn blank(&mut self) {
        if !std::mem::take(&mut self.opened) {
            self.push(b" ");
        }
    }

    fn put(&mut self, bytes: &[u8], as_atom: bool) {
        if as_atom {
            return self.push(bytes);
        }
        // Before IMAP4 nothing was escaped inside quotes.
        let escaped = bytes.iter().any(|it| b"\"\\".contains(it));
        let plain = bytes.iter().all(|it| (b' '..=b'~').contains(it));
        let quoted = plain && bytes.len() <= LONGEST_QUOTED;
        if !quoted || (escaped && self.style.level < Level::Imap4) {
            return self.literal(bytes);
        }
        self.push(b"\"");
        for &byte in bytes {
            if b"\"\\".contains(&byte) {
                self.push(b"\\");
            }
            self.push(&[byte]);
        }
        self.push(b"\"");
    }

    fn literal(&mut self, bytes: &[u8]) {
        let unasked = Self::takes_unasked(self.style, bytes.len() as u64);
        let plus = if unasked { "+" } else { "" };
        self.push(format!("{{{}{plus}}}\r\n", bytes.len()).as_bytes());
        if !unasked {
            self.parts.extend([Part::Leave, Part::Bytes(Vec::new())]);
        }
        self.push(bytes);
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(Part::Bytes(last)) = self.parts.last_mut() {
            last.extend_from_slice(bytes);
        }
    }
}

/// Whether bytes can stand as they are: printable ASCII without anything that means something. `NIL` is no name.
fn is_atom(bytes: &[u8]) -> bool {
    let allowed = |byte: &u8| (b'!'..=b'~').contains(byte) && !b"(){%*\"\\]".contains(byte);
    !bytes.is_empty() && bytes.iter().all(allowed) && !bytes.eq_ignore_ascii_case(b"NIL")
}

/// Parts a set into pieces of at most `most` bytes, at its commas.
pub fn pieces_of_set(set: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = set;
    while rest.len() > most {
        let (front, _) = rest.split_at(most + 1);
        // A range is far shorter than any line.
        let Some(comma) = front.rfind(',') else {
            break;
        };
        let (piece, after) = rest.split_at(comma);
        pieces.push(piece);
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::wire::imap::cursor::Raw;

    fn style(level: Level, literals: Literals) -> Style {
        Style { level, literals }
    }

    fn written(command: Command) -> String {
        let parts = command.into_parts().into_iter();
        let words = parts.map(|part| match part {
            Part::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Part::Leave => "|".to_owned(),
            Part::Upload(length) => format!("<{length} bytes>"),
        });
        words.collect()
    }

    #[test]
    fn strings_take_the_simplest_form_that_holds_them() {
        let rev1 = style(Level::Imap4rev1, Literals::Asked);
        let old = style(Level::Imap2bis, Literals::Asked);
        let plus = style(Level::Imap4rev1, Literals::Unasked);
        for (style, bytes, expected) in [
            (rev1, &b"INBOX"[..], "X INBOX"),
            (rev1, b"a b", "X \"a b\""),
            (rev1, b"", "X \"\""),
            (rev1, b"nil", "X \"nil\""),
            (rev1, b"a]", "X \"a]\""),
            (rev1, b"a\"b\\", "X \"a\\\"b\\\\\""),
            (old, b"a\"b", "X {3}\r\n|a\"b"),
            (rev1, b"a\r\nb", "X {4}\r\n|a\r\nb"),
            (plus, b"\xc3\xbc", "X {2+}\r\n\u{fc}"),
            (rev1, b"a*%", "X \"a*%\""),
        ] {
            assert_eq!(written(Command::new(style, "X").string(bytes)), expected);
        }
        let list = Command::new(rev1, "LIST").quoted(b"").pattern(b"a/%");
        assert_eq!(written(list), "LIST \"\" a/%");
        let append = Command::new(rev1, "APPEND")
            .string(b"x")
            .announced(70, "")
            .plain(")");
        assert_eq!(written(append), "APPEND x {70}\r\n|<70 bytes>)");
    }

    #[test]
    fn sets_are_parted_at_commas() {
        assert_eq!(pieces_of_set("1:5,7,9", 3), ["1:5", "7,9"]);
        assert_eq!(pieces_of_set("1:5,7,9", 30), ["1:5,7,9"]);
        assert_eq!(pieces_of_set("100:500,7", 3), ["100:500,7"]);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_one_string(bytes in vec(any::<u8>(), 0..40)) {
            for literals in [Literals::Asked, Literals::Unasked, Literals::ShortUnasked] {
                let command = Command::new(style(Level::Imap4rev1, literals), "X").string(&bytes);
                let bytes_of = |part| match part {
                    Part::Bytes(bytes) => bytes,
                    _ => Vec::new(),
                };
                let line: Vec<u8> = command.into_parts().into_iter().flat_map(bytes_of).collect();
                let mut cursor = Raw::whole(&line).cursor();
                prop_assert_eq!(cursor.word(), b"X");
                cursor.blanks();
                let name = cursor.name().map(std::borrow::Cow::into_owned);
                prop_assert_eq!(name.as_deref(), Some(bytes.as_slice()));
                prop_assert!(cursor.is_at_end());
            }
        }
    }
}
