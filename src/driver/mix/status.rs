//! `.mixstatus`: the flags of the messages.
//!
//! ```text
//! S 8 hexadecimal digits         update sequence
//! :uid:keywords:flags:changed:   for each message: 8, 8, 4 and 8 hexadecimal digits
//! ```
//! `changed` is the update sequence with which the flags of this message were changed last: by it others see what is new
//! to them. A message without a line has no flags; a line without its message means nothing.

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::mix::fields::{Fields, SEQUENCE_LINE, number, sequence, without_end};
use crate::driver::mix::index::{is_as_written, lines};

/// The flags of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// One bit for each keyword that is set.
    pub keywords: u32,
    /// The sequence of the last change.
    pub changed: u32,
    /// Its flags.
    pub flags: u16,
}

/// Bytes of a line as it is written.
pub const LINE: u64 = 35;
/// Where in it the state begins.
const STATE: u64 = 10;
/// Where its fields end.
const COLONS: [usize; 4] = [9, 18, 23, 32];

impl State {
    fn parse(line: &[u8]) -> Option<(u32, Self)> {
        let mut fields = Fields::behind(b":", without_end(line))?;
        let uid = fields.number()?;
        let keywords = fields.number()?;
        let flags = number(fields.next_field()?).and_then(|flags| u16::try_from(flags).ok())?;
        let changed = fields.number()?;
        let state = Self {
            keywords,
            changed,
            flags,
        };
        Some((uid, state))
    }

    /// The line of a message as it is written.
    pub fn to_line(self, uid: u32) -> String {
        format!(":{uid:08x}:{}:\r\n", self.to_text())
    }

    fn to_text(self) -> String {
        let (keywords, flags, changed) = (self.keywords, self.flags, self.changed);
        format!("{keywords:08x}:{flags:04x}:{changed:08x}")
    }

    /// Where in a regular file the line of this place tells the state, and these bytes.
    pub fn patch(self, place: usize) -> (u64, Vec<u8>) {
        (offset_of(place) + STATE, self.to_text().into_bytes())
    }
}

/// Where in a regular file the line of this place begins.
pub fn offset_of(place: usize) -> u64 {
    SEQUENCE_LINE as u64 + place as u64 * LINE
}

/// What was read besides the flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Whether there is not even an update sequence, nor a line that cannot be read.
    pub is_blank: bool,
    /// The first line that cannot be read; it is passed over.
    pub damaged: Option<u64>,
    /// Whether each line is as it is written here.
    pub is_regular: bool,
}

impl Status {
    /// Reads a file of this length. `found` gets UIDs and states, in the order of the lines.
    pub fn read(
        source: Source<'_>,
        length: u64,
        found: &mut dyn FnMut(u32, State),
        job: &Job,
    ) -> Result<Self> {
        let mut status = Self {
            is_blank: true,
            damaged: None,
            is_regular: length > 0,
        };
        let mut take = |line: &[u8], count: u64| {
            if count == 1 {
                status.is_regular &= is_as_written(line, SEQUENCE_LINE as u64, &[]);
                return sequence(line).map(|_| status.is_blank = false);
            }
            let (uid, state) = State::parse(line)?;
            status.is_regular &= is_as_written(line, LINE, &COLONS);
            found(uid, state);
            Some(())
        };
        let read = lines(source, length, job, &mut take)?;
        status.damaged = read.damaged;
        status.is_blank &= read.damaged.is_none();
        status.is_regular &= read.is_whole && read.damaged.is_none();
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_written_as_it_was() {
        let line = ":00000002:00000003:001c:6b02f785:\r\n";
        let (uid, state) = State::parse(line.as_bytes()).expect("sound");
        assert_eq!((uid, state.keywords, state.flags), (2, 3, 0x1c));
        assert_eq!(
            (state.to_line(uid), line.len() as u64),
            (line.to_owned(), LINE)
        );
        let (at, text) = state.patch(1);
        assert_eq!(
            (at, &text[..]),
            (11 + 35 + 10, &b"00000003:001c:6b02f785"[..])
        );
        for (from, to) in [
            (":001c", ":1001c"),
            (":6b", ":zz"),
            (":00000002", ":"),
            ("5:", "5"),
        ] {
            let line = line.replace(from, to);
            assert_eq!(State::parse(line.as_bytes()), None, "{line}");
        }
    }
}
