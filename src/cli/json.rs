//! JSON Lines that are harmless on a terminal: control, C1, bidirectional and invisible characters are escaped.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use crate::mail::text::must_escape;

/// Writes `value` as one line.
pub fn write_line(mut into: impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut into, Escaping);
    value.serialize(&mut serializer)?;
    into.write_all(b"\n")
}

/// `serde_json` escapes only C0; this does the rest, as `\uXXXX`.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let mut plain_from = 0;
        for (place, character) in fragment.char_indices().filter(|found| must_escape(found.1)) {
            let (_, rest) = fragment.split_at(plain_from);
            let (plain, _) = rest.split_at(place - plain_from);
            writer.write_all(plain.as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain_from = place + character.len_utf8();
        }
        let (_, plain) = fragment.split_at(plain_from);
        writer.write_all(plain.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_comes_back() {
        let text = "a\u{1b}[31m\u{9b}1m\u{202e}b\u{e0041}\u{7f}\u{e9}\"\\\n";
        let mut line = Vec::new();
        write_line(&mut line, &text).expect("memory takes everything");
        let line = String::from_utf8(line).expect("JSON is UTF-8");
        assert_eq!(
            line,
            "\"a\\u001b[31m\\u009b1m\\u202eb\\udb40\\udc41\\u007f\u{e9}\\\"\\\\\\n\"\n"
        );
        let back: String = serde_json::from_str(&line).expect("JSON");
        assert_eq!(back, text);
    }
}
