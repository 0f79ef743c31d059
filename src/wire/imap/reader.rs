//! Cuts the bytes of a server into responses (RFC 3501, 2.2 and 4.3): lines with the literals inside them.
//!
//! A machine without I/O: bytes are put into [`Reader::room`], frames are taken with [`Reader::next_frame`]. Literals up to
//! [`IN_MEMORY`] stay in the response; longer ones are handed out piece by piece and leave a gap in it, so that the largest
//! message needs no more memory than one piece. A bare LF ends a line too. The text of a status response never announces a
//! literal, whatever it ends with: a server could otherwise make us wait by the words of an error message.

use std::ops::Range;

use memchr::memchr;

use crate::wire::imap::cursor::Raw;

/// Longer literals are handed out in pieces, in bytes.
pub const IN_MEMORY: u64 = 1 << 20;
/// The longest response without its handed-out literals, in bytes: a search may find millions of messages.
pub const LONGEST: usize = 16 << 20;
/// The longest literal that can be announced (RFC 3501 has 32 bits, servers often 31).
const LONGEST_LITERAL: u64 = (2 << 30) - 2;

/// Cuts bytes into responses.
#[derive(Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// Where the response begins that is being read, or was handed out last.
    start: usize,
    /// Up to where it is known; what is before is no line end that counts.
    scanned: usize,
    /// Where its current line begins.
    line: usize,
    /// Where literals are missing, as offsets from `start`, each with its length.
    gaps: Vec<(usize, u64)>,
    /// How many bytes of a handed-out literal are still to come.
    streaming: u64,
    /// What was handed out and can go.
    spent: Range<usize>,
}

/// What was cut out.
#[derive(Debug)]
pub enum Frame<'a> {
    /// A whole response.
    Response(Raw<'a>),
    /// The response up to a long literal, which comes as pieces.
    Begins(Raw<'a>, u64),
    /// The next piece of that literal; the response goes on when all of it came.
    Piece(&'a [u8]),
}

/// Why the bytes cannot be cut; the connection is of no use any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// A response does not end.
    #[error("a response is longer than {LONGEST} bytes")]
    TooLong,
    /// A literal is longer than any message can be.
    #[error("a literal of an impossible length was announced")]
    Literal,
}

impl Reader {
    /// A reader that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where bytes from the server are put, behind what is there. To be called anew for each reading.
    pub fn room(&mut self) -> &mut Vec<u8> {
        self.tidy();
        self.buffer.reserve(READ);
        &mut self.buffer
    }

    /// How many bytes wait for the end of their response.
    pub fn waiting(&self) -> usize {
        self.buffer
            .len()
            .saturating_sub(self.start + self.spent.len())
    }

    /// Whether there is any byte that was not handed out.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.streaming == 0
    }

    /// The next frame; `None` until more bytes came.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Unreadable> {
        self.tidy();
        if self.streaming > 0 {
            return Ok(self.piece());
        }
        loop {
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some(found) = memchr(b'\n', rest) else {
                self.scanned = self.buffer.len();
                return match self.buffer.len() - self.start > LONGEST {
                    true => Err(Unreadable::TooLong),
                    false => Ok(None),
                };
            };
            let end = self.scanned + found;
            let Some(length) = self.announced(end)? else {
                return Ok(Some(self.response(end)));
            };
            let next = end + 1;
            if length > IN_MEMORY {
                return Ok(Some(self.begin(next, length)));
            }
            let literal = usize::try_from(length).unwrap_or(LONGEST);
            if next + literal - self.start > LONGEST {
                return Err(Unreadable::TooLong);
            }
            if self.buffer.len() < next + literal {
                // The line is looked at again once the literal is there.
                self.scanned = end;
                return Ok(None);
            }
            self.line = next + literal;
            self.scanned = self.line;
        }
    }

    /// All that was read and not handed out: it is to be read otherwise.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.tidy();
        let rest = self.buffer.split_off(self.start.min(self.buffer.len()));
        *self = Self::new();
        rest
    }

    /// Forgets what was handed out.
    fn tidy(&mut self) {
        let spent = std::mem::take(&mut self.spent);
        if spent.is_empty() {
            return;
        }
        if spent.start > self.start {
            // A piece of a literal, behind the response that it belongs to.
            self.buffer.drain(spent);
            return;
        }
        self.start = spent.end;
        self.scanned = self.start;
        self.line = self.start;
        self.gaps.clear();
        // Moving the rest costs less than what was read before it, every time.
        if self.start * 2 >= self.buffer.len() {
            self.buffer.drain(..self.start);
            (self.start, self.scanned, self.line) = (0, 0, 0);
            if self.buffer.is_empty() {
                self.buffer.shrink_to(IDLE);
            }
        }
    }

    /// The length of the literal that the line before this line end announces.
    fn announced(&self, end: usize) -> Result<Option<u64>, Unreadable> {
        let line = self.buffer.get(self.line..end).unwrap_or_default();
        let first = self.line == self.start;
        if first && is_status(line) {
            return Ok(None);
        }
        literal_of(line)
    }

    fn response(&mut self, end: usize) -> Frame<'_> {
        self.spent = self.start..end + 1;
        let bytes = self.buffer.get(self.start..end).unwrap_or_default();
        Frame::Response(Raw {
            bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes),
            gaps: &self.gaps,
        })
    }

    fn begin(&mut self, next: usize, length: u64) -> Frame<'_> {
        self.line = next;
        self.scanned = next;
        self.streaming = length;
        self.gaps.push((next - self.start, length));
        let bytes = self.buffer.get(self.start..next).unwrap_or_default();
        let gaps = &self.gaps;
        Frame::Begins(Raw { bytes, gaps }, length)
    }

    fn piece(&mut self) -> Option<Frame<'_>> {
        let there = self.buffer.len() - self.line;
        let wanted = usize::try_from(self.streaming).unwrap_or(usize::MAX);
        let length = there.min(wanted);
        if length == 0 {
            return None;
        }
        self.streaming -= length as u64;
        self.spent = self.line..self.line + length;
        let piece = self.buffer.get(self.spent.clone()).unwrap_or_default();
        Some(Frame::Piece(piece))
    }
}

/// How much is read at once, in bytes.
const READ: usize = 32 << 10;
/// Room that an idle connection keeps, in bytes.
const IDLE: usize = 64 << 10;

/// Whether a response is one of those that end with words for people: they announce no literals.
fn is_status(line: &[u8]) -> bool {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let second = second.strip_suffix(b"\r").unwrap_or(second);
    let words: [&[u8]; 5] = [b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"];
    first.starts_with(b"+") || words.iter().any(|word| second.eq_ignore_ascii_case(word))
}

/// The length of the literal that a line announces at its end: `{5}`, `{5+}`, `~{5}`.
fn literal_of(line: &[u8]) -> Result<Option<u64>, Unreadable> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some(inner) = line.strip_suffix(b"}") else {
        return Ok(None);
    };
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let digits = inner.iter().rev().take_while(|it| it.is_ascii_digit());
    let (front, digits) = inner.split_at(inner.len() - digits.count());
    if digits.is_empty() || !front.ends_with(b"{") {
        return Ok(None);
    }
    let number = std::str::from_utf8(digits)
        .ok()
        .and_then(|it| it.parse().ok());
    match number {
        Some(number) if number <= LONGEST_LITERAL => Ok(Some(number)),
        _ => Err(Unreadable::Literal),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    /// All frames that come of `bytes`, fed in slices of these lengths.
    fn frames(bytes: &[u8], slices: &[usize]) -> Result<Vec<String>, Unreadable> {
        let mut reader = Reader::new();
        let mut all: Vec<String> = Vec::new();
        let mut pieces = 0_usize;
        let mut rest = bytes;
        let mut lengths = slices.iter().copied().cycle();
        while !rest.is_empty() {
            let length = lengths.next().unwrap_or(1).clamp(1, rest.len());
            let (now, later) = rest.split_at(length);
            reader.room().extend_from_slice(now);
            rest = later;
            while let Some(frame) = reader.next_frame()? {
                match frame {
                    Frame::Response(raw) => {
                        all.push(format!("{:?}", String::from_utf8_lossy(raw.bytes)));
                    }
                    Frame::Begins(raw, length) => {
                        let head = String::from_utf8_lossy(raw.bytes).into_owned();
                        all.push(format!("{head:?} begins {length}"));
                    }
                    Frame::Piece(piece) => pieces += piece.len(),
                }
            }
        }
        if pieces > 0 {
            all.push(format!("{pieces} bytes"));
        }
        Ok(all)
    }

    #[test]
    fn lines_and_literals_are_cut_wherever_the_network_cuts_them() {
        let bytes = b"* OK hi {3}\r\n* LIST () \"/\" {5}\r\na\r\nb} x\n* 1 FETCH (A ~{2}\r\n{9 B {1+}\r\n)C)\r\n+ {7}\r\n";
        let expected = [
            "\"* OK hi {3}\"",
            "\"* LIST () \\\"/\\\" {5}\\r\\na\\r\\nb} x\"",
            "\"* 1 FETCH (A ~{2}\\r\\n{9 B {1+}\\r\\n)C)\"",
            "\"+ {7}\"",
        ];
        for length in 1..bytes.len() {
            assert_eq!(frames(bytes, &[length]).expect("readable"), expected);
        }
    }

    #[test]
    fn a_long_literal_comes_in_pieces_and_needs_no_memory() {
        let length = IN_MEMORY as usize + 5;
        let literal = vec![b'\n'; length];
        let head = format!("* 1 FETCH (BODY[] {{{length}}}\r\n");
        let bytes = [head.as_bytes(), &literal, b" UID 7)\r\n* 2 EXISTS\r\n"].concat();
        let expected = [
            format!("{head:?} begins {length}"),
            format!("{:?}", format!("{head} UID 7)")),
            "\"* 2 EXISTS\"".to_owned(),
            format!("{length} bytes"),
        ];
        for slices in [&[4096][..], &[1 << 20], &[7, 100_000], &[bytes.len()]] {
            assert_eq!(frames(&bytes, slices).expect("readable"), expected);
        }
        let mut reader = Reader::new();
        for slice in bytes.chunks(4096) {
            reader.room().extend_from_slice(slice);
            while reader.next_frame().expect("readable").is_some() {}
            assert!(reader.buffer.len() <= 8192);
        }
        assert!(reader.is_empty());
    }

    #[test]
    fn impossible_lengths_end_the_connection() {
        for length in ["2147483648", "9223372036854775807", "999999999999999999999"] {
            let line = format!("* 1 FETCH (BODY[] {{{length}}}\r\n");
            assert_eq!(frames(line.as_bytes(), &[9]), Err(Unreadable::Literal));
        }
        for harmless in ["{-1}", "{}", "5}", "{5", "{5-}"] {
            let line = format!("* 1 FETCH (A {harmless}\r\n");
            assert_eq!(frames(line.as_bytes(), &[9]).expect("a line").len(), 1);
        }
        let endless = vec![b'x'; LONGEST + 2];
        assert_eq!(frames(&endless, &[1 << 20]), Err(Unreadable::TooLong));
        let many = b"* LIST {1000000}\r\n".to_vec();
        let part = [many.as_slice(), &vec![b'y'; 1_000_000]].concat();
        let part = part.split_at(7).1.repeat(20);
        let flood = [b"* LIST ".as_slice(), &part].concat();
        assert_eq!(frames(&flood, &[1 << 20]), Err(Unreadable::TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_the_same_however_they_come(
            bytes in vec(any::<u8>().prop_map(|it| b"{}+~\r\n1234 *OKab"[usize::from(it) % 16]), 0..200),
            slices in vec(1_usize..9, 1..9),
        ) {
            prop_assert_eq!(frames(&bytes, &slices), frames(&bytes, &[bytes.len()]));
        }
    }

    use proptest::prelude::Strategy;
}
