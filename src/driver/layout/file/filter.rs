//! What a message goes through on its way into a file: CRs go, NULs become 0x80, lines like a message's first get a `>`,
//! and header fields that would count as the mailbox's own state get `X-Original-` in front.
//!
//! The header is watched to its very end: no line in it hides a later one.

use std::io::{self, Read, Write};

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
pub fn filter(source: &mut dyn Read, into: &mut dyn Write) -> io::Result<Filtered> {
    let mut filter = Filter {
        into,
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

    /// Writes the start of a line, with what has to stand before it.
    fn judge(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.start);
        self.within = true;
        if self.in_header && line == b"\n" {
            self.in_header = false;
            return Ok(());
        }
        if line.starts_with(from_line::START) {
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
            self.write(b"\n")?;
        }
        let mut counts = self.counts;
        counts.size = counts.header + counts.text + self.lines + 2;
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::message::Content;

    fn filtered(text: &[u8]) -> (Vec<u8>, Filtered) {
        let mut content = Content::new();
        let counts = filter(&mut &text[..], &mut content).expect("in memory");
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
}
