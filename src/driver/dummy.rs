//! The driver `dummy`: what is left over. It owns empty files, directories, and INBOX when nobody else does.
//!
//! A zero-length file is a mailbox without messages in any format; an INBOX that is not there is one too.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result, writable};
use crate::driver::job::Job;
use crate::driver::layout::file::framing::Framing;
use crate::driver::layout::file::manage;
use crate::driver::local_file;
use crate::driver::message::Messages;
use crate::driver::place::Place;
use crate::driver::unix::Unix;
use crate::mail::appended::Appended;
use crate::mail::change::Change;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::status::{Access, MailboxState, MailboxStatus};
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet, UidValidity};
use crate::os::environment::Environment;

/// The driver.
pub struct Dummy {
    environment: Arc<Environment>,
}

impl Dummy {
    /// A driver for this environment.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
        }
    }

    /// Says why the place cannot be opened as an empty mailbox, if so.
    fn admit(&self, place: &Place) -> Result<()> {
        let metadata = match self.environment.files.metadata(&place.path) {
            Ok(metadata) => metadata,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound && place.is_inbox => {
                return Ok(());
            }
            Err(refusal) => return Err(local_file::no_access(place, refusal)),
        };
        let why = if metadata.is_dir() {
            "it is a directory"
        } else if !metadata.is_file() {
            "it is neither a file nor a directory"
        } else if metadata.len() > 0 {
            "its format is not known"
        } else {
            return Ok(());
        };
        Err(Error::NotThisFormat { driver: NAME, why })
    }

    fn uid_validity(&self) -> Option<UidValidity> {
        UidValidity::new(self.environment.fresh_uid_validity())
    }
}

impl LocalDriver for Dummy {
    fn characteristics(&self) -> &'static Characteristics {
        &CHARACTERISTICS
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        match self.environment.files.metadata(&place.path) {
            Ok(metadata) if metadata.is_file() && metadata.len() == 0 => Ok(Probe::Mine),
            Ok(metadata) if metadata.is_dir() => Ok(Probe::Mine),
            Ok(_) if place.is_inbox => Ok(Probe::Mine),
            Ok(_) => Ok(Probe::Foreign),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(if place.is_inbox {
                Probe::Mine
            } else {
                Probe::Missing
            }),
            Err(refusal) => Err(refusal),
        }
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        self.admit(place)?;
        let exists = self.environment.files.metadata(&place.path).is_ok();
        job.emit(Change::State(Box::new(MailboxState {
            driver: NAME,
            path: exists.then(|| place.path.clone()),
            access,
            why_read_only: None,
            uid_validity: self.uid_validity(),
            uid_next: Some(Uid::FIRST),
            sticky_uids: false,
            keywords: Vec::new(),
            permanent_flags: SystemFlags::NONE,
            new_keywords: false,
        })));
        Ok(Box::new(EmptyMailbox {
            environment: Arc::clone(&self.environment),
            path: place.path.clone(),
        }))
    }

    fn status(&self, place: &Place, _job: &Job) -> Result<MailboxStatus> {
        self.admit(place)?;
        Ok(MailboxStatus {
            driver: NAME,
            messages: 0,
            recent: 0,
            unseen: 0,
            uid_next: Some(Uid::FIRST),
            uid_validity: self.uid_validity(),
        })
    }

    fn create(&self, place: &Place, _job: &Job) -> Result<()> {
        writable(&self.environment)?;
        local_file::create_empty(&self.environment, place)
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        self.delete_empty(place, job)
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        let found = self.environment.files.metadata(&place.path);
        if found.is_ok_and(|found| found.is_file()) {
            // Mail may have come since it was found empty.
            return manage::delete_empty(&self.environment, &Framing::FROM_LINES, place, job);
        }
        local_file::delete(&self.environment, place)
    }

    fn rename(&self, from: &Place, to: &Place, _job: &Job) -> Result<()> {
        writable(&self.environment)?;
        local_file::rename(&self.environment, from, to)
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        self.admit(place)?;
        Unix::new(&self.environment).append(place, messages, job)
    }
}

/// A mailbox without messages. Once it holds something it has to be opened again, by that format's driver.
struct EmptyMailbox {
    environment: Arc<Environment>,
    path: PathBuf,
}

impl LocalMailbox for EmptyMailbox {
    fn uids(&self) -> UidSet {
        UidSet::new()
    }

    fn summary(&self, _uid: Uid) -> Option<Summary> {
        None
    }

    fn poll(&mut self, _job: &Job) -> Result<()> {
        let grown = self
            .environment
            .files
            .metadata(&self.path)
            .is_ok_and(|metadata| !metadata.is_file() || metadata.len() > 0);
        if grown {
            return Err(Error::NotThisFormat {
                driver: NAME,
                why: "it is no longer empty",
            });
        }
        Ok(())
    }

    fn read(&mut self, _uid: Uid, _part: Part, _into: &mut dyn Write, _job: &Job) -> Result<()> {
        Err(Error::NoSuchMessage)
    }

    fn store(&mut self, _uids: &UidSet, _change: &FlagChange, _job: &Job) -> Result<()> {
        Ok(())
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        self.poll(job)
    }

    fn expunge(&mut self, _uids: Option<&UidSet>, _job: &Job) -> Result<()> {
        Ok(())
    }

    fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Err(Error::NoSuchMessage)
    }

    fn close(self: Box<Self>, _job: &Job) -> Result<()> {
        Ok(())
    }
}

const NAME: &str = "dummy";

static CHARACTERISTICS: Characteristics = Characteristics {
    driver: NAME,
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Yes,
    sticky_uids: Ability::No,
    keywords: Ability::No,
    submailboxes: Ability::Yes,
    nfs: Ability::Yes,
    performance: "instant",
    layout: "an empty file, or a directory",
};
