//! Goes over the lines in front of messages, and reads as little of the messages themselves as it can.

use jiff::tz::TimeZone;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::window::count_of;
use crate::driver::layout::prefile::format::{Format, Newline, State};
use crate::driver::layout::prefile::line::{self, LONGEST};
use crate::driver::layout::prefile::record::Record;
use crate::os::transfer::read_full_at;

/// A way over a file from one message to the next.
pub struct Scan<'a> {
    format: &'static Format,
    source: Source<'a>,
    job: &'a Job,
    zone: TimeZone,
    /// Where the next line starts.
    offset: u64,
    /// Where the file ends.
    length: u64,
    /// Some bytes of the file, those before `filled`.
    buffer: Vec<u8>,
    filled: usize,
    /// Where in the file they are.
    at: u64,
    /// Bytes from one line to the next, the last time.
    step: u64,
    count: usize,
    /// Whether messages are gone over although their size with CRLF is not known.
    skips: bool,
    /// Whether progress is told.
    tells: bool,
}

/// Bytes that are read at once where messages are short, or have to be read anyway.
const MANY: usize = 64 * 1024;
/// Bytes that are read at once where messages are long: a line, and no more of the message than comes with it.
const FEW: usize = LONGEST;
/// Messages up to this size count as short, in bytes.
const SHORT: u64 = 2048;

impl<'a> Scan<'a> {
    /// A scan of the bytes from `start`, where a line has to be, to `length`.
    pub fn new(
        format: &'static Format,
        source: Source<'a>,
        start: u64,
        length: u64,
        job: &'a Job,
    ) -> Self {
        Self {
            format,
            source,
            job,
            zone: TimeZone::system(),
            offset: start,
            length,
            buffer: Vec::new(),
            filled: 0,
            at: 0,
            step: 0,
            count: 0,
            skips: format.newline == Newline::CrLf,
            tells: true,
        }
    }

    /// The same, of lines only: the size with CRLF of messages that are stored otherwise is not found out.
    #[must_use]
    pub fn of_lines(mut self) -> Self {
        self.skips = true;
        self
    }

    /// The same, which does not tell how far it is.
    #[must_use]
    pub fn in_silence(mut self) -> Self {
        self.tells = false;
        self
    }

    /// Goes on at another place, where a line has to be.
    pub fn go_to(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Where the next line starts.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next message, hidden ones too. [`Error::Damaged`] where there is none although the file goes on.
    pub fn next_message(&mut self) -> Result<Option<Record>> {
        if self.offset >= self.length {
            return Ok(None);
        }
        self.count += 1;
        if self.count.is_multiple_of(1024) {
            self.job.checkpoint()?;
            if self.tells {
                self.job.progress(self.offset, self.length);
            }
        }
        let mut record = self.record_at(self.offset)?;
        if !self.skips {
            record.rfc822_size = self.size_with_crlf(&record)?;
        }
        self.step = record.end() - self.offset;
        self.offset = record.end();
        Ok(Some(record))
    }

    /// Looks behind a damaged line, and shortly before it, but not before `least`, for the next place from which lines follow
    /// each other; `false` where there is none. The size of the message before may be what is wrong.
    pub fn resynchronise(&mut self, least: u64) -> Result<bool> {
        let start = self.offset.saturating_sub(NEAR).max(least);
        self.find_line(start, self.length)
    }

    /// Looks from `start` on, and not behind `most`, for a place from which lines follow each other.
    pub fn find_line(&mut self, start: u64, most: u64) -> Result<bool> {
        let state = self.format.state_length() + self.format.line_end().len();
        let mut at = start;
        while at < most.min(self.length) {
            self.job.checkpoint()?;
            let block = self.bytes(at, MANY)?.to_vec();
            if block.is_empty() {
                break;
            }
            for place in memchr::memchr_iter(b'\n', &block) {
                let head = block.get(..=place).unwrap_or_default();
                let Some(start) = self.start_of_line(head, state) else {
                    continue;
                };
                let is_new = at + start as u64 != self.offset || self.offset == 0;
                if is_new && self.leads_on(at + start as u64)? {
                    self.offset = at + start as u64;
                    return Ok(true);
                }
            }
            at += (block.len().saturating_sub(LONGEST)).max(1) as u64;
        }
        Ok(false)
    }

    /// A message whose size was too large, cut off where the next one starts.
    pub fn cut(&mut self, record: &Record, end: u64) -> Result<Record> {
        let mut cut = *record;
        cut.size = end - record.text_offset();
        cut.rfc822_size = match self.skips {
            true => cut.size,
            false => self.size_with_crlf(&cut)?,
        };
        Ok(cut)
    }

    /// Where in `head`, which ends in LF, a line starts that could be one in front of a message.
    fn start_of_line(&self, head: &[u8], state: usize) -> Option<usize> {
        let semicolon = head.len().checked_sub(state + 1)?;
        if head.get(semicolon) != Some(&b';') {
            return None;
        }
        let dash = head.get(semicolon + 13) == Some(&b'-');
        if self.format.state == State::Numbered && !dash {
            return None;
        }
        let before = head.get(..semicolon)?;
        let digits = before.iter().rev().take_while(|it| it.is_ascii_digit());
        let comma = semicolon.checked_sub(digits.count() + 1)?;
        if head.get(comma) != Some(&b',') {
            return None;
        }
        let start = comma.checked_sub(FIXED_DATE)?;
        let line = line::parse(self.format, head.get(start..)?, &self.zone).ok()?;
        (start + line.length == head.len()).then_some(start)
    }

    /// Whether some lines follow each other from `at`, or all up to the end.
    fn leads_on(&mut self, at: u64) -> Result<bool> {
        let mut next = at;
        // Of messages that may be none no more is read than their lines.
        let (skips, step) = (self.skips, self.step);
        (self.skips, self.step) = (true, SHORT);
        let led = self.lead_on(&mut next);
        (self.skips, self.step) = (skips, step);
        led
    }

    fn lead_on(&mut self, next: &mut u64) -> Result<bool> {
        for _ in 0..ENOUGH {
            if *next == self.length {
                return Ok(true);
            }
            match self.record_at(*next) {
                Ok(record) => *next = record.end(),
                Err(Error::Damaged { .. }) => return Ok(false),
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(true)
    }

    fn record_at(&mut self, offset: u64) -> Result<Record> {
        let many = !self.skips || self.step < SHORT;
        self.load(offset, if many { MANY } else { FEW })?;
        let damaged = |what| Error::Damaged { offset, what };
        let line = line::parse(self.format, self.from(offset), &self.zone).map_err(damaged)?;
        let end = offset
            .checked_add(line.length as u64)
            .and_then(|text| text.checked_add(line.size));
        if end.is_none_or(|end| end > self.length) {
            return Err(damaged("the message runs past the end of the file"));
        }
        if self.is_beheaded(offset)? {
            return Err(damaged(
                "the message before is said to be longer than it is",
            ));
        }
        Ok(Record::new(offset, &line))
    }

    /// Whether the line lacks the first byte of its date, the blank or digit in front of a single digit of the day, because the
    /// message before is taken to end there: behind the end of its last line. Such a date can be read all the same.
    fn is_beheaded(&mut self, offset: u64) -> Result<bool> {
        const BEFORE: u64 = 2;
        if self.from(offset).get(1) != Some(&b'-') || offset < BEFORE {
            return Ok(false);
        }
        let before = self.bytes(offset - BEFORE, FEW)?;
        Ok(matches!(before, [b'\n', b' ' | b'1'..=b'3', ..]))
    }

    /// The size of a message with every LF as CRLF.
    fn size_with_crlf(&mut self, record: &Record) -> Result<u64> {
        let mut size = record.size;
        let mut at = record.text_offset();
        while at < record.end() {
            let left = usize::try_from(record.end() - at).unwrap_or(MANY);
            let bytes = self.bytes(at, MANY)?;
            let bytes = bytes.get(..left).unwrap_or(bytes);
            if bytes.is_empty() {
                return Err(Error::Changed("it became shorter while it was read"));
            }
            size = size + count_of(b'\n', bytes) - count_of(b'\r', bytes);
            at += bytes.len() as u64;
        }
        Ok(size)
    }

    /// Bytes of the file from `offset` on: at least a whole line where there are so many. `want` are read at once
    /// where they are not in memory yet.
    fn bytes(&mut self, offset: u64, want: usize) -> Result<&[u8]> {
        self.load(offset, want)?;
        Ok(self.from(offset))
    }

    /// What is in memory of the file from `offset` on.
    fn from(&self, offset: u64) -> &[u8] {
        let skip = usize::try_from(offset - self.at).unwrap_or(usize::MAX);
        let filled = self.buffer.get(..self.filled).unwrap_or_default();
        filled.get(skip..).unwrap_or_default()
    }

    fn load(&mut self, offset: u64, want: usize) -> Result<()> {
        let left = self.length.saturating_sub(offset);
        let needed = left.min(LONGEST as u64);
        let inside = offset >= self.at && offset + needed <= self.at + self.filled as u64;
        if inside {
            return Ok(());
        }
        let want = usize::try_from(left).map_or(want, |left| left.min(want));
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        let room = self.buffer.get_mut(..want).unwrap_or_default();
        let read = read_full_at(self.source.file, room, offset);
        self.filled = read.map_err(Error::io(self.source.path))?;
        self.at = offset;
        Ok(())
    }
}

/// Bytes of the date as all programs of today write it.
const FIXED_DATE: usize = 26;
/// How far before a damaged line another one is looked for, in bytes.
const NEAR: u64 = 4096;
/// How many lines must follow each other for a place to be believed.
const ENOUGH: usize = 8;
