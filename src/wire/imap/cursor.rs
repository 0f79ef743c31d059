//! Reads the words of one response (the grammar of RFC 3501, section 9), forgiving what servers get wrong.
//!
//! Nothing is copied that need not be, nothing recurses: nesting is counted, never followed, so that a response of brackets
//! alone costs a loop and no stack. What is forgiven: quotes that are not escaped inside quoted strings, brackets in flags
//! and labels, numbers with a fraction, blanks where there should be one or none.

use std::borrow::Cow;

/// A response as it was cut out: its bytes without the line end, and where long literals were left out.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// The bytes, short literals included.
    pub bytes: &'a [u8],
    /// Offsets right behind the announcements of literals that were left out, each with the literal's length.
    pub gaps: &'a [(usize, u64)],
}

/// A place in a response.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    raw: Raw<'a>,
    at: usize,
}

/// The value of a string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Text<'a> {
    /// `NIL`.
    Nil,
    /// Its bytes.
    Bytes(Cow<'a, [u8]>),
    /// A literal of this length that was handed out in pieces.
    HandedOut(u64),
}

/// How deep lists may lie in each other.
const DEEPEST: usize = 100;

impl<'a> Raw<'a> {
    /// A response without literals that were left out.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, gaps: &[] }
    }

    /// Its beginning.
    pub fn cursor(self) -> Cursor<'a> {
        Cursor { raw: self, at: 0 }
    }
}

impl<'a> Cursor<'a> {
    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.raw.bytes.get(self.at..).unwrap_or_default()
    }

    /// Whether all was read.
    pub fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// The next byte, which is not taken.
    pub fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Takes this byte where it is the next one.
    pub fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes blanks, as many as there are.
    pub fn blanks(&mut self) {
        while self.take(b' ') || self.take(b'\t') {}
    }

    /// Takes bytes as long as they are of a kind.
    pub fn run(&mut self, is: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().take_while(|&&byte| is(byte)).count();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// A word: up to a blank, a parenthesis or the end.
    pub fn word(&mut self) -> &'a [u8] {
        self.run(|byte| !b" \t()\r\n".contains(&byte))
    }

    /// A word of a response code: up to its bracket too.
    pub fn code_word(&mut self) -> &'a [u8] {
        self.run(|byte| !b" \t()]\r\n".contains(&byte))
    }

    /// A number; what follows the digits of one with a fraction is dropped. `None` where there is none, or too many digits.
    pub fn number(&mut self) -> Option<u64> {
        let digits = self.run(|byte| byte.is_ascii_digit());
        if self.peek() == Some(b'.') {
            let _fraction = self.run(|byte| byte == b'.' || byte.is_ascii_digit());
        }
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// A string in any form: quoted, literal, `NIL`, or a bare word.
    pub fn text(&mut self) -> Option<Text<'a>> {
        match self.peek()? {
            b'"' => self.quoted().map(Text::Bytes),
            b'{' => self.literal(),
            b'~' if self.rest().starts_with(b"~{") => {
                self.at += 1;
                self.literal()
            }
            b'(' | b')' => None,
            _ => {
                let word = self.word();
                Some(match word.eq_ignore_ascii_case(b"NIL") {
                    true => Text::Nil,
                    false => Text::Bytes(Cow::Borrowed(word)),
                })
            }
        }
    }

    /// The bytes of a string; `NIL` counts as a word like others where a name is wanted.
    pub fn name(&mut self) -> Option<Cow<'a, [u8]>> {
        let before = self.rest();
        match self.text()? {
            Text::Bytes(bytes) => Some(bytes),
            Text::Nil => before.get(..3).map(Cow::Borrowed),
            Text::HandedOut(_) => None,
        }
    }

    /// Enters a list.
    pub fn enter(&mut self) -> bool {
        self.take(b'(')
    }

    /// Whether the list that was entered ends here; takes the blanks and the end.
    pub fn leaves(&mut self) -> bool {
        self.blanks();
        self.is_at_end() || self.take(b')')
    }

    /// Skips one value: a string, a word, or a list with all that is in it. `false` where there is none or it does not end.
    pub fn skip(&mut self) -> bool {
        let mut depth = 0_usize;
        loop {
            self.blanks();
            match self.peek() {
                None => return false,
                Some(b'(') => {
                    self.at += 1;
                    depth += 1;
                    if depth > DEEPEST {
                        return false;
                    }
                }
                Some(b')') => {
                    if depth == 0 {
                        return false;
                    }
                    self.at += 1;
                    depth -= 1;
                }
                Some(_) => {
                    let before = self.at;
                    if self.text().is_none() {
                        return false;
                    }
                    // A byte that begins nothing must not hold us up.
                    self.at += usize::from(self.at == before);
                }
            }
            if depth == 0 {
                return true;
            }
        }
    }

    /// A quoted string. A quote ends it only where something ends behind it: some servers forget to escape.
    fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        let inside = self.rest().get(1..)?;
        let ends = |place: usize| {
            let next = inside.get(place + 1);
            next.is_none_or(|next| b" )]\r".contains(next))
        };
        let mut owned: Option<Vec<u8>> = None;
        let mut place = 0;
        while let Some(&byte) = inside.get(place) {
            let mut taken = byte;
            match byte {
                b'"' if ends(place) => {
                    self.at += place + 2;
                    let whole = inside.get(..place).unwrap_or_default();
                    return Some(owned.map_or(Cow::Borrowed(whole), Cow::Owned));
                }
                b'\\' if inside.get(place + 1).is_some_and(|it| b"\"\\".contains(it)) => {
                    let before = inside.get(..place).unwrap_or_default();
                    owned.get_or_insert_with(|| before.to_vec());
                    place += 1;
                    taken = inside.get(place).copied().unwrap_or(byte);
                }
                _ => {}
            }
            if let Some(owned) = &mut owned {
                owned.push(taken);
            }
            place += 1;
        }
        None
    }

    fn literal(&mut self) -> Option<Text<'a>> {
        let rest = self.rest();
        let end = memchr::memchr(b'\n', rest)?;
        let digits = rest.get(1..end)?;
        let digits: Vec<u8> = digits.iter().copied().filter(u8::is_ascii_digit).collect();
        let length: u64 = std::str::from_utf8(&digits).ok()?.parse().ok()?;
        let begins = self.at + end + 1;
        self.at = begins;
        if self.raw.gaps.iter().any(|gap| gap.0 == begins) {
            return Some(Text::HandedOut(length));
        }
        let literal = self.rest().get(..usize::try_from(length).ok()?)?;
        self.at += literal.len();
        Some(Text::Bytes(Cow::Borrowed(literal)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &[u8]) -> Vec<String> {
        let mut cursor = Raw::whole(bytes).cursor();
        let mut all = Vec::new();
        while !cursor.is_at_end() {
            all.push(match cursor.text() {
                Some(Text::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
                Some(Text::Nil) => "-".to_owned(),
                Some(Text::HandedOut(length)) => format!("{length} bytes"),
                None => "?".to_owned(),
            });
            if all.last().is_some_and(|last| last == "?") {
                break;
            }
            cursor.blanks();
        }
        all
    }

    #[test]
    fn strings_have_many_forms() {
        for (bytes, expected) in [
            (
                &b"\"a b\" NIL {3}\r\na\"b word"[..],
                &["a b", "-", "a\"b", "word"][..],
            ),
            (b"\"a \\\"b\\\\\" ~{2}\n()", &["a \"b\\", "()"]),
            (b"\"say \"hello\" now\" x", &["say \"hello", "now\"", "x"]),
            (b"\"a\"b\" x", &["a\"b", "x"]),
            (b"\"\" nil", &["", "-"]),
            (b"\"never ends", &["?"]),
            (b"{9}\r\nshort", &["?"]),
        ] {
            assert_eq!(texts(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
        let raw = Raw {
            bytes: b"{2000000}\r\n x",
            gaps: &[(11, 2_000_000)],
        };
        let mut cursor = raw.cursor();
        assert_eq!(cursor.text(), Some(Text::HandedOut(2_000_000)));
        assert_eq!(cursor.rest(), b" x");
    }

    #[test]
    fn values_are_skipped_whatever_is_in_them() {
        let mut cursor = Raw::whole(b"(a (\"b)\" {1}\r\n)) NIL) 7.0 9").cursor();
        assert!(cursor.skip());
        cursor.blanks();
        assert_eq!(cursor.number(), Some(7));
        assert!(cursor.skip() && cursor.is_at_end() && !cursor.skip());
        for broken in [&b"(a"[..], b")", b"", b"(\"a)"] {
            assert!(!Raw::whole(broken).cursor().skip());
        }
        let deep = b"(".repeat(3_000_000);
        assert!(!Raw::whole(&deep).cursor().skip());
    }

    #[test]
    fn numbers_end_where_their_digits_end() {
        let number = |text: &'static str| Raw::whole(text.as_bytes()).cursor().number();
        assert_eq!(number("12.0)"), Some(12));
        assert_eq!(number("99999999999999999999999"), None);
        assert_eq!(number("-1"), None);
        assert_eq!(number(""), None);
    }
}
