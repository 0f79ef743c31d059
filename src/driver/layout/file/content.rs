//! Reading messages: the header without metadata, the text, both with CRLF line ends as mail has them.

use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::framing::Framing;
use crate::driver::layout::file::from_line::FromLine;
use crate::driver::layout::file::metadata::{self, Kind};
use crate::driver::layout::file::record::{Marks, Record};
use crate::driver::layout::file::window::{Line, Window};
use crate::mail::structure::Part;
use crate::os::files::MailFile;
use crate::os::transfer::read_exact_at;

/// The lines of a header that are the message's own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Retained {
    /// Where they are in the file: offset and length, ascending, neighbours joined. The blank line is not among them.
    pub ranges: Vec<(u64, u64)>,
    /// Whether the last of them ends in LF.
    pub ended: bool,
    /// Whether a blank line follows.
    pub blank_line: bool,
}

/// An open mailbox file with its name for errors.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The file.
    pub file: &'a dyn MailFile,
    /// Its path.
    pub path: &'a Path,
}

impl Source<'_> {
    /// Finds the header lines of `record` that are not metadata.
    pub fn retained(&self, record: &Record) -> Result<Retained> {
        let start = record.offset + u64::from(record.lead);
        let mut window = Window::new(self.file, start, record.text_offset());
        let failed = Error::io(self.path);
        let mut retained = Retained {
            ended: true,
            ..Retained::default()
        };
        let mut dropping = false;
        loop {
            let offset = window.offset();
            let found = window.line().map_err(&failed)?;
            let rest = window.rest();
            let line = match found {
                Line::Whole(length) | Line::Unended(length) => rest.get(..length),
                Line::Long => Some(rest),
            };
            let line = line.unwrap_or_default();
            match line {
                [] if offset < record.text_offset() => return Err(self.cut_short()),
                [] => return Ok(retained),
                b"\n" | b"\r\n" => {
                    retained.blank_line = true;
                    return Ok(retained);
                }
                [b' ' | b'\t', ..] => {}
                _ => dropping = metadata::classify(line).0 != Kind::Plain,
            }
            let skipped = window.skip_line().map_err(&failed)?;
            if !dropping {
                retained.add(offset, skipped.length);
                retained.ended = skipped.ended;
            }
        }
    }

    /// Writes a part of a message with CRLF line ends.
    pub fn read(&self, record: &Record, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        if part != Part::Text {
            let retained = self.retained(record)?;
            for &(offset, length) in &retained.ranges {
                self.copy_crlf(offset, length, into, job)?;
            }
            if retained.blank_line {
                into.write_all(b"\r\n").map_err(Error::io(self.path))?;
            }
        }
        if part != Part::Header {
            self.copy_crlf(record.text_offset(), record.text, into, job)?;
        }
        Ok(())
    }

    /// Adds the header of a message to `header`, in one read into `raw` where it is not very long; with CRLF line ends.
    pub fn header(
        &self,
        record: &Record,
        (raw, header): (&mut Vec<u8>, &mut Vec<u8>),
        job: &Job,
    ) -> Result<()> {
        let start = record.offset + u64::from(record.lead);
        let length = usize::try_from(record.text_offset().saturating_sub(start));
        let Ok(length @ ..=SHORT_HEADER) = length else {
            return self.read(record, Part::Header, header, job);
        };
        raw.resize(length, 0);
        read_exact_at(self.file, raw, start).map_err(Error::io(self.path))?;
        push_retained(raw, header);
        Ok(())
    }

    fn copy_crlf(&self, offset: u64, length: u64, into: &mut dyn Write, job: &Job) -> Result<()> {
        let mut window = Window::new(self.file, offset, offset + length);
        let failed = Error::io(self.path);
        while window.more().map_err(&failed)? {
            job.checkpoint()?;
            let bytes = window.rest();
            let mut from = 0;
            for place in memchr::memchr2_iter(b'\n', b'\r', bytes) {
                let line = bytes.get(from..place).unwrap_or_default();
                into.write_all(line).map_err(&failed)?;
                if bytes.get(place) == Some(&b'\n') {
                    into.write_all(b"\r\n").map_err(&failed)?;
                }
                from = place + 1;
            }
            let line = bytes.get(from..).unwrap_or_default();
            into.write_all(line).map_err(&failed)?;
            let count = bytes.len();
            window.consume(count);
        }
        if window.offset() < offset + length {
            return Err(self.cut_short());
        }
        Ok(())
    }

    /// The error of a file that ends inside of a message.
    fn cut_short(&self) -> Error {
        Error::io(self.path)(ErrorKind::UnexpectedEof.into())
    }

    /// The envelope sender, as the From line has it.
    pub fn sender(&self, framing: &Framing, record: &Record) -> Result<Option<Vec<u8>>> {
        let lead = self.lead(record)?;
        let line = lead.strip_prefix(framing.before).unwrap_or(&lead);
        let line = FromLine::parse(line.strip_suffix(b"\n").unwrap_or(line));
        let user = line.map(|line| line.user().to_vec());
        Ok(user.filter(|user| !user.is_empty()))
    }

    /// Whether the file still has the message's lead where it was.
    pub fn still_there(&self, framing: &Framing, record: &Record) -> Result<bool> {
        let lead = self.lead(record)?;
        let before: &[u8] = if record.marks.has(Marks::SHARED) {
            b""
        } else {
            framing.before
        };
        if lead.len() as u64 != u64::from(record.lead) {
            return Ok(false);
        }
        let line = lead.strip_prefix(before);
        Ok(line.is_some_and(|line| match line.strip_suffix(b"\n") {
            Some(line) => !line.contains(&b'\n') && FromLine::parse(line).is_some(),
            None => line.is_empty() && record.marks.has(Marks::UNDATED),
        }))
    }

    /// The bytes where the lead of a message was, which may be others or fewer now.
    fn lead(&self, record: &Record) -> Result<Vec<u8>> {
        let end = record.offset + u64::from(record.lead);
        let mut window = Window::new(self.file, record.offset, end);
        window.more().map_err(Error::io(self.path))?;
        Ok(window.rest().to_vec())
    }
}

/// Longer headers are not taken into memory twice, in bytes.
const SHORT_HEADER: usize = 64 * 1024;

/// Adds the lines of a whole header that are not metadata, with CRLF line ends.
fn push_retained(raw: &[u8], header: &mut Vec<u8>) {
    let mut dropping = false;
    let mut start = 0;
    while let Some(rest) = raw.get(start..).filter(|rest| !rest.is_empty()) {
        let end = memchr::memchr(b'\n', rest);
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        start += line.len() + usize::from(end.is_some());
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            dropping = metadata::classify(line).0 != Kind::Plain;
        }
        if dropping {
            continue;
        }
        if memchr::memchr(b'\r', line).is_none() {
            header.extend_from_slice(line);
        } else {
            header.extend(line.iter().filter(|&&byte| byte != b'\r'));
        }
        if end.is_some() {
            header.extend_from_slice(b"\r\n");
        }
    }
}

impl Retained {
    fn add(&mut self, offset: u64, length: u64) {
        match self.ranges.last_mut() {
            Some(last) if last.0 + last.1 == offset => last.1 += length,
            _ => self.ranges.push((offset, length)),
        }
    }
}
