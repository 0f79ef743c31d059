//! Messages on their way into a mailbox.

use std::io::{self, Read, Write};

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::mail::date::InternalDate;
use crate::mail::flags::Flags;

/// A message to be appended.
pub struct NewMessage {
    /// Flags and keywords that it shall have. `\Recent` is ignored.
    pub flags: Flags,
    /// Its internal date; now, where absent.
    pub internal_date: Option<InternalDate>,
    /// The envelope sender, where known; formats with From lines write it there.
    pub sender: Option<Vec<u8>>,
    /// Header, blank line, text. Lines end in CRLF.
    pub content: Content,
}

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
        io::Seek::rewind(&mut self.file)?;
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
