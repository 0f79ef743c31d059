//! The pass over a file whose messages stand between delimiters.
//!
//! A delimiter ends a message wherever it is at the end of a line, also in a header. The next message starts with a
//! delimiter of its own; where there is none the one before counts for both, so that nothing behind a delimiter is lost.
//! A From line may follow; without CR, or it is the first line of the header.

use std::os::unix::fs::MetadataExt;

use jiff::tz::TimeZone;

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::framing::DELIMITER;
use crate::driver::layout::file::from_line::FromLine;
use crate::driver::layout::file::header::digest_on;
use crate::driver::layout::file::metadata;
use crate::driver::layout::file::record::{Marks, Record};
use crate::driver::layout::file::scan::{Scan, Text};
use crate::driver::layout::file::window::Line;
use crate::mail::date::InternalDate;

impl Scan<'_> {
    /// The delimiter and the From line, as far as they are there; also whether the user is the mail system itself.
    /// Nothing where the file goes on with NULs, which an interrupted program leaves, or does not begin with a delimiter.
    pub(super) fn first_lines(&mut self) -> Result<Option<(Record, bool)>> {
        let offset = self.offset();
        let has_own = self.starts_with_delimiter()?;
        if !has_own && (self.first || self.window.rest().first() == Some(&0)) {
            return Ok(None);
        }
        if has_own {
            self.window.consume(DELIMITER.len());
        }
        let mut daemon = false;
        let mut date = None;
        if let Line::Whole(length) = self.window.line().map_err(Error::io(self.path))? {
            let line = self.window.rest().get(..length - 1).unwrap_or_default();
            // What a delimiter is glued to is no From line either.
            let is_bare = !matches!(line.last(), Some(b'\r' | 1));
            let found = FromLine::parse(line).filter(|_| is_bare);
            if let Some(found) = found {
                date = Some(found.date(&self.local));
                daemon = found.user() == metadata::PSEUDO_USER;
                self.window.consume(length);
            }
        }
        let lead = self.offset() - offset;
        let mut record = Record::new(
            offset,
            u32::try_from(lead).unwrap_or(u32::MAX),
            match date {
                Some(date) => date,
                None => self.date_of_file()?,
            },
        );
        record.head = lead;
        if date.is_none() {
            record.marks.set(Marks::UNDATED);
        }
        if !has_own {
            record.marks.set(Marks::SHARED);
        }
        Ok(Some((record, daemon)))
    }

    fn starts_with_delimiter(&mut self) -> Result<bool> {
        if self.window.rest().len() < DELIMITER.len() {
            self.more()?;
        }
        Ok(self.window.rest().starts_with(DELIMITER))
    }

    fn date_of_file(&mut self) -> Result<InternalDate> {
        if let Some(date) = self.file_date {
            return Ok(date);
        }
        let metadata = self.file.metadata().map_err(Error::io(self.path))?;
        let date = InternalDate::in_zone(metadata.mtime(), &TimeZone::UTC);
        self.file_date = Some(date);
        Ok(date)
    }

    /// A header line by line, up to its empty line, a delimiter, or the end of the file.
    pub(super) fn delimited_header(&mut self, record: &mut Record) -> Result<()> {
        let mut dropping = false;
        loop {
            let offset = self.offset();
            let (shown, is_whole) = match self.window.line().map_err(Error::io(self.path))? {
                Line::Unended(0) => {
                    record.marks.set(Marks::CUT);
                    return Ok(());
                }
                Line::Whole(length) | Line::Unended(length) => (length, true),
                Line::Long => (HEAD_OF_LONG_LINE, false),
            };
            let line = self.window.rest().get(..shown).unwrap_or_default();
            let line = line.strip_suffix(DELIMITER).unwrap_or(line);
            let blank = matches!(line, b"\n" | b"\r\n");
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                let length = if is_whole { line.len() as u64 } else { 0 };
                dropping = self.notes.take(line, offset, length, record);
            }
            if !dropping && !blank {
                record.digest = digest_on(record.digest, line);
            }
            let skipped = self.window.skip_line().map_err(Error::io(self.path))?;
            let is_last = skipped.tail == DELIMITER;
            let delimiter = if is_last { DELIMITER.len() as u64 } else { 0 };
            let length = skipped.length - delimiter;
            record.head += length;
            if skipped.crs > 0 {
                record.marks.set(Marks::HAS_CR);
            }
            if !dropping {
                record.size += length - skipped.crs + u64::from(skipped.ended && !is_last);
            }
            if is_last {
                record.separator = DELIMITER.len() as u8;
                record.marks.set(Marks::CUT);
            }
            if is_last || blank {
                return Ok(());
            }
        }
    }

    /// Goes over a text up to its delimiter.
    pub(super) fn delimited_text(&mut self, record: &mut Record) -> Result<()> {
        if record.marks.has(Marks::CUT) {
            return Ok(());
        }
        let mut seen = Text::default();
        loop {
            let rest = self.window.rest();
            let found = self.border.find(rest);
            let count = match found {
                Some(place) => place,
                None if self.window.is_last() => rest.len(),
                None => rest.len().saturating_sub(DELIMITER.len() - 1),
            };
            let bytes = rest.get(..count).unwrap_or_default();
            seen.add(bytes, self.window.crs(count));
            self.window.consume(count);
            if found.is_some() {
                self.window.consume(DELIMITER.len());
                record.separator = DELIMITER.len() as u8;
                break;
            }
            if !self.more()? {
                break;
            }
        }
        seen.finish_whole(record);
        Ok(())
    }
}

/// How much of a line that is not whole in memory is looked at, in bytes.
const HEAD_OF_LONG_LINE: usize = 8 * 1024;
