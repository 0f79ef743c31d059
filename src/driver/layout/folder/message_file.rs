//! Reading a message that has a file of its own.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::window::{Line, Window};
use crate::driver::layout::lines::{Crlf, Undotted, WIRE_END, header_length, is_wire};
use crate::mail::structure::Part;
use crate::mail::uid::Uid;
use crate::os::files::MailFile;
use crate::os::transfer::read_full_at;

/// How lines end in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stored {
    /// With LF, which becomes CRLF.
    Lf,
    /// As they are: with CRLF.
    AsIs,
    /// As a news server likes it: with LF, or in wire format.
    Article,
}

/// An open file.
pub struct MessageFile<'a> {
    file: &'a dyn MailFile,
    /// What errors name.
    path: &'a Path,
    stored: Stored,
}

/// Bytes of a header that most messages do not exceed.
const USUAL: usize = 4096;

impl<'a> MessageFile<'a> {
    /// The message in `file`; `path` is for errors.
    pub fn new(file: &'a dyn MailFile, path: &'a Path, stored: Stored) -> Self {
        Self { file, path, stored }
    }

    /// Writes a part of the message with CRLF line ends.
    pub fn read(&self, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        let (length, is_wire) = self.length()?;
        let middle = match part {
            Part::Whole => 0,
            _ => self.end_of_header(length, job)?,
        };
        match part {
            Part::Header => self.copy(0..middle, is_wire, into, job),
            _ => self.copy(middle..length, is_wire, into, job),
        }
    }

    /// Puts its header into `header`, with one look at the file where it is no longer than usual. `buffer` is of no interest
    /// but can be used again.
    pub fn header(&self, buffer: &mut Vec<u8>, header: &mut Vec<u8>, job: &Job) -> Result<()> {
        let failed = Error::io(self.path);
        buffer.resize(USUAL, 0);
        let count = read_full_at(self.file, buffer, 0).map_err(&failed)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        let whole = (count < USUAL && self.stored != Stored::Article).then_some(count);
        let length = header_length(bytes).or(whole);
        // Only the end of an article tells what dots at the beginning of lines are.
        let is_plain = |header: &&[u8]| {
            let dots = || memchr::memchr_iter(b'.', header);
            let begins = |dot: usize| dot.checked_sub(1).and_then(|it| header.get(it));
            self.stored != Stored::Article
                || !dots().any(|dot| matches!(begins(dot), None | Some(b'\n')))
        };
        header.clear();
        let usual = length.and_then(|length| bytes.get(..length));
        match (usual.filter(is_plain), self.stored) {
            (Some(bytes), Stored::AsIs) => header.extend_from_slice(bytes),
            (Some(bytes), Stored::Lf | Stored::Article) => {
                Crlf::new(header).write_all(bytes).map_err(&failed)?;
            }
            (None, _) => {
                let (length, is_wire) = self.length()?;
                let end = self.end_of_header(length, job)?;
                self.copy(0..end, is_wire, header, job)?;
            }
        }
        Ok(())
    }

    /// The bytes of the message, and whether they are in wire format.
    fn length(&self) -> Result<(u64, bool)> {
        let failed = Error::io(self.path);
        let length = self.file.metadata().map_err(&failed)?.len();
        let mut tail = [0; 5];
        let begin = length.checked_sub(tail.len() as u64);
        let Some(begin) = begin.filter(|_| self.stored == Stored::Article) else {
            return Ok((length, false));
        };
        let count = read_full_at(self.file, &mut tail, begin).map_err(&failed)?;
        Ok(match count == tail.len() && is_wire(&tail) {
            true => (length - WIRE_END.len() as u64, true),
            false => (length, false),
        })
    }

    /// Where the text starts: behind the blank line.
    fn end_of_header(&self, length: u64, job: &Job) -> Result<u64> {
        let failed = Error::io(self.path);
        let mut window = Window::new(self.file, 0, length);
        loop {
            job.checkpoint()?;
            let found = window.line().map_err(&failed)?;
            let rest = window.rest();
            let is_blank = match found {
                Line::Whole(length) => matches!(rest.get(..length), Some(b"\r\n" | b"\n")),
                Line::Unended(0) => return Ok(length),
                _ => false,
            };
            window.skip_line().map_err(&failed)?;
            if is_blank {
                return Ok(window.offset());
            }
        }
    }

    fn copy(
        &self,
        bytes: Range<u64>,
        is_wire: bool,
        into: &mut dyn Write,
        job: &Job,
    ) -> Result<()> {
        let (mut crlf, mut undotted);
        let mut into: &mut dyn Write = into;
        if self.stored != Stored::AsIs {
            crlf = Crlf::new(into);
            into = &mut crlf;
        }
        if is_wire {
            undotted = Undotted::new(into);
            into = &mut undotted;
        }
        let failed = Error::io(self.path);
        let mut window = Window::new(self.file, bytes.start, bytes.end);
        while window.more().map_err(&failed)? {
            job.checkpoint()?;
            let bytes = window.rest();
            into.write_all(bytes).map_err(&failed)?;
            let count = bytes.len();
            window.consume(count);
        }
        Ok(())
    }
}

/// Hands the headers of `uids` to `found`, by way of the files that `open` finds; leaves out messages that are gone.
pub fn headers(
    uids: &[Uid],
    (path, stored): (&Path, Stored),
    open: &mut dyn FnMut(Uid) -> Result<Box<dyn MailFile>>,
    found: &mut dyn FnMut(Uid, &[u8]),
    job: &Job,
) -> Result<()> {
    let (mut buffer, mut header) = (Vec::new(), Vec::new());
    for &uid in uids {
        job.checkpoint()?;
        let read = open(uid).and_then(|file| {
            let file = MessageFile::new(&*file, path, stored);
            file.header(&mut buffer, &mut header, job)
        });
        match read {
            Ok(()) => found(uid, &header),
            Err(Error::NoSuchMessage) => {}
            // One that cannot be read keeps nobody from the others; whoever opens it is told why.
            Err(Error::Io { .. }) => found(uid, b""),
            Err(other) => return Err(other),
        }
    }
    Ok(())
}
