//! Reading messages. None moves while the mailbox is open; still the line in front of it is looked at first.

use std::io::Write;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::window::Window;
use crate::driver::mix::contents::Record;
use crate::driver::mix::front::{require_front, require_line};
use crate::driver::mix::index::Entry;
use crate::driver::mix::mailbox::Mix;
use crate::driver::mix::names::data_file;
use crate::mail::structure::Part;
use crate::mail::uid::Uid;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::read_full_at;

/// Bytes of a line and a header that most messages do not exceed.
const USUAL: usize = 64 << 10;

impl Mix {
    pub(super) fn record(&self, uid: Uid) -> Result<Record> {
        let place = self.contents.place_of(uid.get());
        let record = place.and_then(|place| self.contents.records.get(place));
        record.copied().ok_or(Error::NoSuchMessage)
    }

    /// Writes a part of a message.
    pub(super) fn read_part(
        &mut self,
        uid: Uid,
        part: Part,
        into: &mut dyn Write,
        job: &Job,
    ) -> Result<()> {
        let entry = self.record(uid)?.entry;
        let path = self.place.path.join(data_file(entry.file));
        let file = self.data_file(entry.file)?;
        require_line(Source { file, path: &path }, &entry)?;
        let (start, end) = (entry.text(), entry.end());
        let middle = start + u64::from(entry.header);
        let (start, end) = match part {
            Part::Header => (start, middle),
            Part::Text => (middle, end),
            Part::Whole => (start, end),
        };
        let failed = Error::io(&path);
        let mut window = Window::new(file, start, end);
        while window.more().map_err(&failed)? {
            job.checkpoint()?;
            let bytes = window.rest();
            into.write_all(bytes).map_err(&failed)?;
            let count = bytes.len();
            window.consume(count);
        }
        if window.offset() < end {
            let missing = end - window.offset();
            job.notice(format!(
                "the last {missing} bytes of the message are missing in its data file"
            ));
        }
        Ok(())
    }

    /// Reads headers, each with one look at the file where it is no longer than usual.
    pub(super) fn read_headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        let mut buffer = vec![0; USUAL];
        for &uid in uids {
            job.checkpoint()?;
            let entry = match self.record(uid) {
                Ok(record) => record.entry,
                Err(_) => continue,
            };
            let line = usize::from(entry.line);
            let wanted = line.saturating_add(usize::try_from(entry.header).unwrap_or(usize::MAX));
            let mut long = Vec::new();
            let header = match buffer.get_mut(..wanted) {
                Some(room) => self.read_start(&entry, room),
                None => self
                    .read_part(uid, Part::Header, &mut long, job)
                    .map(|()| &long[..]),
            };
            match header {
                Ok(header) => found(uid, header),
                // One that cannot be read keeps nobody from the others; whoever opens it is told why.
                Err(Error::Io { .. } | Error::Damaged { .. }) => found(uid, b""),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Fills `room` from the line in front of a message on; gives what is behind the line.
    fn read_start<'r>(&mut self, entry: &Entry, room: &'r mut [u8]) -> Result<&'r [u8]> {
        let path = self.place.path.join(data_file(entry.file));
        let file = self.data_file(entry.file)?;
        let count = read_full_at(file, room, u64::from(entry.position));
        let count = count.map_err(Error::io(&path))?;
        let bytes = room.get(..count).unwrap_or_default();
        let (line, text) = bytes
            .split_at_checked(usize::from(entry.line))
            .unwrap_or((bytes, b""));
        require_front(line, entry)?;
        Ok(text)
    }

    fn data_file(&mut self, number: u32) -> Result<&dyn MailFile> {
        if self.data.as_ref().is_none_or(|open| open.0 != number) {
            let path = self.place.path.join(data_file(number));
            let file = self.environment.files.open(&path, OpenMode::Read);
            self.data = Some((number, file.map_err(Error::io(&path))?));
        }
        match &self.data {
            Some((_, file)) => Ok(&**file),
            None => Err(Error::NoSuchMessage),
        }
    }
}
