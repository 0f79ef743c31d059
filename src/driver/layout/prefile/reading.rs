//! Reading messages. None moves while the mailbox is open; still its line is looked at first, because not every program
//! honours locks.

use std::io::Write;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::window::{Line, Window};
use crate::driver::layout::lines::header_length;
use crate::driver::layout::prefile::format::Newline;
use crate::driver::layout::prefile::line::{self, LONGEST};
use crate::driver::layout::prefile::mailbox::PrefileMailbox;
use crate::driver::layout::prefile::record::Record;
use crate::mail::structure::Part;
use crate::mail::uid::Uid;
use crate::os::transfer::read_full_at;

impl PrefileMailbox {
    /// Writes a part of a message, with CRLF line ends.
    pub(super) fn read_part(
        &mut self,
        uid: Uid,
        part: Part,
        into: &mut dyn Write,
        job: &Job,
    ) -> Result<()> {
        let place = self.contents.place_of(uid.get());
        let record = place.and_then(|place| self.contents.records.get(place));
        let record = *record.ok_or(Error::NoSuchMessage)?;
        self.look_at_line(&record)?;
        let (start, end) = (record.text_offset(), record.end());
        let middle = match part {
            Part::Whole => start,
            _ => self.end_of_header(start, end, job)?,
        };
        match part {
            Part::Header => self.copy(start, middle, into, job),
            _ => self.copy(middle, end, into, job),
        }
    }

    /// Reads headers, each with one look at the file where it is no longer than usual.
    pub(super) fn read_headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        let mut buffer = vec![0; USUAL];
        let mut header = Vec::new();
        for &uid in uids {
            job.checkpoint()?;
            let place = self.contents.place_of(uid.get());
            let record = place.and_then(|place| self.contents.records.get(place));
            let Some(record) = record.copied() else {
                continue;
            };
            header.clear();
            let bytes = self.read_start(&record, &mut buffer)?;
            let text = bytes.get(usize::from(record.line)..).unwrap_or_default();
            match header_length(text).and_then(|length| text.get(..length)) {
                Some(text) if self.format.newline == Newline::CrLf => {
                    found(uid, text);
                    continue;
                }
                Some(text) => {
                    write_crlf(text, &mut header).map_err(Error::io(&self.place.path))?;
                }
                None => self.read_part(uid, Part::Header, &mut header, job)?,
            }
            found(uid, &header);
        }
        Ok(())
    }

    /// Makes sure that the message is where it was.
    fn look_at_line(&self, record: &Record) -> Result<()> {
        self.read_start(record, &mut [0; LONGEST]).map(drop)
    }

    /// Reads the line of a message and what of the message follows it in `buffer`; the message must be where it was.
    fn read_start<'b>(&self, record: &Record, buffer: &'b mut [u8]) -> Result<&'b [u8]> {
        let whole = usize::try_from(record.end() - record.offset).unwrap_or(usize::MAX);
        let most = whole.min(buffer.len());
        let room = buffer.get_mut(..most).unwrap_or_default();
        let count = read_full_at(&*self.file, room, record.offset);
        let count = count.map_err(Error::io(&self.place.path))?;
        let bytes = buffer.get(..count).unwrap_or_default();
        let line = line::parse(self.format, bytes, &jiff::tz::TimeZone::UTC);
        // In a damaged mailbox a message may end before its line says so: where the next one starts.
        let may_be_cut = self.contents.damaged.is_some();
        let same = line.is_ok_and(|line| {
            line.length == usize::from(record.line)
                && (line.size == record.size || (may_be_cut && line.size > record.size))
        });
        if same {
            return Ok(bytes);
        }
        Err(Error::Changed("its messages are no longer where they were"))
    }

    /// Where the text starts: behind the blank line.
    fn end_of_header(&self, start: u64, end: u64, job: &Job) -> Result<u64> {
        let failed = Error::io(&self.place.path);
        let mut window = Window::new(&*self.file, start, end);
        loop {
            job.checkpoint()?;
            let found = window.line().map_err(&failed)?;
            let rest = window.rest();
            let is_blank = match found {
                Line::Whole(length) => matches!(rest.get(..length), Some(b"\r\n" | b"\n")),
                Line::Unended(0) => return Ok(end),
                _ => false,
            };
            window.skip_line().map_err(&failed)?;
            if is_blank {
                return Ok(window.offset());
            }
        }
    }

    fn copy(&self, start: u64, end: u64, into: &mut dyn Write, job: &Job) -> Result<()> {
        let failed = Error::io(&self.place.path);
        let mut window = Window::new(&*self.file, start, end);
        while window.more().map_err(&failed)? {
            job.checkpoint()?;
            let bytes = window.rest();
            match self.format.newline {
                Newline::CrLf => into.write_all(bytes).map_err(&failed)?,
                Newline::Lf => write_crlf(bytes, into).map_err(&failed)?,
            }
            let count = bytes.len();
            window.consume(count);
        }
        if window.offset() < end {
            return Err(Error::Changed("it became shorter while it was read"));
        }
        Ok(())
    }
}

/// Bytes of a line and a header that most messages do not exceed.
const USUAL: usize = 2048;

/// Writes text with LF line ends with CRLF; CRs of its own go, as c-client has it.
fn write_crlf(bytes: &[u8], into: &mut dyn Write) -> std::io::Result<()> {
    let mut from = 0;
    for place in memchr::memchr2_iter(b'\n', b'\r', bytes) {
        into.write_all(bytes.get(from..place).unwrap_or_default())?;
        if bytes.get(place) == Some(&b'\n') {
            into.write_all(b"\r\n")?;
        }
        from = place + 1;
    }
    into.write_all(bytes.get(from..).unwrap_or_default())
}
