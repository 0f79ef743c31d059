//! What is kept in memory of each message, and of the mailbox as a whole: small, because mailboxes hold a million messages.

use std::sync::Arc;

use crate::driver::layout::file::framing::Framing;
use crate::mail::date::InternalDate;
use crate::mail::flags::{Flags, Keyword, SystemFlags};
use crate::mail::summary::Summary;
use crate::mail::uid::Uid;

/// One message in the file: lead, header, text, separator, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Where its lead starts.
    pub offset: u64,
    /// Bytes from there to the text: lead, header, blank line.
    pub head: u64,
    /// Bytes of the text, without the separator.
    pub text: u64,
    /// Size with CRLF line ends, without metadata.
    pub size: u64,
    /// The internal date: seconds since 1970 on the clocks of its zone.
    shown: u32,
    /// Its UID; never 0.
    pub uid: u32,
    /// One bit for each of the mailbox's keywords.
    pub keywords: u32,
    /// Bytes of the lead: what the framing puts before a From line, and that line with its LF.
    pub lead: u32,
    /// Digest of the header's own lines, which tells messages of equal size and time apart; 0 where a UID does.
    pub digest: u32,
    zone: i16,
    /// Its system flags.
    pub system: SystemFlags,
    /// What of it still has to be written.
    pub marks: Marks,
    /// Bytes of the separator: 0 where the file ends without one, 1 (LF), 2 (CRLF) or those of a delimiter.
    pub separator: u8,
}

/// What is to know of a message besides its flags, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks(u8);

impl Marks {
    /// Its flags changed since they were read.
    pub const CHANGED: Self = Self(1);
    /// Its UID is not in the file.
    pub const NO_UID: Self = Self(2);
    /// The file does not say that it has been seen by a session (`O`).
    pub const NEW: Self = Self(4);
    /// It holds CR bytes.
    pub const HAS_CR: Self = Self(8);
    /// Its header is cut off, by the end of the file or by a delimiter: there is no blank line.
    pub const CUT: Self = Self(16);
    /// It has no From line: its date is the file's.
    pub const UNDATED: Self = Self(32);
    /// The delimiter that ends the message before it is also the one that starts it.
    pub const SHARED: Self = Self(64);
    /// Its text holds a run of NULs and behind it what was a message.
    pub const HIDES: Self = Self(128);

    /// Whether all of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets those of `other`.
    pub fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Clears those of `other`.
    pub fn clear(&mut self, other: Self) {
        self.0 &= !other.0;
    }
}

impl Record {
    /// A message at `offset` of which only the lead is known.
    pub fn new(offset: u64, lead: u32, date: InternalDate) -> Self {
        let shown = date.seconds + i64::from(date.offset) * 60;
        Self {
            offset,
            head: 0,
            text: 0,
            size: 0,
            shown: u32::try_from(shown).unwrap_or(0),
            uid: 0,
            keywords: 0,
            lead,
            digest: 0,
            zone: date.offset,
            system: SystemFlags::NONE,
            marks: Marks::default(),
            separator: 0,
        }
    }

    /// The same message at another place.
    #[must_use]
    pub fn moved_to(&self, offset: u64) -> Self {
        Self { offset, ..*self }
    }

    /// A delimiter of its own was put before the message, which had none.
    pub fn own_delimiter(&mut self, framing: &Framing) {
        self.marks.clear(Marks::SHARED);
        self.lead += framing.before.len() as u32;
        self.head += framing.before.len() as u64;
    }

    /// Where the text starts.
    pub fn text_offset(&self) -> u64 {
        self.offset + self.head
    }

    /// Where the next message starts.
    pub fn end(&self) -> u64 {
        self.offset + self.head + self.text + u64::from(self.separator)
    }

    /// The internal date.
    pub fn date(&self) -> InternalDate {
        InternalDate {
            seconds: i64::from(self.shown) - i64::from(self.zone) * 60,
            offset: self.zone,
        }
    }

    /// Whether both are the same message with the same text, wherever they are and whatever their flags.
    pub fn is_same_text(&self, other: &Self) -> bool {
        let is_loose = |it: &Self| it.marks.has(Marks::UNDATED) || it.marks.has(Marks::SHARED);
        let same_lead = (self.shown, self.zone, self.lead) == (other.shown, other.zone, other.lead)
            || is_loose(self)
            || is_loose(other);
        let same_digest = self.digest == other.digest || self.digest == 0 || other.digest == 0;
        same_lead && self.size == other.size && same_digest
    }
}

/// What the file says of the mailbox as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Base {
    /// UIDVALIDITY; 0 where the file has none.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// The keywords, the first one has bit 0.
    pub keywords: Vec<Keyword>,
    /// The pseudo message, where there is one.
    pub pseudo: Option<Pseudo>,
}

/// The message that holds the mailbox's own data and is not shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pseudo {
    /// Where it starts.
    pub offset: u64,
    /// Bytes up to the first real message.
    pub length: u64,
    /// Where its X-IMAP line starts.
    pub line: u64,
    /// Bytes of that line with its LF.
    pub line_length: u64,
}

/// The most keywords that a mailbox can have.
pub const MOST_KEYWORDS: usize = 30;

impl Base {
    /// The bits of the keywords that the mailbox knows among `words`.
    pub fn bits_of<'a>(&self, words: impl Iterator<Item = &'a [u8]>) -> u32 {
        words.fold(0, |bits, word| {
            let same = |known: &Keyword| known.as_str().as_bytes().eq_ignore_ascii_case(word);
            bits | self
                .keywords
                .iter()
                .position(same)
                .map_or(0, |bit| 1 << bit)
        })
    }

    /// The bits of `keywords`; those not known yet are defined while there is room.
    pub fn define(&mut self, keywords: &[Keyword]) -> u32 {
        for keyword in keywords {
            if !self.keywords.contains(keyword) && self.keywords.len() < MOST_KEYWORDS {
                self.keywords.push(keyword.clone());
            }
        }
        self.bits_of(keywords.iter().map(|keyword| keyword.as_str().as_bytes()))
    }

    /// The keywords whose bits are set, in the mailbox's order.
    pub fn named(&self, bits: u32) -> impl Iterator<Item = &Keyword> {
        let chosen = move |entry: &(usize, &Keyword)| bits & (1 << entry.0) != 0;
        self.keywords
            .iter()
            .take(MOST_KEYWORDS)
            .enumerate()
            .filter(chosen)
            .map(|entry| entry.1)
    }
}

/// Makes flags and summaries of records, sharing keyword lists among messages.
#[derive(Default)]
pub struct Shares {
    lists: Vec<(u32, Arc<[Keyword]>)>,
}

impl Shares {
    /// The flags of a message.
    pub fn flags(&mut self, record: &Record, base: &Base) -> Flags {
        Flags {
            system: record.system,
            keywords: self.list(record.keywords, base),
        }
    }

    /// The summary of a message; `None` while it has no UID.
    pub fn summary(&mut self, record: &Record, base: &Base) -> Option<Summary> {
        Some(Summary {
            uid: Uid::new(record.uid)?,
            flags: self.flags(record, base),
            internal_date: record.date(),
            rfc822_size: record.size,
        })
    }

    fn list(&mut self, bits: u32, base: &Base) -> Option<Arc<[Keyword]>> {
        if bits == 0 {
            return None;
        }
        if let Some(entry) = self.lists.iter().find(|entry| entry.0 == bits) {
            return Some(Arc::clone(&entry.1));
        }
        let list: Arc<[Keyword]> = base.named(bits).cloned().collect();
        if self.lists.len() < 64 {
            self.lists.push((bits, Arc::clone(&list)));
        }
        Some(list)
    }
}
