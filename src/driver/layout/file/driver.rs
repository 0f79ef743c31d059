//! The driver of a format that this engine serves: recognises it, and hands everything else on with the format's value.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::driver::characteristics::Characteristics;
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result, writable};
use crate::driver::job::Job;
use crate::driver::layout::file::access;
use crate::driver::layout::file::append;
use crate::driver::layout::file::format::{EmptyFile, Format};
use crate::driver::layout::file::mailbox::FileMailbox;
use crate::driver::layout::file::manage;
use crate::driver::layout::file::repair;
use crate::driver::layout::file::window::Window;
use crate::driver::local_file;
use crate::driver::message::Messages;
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::mail::appended::Appended;
use crate::mail::status::{Access, MailboxStatus};
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::journal::redo::Journal;

/// A driver for files of one format.
pub struct FileDriver {
    environment: Arc<Environment>,
    format: &'static Format,
}

impl FileDriver {
    /// A driver for this format in this environment.
    pub fn new(environment: &Arc<Environment>, format: &'static Format) -> Self {
        Self {
            environment: Arc::clone(environment),
            format,
        }
    }

    /// Where it works.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Refuses what is not a mailbox of this format. An empty file passes where it may be opened.
    fn admit(&self, place: &Place, empty: EmptyFile) -> Result<()> {
        let found = self
            .probe(place)
            .map_err(|refusal| local_file::no_access(place, refusal))?;
        let why = match found {
            Probe::Mine => return Ok(()),
            Probe::Empty if empty == EmptyFile::Opens => return Ok(()),
            Probe::Empty => "it is empty",
            Probe::Missing => {
                return Err(Error::NoSuchMailbox {
                    path: place.path.clone(),
                    can_create: true,
                });
            }
            Probe::Foreign => "it does not start with a message",
        };
        Err(Error::NotThisFormat {
            driver: self.format.driver(),
            why,
        })
    }

    fn starts_with_message(&self, path: &Path) -> io::Result<bool> {
        let mut file = self.environment.files.open(path, OpenMode::Read)?;
        let before = file.metadata()?;
        let mut window = Window::new(&*file, 0, LOOKED_AT.min(before.len()));
        window.more()?;
        let found = self.format.framing.starts_message(window.rest());
        access::restore_times(&mut *file, &before);
        // It may be torn in the middle of a change of ours; opening it completes that change.
        let torn = Journal::new(&self.environment).pending_format(&*file)?;
        Ok(torn.map_or(found, |format| format == self.format.framing.name))
    }
}

impl LocalDriver for FileDriver {
    fn characteristics(&self) -> &'static Characteristics {
        self.format.characteristics
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
        self.admit(place, self.format.empty)?;
        let mailbox = FileMailbox::open(&self.environment, self.format, place, access, job)?;
        Ok(Box::new(mailbox))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        self.admit(place, self.format.empty)?;
        manage::status(&self.environment, self.format, place, job)
    }

    fn create(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::create(&self.environment, self.format.framing, place, job)
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::delete(&self.environment, place, job)
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::delete_empty(&self.environment, self.format.framing, place, job)
    }

    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::rename(&self.environment, from, to, job)
    }

    fn leave_empty(&self, place: &Place, job: &Job) -> Result<()> {
        if self.environment.read_only {
            return Err(Error::ReadOnly);
        }
        manage::leave_empty(&self.environment, self.format.framing, place, job)
    }

    fn repair(&self, from: &Place, to: &Place, job: &Job) -> Result<Repaired> {
        writable(&self.environment)?;
        repair::repair(&self.environment, self.format.framing, (from, to), job)
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        writable(&self.environment)?;
        match self.admit(place, EmptyFile::Opens) {
            Err(Error::NoSuchMailbox { .. }) if place.is_inbox => {
                local_file::create_empty(&self.environment, place)?;
            }
            admitted => admitted?,
        }
        append::append(&self.environment, self.format.framing, place, messages, job)
    }
}

/// How much of a file is looked at to recognise it, in bytes.
const LOOKED_AT: u64 = 1023;
