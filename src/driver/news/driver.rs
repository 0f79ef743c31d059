//! The driver itself: who owns a group, and which operation is where.

use std::io;
use std::sync::Arc;

use crate::driver::characteristics::Characteristics;
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::local_file::{is_missing, no_access};
use crate::driver::message::Messages;
use crate::driver::news::group::{group_of, require};
use crate::driver::news::mailbox::Newsgroup;
use crate::driver::news::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::driver::snarf::quiet::Overheard;
use crate::mail::appended::Appended;
use crate::mail::status::{Access, MailboxStatus};
use crate::os::environment::Environment;

/// The driver.
pub struct NewsDriver {
    environment: Arc<Environment>,
}

impl NewsDriver {
    /// A driver for this environment.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
        }
    }

    /// Fails with the reason where a place is no newsgroup.
    fn admit(&self, place: &Place) -> Result<()> {
        if group_of(place).is_some() {
            return require(&self.environment, place).map(drop);
        }
        let found = self.environment.files.metadata(&place.path);
        found.map_err(|refusal| no_access(place, refusal))?;
        Err(Error::NotThisFormat {
            driver: CHARACTERISTICS.driver,
            why: "newsgroups have names that begin with #news.",
        })
    }
}

impl LocalDriver for NewsDriver {
    fn characteristics(&self) -> &'static Characteristics {
        &CHARACTERISTICS
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        match self.admit(place) {
            Ok(()) => Ok(Probe::Mine),
            Err(Error::NoSuchMailbox { .. }) => Ok(Probe::Missing),
            Err(Error::Io { source, .. }) if !is_missing(&source) => Err(source),
            Err(_) => Ok(Probe::Foreign),
        }
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        self.admit(place)?;
        let group = Newsgroup::open(&self.environment, place, access, job)?;
        Ok(Box::new(group))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        self.admit(place)?;
        let quiet = Arc::new(Overheard::default()).job(job);
        Newsgroup::status(&self.environment, place, &quiet)
    }

    fn create(&self, _place: &Place, _job: &Job) -> Result<()> {
        Err(unsupported("make a newsgroup: a news server does that"))
    }

    fn delete(&self, _place: &Place, _job: &Job) -> Result<()> {
        Err(unsupported("remove a newsgroup: a news server does that"))
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        self.delete(place, job)
    }

    fn rename(&self, _from: &Place, _to: &Place, _job: &Job) -> Result<()> {
        Err(unsupported("rename a newsgroup: a news server does that"))
    }

    fn append(&self, _place: &Place, _messages: &mut dyn Messages, _job: &Job) -> Result<Appended> {
        Err(unsupported(
            "take messages: an article gets into a group by being posted through a news server, \
             which a later version does",
        ))
    }
}

fn unsupported(operation: &'static str) -> Error {
    Error::Unsupported {
        driver: CHARACTERISTICS.driver,
        operation,
    }
}
