//! Content-Type and Content-Disposition: a word and parameters (RFC 2045, 5.1; RFC 2231; RFC 2183).
//!
//! Our own reader: pieces of a value are put together before their charset is decoded, a name's plain form
//! gives way to its extended one, and the work is linear in the field's length.

use std::collections::{BTreeMap, HashMap};

use crate::mail::text::Foreign;
use crate::mime::encoded_words::encoded_words;
use crate::mime::parse::charset;

/// How much of a field is looked at, in bytes.
const LONGEST: usize = 64 * 1024;

/// A field of the form `value; name=value`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parameterized {
    /// What stands before the first semicolon, comments left out.
    pub value: String,
    /// Names in upper case and their decoded values, in order of first appearance.
    pub parameters: Vec<(String, String)>,
}

impl Parameterized {
    /// Reads an unfolded field.
    pub fn parse(field: &str) -> Self {
        let mut end = field.len().min(LONGEST);
        while !field.is_char_boundary(end) {
            end -= 1;
        }
        let pieces = split(field.get(..end).unwrap_or_default());
        let mut pieces = pieces.into_iter();
        let value = pieces.next().unwrap_or_default().plain();
        Self {
            value,
            parameters: join(pieces),
        }
    }

    /// The value of the first parameter with this name, which is upper case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|parameter| parameter.0 == name);
        found.map(|parameter| parameter.1.as_str())
    }

    /// The parameters as foreign text.
    pub fn foreign(&self) -> Vec<(Foreign, Foreign)> {
        let pairs = self.parameters.iter();
        pairs
            .map(|(name, value)| (Foreign::new(name.as_str()), Foreign::new(value.as_str())))
            .collect()
    }
}

/// What stands between two semicolons: the name up to the first `=`, then the value, quotes and comments resolved.
#[derive(Default)]
struct Piece {
    name: String,
    value: Option<String>,
}

impl Piece {
    fn plain(self) -> String {
        let mut text = self.name;
        if let Some(value) = self.value {
            text.push('=');
            text.push_str(&value);
        }
        text.trim().to_owned()
    }

    fn push(&mut self, character: char) {
        match &mut self.value {
            Some(value) => value.push(character),
            None => self.name.push(character),
        }
    }
}

fn split(field: &str) -> Vec<Piece> {
    let mut pieces = vec![];
    let mut piece = Piece::default();
    let mut characters = field.chars();
    let (mut quoted, mut depth) = (false, 0usize);
    while let Some(character) = characters.next() {
        match character {
            '\\' if quoted || depth > 0 => {
                let escaped = characters.next();
                if quoted {
                    escaped
                        .into_iter()
                        .for_each(|character| piece.push(character));
                }
            }
            '"' if depth == 0 => quoted = !quoted,
            _ if quoted => piece.push(character),
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            ';' => pieces.push(std::mem::take(&mut piece)),
            '=' if piece.value.is_none() => piece.value = Some(String::new()),
            other => piece.push(other),
        }
    }
    pieces.push(piece);
    pieces
}

/// The pieces of one extended value (RFC 2231): by number, whether percent-encoded, text.
type Extended = BTreeMap<u32, (bool, String)>;

fn join(pieces: impl Iterator<Item = Piece>) -> Vec<(String, String)> {
    let mut names: Vec<(String, Option<String>)> = vec![];
    let mut extended: HashMap<String, (usize, Extended)> = HashMap::new();
    for piece in pieces {
        let Some(value) = piece.value else { continue };
        let name = piece.name.trim().to_ascii_uppercase();
        let value = value.trim();
        match extended_name(&name) {
            Some((base, number, encoded)) => {
                let entry = extended.entry(base.to_owned()).or_insert_with(|| {
                    names.push((base.to_owned(), None));
                    (names.len() - 1, Extended::new())
                });
                let text = (encoded, value.to_owned());
                entry.1.entry(number).or_insert(text);
            }
            None if name.is_empty() => {}
            None => names.push((name, Some(encoded_words(value)))),
        }
    }
    for (place, pieces) in extended.values() {
        if let Some(entry) = names.get_mut(*place) {
            entry.1 = Some(decode_extended(pieces));
        }
    }
    let shadowed = |entry: &(String, Option<String>), place: usize| {
        extended.get(&entry.0).is_some_and(|found| found.0 != place)
    };
    let places = names.into_iter().enumerate();
    places
        .filter(|(place, entry)| !shadowed(entry, *place))
        .filter_map(|(_, (name, value))| Some((name, value?)))
        .collect()
}

/// `NAME*`, `NAME*0`, `NAME*0*`: the name, the piece's number, whether it is percent-encoded.
fn extended_name(name: &str) -> Option<(&str, u32, bool)> {
    let (base, rest) = name.split_once('*')?;
    if rest.is_empty() {
        return Some((base, 0, true));
    }
    let number = rest.strip_suffix('*').unwrap_or(rest);
    Some((base, number.parse().ok()?, rest.ends_with('*')))
}

fn decode_extended(pieces: &Extended) -> String {
    let mut charset_name = None;
    let mut bytes = Vec::new();
    for (place, (encoded, text)) in pieces.values().enumerate() {
        let mut text = text.as_str();
        let labelled = text.split_once('\'').filter(|_| place == 0 && *encoded);
        if let Some((name, rest)) = labelled {
            charset_name = Some(name);
            text = rest.split_once('\'').map_or(rest, |(_, value)| value);
        }
        if *encoded {
            percent_decode(text, &mut bytes);
        } else {
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    charset(charset_name, &bytes)
}

fn percent_decode(text: &str, into: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let digits = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        match digits.filter(hex) {
            Some(digits) if byte == b'%' => {
                into.push(u8::from_str_radix(digits, 16).unwrap_or(b'?'));
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => into.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> (String, Vec<(String, String)>) {
        let read = Parameterized::parse(field);
        (read.value, read.parameters)
    }

    #[test]
    fn parameters_in_all_their_forms() {
        type Row = (
            &'static str,
            &'static str,
            &'static [(&'static str, &'static str)],
        );
        let table: [Row; 12] = [
            ("text/plain", "text/plain", &[]),
            (
                "text/plain; charset=us-ascii (Plain text)",
                "text/plain",
                &[("CHARSET", "us-ascii")],
            ),
            (
                "text/plain; charset=\"us;ascii\"",
                "text/plain",
                &[("CHARSET", "us;ascii")],
            ),
            ("a/b; name=\"x\\\"y\"; ; z", "a/b", &[("NAME", "x\"y")]),
            (
                "m/x; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub\"",
                "m/x",
                &[("ACCESS-TYPE", "URL"), ("URL", "ftp://cs.utk.edu/pub")],
            ),
            (
                "a/x; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
                "a/x",
                &[("TITLE", "This is ***fun***")],
            ),
            (
                "a/x; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
                "a/x",
                &[("TITLE", "This is even more ***fun*** isn't it!")],
            ),
            (
                "a/x; n*1*=%F6; n*0*=iso-8859-1''%E4",
                "a/x",
                &[("N", "\u{e4}\u{f6}")],
            ),
            ("a/x; n*0*=utf-8''%C3; n*1*=%A4", "a/x", &[("N", "\u{e4}")]),
            (
                "attachment; filename=old; filename*=utf-8''n%C3%ABw",
                "attachment",
                &[("FILENAME", "n\u{eb}w")],
            ),
            (
                "a/x; name=\"=?utf-8?q?n=C3=ABw?=\"",
                "a/x",
                &[("NAME", "n\u{eb}w")],
            ),
            ("a/x; n*=''%zz%4", "a/x", &[("N", "%zz%4")]),
        ];
        for (field, value, parameters) in table {
            let owned = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
            let expected = (value.to_owned(), parameters.iter().map(owned).collect());
            assert_eq!(read(field), expected, "{field}");
        }
    }
}
