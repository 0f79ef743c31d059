//! Finds the messages of a file in one pass: every byte is looked at while it is hot, only header lines are read.
//!
//! Divided by From lines, a message ends before the next line that passes the grammar of [`FromLine`], wherever that
//! line stands in a text; in a header it does not count. If a text ends with an empty line, that one is the separator and
//! not part of it. What is divided by delimiters is gone over in `delimited.rs`.
//! NULs where a message should start are damage: a program that died in the middle of a change leaves them. The pass goes
//! on behind. Where they hide a message, because it starts in the middle of a line, the one before it is marked.
//! Sizes count every LF as CRLF and no CR. A UID out of order voids the UIDVALIDITY, as with c-client; one far above
//! the last is ignored, because senders write them too.

use std::path::Path;

use jiff::tz::TimeZone;
use memchr::memmem;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::framing::{Division, Framing};
use crate::driver::layout::file::from_line::{self, FromLine};
use crate::driver::layout::file::header::{self, Notes, Wanted, digest_on};
use crate::driver::layout::file::holes;
use crate::driver::layout::file::metadata;
use crate::driver::layout::file::read_ahead::Ahead;
use crate::driver::layout::file::record::{Base, Marks, Pseudo, Record};
use crate::driver::layout::file::window::{Line, Window, count_of};
use crate::mail::date::InternalDate;
use crate::mail::flags::SystemFlags;
use crate::os::files::MailFile;

/// A pass over a file, or over what was added to it.
pub struct Scan<'a> {
    pub(super) window: Window<'a>,
    pub(super) file: &'a dyn MailFile,
    pub(super) path: &'a Path,
    framing: &'static Framing,
    job: &'a Job,
    pub(super) local: TimeZone,
    /// What a border between messages looks like.
    pub(super) border: memmem::Finder<'static>,
    /// The file's own date, once it was asked for.
    pub(super) file_date: Option<InternalDate>,
    base: Base,
    /// What the file itself says of the mailbox.
    told: Base,
    /// The UID of the message before.
    previous: u32,
    pub(super) first: bool,
    pub(super) notes: Notes,
    /// The first damage: where it is, and what.
    damage: Option<(u64, &'static str)>,
    /// Where the first message is that NULs hide.
    hidden: Option<u64>,
}

/// How far a UID may jump ahead of the last one to be believed.
const FARTHEST_JUMP: u32 = 1 << 20;

impl<'a> Scan<'a> {
    /// A pass over the whole file of `length` bytes. White space before the first From line is skipped.
    pub fn whole(
        source: Source<'a>,
        framing: &'static Framing,
        length: u64,
        ahead: Option<Ahead>,
        job: &'a Job,
    ) -> Result<Self> {
        let mut scan = Self::resume(source, framing, 0..length, Base::default(), 0, job);
        if let Some(ahead) = ahead {
            scan.window = Window::ahead(source.file, length, ahead);
        }
        scan.first = true;
        if framing.division == Division::FromLines {
            scan.skip_blank()?;
        }
        Ok(scan)
    }

    /// A pass over the part of a file that starts with a message, `previous` being the UID before it.
    pub fn resume(
        source: Source<'a>,
        framing: &'static Framing,
        part: std::ops::Range<u64>,
        base: Base,
        previous: u32,
        job: &'a Job,
    ) -> Self {
        Self {
            window: Window::new(source.file, part.start, part.end),
            file: source.file,
            path: source.path,
            framing,
            job,
            local: TimeZone::system(),
            border: memmem::Finder::new(framing.border),
            file_date: None,
            told: base.clone(),
            base,
            previous,
            first: false,
            notes: Notes::default(),
            damage: None,
            hidden: None,
        }
    }

    /// The first damage that was met, where it is and what.
    pub fn damage(&self) -> Option<(u64, &'static str)> {
        self.damage
    }

    /// Where the first message is that NULs hide.
    pub fn hidden(&self) -> Option<u64> {
        self.hidden
    }

    /// What is known of the mailbox as a whole so far; all that the file says after the first message.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// What the file itself says of the mailbox, without the UIDs given out meanwhile.
    pub fn told(&self) -> &Base {
        &self.told
    }

    /// Makes sure that no UID up to `last` is given out again.
    pub fn raise_last_uid(&mut self, last: u32) {
        self.base.last_uid = self.base.last_uid.max(last);
    }

    /// Where the pass has come to.
    pub fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// The next message, or `None` at the end. The pseudo message is passed over.
    pub fn next_message(&mut self) -> Result<Option<Record>> {
        loop {
            if self.window.rest().is_empty() && !self.more()? {
                return Ok(None);
            }
            let started = match self.framing.division {
                Division::FromLines => self.first_line()?,
                Division::Delimiters => self.first_lines()?,
            };
            let Some((mut record, user_is_daemon)) = started else {
                if !self.first && self.skip_nuls()? {
                    continue;
                }
                return Err(Error::Damaged {
                    offset: self.offset(),
                    what: "no message starts where one should",
                });
            };
            self.header(&mut record)?;
            let is_pseudo = self.first && user_is_daemon && self.looks_pseudo()?;
            match self.framing.division {
                Division::FromLines => self.text(&mut record)?,
                Division::Delimiters => self.delimited_text(&mut record)?,
            }
            let first = std::mem::take(&mut self.first);
            if is_pseudo && self.take_pseudo(&record) {
                continue;
            }
            self.settle(&mut record, first);
            return Ok(Some(record));
        }
    }

    pub(super) fn more(&mut self) -> Result<bool> {
        self.job.checkpoint()?;
        self.window.more().map_err(Error::io(self.path))
    }

    /// Goes over NULs that stand where a message should start; whether there were any.
    fn skip_nuls(&mut self) -> Result<bool> {
        let offset = self.offset();
        loop {
            let rest = self.window.rest();
            let count = rest.iter().take_while(|byte| **byte == 0).count();
            let whole = count == rest.len();
            self.window.consume(count);
            if !whole || !self.more()? {
                break;
            }
        }
        let any = self.offset() > offset;
        if any {
            self.damage
                .get_or_insert((offset, "NULs where a message should start"));
        }
        Ok(any)
    }

    fn skip_blank(&mut self) -> Result<()> {
        let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t');
        let mut last = b'\n';
        loop {
            let rest = self.window.rest();
            let count = rest.iter().take_while(|byte| blank(byte)).count();
            let whole = count == rest.len();
            if let Some(byte) = count.checked_sub(1).and_then(|at| rest.get(at)) {
                last = *byte;
            }
            self.window.consume(count);
            if !whole || !self.more()? {
                break;
            }
        }
        let nothing_there = self.window.rest().is_empty();
        if last == b'\n' || nothing_there {
            return Ok(());
        }
        Err(Error::Damaged {
            offset: self.offset(),
            what: "no message starts where one should",
        })
    }

    /// The message's first line; also whether its user is the mail system itself.
    fn first_line(&mut self) -> Result<Option<(Record, bool)>> {
        let offset = self.offset();
        let Line::Whole(length) = self.window.line().map_err(Error::io(self.path))? else {
            return Ok(None);
        };
        let line = self.window.rest().get(..length - 1).unwrap_or_default();
        let Some(line) = FromLine::parse(line) else {
            return Ok(None);
        };
        let mut record = Record::new(offset, length as u32, line.date(&self.local));
        record.head = length as u64;
        let daemon = line.user() == metadata::PSEUDO_USER;
        self.window.consume(length);
        Ok(Some((record, daemon)))
    }

    fn header(&mut self, record: &mut Record) -> Result<()> {
        self.notes.clear();
        if self.quick_header(record) {
            return Ok(());
        }
        match self.framing.division {
            Division::FromLines => self.header_by_lines(record)?,
            Division::Delimiters => self.delimited_header(record)?,
        }
        if self.has_uid() {
            record.digest = 0;
        }
        Ok(())
    }

    /// Whether the header told a UID that holds: then the message needs no digest to be known again.
    fn has_uid(&self) -> bool {
        self.base.uid_validity != 0 && self.notes.uid.is_some()
    }

    /// Takes a header that is whole in memory and has no CR in one go; `false`, and nothing is changed, for any other.
    fn quick_header(&mut self, record: &mut Record) -> bool {
        let rest = self.window.rest();
        let before = *record;
        // Where the file has no UIDs it is known beforehand that this message has none.
        let wanted = match self.base.uid_validity {
            0 => Wanted::Digest,
            _ => Wanted::Metadata,
        };
        let whole = if self.window.may_hold_cr() {
            None
        } else {
            header::whole_header(rest, self.offset(), wanted, &mut self.notes, record)
        };
        let is_cut = |length: &usize| {
            self.framing.division == Division::Delimiters
                && rest
                    .get(..*length)
                    .is_none_or(|header| self.border.find(header).is_some())
        };
        let Some(length) = whole.filter(|length| !is_cut(length)) else {
            *record = before;
            self.notes.clear();
            return false;
        };
        if wanted == Wanted::Metadata && !self.has_uid() {
            record.digest = header::digest(rest.get(..length).unwrap_or_default());
        }
        self.window.consume(length);
        true
    }

    fn header_by_lines(&mut self, record: &mut Record) -> Result<()> {
        let mut dropping = false;
        loop {
            let offset = self.offset();
            let (length, shown) = match self.window.line().map_err(Error::io(self.path))? {
                Line::Whole(length) => (length, length),
                Line::Unended(0) => {
                    record.marks.set(Marks::CUT);
                    return Ok(());
                }
                Line::Unended(length) => (length, length),
                Line::Long => (0, HEAD_OF_LONG_LINE),
            };
            let line = self.window.rest().get(..shown).unwrap_or_default();
            let blank = matches!(line, b"\n" | b"\r\n");
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                dropping = self.notes.take(line, offset, length as u64, record);
            }
            if !dropping && !blank {
                record.digest = digest_on(record.digest, line);
            }
            let (length, crs, ended) = if length > 0 {
                let crs = self.window.crs(length);
                let ended = line.ends_with(b"\n");
                self.window.consume(length);
                (length as u64, crs, ended)
            } else {
                let skipped = self.window.skip_line().map_err(Error::io(self.path))?;
                (skipped.length, skipped.crs, skipped.ended)
            };
            record.head += length;
            if crs > 0 {
                record.marks.set(Marks::HAS_CR);
            }
            if !dropping {
                record.size += length - crs + u64::from(ended);
            }
            if blank {
                return Ok(());
            }
        }
    }

    /// Whether the header at hand, and the text that follows, are those of a pseudo message.
    fn looks_pseudo(&mut self) -> Result<bool> {
        if !self.notes.pseudo_subject || self.notes.imap.is_none() {
            return Ok(false);
        }
        if self.window.rest().len() < metadata::PSEUDO_TEXT.len() {
            self.more()?;
        }
        Ok(self.window.rest().starts_with(metadata::PSEUDO_TEXT))
    }

    fn take_pseudo(&mut self, record: &Record) -> bool {
        let Some((line, line_length, Some(base))) = self.notes.imap.take() else {
            return false;
        };
        self.base = base;
        self.base.pseudo = Some(Pseudo {
            offset: record.offset,
            length: record.end() - record.offset,
            line,
            line_length,
        });
        self.told = self.base.clone();
        true
    }

    /// Goes over a text up to the next message.
    fn text(&mut self, record: &mut Record) -> Result<()> {
        let mut seen = Text::default();
        if record.marks.has(Marks::CUT) {
            return Ok(());
        }
        let mut at_line_start = true;
        let start = self.offset();
        let mut has_hole = false;
        loop {
            if at_line_start && self.message_starts()? {
                break;
            }
            let rest = self.window.rest();
            let found = self.border.find(rest);
            let count = match found {
                Some(place) => place + 1,
                None if self.window.is_last() => rest.len(),
                None => rest.len().saturating_sub(from_line::START.len()),
            };
            let bytes = rest.get(..count).unwrap_or_default();
            has_hole |= holes::has_one(bytes);
            seen.add(bytes, self.window.crs(count));
            self.window.consume(count);
            at_line_start = found.is_some();
            if found.is_none() && !self.more()? {
                break;
            }
        }
        seen.finish(record);
        if has_hole {
            let source = Source {
                file: self.file,
                path: self.path,
            };
            let hidden = holes::hidden_message(source, start, self.offset(), self.job)?;
            if let Some(offset) = hidden {
                record.marks.set(Marks::HIDES);
                self.hidden.get_or_insert(offset);
            }
        }
        Ok(())
    }

    /// Whether a valid From line stands here.
    fn message_starts(&mut self) -> Result<bool> {
        if self.window.rest().len() < from_line::START.len() {
            self.more()?;
        }
        if !self.window.rest().starts_with(from_line::START) {
            return Ok(false);
        }
        let rest = self.window.rest();
        let most = rest.get(..rest.len().min(from_line::LONGEST));
        if memchr::memchr(b'\n', most.unwrap_or_default()).is_none() {
            self.more()?;
        }
        let rest = self.window.rest();
        let most = rest
            .get(..rest.len().min(from_line::LONGEST))
            .unwrap_or_default();
        let line = memchr::memchr(b'\n', most).and_then(|end| most.get(..end));
        Ok(line.is_some_and(|line| FromLine::parse(line).is_some()))
    }

    /// Gives a message its UID and keywords, now that all of its header is known.
    fn settle(&mut self, record: &mut Record, first: bool) {
        if first
            && self.base.uid_validity == 0
            && let Some(base) = self.notes.base.take()
        {
            self.told = base.clone();
            self.base = base;
        }
        record.keywords = self.base.bits_of(metadata::words(&self.notes.words));
        if !self.notes.old {
            record.marks.set(Marks::NEW);
            record.system |= SystemFlags::RECENT;
        }
        let last = self.base.last_uid;
        let highest = last
            .saturating_add(FARTHEST_JUMP)
            .min(metadata::HIGHEST_UID);
        let told = self.notes.uid.filter(|_| self.base.uid_validity != 0);
        if told.is_some_and(|uid| uid <= self.previous) || (told.is_some() && self.notes.two_uids) {
            self.base.uid_validity = 0;
        }
        let credible = |uid: &u32| *uid > self.previous && *uid <= highest && !self.notes.two_uids;
        record.uid = told.filter(credible).unwrap_or_else(|| {
            record.marks.set(Marks::NO_UID);
            last.max(self.previous).saturating_add(1)
        });
        self.base.last_uid = last.max(record.uid);
        self.previous = record.uid;
    }
}

/// What is counted of a text.
#[derive(Default)]
pub(super) struct Text {
    length: u64,
    lfs: u64,
    crs: u64,
    /// Its last three bytes, the latest lowest.
    tail: u32,
}

impl Text {
    pub(super) fn add(&mut self, bytes: &[u8], crs: u64) {
        self.length += bytes.len() as u64;
        self.lfs += count_of(b'\n', bytes);
        self.crs += crs;
        let last = bytes.get(bytes.len().saturating_sub(3)..).unwrap_or(bytes);
        for byte in last {
            self.tail = (self.tail << 8 | u32::from(*byte)) & 0x00ff_ffff;
        }
    }

    fn finish(&self, record: &mut Record) {
        let ends = |tail: &[u8]| {
            let wanted = tail
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte));
            let mask = (1u32 << (8 * tail.len())) - 1;
            self.length >= tail.len() as u64 && self.tail & mask == wanted
        };
        let all = |text: &[u8]| self.length == text.len() as u64 && ends(text);
        record.separator = if ends(b"\n\n") || all(b"\n") {
            1
        } else if ends(b"\n\r\n") || all(b"\r\n") {
            2
        } else {
            0
        };
        let separator = u64::from(record.separator);
        record.text = self.length - separator;
        self.finish_sizes(record);
        if separator > 0 {
            record.size -= 2;
        }
    }

    fn finish_sizes(&self, record: &mut Record) {
        record.size += self.length - self.crs + self.lfs;
        if self.crs > 0 {
            record.marks.set(Marks::HAS_CR);
        }
    }

    /// The same for a text that was counted without its delimiter.
    pub(super) fn finish_whole(&self, record: &mut Record) {
        record.text = self.length;
        self.finish_sizes(record);
    }
}

const HEAD_OF_LONG_LINE: usize = 8 * 1024;
