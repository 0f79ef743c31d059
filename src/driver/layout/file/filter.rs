//! What a message goes through on its way into a file: CRs go, NULs become 0x80, lines that would be taken for a border
//! between messages are guarded (`>` before a From line, a space behind a delimiter), and header fields that would count
//! as the mailbox's own state get `X-Original-` in front.
//!
//! The header is watched to its very end: no line in it hides a later one.

use std::io::{self, Read, Write};

use crate::driver::layout::file::framing::{DELIMITER, Guard};
use crate::driver::layout::file::from_line;
use crate::driver::layout::file::metadata::{self, Kind};

/// A message in file form, without From line and metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filtered {
    /// Bytes of the header, without the blank line.
    pub header: u64,
    /// Bytes of the text.
    pub text: u64,
    /// Size with CRLF line ends, the blank line included.
    pub size: u64,
}

/// Copies a message from `source` into `into`, filtered. Lines of any length pass in constant memory.
pub fn filter(source: &mut dyn Read, guard: Guard, into: &mut dyn Write) -> io::Result<Filtered> {
    let mut filter = Filter {
        into,
        guard,
        ones: 0,
        counts: Filtered::default(),
        start: Vec::with_capacity(LONGEST_START),
        within: false,
        in_header: true,
        lines: 0,
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(again) if again.kind() == io::ErrorKind::Interrupted => continue,
            Err(refusal) => return Err(refusal),
        };
        filter.take(buffer.get(..count).unwrap_or_default())?;
    }
    filter.finish()
}

struct Filter<'a> {
    into: &'a mut dyn Write,
    guard: Guard,
    /// How many 0x01 bytes the line at hand ends in so far.
    ones: usize,
    counts: Filtered,
    /// The start of the line at hand, until it is long enough to be judged.
    start: Vec<u8>,
    /// Whether the start of this line is written already.
    within: bool,
    in_header: bool,
    lines: u64,
}

/// Enough of a line to know what it is: the longest name, white space, a colon.
const LONGEST_START: usize = 64;

impl Filter<'_> {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let mut clean: Vec<u8> = Vec::with_capacity(line.len());
            clean.extend(line.iter().filter(|&&byte| byte != b'\r'));
            for byte in &mut clean {
                if *byte == 0 {
                    *byte = 0x80;
                }
            }
            if self.guard.delimiters {
                self.guard_delimiter(&mut clean);
            }
            let ended = clean.ends_with(b"\n");
            if self.within {
                self.write(&clean)?;
            } else {
                self.start.extend_from_slice(&clean);
                if ended || self.start.len() >= LONGEST_START {
                    self.judge()?;
                }
            }
            if ended {
                self.within = false;
            }
        }
        Ok(())
    }

    /// Puts a space behind what a delimiter is made of, at the end of a line of which `piece` is a piece.
    fn guard_delimiter(&mut self, piece: &mut Vec<u8>) {
        let line = piece.strip_suffix(b"\n").unwrap_or(piece);
        let end = line.len();
        let ones = line.iter().rev().take_while(|&&byte| byte == 1).count();
        let before = if ones == end { self.ones } else { 0 };
        self.ones = before.saturating_add(ones);
        if end == piece.len() {
            return;
        }
        if self.ones >= DELIMITER.len() - 1 {
            piece.insert(end, b' ');
        }
        self.ones = 0;
    }

    /// Writes the start of a line, with what has to stand before it.
    fn judge(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.start);
        self.within = true;
        if self.in_header && line == b"\n" {
            self.in_header = false;
            return Ok(());
        }
        if self.guard.from_lines && line.starts_with(from_line::START) {
            self.write(b">")?;
        } else if self.in_header && metadata::classify(&line).0 != Kind::Plain {
            self.write(b"X-Original-")?;
        }
        self.write(&line)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let count = if self.in_header {
            &mut self.counts.header
        } else {
            &mut self.counts.text
        };
        *count += bytes.len() as u64;
        self.lines += u64::from(bytes.ends_with(b"\n"));
        self.into.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<Filtered> {
        if !self.start.is_empty() {
            self.judge()?;
        }
        if self.within {
            let is_delimiter = self.guard.delimiters && self.ones >= DELIMITER.len() - 1;
            self.write(if is_delimiter { b" \n" } else { b"\n" })?;
        }
        let mut counts = self.counts;
        counts.size = counts.header + counts.text + self.lines + 2;
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::layout::file::framing::Framing;
    use crate::driver::message::Content;

    fn filtered(text: &[u8]) -> (Vec<u8>, Filtered) {
        filtered_with(text, Framing::FROM_LINES.guard)
    }

    fn filtered_with(text: &[u8], guard: Guard) -> (Vec<u8>, Filtered) {
        let mut content = Content::new();
        let counts = filter(&mut &text[..], guard, &mut content).expect("in memory");
        let mut bytes = Vec::new();
        let mut reader = content.reader().expect("in memory");
        reader.read_to_end(&mut bytes).expect("in memory");
        (bytes, counts)
    }

    #[test]
    fn nothing_of_the_senders_becomes_state() {
        let (bytes, counts) = filtered(
            b"X-Mailer: x\r\nX-UID: 7\r\nx-status: D\r\nStatus : R\r\n\r\nX-UID: 8\r\nFrom x\r\n>From y\r\na\0b\r\n",
        );
        let header =
            b"X-Mailer: x\nX-Original-X-UID: 7\nX-Original-x-status: D\nX-Original-Status : R\n";
        let text = b"X-UID: 8\n>From x\n>From y\na\x80b\n";
        assert_eq!(bytes, [&header[..], &text[..]].concat());
        assert_eq!(counts.header as usize, header.len());
        assert_eq!(counts.text as usize, text.len());
        assert_eq!(counts.size as usize, bytes.len() + 8 + 2);
    }

    #[test]
    fn a_last_line_is_ended() {
        assert_eq!(filtered(b"Subject: x").0, b"Subject: x\n");
        assert_eq!(filtered(b"\r\nFro").0, b"Fro\n");
    }

    #[test]
    fn no_line_becomes_a_delimiter_and_nothing_of_it_is_lost() {
        let guarded = |text: &[u8]| filtered_with(text, Framing::DELIMITERS.guard).0;
        let ones = "\x01".repeat(100_000);
        for (text, expected) in [
            (
                "S: x\n\n\x01\x01\x01\x01\r\nFrom x\n",
                "S: x\n\x01\x01\x01\x01 \nFrom x\n",
            ),
            ("S: x\x01\x01\r\x01\x01\n\n", "S: x\x01\x01\x01\x01 \n"),
            ("S: x\n\n\x01\x01\x01\n", "S: x\n\x01\x01\x01\n"),
            (
                "S: x\n\n\x01\x01\x01\x01x\x01\n",
                "S: x\n\x01\x01\x01\x01x\x01\n",
            ),
            (&*format!("S: x\n\n{ones}\n"), &*format!("S: x\n{ones} \n")),
        ] {
            assert_eq!(guarded(text.as_bytes()), expected.as_bytes());
        }
    }
}
