//! Messages on their way into a mailbox.

use std::io::{self, Read, Write};

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::mail::date::InternalDate;
use crate::mail::flags::Flags;
use crate::mail::uid::Uid;

/// A message to be appended.
pub struct NewMessage {
    /// Flags and keywords that it shall have. `\Recent` is ignored.
    pub flags: Flags,
    /// Its internal date; now, where absent.
    pub internal_date: Option<InternalDate>,
    /// The envelope sender, where known; formats with From lines write it there.
    pub sender: Option<Vec<u8>>,
    /// The UID that it shall keep. A wish: drivers with sticky UIDs grant it where [`granted`] does, others ignore it.
    pub uid: Option<Uid>,
    /// Header, blank line, text. Lines end in CRLF.
    pub content: Content,
}

/// The UIDs of new messages in a mailbox whose last UID is `last`: each gets the one that it wishes where that is higher
/// than all before it and no more than half of what there is (a single wish must not use up all), else the next one.
/// `None` where there are not enough.
pub fn granted(last: u32, wishes: impl Iterator<Item = Option<Uid>>) -> Option<Vec<u32>> {
    let mut last = last;
    wishes
        .map(|wish| {
            let next = last.checked_add(1)?;
            let wish = wish.map(Uid::get).filter(|&uid| uid <= HIGHEST_WISH);
            last = wish.map_or(next, |uid| uid.max(next));
            Some(last)
        })
        .collect()
}

/// The highest UID that a message may wish for.
const HIGHEST_WISH: u32 = u32::MAX / 2;

/// Bytes of a message: small ones in memory, large ones in an unlinked scratch file.
pub struct Content {
    file: tempfile::SpooledTempFile,
    length: u64,
}

impl Content {
    /// How much is kept in memory before a scratch file is used, in bytes.
    pub const IN_MEMORY: usize = 1 << 20;

    /// No bytes yet; write them with [`Write`].
    pub fn new() -> Self {
        Self {
            file: tempfile::spooled_tempfile(Self::IN_MEMORY),
            length: 0,
        }
    }

    /// These bytes.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let mut content = Self::new();
        content.write_all(bytes)?;
        Ok(content)
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Reads from the start; may be called again.
    pub fn reader(&mut self) -> io::Result<impl Read + '_> {
        self.reader_at(0)
    }

    /// Reads from this byte on; may be called again. What is written after that comes there.
    pub fn reader_at(&mut self, offset: u64) -> io::Result<impl Read + '_> {
        io::Seek::seek(&mut self.file, io::SeekFrom::Start(offset))?;
        Ok(&mut self.file)
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for Content {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Where messages to append come from, one at a time.
pub trait Messages {
    /// The next message, or `None` after the last. An error means that nothing shall be appended.
    fn next(&mut self, job: &Job) -> Result<Option<NewMessage>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_granted_only_upwards_and_never_use_up_all() {
        let wishes = |list: &[u32]| -> Vec<_> { list.iter().map(|&uid| Uid::new(uid)).collect() };
        let given = |last, list: &[u32]| granted(last, wishes(list).into_iter());
        assert_eq!(given(0, &[3, 7, 7, 0, 2]), Some(vec![3, 7, 8, 9, 10]));
        assert_eq!(given(9, &[3, 12]), Some(vec![10, 12]));
        assert_eq!(given(4, &[u32::MAX, 0]), Some(vec![5, 6]));
        assert_eq!(given(u32::MAX - 1, &[0, 0]), None);
    }
}
