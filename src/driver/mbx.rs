//! The driver `mbx`: one file with a header of its own, every message behind a line with its size, flags and UID. Several
//! programs may write it at a time.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result, writable};
use crate::driver::job::Job;
use crate::driver::layout::file::access;
use crate::driver::layout::prefile::append;
use crate::driver::layout::prefile::format::{Format, Newline, State};
use crate::driver::layout::prefile::header;
use crate::driver::layout::prefile::mailbox::PrefileMailbox;
use crate::driver::layout::prefile::manage;
use crate::driver::layout::prefile::repair;
use crate::driver::local_file;
use crate::driver::message::Messages;
use crate::driver::network;
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::mail::appended::Appended;
use crate::mail::status::{Access, MailboxStatus};
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::journal::redo::Journal;
use crate::os::transfer::read_full_at;

/// The driver.
pub struct Mbx {
    environment: Arc<Environment>,
}

/// The format.
pub static FORMAT: Format = Format {
    driver: NAME,
    newline: Newline::CrLf,
    state: State::Numbered,
};

impl Mbx {
    /// A driver for this environment.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
        }
    }

    /// Refuses what is not a mailbox of this format.
    fn admit(&self, place: &Place) -> Result<()> {
        let found = self
            .probe(place)
            .map_err(|refusal| local_file::no_access(place, refusal))?;
        let why = match found {
            Probe::Mine => return Ok(()),
            Probe::Empty => "it is empty",
            Probe::Missing => {
                return Err(Error::NoSuchMailbox {
                    path: place.path.clone(),
                    can_create: true,
                });
            }
            Probe::Foreign => "it does not start with the header of one",
        };
        Err(Error::NotThisFormat { driver: NAME, why })
    }

    fn starts_with_header(&self, path: &Path) -> io::Result<bool> {
        let mut file = self.environment.files.open(path, OpenMode::Read)?;
        let before = file.metadata()?;
        let mut bytes = [0; header::RECOGNISED];
        let count = read_full_at(&*file, &mut bytes, 0)?;
        access::restore_times(&mut *file, &before);
        let start = bytes.get(..count).unwrap_or_default();
        let is_long_enough = before.len() >= header::LENGTH as u64;
        let found = is_long_enough && header::recognise(start).is_some();
        // It may be torn in the middle of a change of ours; opening it completes that change.
        let torn = Journal::new(&self.environment).pending_format(&*file)?;
        Ok(torn.map_or(found, |format| format == NAME))
    }
}

impl LocalDriver for Mbx {
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
        let mine = self.starts_with_header(&place.path)?;
        Ok(if mine { Probe::Mine } else { Probe::Foreign })
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        self.admit(place)?;
        let how = (access, None);
        let mailbox = PrefileMailbox::open(&self.environment, &FORMAT, place, how, job)?;
        Ok(Box::new(mailbox))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        self.admit(place)?;
        manage::status(&self.environment, (&FORMAT, None), place, job)
    }

    fn create(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::create(&self.environment, &FORMAT, place, job)
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::delete(&self.environment, &FORMAT, place, job)
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::delete_empty(&self.environment, &FORMAT, place, job)
    }

    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::rename(&self.environment, &FORMAT, (from, to), job)
    }

    fn repair(&self, from: &Place, to: &Place, job: &Job) -> Result<Repaired> {
        writable(&self.environment)?;
        let how = (&FORMAT, None);
        let (salvage, repaired) = repair::salvage(&self.environment, how, from, job)?;
        repair::fill(self, to, salvage, job)?;
        Ok(repaired)
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        writable(&self.environment)?;
        match self.admit(place) {
            Err(Error::NoSuchMailbox { .. }) if place.is_inbox => {
                manage::create(&self.environment, &FORMAT, place, job)?;
            }
            admitted => admitted?,
        }
        append::append(&self.environment, (&FORMAT, None), place, messages, job)
    }
}

const NAME: &str = "mbx";

static CHARACTERISTICS: Characteristics = Characteristics {
    driver: NAME,
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Yes,
    sticky_uids: Ability::Yes,
    keywords: Ability::Yes,
    submailboxes: Ability::No,
    nfs: network::READ_ONLY,
    performance: "excellent",
    layout: "file",
};
