//! What is known of each message that a transfer sends, so that the copy can be compared with it.
//!
//! A message's fingerprint is the SHA-256 of its bytes with CRLF line ends. Where it differs, a second, loose one tells
//! whether the format only did what it has to: file formats mark lines that begin with `From `, put `X-Original-` before
//! header fields that would count as their own, drop a CR that stands alone and the byte that parts their messages,
//! write NUL as 0x80, and end the last line.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use crate::backend::error::Result;
use crate::backend::source::scratch;
use crate::backend::transfer::Notes;
use crate::driver::layout::file::framing::DELIMITER;
use crate::driver::message::NewMessage;
use crate::mail::date::InternalDate;
use crate::mail::flags::Flags;
use crate::mail::summary::Summary;
use crate::mail::uid::Uid;
use crate::os::environment::Environment;

/// SHA-256 of a message.
pub type Fingerprint = [u8; 32];

/// One message as it was sent.
pub struct Sent {
    /// Its UID in the source.
    pub uid: Uid,
    /// Its flags and keywords.
    pub flags: Flags,
    /// Its internal date.
    pub date: InternalDate,
    /// Its bytes.
    pub fingerprint: Fingerprint,
}

/// All messages that were sent, in order.
pub struct Manifest {
    /// The messages.
    pub messages: Vec<Sent>,
    /// Their size with CRLF line ends, in bytes.
    pub bytes: u64,
    /// Whether they wish to keep their UIDs.
    pub keep_uids: bool,
}

impl Notes for Manifest {
    fn note(&mut self, summary: &Summary, message: &mut NewMessage) -> Result<()> {
        let mut exact = Exact::default();
        io::copy(&mut message.content.reader().map_err(scratch)?, &mut exact).map_err(scratch)?;
        message.uid = self.keep_uids.then_some(summary.uid);
        self.bytes += message.content.len();
        self.messages.push(Sent {
            uid: summary.uid,
            flags: message.flags.clone(),
            date: summary.internal_date,
            fingerprint: exact.finish(),
        });
        Ok(())
    }

    fn sent(&mut self, _environment: &Environment) -> Result<()> {
        Ok(())
    }

    /// It is sent, then read again.
    fn work(&self) -> u64 {
        2
    }
}

/// Makes the fingerprint of what is written to it.
#[derive(Default)]
pub struct Exact(Sha256);

impl Exact {
    /// The fingerprint.
    pub fn finish(self) -> Fingerprint {
        self.0.finalize().into()
    }
}

impl Write for Exact {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes the loose fingerprint of what is written to it.
#[derive(Default)]
pub struct Loose {
    digest: Sha256,
    /// The start of the line at hand, until it is long enough to be judged.
    start: Vec<u8>,
    within: bool,
    /// How many 0x01 bytes came last.
    ones: usize,
    /// Whether a space came behind them.
    guard: bool,
    /// Empty lines that count only if something follows.
    empty: u64,
}

/// Enough of a line to see a mark.
const LONGEST_START: usize = 256;

impl Loose {
    /// The fingerprint.
    pub fn finish(mut self) -> Fingerprint {
        self.judge();
        self.digest.finalize().into()
    }

    fn take(&mut self, byte: u8) {
        match byte {
            b'\r' => {}
            1 => self.ones += 1,
            0 | 0x80 => self.ones = 0,
            // A guard behind what would be a delimiter; it counts only if something follows.
            b' ' if self.ones >= DELIMITER.len() - 1 => {
                self.ones = 0;
                self.guard = true;
            }
            b'\n' => {
                (self.ones, self.guard) = (0, false);
                self.judge();
                self.within = false;
                self.empty += 1;
            }
            byte => {
                if std::mem::take(&mut self.guard) {
                    self.start.push(b' ');
                }
                self.ones = 0;
                self.start.push(byte);
                if self.start.len() >= LONGEST_START {
                    self.judge();
                }
            }
        }
    }

    /// Takes in what has come of the line, without marks at its start.
    fn judge(&mut self) {
        let start = std::mem::take(&mut self.start);
        let text = if self.within {
            &start[..]
        } else {
            unmarked(&start)
        };
        if text.is_empty() {
            return;
        }
        for _ in 0..std::mem::take(&mut self.empty) {
            self.digest.update(b"\n");
        }
        self.within = true;
        self.digest.update(text);
    }
}

impl Write for Loose {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            self.take(byte);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unmarked(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"X-Original-").unwrap_or(line);
    let marks = line.iter().take_while(|&&byte| byte == b'>').count();
    let rest = line.split_at(marks).1;
    if rest.starts_with(b"From ") {
        rest
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(text: &[u8]) -> Fingerprint {
        let mut loose = Loose::default();
        loose.write_all(text).expect("in memory");
        loose.finish()
    }

    #[test]
    fn what_formats_must_do_is_the_same_loosely_and_nothing_else_is() {
        let sent = loose(b"X-UID: 7\r\n\r\na\rb\0c\r\n\r\nFrom x\r\n\x01\x01\x01\x01\r\n>From y");
        let kept = b"X-Original-X-UID: 7\r\n\r\nab\x80c\r\n\r\n>From x\r\n\x01\x01\x01\x01 \r\n>From y\r\n\r\n";
        assert_eq!(sent, loose(kept));
        for other in [
            &b"X-UID: 7\r\n\r\nabc\r\nFrom x\r\n>From y"[..],
            b"X-UID: 7\r\n\r\nabc\r\n\r\nFrom x\r\nFrom z",
            b"X-UID: 7\r\n\r\nabc\r\n\r\n> From x\r\n>From y",
            b"",
        ] {
            assert_ne!(sent, loose(other));
        }
        let long = [b"x".repeat(1000), b">From y\n".to_vec()].concat();
        assert_ne!(loose(&long), loose(&b"x".repeat(1000)));
    }
}
