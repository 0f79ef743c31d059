//! The driver `unix`: the traditional format, one file, every message behind a From line.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access;
use crate::driver::layout::file::append;
use crate::driver::layout::file::from_line::FromLine;
use crate::driver::layout::file::mailbox::FileMailbox;
use crate::driver::layout::file::manage;
use crate::driver::layout::file::window::Window;
use crate::driver::local_file;
use crate::driver::message::Messages;
use crate::driver::place::Place;
use crate::mail::appended::Appended;
use crate::mail::status::{Access, MailboxStatus};
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::journal::redo::Journal;

/// The driver.
pub struct Unix {
    environment: Arc<Environment>,
}

impl Unix {
    /// A driver for this environment.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
        }
    }

    /// Refuses what is not a mailbox of this format. An empty file passes where `empty` may be one.
    fn admit(&self, place: &Place, empty: Empty) -> Result<()> {
        let found = self
            .probe(place)
            .map_err(|refusal| local_file::no_access(place, refusal))?;
        let why = match found {
            Probe::Mine => return Ok(()),
            Probe::Empty if empty == Empty::Passes => return Ok(()),
            Probe::Empty => "it is empty",
            Probe::Missing => {
                return Err(Error::NoSuchMailbox {
                    path: place.path.clone(),
                    can_create: true,
                });
            }
            Probe::Foreign => "it does not start with a message",
        };
        Err(Error::NotThisFormat { driver: NAME, why })
    }

    fn writable(&self) -> Result<()> {
        if self.environment.read_only {
            return Err(Error::ReadOnly);
        }
        Ok(())
    }

    fn starts_with_message(&self, path: &Path) -> io::Result<bool> {
        let mut file = self.environment.files.open(path, OpenMode::Read)?;
        if Journal::new(&self.environment).is_pending(&*file)? {
            // Torn in the middle of a change of ours; opening it completes that change.
            return Ok(true);
        }
        let before = file.metadata()?;
        let mut window = Window::new(&*file, 0, LOOKED_AT.min(before.len()));
        window.more()?;
        let found = starts_with_message(window.rest());
        access::restore_times(&mut *file, &before);
        Ok(found)
    }
}

/// What an empty file counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// A mailbox without messages.
    Passes,
    /// Nothing.
    Fails,
}

/// Whether text starts with a From line, after white space that ends in a LF.
fn starts_with_message(text: &[u8]) -> bool {
    let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t');
    let count = text.iter().take_while(blank).count();
    let (skipped, rest) = text.split_at(count);
    let line = memchr::memchr(b'\n', rest).and_then(|end| rest.get(..end));
    let starts_line = skipped.last().is_none_or(|&byte| byte == b'\n');
    starts_line && line.is_some_and(|line| FromLine::parse(line).is_some())
}

impl LocalDriver for Unix {
    fn characteristics(&self) -> &'static Characteristics {
        &CHARACTERISTICS
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        let metadata = match self.environment.files.metadata(&place.path) {
            Ok(metadata) => metadata,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Probe::Missing),
            Err(refusal) => return Err(refusal),
        };
        if !metadata.is_file() {
            return Ok(Probe::Foreign);
        }
        if metadata.len() == 0 {
            return Ok(Probe::Empty);
        }
        let mine = self.starts_with_message(&place.path)?;
        Ok(if mine { Probe::Mine } else { Probe::Foreign })
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        self.admit(place, Empty::Fails)?;
        let mailbox = FileMailbox::open(&self.environment, NAME, place, access, job)?;
        Ok(Box::new(mailbox))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        self.admit(place, Empty::Fails)?;
        manage::status(&self.environment, NAME, place, job)
    }

    fn create(&self, place: &Place, job: &Job) -> Result<()> {
        self.writable()?;
        manage::create(&self.environment, place, job)
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        self.writable()?;
        manage::delete(&self.environment, place, job)
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        self.writable()?;
        manage::delete_empty(&self.environment, place, job)
    }

    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()> {
        self.writable()?;
        manage::rename(&self.environment, from, to, job)
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        self.writable()?;
        match self.admit(place, Empty::Passes) {
            Err(Error::NoSuchMailbox { .. }) if place.is_inbox => {
                local_file::create_empty(&self.environment, place)?;
            }
            admitted => admitted?,
        }
        append::append(&self.environment, place, messages, job)
    }
}

/// How much of a file is looked at to recognise it, in bytes.
const LOOKED_AT: u64 = 1023;

const NAME: &str = "unix";

static CHARACTERISTICS: Characteristics = Characteristics {
    driver: NAME,
    concurrent_access: Ability::Limited(
        "one writer; readers see new mail, and other programs may append meanwhile",
    ),
    shared_expunge: Ability::Limited("by the writer; readers follow"),
    sticky_uids: Ability::Yes,
    keywords: Ability::Yes,
    submailboxes: Ability::No,
    nfs: Ability::Limited("safe on one host"),
    performance: "good",
    layout: "file",
};
