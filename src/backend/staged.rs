//! All messages of a pipe set down in one unlinked scratch file: for a mailbox that is copied into itself.
//!
//! Its own thread must have read everything before the append begins, else each could wait for the other's lock.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::message::{Content, Messages, NewMessage};
use crate::mail::date::InternalDate;
use crate::mail::flags::Flags;
use crate::mail::uid::Uid;

/// Messages in a scratch file, in order.
pub struct Staged {
    file: File,
    waiting: std::collections::VecDeque<Waiting>,
}

struct Waiting {
    flags: Flags,
    internal_date: Option<InternalDate>,
    sender: Option<Vec<u8>>,
    uid: Option<Uid>,
    length: u64,
}

impl Staged {
    /// No message yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile()?,
            waiting: std::collections::VecDeque::new(),
        })
    }

    /// Sets one down.
    pub fn push(&mut self, mut message: NewMessage) -> io::Result<()> {
        let length = io::copy(&mut message.content.reader()?, &mut self.file)?;
        self.waiting.push_back(Waiting {
            flags: message.flags,
            internal_date: message.internal_date,
            sender: message.sender,
            uid: message.uid,
            length,
        });
        Ok(())
    }

    /// Goes back to the first one, to be taken out.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0)).map(|_start| ())
    }

    fn take(&mut self, waiting: Waiting) -> io::Result<NewMessage> {
        let mut content = Content::new();
        let copied = io::copy(&mut (&self.file).take(waiting.length), &mut content)?;
        if copied != waiting.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(NewMessage {
            flags: waiting.flags,
            internal_date: waiting.internal_date,
            sender: waiting.sender,
            uid: waiting.uid,
            content,
        })
    }
}

impl Messages for Staged {
    fn next(&mut self, job: &Job) -> Result<Option<NewMessage>> {
        job.checkpoint()?;
        let Some(waiting) = self.waiting.pop_front() else {
            return Ok(None);
        };
        let taken = self.take(waiting);
        taken.map(Some).map_err(Error::io("scratch file".as_ref()))
    }
}
