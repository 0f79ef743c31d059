//! What kind of text a file holds, told from its bytes alone.
//!
//! Control bytes that no text has make it binary. Escape sequences name the ISO-2022 charsets; 8-bit text is UTF-8
//! when all of it is valid UTF-8.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::window::{Window, count_of};

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text in this charset, which may have bytes above 127.
    Text {
        /// As Content-Type names it.
        charset: &'static str,
        /// Whether there are bytes above 127.
        eight_bit: bool,
        /// Whether LF has to become CRLF: no CR was seen.
        bare_lf: bool,
    },
    /// Anything else.
    Binary,
}

/// What was found, with the bytes and LFs counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sniffed {
    /// The kind.
    pub kind: Kind,
    /// Bytes in the file.
    pub length: u64,
    /// LFs among them; not counted in binary files.
    pub lfs: u64,
}

/// Looks at all bytes of a file up to `length`, or up to the first that makes it binary.
pub fn sniff(source: Source<'_>, length: u64, job: &Job) -> Result<Sniffed> {
    let mut window = Window::new(source.file, 0, length);
    let mut seen = Seen::default();
    let mut looked = 0;
    while window.more().map_err(Error::io(source.path))? {
        job.checkpoint()?;
        let whole = window.is_last();
        let bytes = window.rest();
        // The last bytes are looked at again, together with what follows: escape sequences have four bytes, characters too.
        let most = if whole {
            bytes.len()
        } else {
            bytes.len().saturating_sub(3)
        };
        let taken = seen.take(bytes, most);
        if seen.binary {
            return Ok(Sniffed {
                kind: Kind::Binary,
                length,
                lfs: 0,
            });
        }
        looked += taken as u64;
        window.consume(taken);
    }
    Ok(Sniffed {
        kind: seen.kind(),
        length: looked,
        lfs: seen.lfs,
    })
}

#[derive(Default)]
struct Seen {
    binary: bool,
    eight_bit: bool,
    not_utf8: bool,
    cr: bool,
    japanese: bool,
    korean: bool,
    chinese: bool,
    lfs: u64,
}

impl Seen {
    /// Takes in at most `most` of `bytes`, never half a character. Returns how many.
    fn take(&mut self, bytes: &[u8], most: usize) -> usize {
        let head = bytes.get(..most).unwrap_or(bytes);
        let taken = match std::str::from_utf8(head) {
            Ok(_) => head.len(),
            // An unfinished character at the end is left for the next turn, unless there is none.
            Err(error) if error.error_len().is_none() && most < bytes.len() => error.valid_up_to(),
            Err(_) => {
                self.not_utf8 = true;
                head.len()
            }
        };
        let head = head.get(..taken).unwrap_or(head);
        self.binary |= head.iter().any(|&byte| is_binary(byte));
        self.eight_bit |= !head.is_ascii();
        self.cr |= memchr::memchr(b'\r', head).is_some();
        self.lfs += count_of(b'\n', head);
        for place in memchr::memchr_iter(ESC, head) {
            self.escape(bytes.get(place + 1..).unwrap_or_default());
        }
        taken
    }

    fn escape(&mut self, sequence: &[u8]) {
        match sequence {
            [b'$', b'B' | b'@', ..] => self.japanese = true,
            [b'$', b')', b'C', ..] => self.korean = true,
            [b'$', b')', b'A' | b'E' | b'G', ..]
            | [b'$', b'*', b'H', ..]
            | [b'$', b'+', b'I'..=b'M', ..] => self.chinese = true,
            _ => {}
        }
    }

    fn kind(&self) -> Kind {
        let charset = if self.japanese {
            "ISO-2022-JP"
        } else if self.korean {
            "ISO-2022-KR"
        } else if self.chinese {
            "ISO-2022-CN"
        } else if !self.eight_bit {
            "US-ASCII"
        } else if self.not_utf8 {
            "X-UNKNOWN"
        } else {
            "UTF-8"
        };
        Kind::Text {
            charset,
            eight_bit: self.eight_bit,
            bare_lf: !self.cr,
        }
    }
}

const ESC: u8 = 0x1b;

fn is_binary(byte: u8) -> bool {
    matches!(byte, 0x00..=0x06 | 0x10..=0x1a | 0x1c..=0x1f | 0x7f)
}
