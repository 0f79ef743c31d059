//! The driver `mbox`: INBOX in the user's own file `mbox`, in the traditional format. It serves no other name.
//!
//! New mail is delivered elsewhere and has to be moved here; counting takes what waits there into account.

use std::io;
use std::sync::Arc;

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::driver::FileDriver;
use crate::driver::layout::file::format::{EmptyFile, Format};
use crate::driver::layout::file::framing::Framing;
use crate::driver::local_file::same_file;
use crate::driver::message::Messages;
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::driver::unix::Unix;
use crate::mail::appended::Appended;
use crate::mail::status::{Access, MailboxStatus};
use crate::mail::uid::Uid;
use crate::os::environment::Environment;

/// The driver.
pub struct Mbox {
    file: FileDriver,
    /// That of the file into which mail is delivered.
    spool: FileDriver,
}

impl Mbox {
    /// A driver for this environment.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            file: FileDriver::new(environment, &FORMAT),
            spool: Unix::new(environment),
        }
    }

    /// The file that is INBOX here.
    fn at_home(&self, place: &Place) -> Result<Place> {
        if !place.is_inbox {
            return Err(Error::NotThisFormat {
                driver: "mbox",
                why: "it is for INBOX only",
            });
        }
        Ok(Place {
            path: self.file.environment().mail_home().join("mbox"),
            ..place.clone()
        })
    }

    /// Adds what waits in the spool. A spool that is no mailbox, or empty, adds nothing.
    fn add_waiting(&self, status: &mut MailboxStatus, place: &Place, job: &Job) -> Result<()> {
        let spool = Place {
            path: self.file.environment().spool.clone(),
            ..place.clone()
        };
        if self.spool.probe(&spool).unwrap_or(Probe::Foreign) != Probe::Mine
            || same_file(self.file.environment(), &spool.path, &place.path)
        {
            return Ok(());
        }
        let waiting = self.spool.status(&spool, job)?;
        status.messages = status.messages.saturating_add(waiting.messages);
        status.recent = status.recent.saturating_add(waiting.recent);
        status.unseen = status.unseen.saturating_add(waiting.unseen);
        let next = status.uid_next.map(|next| next.get());
        status.uid_next = next.and_then(|next| Uid::new(next.saturating_add(waiting.messages)));
        Ok(())
    }
}

impl LocalDriver for Mbox {
    fn characteristics(&self) -> &'static Characteristics {
        self.file.characteristics()
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        if let Ok(place) = self.at_home(place) {
            return self.file.probe(&place);
        }
        Ok(match self.file.probe(place)? {
            Probe::Missing => Probe::Missing,
            _ => Probe::Foreign,
        })
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        self.file.open(&self.at_home(place)?, access, job)
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        let place = self.at_home(place)?;
        let mut status = self.file.status(&place, job)?;
        if status.recent == 0 {
            self.add_waiting(&mut status, &place, job)?;
        }
        Ok(status)
    }

    fn own_status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        self.file.status(&self.at_home(place)?, job)
    }

    fn create(&self, place: &Place, job: &Job) -> Result<()> {
        self.file.create(&self.at_home(place)?, job)
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        self.file.delete(&self.at_home(place)?, job)
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        self.file.delete_empty(&self.at_home(place)?, job)
    }

    /// The new `mbox` is empty. Where making it is interrupted there is none, and INBOX is the spool alone.
    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()> {
        let from = self.at_home(from)?;
        self.file.rename(&from, to, job)?;
        self.file.create(&from, &job.uncancelled())
    }

    fn repair(&self, from: &Place, to: &Place, job: &Job) -> Result<Repaired> {
        self.file.repair(&self.at_home(from)?, to, job)
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        self.file.append(&self.at_home(place)?, messages, job)
    }
}

static FORMAT: Format = Format {
    characteristics: &CHARACTERISTICS,
    framing: &Framing::FROM_LINES,
    empty: EmptyFile::Opens,
};

static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "mbox",
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
