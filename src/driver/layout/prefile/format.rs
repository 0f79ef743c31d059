//! What tells the formats of this engine apart, as a value.

use crate::driver::layout::prefile::header;

/// A format: one file, each message behind one line of text.
///
/// ```text
/// mbx         dd-Mmm-yyyy hh:mm:ss +zzzz,SIZE;KKKKKKKKFFFF-UUUUUUUU   hexadecimal, behind a header of 2048 bytes
/// tenex, mtx  dd-Mmm-yyyy hh:mm:ss +zzzz,SIZE;KKKKKKKKKKFF            octal
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    /// The driver's name.
    pub driver: &'static str,
    /// How lines end, those of messages too.
    pub newline: Newline,
    /// How a message's state is written, and whether the file has a header.
    pub state: State,
}

/// How lines end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Newline {
    /// In LF; the size of a message with CRLF is known only when its lines were counted.
    Lf,
    /// In CRLF; messages are stored as they are.
    CrLf,
}

/// How the state of messages is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// 8 hexadecimal digits of keywords (keyword 0 is bit 0), 4 of flags, `-`, 8 of the UID. The file has a header with
    /// UIDVALIDITY, last UID and keywords. A message can be hidden.
    Numbered,
    /// 10 octal digits of keywords (keyword 0 is bit 29), 2 of flags. UIDs and keywords are known from elsewhere.
    Bare,
}

impl Format {
    /// Where the first message starts, in bytes.
    pub fn front(&self) -> u64 {
        match self.state {
            State::Numbered => header::LENGTH as u64,
            State::Bare => 0,
        }
    }

    /// Bytes of a message's state, behind the `;` and before the end of the line.
    pub fn state_length(&self) -> usize {
        match self.state {
            State::Numbered => 21,
            State::Bare => 12,
        }
    }

    /// Whether the file has UIDs and the names of keywords.
    pub fn is_numbered(&self) -> bool {
        self.state == State::Numbered
    }

    /// The bytes that end a line.
    pub fn line_end(&self) -> &'static [u8] {
        match self.newline {
            Newline::Lf => b"\n",
            Newline::CrLf => b"\r\n",
        }
    }

    /// The largest message that the file can say the size of: c-client reads ten digits of an octal format.
    pub fn largest(&self) -> u64 {
        match self.state {
            State::Numbered => i64::MAX as u64,
            State::Bare => 9_999_999_999,
        }
    }
}
