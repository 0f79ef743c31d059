//! Bytes of a mailbox that were read at once, because several messages begin among them.

use std::io;

use crate::driver::layout::prefile::record::Record;
use crate::os::files::MailFile;
use crate::os::transfer::read_full_at;

/// Bytes of a line and a header that most messages do not exceed.
const USUAL: usize = 2048;
/// Bytes that are read at once where messages are small: they fit in a processor's cache.
const MANY: usize = 64 * 1024;
/// So many messages have to begin among those bytes.
const ENOUGH: usize = 12;

/// How many bytes are worth reading for the first of `records`, seen that the others are wanted next.
pub(super) fn length(records: &[Record]) -> usize {
    let last = records.get(..ENOUGH).and_then(<[Record]>::last);
    let ends = records.first().zip(last);
    let is_close = ends.is_some_and(|(first, last)| {
        let distance = last.offset.checked_sub(first.offset);
        distance.is_some_and(|distance| distance < (MANY - USUAL) as u64)
    });
    if is_close { MANY } else { USUAL }
}

/// A part of the file.
#[derive(Default)]
pub(super) struct Stretch {
    buffer: Vec<u8>,
    /// How many bytes of the buffer are of the file.
    filled: usize,
    /// Where in the file they are.
    at: u64,
}

impl Stretch {
    /// The first bytes of a message, its line first: all of it, or no fewer than most headers have. What is not in memory
    /// yet is read, `most` bytes at once; the bytes of a message never reach into the next one.
    pub(super) fn read(
        &mut self,
        file: &dyn MailFile,
        record: &Record,
        most: usize,
    ) -> io::Result<&[u8]> {
        let whole = usize::try_from(record.end() - record.offset).unwrap_or(usize::MAX);
        let inside = record.offset.checked_sub(self.at);
        let inside = inside.and_then(|start| usize::try_from(start).ok());
        let start = match inside.filter(|start| start + whole.min(USUAL) <= self.filled) {
            Some(start) => start,
            None => {
                self.load(file, record.offset, most)?;
                0
            }
        };
        let end = self.filled.min(start.saturating_add(whole));
        Ok(self.buffer.get(start..end).unwrap_or_default())
    }

    fn load(&mut self, file: &dyn MailFile, offset: u64, most: usize) -> io::Result<()> {
        if self.buffer.len() < most {
            self.buffer.resize(most, 0);
        }
        // Nothing is of the file when reading fails.
        self.filled = 0;
        let room = self.buffer.get_mut(..most).unwrap_or_default();
        self.filled = read_full_at(file, room, offset)?;
        self.at = offset;
        Ok(())
    }
}
