//! How messages are told apart in a file: the value in which the traditional formats differ.
//!
//! In the traditional UNIX format a line of [`FromLine`] starts a
//! message and an empty line ends it. MMDF puts a line of four 0x01 bytes before and behind each message; it counts at
//! the end of any line, one may serve two messages, and the From line behind it may be missing: then the date is the
//! file's.

use crate::driver::layout::file::from_line::FromLine;

/// What a format does with the borders of messages.
#[derive(Debug)]
pub struct Framing {
    /// How a message ends.
    pub division: Division,
    /// What to look for to find that place.
    pub border: &'static [u8],
    /// What stands before a message's From line.
    pub before: &'static [u8],
    /// What stands behind a text.
    pub after: &'static [u8],
    /// What is changed in a message so that no line of it is taken for a border.
    pub guard: Guard,
    /// How the pseudo message of a new mailbox is dated.
    pub new_date: NewDate,
    /// Whether a message that is written anew loses its CRs. Where borders count at the end of any line that could make one.
    pub drops_cr: bool,
    /// What the format is called in journals: a file that a crash tore may not show it.
    pub name: &'static str,
}

/// How messages are divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Division {
    /// By a From line, which starts the next message.
    FromLines,
    /// By [`DELIMITER`], which ends a message.
    Delimiters,
}

/// How the pseudo message of a new mailbox is dated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewDate {
    /// As later ones are: `22 Nov 2026 14:09:05 +0000`.
    Short,
    /// With weekday and the zone's name: `Sun, 22 Nov 2026 14:09:06 +0000 (UTC)`.
    Full,
}

/// What appended messages are changed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guard {
    /// Lines that begin as From lines do get a `>`.
    pub from_lines: bool,
    /// Lines that end as a delimiter does get a space behind it.
    pub delimiters: bool,
}

/// The line around messages in MMDF files, LF included.
pub const DELIMITER: &[u8] = b"\x01\x01\x01\x01\n";

impl Guard {
    /// Everything that any format changes: what two copies of a message have in common.
    pub const ALL: Self = Self {
        from_lines: true,
        delimiters: true,
    };
}

impl Framing {
    /// That of the traditional UNIX format.
    pub const FROM_LINES: Self = Self {
        division: Division::FromLines,
        border: b"\nFrom ",
        before: b"",
        after: b"\n",
        guard: Guard {
            from_lines: true,
            delimiters: false,
        },
        new_date: NewDate::Short,
        drops_cr: true,
        name: "unix",
    };

    /// That of MMDF.
    pub const DELIMITERS: Self = Self {
        division: Division::Delimiters,
        border: DELIMITER,
        before: DELIMITER,
        after: DELIMITER,
        guard: Guard {
            from_lines: false,
            delimiters: true,
        },
        new_date: NewDate::Full,
        drops_cr: false,
        name: "mmdf",
    };

    /// Whether `text`, the beginning of a file, is that of a message: the From line may stand behind white space that
    /// ends in a LF, a delimiter stands first.
    pub fn starts_message(&self, text: &[u8]) -> bool {
        if self.division == Division::Delimiters {
            return text.starts_with(DELIMITER);
        }
        let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t');
        let count = text.iter().take_while(blank).count();
        let (skipped, rest) = text.split_at(count);
        let line = memchr::memchr(b'\n', rest).and_then(|end| rest.get(..end));
        let starts_line = skipped.last().is_none_or(|&byte| byte == b'\n');
        starts_line && line.is_some_and(|line| FromLine::parse(line).is_some())
    }

    /// What a file that ends in `tail`, its last [`Framing::TAIL`] bytes, lacks before another message can follow.
    pub fn missing_end(&self, tail: &[u8]) -> Vec<u8> {
        let is_ended = match self.division {
            Division::FromLines => tail.ends_with(b"\n\n") || tail.ends_with(b"\n\r\n"),
            Division::Delimiters => tail.ends_with(DELIMITER),
        };
        if tail.is_empty() || is_ended {
            return Vec::new();
        }
        let line_end: &[u8] = if tail.ends_with(b"\n") { b"" } else { b"\n" };
        [line_end, self.after].concat()
    }

    /// How much of a file's end [`Framing::missing_end`] wants to see, in bytes.
    pub const TAIL: u64 = 5;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_ended_as_its_format_wants() {
        for (tail, lines, delimiters) in [
            (&b""[..], &b""[..], &b""[..]),
            (b"text\n", b"\n", DELIMITER),
            (b"text", b"\n\n", b"\n\x01\x01\x01\x01\n"),
            (b"xt\n\n", b"", DELIMITER),
            (b"t\n\r\n", b"", DELIMITER),
            (DELIMITER, b"\n", b""),
        ] {
            assert_eq!(Framing::FROM_LINES.missing_end(tail), lines, "{tail:?}");
            assert_eq!(
                Framing::DELIMITERS.missing_end(tail),
                delimiters,
                "{tail:?}"
            );
        }
    }
}
