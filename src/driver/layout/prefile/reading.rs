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
use crate::driver::layout::prefile::stretch::{self, Stretch};
use crate::mail::structure::Part;
use crate::mail::uid::Uid;

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

    /// Reads headers; where messages lie close to each other, the beginnings of many with one look at the file.
    pub(super) fn read_headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        let records: Vec<Record> = self.records_of(uids).collect();
        let mut stretch = Stretch::default();
        let mut header = Vec::new();
        for (place, record) in records.iter().enumerate() {
            if place.is_multiple_of(BETWEEN_CHECKPOINTS) {
                job.checkpoint()?;
            }
            let Some(uid) = Uid::new(record.uid) else {
                continue;
            };
            header.clear();
            let most = stretch::length(records.get(place..).unwrap_or_default());
            let bytes = stretch.read(&*self.file, record, most);
            let bytes = bytes.map_err(Error::io(&self.place.path))?;
            self.same_line(record, bytes)?;
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

    /// What is known of those of `uids` that are there. Most often each is the one behind the one before.
    fn records_of(&self, uids: &[Uid]) -> impl Iterator<Item = Record> {
        let records = &self.contents.records;
        let mut next = 0;
        uids.iter().filter_map(move |uid| {
            let follows = records.get(next).is_some_and(|it| it.uid == uid.get());
            let place = match follows {
                true => next,
                false => self.contents.place_of(uid.get())?,
            };
            next = place + 1;
            records.get(place).copied()
        })
    }

    /// Makes sure that the message is where it was.
    fn look_at_line(&self, record: &Record) -> Result<()> {
        let mut stretch = Stretch::default();
        let bytes = stretch.read(&*self.file, record, LONGEST);
        self.same_line(record, bytes.map_err(Error::io(&self.place.path))?)
    }

    /// Makes sure that `bytes` start with the line of this message.
    fn same_line(&self, record: &Record, bytes: &[u8]) -> Result<()> {
        let lengths = line::lengths(self.format, bytes);
        // In a damaged mailbox a message may end before its line says so: where the next one starts.
        let may_be_cut = self.contents.damaged.is_some();
        let same = lengths.is_ok_and(|(line, size)| {
            line == usize::from(record.line)
                && (size == record.size || (may_be_cut && size > record.size))
        });
        match same {
            true => Ok(()),
            false => Err(Error::Changed("its messages are no longer where they were")),
        }
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

/// So many headers are read before anybody can end it.
const BETWEEN_CHECKPOINTS: usize = 32;

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
