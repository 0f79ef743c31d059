//! `.mixindex`: the messages, UIDs ascending, and where each is.
//!
//! ```text
//! S 8 hexadecimal digits                           update sequence
//! :uid:date:size:file:position:line:header:        for each message
//! ```
//! The date is `20260302102031+0100`, the others are 8 hexadecimal digits. In data file `file`, at `position`, stands a line
//! of `line` bytes, and behind it `size` bytes of message, of which `header` are its header with the blank line. An empty
//! file is one without messages, with sequence 1.

use std::io;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::window::{Line, Window};
use crate::driver::mix::fields::{Fields, SEQUENCE_LINE, sequence, without_end};
use crate::mail::date::InternalDate;

/// Where a message is, in 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its UID.
    pub uid: u32,
    /// Bytes of the message.
    pub size: u32,
    /// The data file.
    pub file: u32,
    /// Where in it the line in front of the message is.
    pub position: u32,
    /// Bytes of its header, the blank line included.
    pub header: u32,
    /// The internal date: seconds since 1970 on the clocks of its zone.
    shown: u32,
    zone: i16,
    /// Bytes of the line in front of it.
    pub line: u16,
}

/// Bytes of an entry as it is written.
pub const ENTRY: u64 = 77;
/// Where in it the file begins, and the position behind that.
const PLACE: u64 = 39;
/// Where its fields end.
const COLONS: [usize; 7] = [9, 29, 38, 47, 56, 65, 74];

impl Entry {
    /// The message of this UID and date; where it is has to be filled in.
    pub fn new(uid: u32, date: InternalDate, size: u32, header: u32) -> Self {
        let date = date.storable();
        let shown = date.seconds + i64::from(date.offset) * 60;
        Self {
            uid,
            size,
            file: 0,
            position: 0,
            header,
            shown: u32::try_from(shown).unwrap_or(0),
            zone: date.offset,
            line: 0,
        }
    }

    /// The internal date.
    pub fn date(&self) -> InternalDate {
        InternalDate {
            seconds: i64::from(self.shown) - i64::from(self.zone) * 60,
            offset: self.zone,
        }
    }

    /// Where in its data file the message begins.
    pub fn text(&self) -> u64 {
        u64::from(self.position) + u64::from(self.line)
    }

    /// Where in its data file the message ends.
    pub fn end(&self) -> u64 {
        self.text() + u64::from(self.size)
    }

    /// Whether another entry tells of the same message, wherever that is by then.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.uid, self.size, self.shown, self.zone)
            == (other.uid, other.size, other.shown, other.zone)
    }

    /// The line in front of the message.
    pub fn front(&self) -> String {
        let (uid, date, size) = (self.uid, self.date().to_compact(), self.size);
        format!(":msg:{uid:08x}:{date}:{size:08x}:\r\n")
    }

    /// The entry as it is written.
    pub fn to_line(&self) -> String {
        let (uid, date, size, header) =
            (self.uid, self.date().to_compact(), self.size, self.header);
        let (place, line) = (self.place(), self.line);
        format!(":{uid:08x}:{date}:{size:08x}:{place}:{line:08x}:{header:08x}:\r\n")
    }

    fn place(&self) -> String {
        format!("{:08x}:{:08x}", self.file, self.position)
    }

    /// Where in a regular file the entry of this place says where its message is, and these bytes.
    pub fn place_patch(&self, place: usize) -> (u64, Vec<u8>) {
        (offset_of(place) + PLACE, self.place().into_bytes())
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = Fields::behind(b":", without_end(line))?;
        let uid = fields.number().filter(|&uid| uid > 0)?;
        let date = InternalDate::from_compact(fields.next_field()?)?;
        let mut entry = Self::new(uid, date, fields.number()?, 0);
        entry.file = fields.number()?;
        entry.position = fields.number()?;
        entry.line = u16::try_from(fields.number()?).ok()?;
        entry.header = fields.number()?.min(entry.size);
        Some(entry)
    }
}

/// Where in a regular file the entry of this place begins.
pub fn offset_of(place: usize) -> u64 {
    SEQUENCE_LINE as u64 + place as u64 * ENTRY
}

/// What the file says.
#[derive(Default)]
pub struct Index {
    /// The messages, UIDs ascending.
    pub entries: Vec<Entry>,
    /// The first line that cannot be read, or whose UID is not higher than those before it; it is passed over.
    pub damaged: Option<u64>,
    /// Whether each line is as it is written here.
    pub is_regular: bool,
    /// Whether nothing follows the last line.
    pub is_whole: bool,
}

impl Index {
    /// Reads a file of this length.
    pub fn read(source: Source<'_>, length: u64, job: &Job) -> Result<Self> {
        let mut index = Self {
            is_regular: true,
            ..Self::default()
        };
        let (mut last, mut has_sequence) = (0, false);
        let mut take = |line: &[u8], count: u64| {
            if count == 1 {
                index.is_regular &= is_as_written(line, SEQUENCE_LINE as u64, &[]);
                has_sequence = sequence(line).is_some();
                return has_sequence.then_some(());
            }
            let entry = Entry::parse(line).filter(|entry| entry.uid > last)?;
            index.is_regular &= is_as_written(line, ENTRY, &COLONS);
            last = entry.uid;
            index.entries.push(entry);
            Some(())
        };
        let read = lines(source, length, job, &mut take)?;
        // NULs alone are what a crash made of a file with messages.
        let is_lost = length > 0 && !has_sequence;
        index.damaged = read.damaged.or(is_lost.then_some(1));
        index.is_regular &= read.is_whole && index.damaged.is_none() && length > 0;
        index.is_whole = read.is_whole;
        Ok(index)
    }
}

/// The largest file that is read, in bytes: some 14 million messages.
const LARGEST: u64 = 1 << 30;

/// Whether a line has this length, a whole line end, and its fields where they are written.
pub fn is_as_written(line: &[u8], length: u64, colons: &[usize]) -> bool {
    let is_colon = |&place: &usize| line.get(place) == Some(&b':');
    line.len() as u64 == length && line.ends_with(b"\r\n") && colons.iter().all(is_colon)
}

/// How reading lines ended.
pub struct Read {
    /// The first line that was not taken.
    pub damaged: Option<u64>,
    /// Whether nothing follows the last line.
    pub is_whole: bool,
}

/// Hands each line of a file to `take`, its end included, with its number from 1 on. NULs behind the last line are what a
/// program had reserved that was killed.
pub fn lines(
    source: Source<'_>,
    length: u64,
    job: &Job,
    take: &mut dyn FnMut(&[u8], u64) -> Option<()>,
) -> Result<Read> {
    let failed = Error::io(source.path);
    if length > LARGEST {
        return Err(Error::Refused("its index is too large to be read"));
    }
    let mut window = Window::new(source.file, 0, length);
    let mut read = Read {
        damaged: None,
        is_whole: true,
    };
    for count in 1_u64.. {
        if count % 4096 == 1 {
            job.checkpoint()?;
        }
        let found = window.line().map_err(&failed)?;
        let taken = match found {
            Line::Unended(0) => break,
            Line::Whole(bytes) => take(window.rest().get(..bytes).unwrap_or_default(), count),
            Line::Unended(_) | Line::Long => None,
        };
        if let (Some(()), Line::Whole(bytes)) = (taken, found) {
            window.consume(bytes);
            continue;
        }
        if window.rest().first() == Some(&0) && only_nuls(&mut window).map_err(&failed)? {
            read.is_whole = false;
            break;
        }
        read.damaged = read.damaged.or(Some(count));
        window.skip_line().map_err(&failed)?;
    }
    Ok(read)
}

/// Consumes NULs; whether nothing else follows.
fn only_nuls(window: &mut Window<'_>) -> io::Result<bool> {
    loop {
        let rest = window.rest();
        let nuls = rest.iter().take_while(|&&byte| byte == 0).count();
        if nuls < rest.len() {
            return Ok(false);
        }
        window.consume(nuls);
        if !window.more()? {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_and_written_as_it_was() {
        let line =
            ":00000002:20260303210204-0500:00000123:6b02f782:00000130:0000002d:00000107:\r\n";
        let entry = Entry::parse(line.as_bytes()).expect("sound");
        assert_eq!(
            (entry.to_line(), line.len() as u64),
            (line.to_owned(), ENTRY)
        );
        assert_eq!(entry.date().to_rfc3339(), "2026-03-03T21:02:04-05:00");
        assert_eq!((entry.text(), entry.end()), (0x15d, 0x280));
        assert_eq!(
            entry.front(),
            ":msg:00000002:20260303210204-0500:00000123:\r\n"
        );
        let (at, bytes) = entry.place_patch(1);
        assert_eq!((at, &bytes[..]), (11 + 77 + 39, &b"6b02f782:00000130"[..]));
        for (from, to) in [
            (":00000002", ":00000000"),
            (":00000123", ":100000123"),
            ("20260303", "20261303"),
            ("-0500", "?0500"),
            (":0000002d", ":0001002d"),
            (":00000107:", ":00000107"),
            (":00000002", "00000002"),
        ] {
            let line = line.replace(from, to);
            assert_eq!(Entry::parse(line.as_bytes()), None, "{line}");
        }
    }
}
