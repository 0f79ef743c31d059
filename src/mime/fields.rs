//! The fields of a header (RFC 5322, 2.2): split, unfolded, decoded. One pass, no copies before decoding.

use std::borrow::Cow;

use memchr::memchr;

use crate::mime::encoded_words::encoded_words;
use crate::mime::parse::charset;

/// One field of a header, as it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// What stands before the colon, without blanks at its end.
    pub name: &'a [u8],
    /// What stands behind it, folded, with its last line end.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Whether the field has this name, in any letter case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value, unfolded, without blanks around it; raw 8-bit text as UTF-8 or windows-1252. Encoded words stay.
    pub fn unfolded(&self) -> Cow<'_, str> {
        match std::str::from_utf8(self.value) {
            Ok(text) => unfold(text),
            Err(_) => Cow::Owned(unfold(&charset(None, self.value)).into_owned()),
        }
    }

    /// The value, unfolded, without blanks around it, written behind `bytes` in whatever charset it has.
    pub fn unfold_into(&self, bytes: &mut Vec<u8>) {
        let is_blank = |byte: &u8| BLANKS.contains(&char::from(*byte));
        let mut rest = self.value;
        while let [tail @ .., blank] = rest
            && is_blank(blank)
        {
            rest = tail;
        }
        while let [blank, tail @ ..] = rest
            && is_blank(blank)
        {
            rest = tail;
        }
        while let Some(end) = memchr(b'\n', rest) {
            let line = rest.get(..end).unwrap_or_default();
            bytes.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        bytes.extend_from_slice(rest);
    }

    /// The value as a reader sees it: unfolded, with its encoded words decoded.
    pub fn decoded(&self) -> String {
        encoded_words(&self.unfolded())
    }
}

/// What is not part of a value at its start and end.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// A value without the line ends of its folds, and without blanks around it.
fn unfold(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim_matches(BLANKS);
    if memchr(b'\n', trimmed.as_bytes()).is_none() {
        return Cow::Borrowed(trimmed);
    }
    let lines = trimmed.split('\n');
    let lines = lines.map(|line| line.strip_suffix('\r').unwrap_or(line));
    Cow::Owned(lines.collect())
}

/// The fields of a header in their order. Lines that are no field are skipped; a blank line ends the header.
pub fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let in_name = |byte: &u8| (b'!'..=b'~').contains(byte);
    rough_fields(header).filter(move |it| !it.name.is_empty() && it.name.iter().all(in_name))
}

/// The same, and with them lines that have a colon behind what is no name of a field.
pub fn rough_fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            let end = line_end(rest, 0);
            if end == 0 || is_blank(rest.get(..end)?) {
                return None;
            }
            let length = folded_end(rest, end);
            let (field, tail) = rest.split_at_checked(length)?;
            rest = tail;
            if let Some(field) = split(field) {
                return Some(field);
            }
        }
    })
}

/// Where the line at `start` ends, behind its LF.
pub fn line_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    memchr(b'\n', rest).map_or(bytes.len(), |place| start + place + 1)
}

/// Whether a line is empty but for its end.
pub fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n" | b"")
}

/// How long the header is, with the blank line that ends it.
pub fn header_length(message: &[u8]) -> usize {
    let mut start = 0;
    while start < message.len() {
        let end = line_end(message, start);
        if is_blank(message.get(start..end).unwrap_or_default()) {
            return end;
        }
        start = end;
    }
    start
}

fn folded_end(bytes: &[u8], mut end: usize) -> usize {
    while matches!(bytes.get(end), Some(b' ' | b'\t')) {
        end = line_end(bytes, end);
    }
    end
}

fn split(line: &[u8]) -> Option<Field<'_>> {
    let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
    Some(Field {
        name: name.trim_ascii_end(),
        value: value.get(1..).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_and_unfolded() {
        let header = b"From x\r\nSubject: a\r\n\tb\r\n c\r\nX :y\nno field\nLast:\r\n\r\nTo: no";
        let found: Vec<(String, String)> = fields(header)
            .map(|field| {
                (
                    String::from_utf8_lossy(field.name).into_owned(),
                    field.unfolded().into_owned(),
                )
            })
            .collect();
        let expected = [("Subject", "a\tb c"), ("X", "y"), ("Last", "")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found, expected);
        assert_eq!(header_length(header), header.len() - "To: no".len());
    }

    #[test]
    fn raw_8_bit_text_is_utf_8_or_windows_1252() {
        let value = |header| fields(header).next().map(|field| field.decoded());
        assert_eq!(value(b"S: Zo\xc3\xab\n").as_deref(), Some("Zo\u{eb}"));
        assert_eq!(value(b"S: Zo\xeb\n").as_deref(), Some("Zo\u{eb}"));
        assert_eq!(
            value(b"S: =?utf-8?q?Zo=C3=AB?=").as_deref(),
            Some("Zo\u{eb}")
        );
    }
}
