//! Marks: what tells a message from all others, whatever mailbox it is in.

use std::io;

use sha2::{Digest, Sha256};

use crate::driver::layout::file::filter::filter;
use crate::driver::layout::file::framing::Guard;
use crate::driver::message::Content;
use crate::os::hex::{hex, unhex};

/// What tells a message from all others, in whatever form a mailbox keeps it: length and SHA-256 of the form that it has in
/// traditional files, where some lines get a `>` in front or a space behind. That form of that form is itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark {
    /// Octets, with CRLF line ends.
    pub length: u64,
    digest: [u8; 32],
}

impl Mark {
    /// The mark of this content.
    pub fn of(content: &mut Content) -> io::Result<Self> {
        let mut digest = Sha256::new();
        let filtered = filter(&mut content.reader()?, Guard::ALL, &mut digest)?;
        digest.update(filtered.header.to_le_bytes());
        Ok(Self {
            length: filtered.size,
            digest: digest.finalize().into(),
        })
    }

    /// The mark as text, for records: length and digest.
    pub fn to_text(&self) -> String {
        format!("{} {}", self.length, hex(&self.digest))
    }

    /// Reads what [`to_text`](Self::to_text) wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let (length, digest) = text.split_once(' ')?;
        Some(Self {
            length: length.parse().ok()?,
            digest: unhex(digest)?.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(bytes: &[u8]) -> Mark {
        let mut content = Content::from_bytes(bytes).expect("in memory");
        Mark::of(&mut content).expect("in memory")
    }

    #[test]
    fn a_mark_is_the_same_for_a_message_and_its_copy() {
        let message = b"Subject: x\r\nStatus: D\r\n\r\nFrom here\r\na\0b";
        let copy = b"Subject: x\nX-Original-Status: D\n\n>From here\na\x80b\n";
        assert_eq!(mark(message), mark(copy));
        let other = b"Subject: x\r\n\r\nX-Original-Status: D\r\n>From here\r\na\0b";
        assert_ne!(mark(message), mark(other));
    }

    #[test]
    fn text_gives_the_mark_back_and_cut_text_none() {
        let mark = mark(b"Subject: x\r\n\r\nx\r\n");
        let text = mark.to_text();
        assert_eq!(Mark::from_text(&text), Some(mark));
        for end in 0..text.len() {
            assert_eq!(text.get(..end).and_then(Mark::from_text), None, "{end}");
        }
    }
}
