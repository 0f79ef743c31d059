//! What is kept in memory of each message, in 48 bytes, and of the mailbox as a whole.

use crate::driver::layout::prefile::format::Format;
use crate::driver::layout::prefile::line::{self, RecordLine, Status};
use crate::driver::layout::prefile::words::{Lists, Words};
use crate::mail::date::InternalDate;
use crate::mail::flags::{Flags, SystemFlags};
use crate::mail::summary::Summary;
use crate::mail::uid::Uid;

/// One message in the file: its line, then its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Where its line starts.
    pub offset: u64,
    /// Bytes behind the line.
    pub size: u64,
    /// Bytes with CRLF line ends.
    pub rfc822_size: u64,
    /// Its UID; never 0 once it was numbered.
    pub uid: u32,
    /// One bit for each of the mailbox's keywords that is set in the file.
    pub keywords: u32,
    /// The same for those that are kept outside the file.
    pub kept: u32,
    /// The internal date: seconds since 1970 on the clocks of its zone.
    shown: u32,
    zone: i16,
    /// Its flags as the line has them.
    pub flags: u16,
    /// Bytes of the line.
    pub line: u8,
    /// Whether this session is the first to see it.
    pub recent: bool,
    /// Whether the UID in the file is another one, or none.
    pub renumbered: bool,
    /// Whether it is to be expunged as soon as nobody else has the mailbox open.
    pub put_off: bool,
}

impl Record {
    /// The message whose line is at `offset`.
    pub fn new(offset: u64, line: &RecordLine) -> Self {
        let shown = line.date.seconds + i64::from(line.date.offset) * 60;
        Self {
            offset,
            size: line.size,
            rfc822_size: line.size,
            uid: line.status.uid,
            keywords: line.status.keywords,
            kept: 0,
            shown: u32::try_from(shown).unwrap_or(0),
            zone: line.date.offset,
            flags: line.status.flags,
            line: line.length as u8,
            recent: false,
            renumbered: false,
            put_off: false,
        }
    }

    /// Where its bytes start.
    pub fn text_offset(&self) -> u64 {
        self.offset + u64::from(self.line)
    }

    /// Where the next message starts.
    pub fn end(&self) -> u64 {
        self.text_offset() + self.size
    }

    /// Where its state starts.
    pub fn state_offset(&self, format: &Format) -> u64 {
        let behind = format.state_length() + format.line_end().len();
        self.text_offset().saturating_sub(behind as u64)
    }

    /// The internal date.
    pub fn date(&self) -> InternalDate {
        InternalDate {
            seconds: i64::from(self.shown) - i64::from(self.zone) * 60,
            offset: self.zone,
        }
    }

    /// Whether it is expunged and only its bytes are there.
    pub fn is_hidden(&self) -> bool {
        self.flags & line::HIDDEN != 0
    }

    /// Whether it is marked deleted.
    pub fn is_deleted(&self) -> bool {
        self.flags & line::DELETED != 0
    }

    /// The bits of all its keywords.
    pub fn all_keywords(&self) -> u32 {
        self.keywords | self.kept
    }

    /// Its state as the line shall have it.
    pub fn status(&self) -> Status {
        Status {
            keywords: self.keywords,
            flags: self.flags,
            uid: self.uid,
        }
    }

    /// Its flags without keywords.
    pub fn system(&self) -> SystemFlags {
        let recent = if self.recent {
            SystemFlags::RECENT
        } else {
            SystemFlags::NONE
        };
        system_of(self.flags) | recent
    }
}

/// The bits of the flags that have one.
const BITS: [(u16, SystemFlags); 5] = [
    (line::SEEN, SystemFlags::SEEN),
    (line::DELETED, SystemFlags::DELETED),
    (line::FLAGGED, SystemFlags::FLAGGED),
    (line::ANSWERED, SystemFlags::ANSWERED),
    (line::DRAFT, SystemFlags::DRAFT),
];

/// The flags of these bits.
pub fn system_of(bits: u16) -> SystemFlags {
    let set = BITS.iter().filter(|entry| bits & entry.0 != 0);
    set.fold(SystemFlags::NONE, |flags, entry| flags | entry.1)
}

/// The bits of these flags.
pub fn bits_of(flags: SystemFlags) -> u16 {
    let set = BITS.iter().filter(|entry| flags.contains(entry.1));
    set.fold(0, |bits, entry| bits | entry.0)
}

/// What holds for the mailbox as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Base {
    /// UIDVALIDITY; 0 before it is known.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// The keywords.
    pub words: Words,
}

/// Makes flags and summaries of records, sharing keyword lists among messages.
#[derive(Default)]
pub struct Shares {
    lists: Lists,
}

impl Shares {
    /// The flags of a message.
    pub fn flags(&mut self, record: &Record, base: &Base) -> Flags {
        Flags {
            system: record.system(),
            keywords: self.lists.of(record.all_keywords(), &base.words),
        }
    }

    /// The summary of a message; `None` while it has no UID.
    pub fn summary(&mut self, record: &Record, base: &Base) -> Option<Summary> {
        Some(Summary {
            uid: Uid::new(record.uid)?,
            flags: self.flags(record, base),
            internal_date: record.date(),
            rfc822_size: record.rfc822_size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_messages_stay_small() {
        assert!(size_of::<Record>() <= 48);
    }
}
