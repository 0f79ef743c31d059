//! A driver for mailboxes that are directories: who owns one, and which operation is where.

use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use crate::driver::characteristics::Characteristics;
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result, writable};
use crate::driver::job::Job;
use crate::driver::local_file::is_missing;
use crate::driver::message::Messages;
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::mail::appended::Appended;
use crate::mail::status::{Access, MailboxStatus};
use crate::os::environment::Environment;

/// A format, which has nothing but its verbs.
pub trait Format: Send + Sync + 'static {
    /// Its verbs.
    const VERBS: Verbs;
}

/// What tells a format from others: the operations of [`LocalDriver`], where they are done.
pub struct Verbs {
    /// Its row of the table.
    pub characteristics: &'static Characteristics,
    /// Whether there is a mailbox of the format at a path.
    pub is_mailbox: fn(&Environment, &Path) -> io::Result<bool>,
    /// Whether a mailbox of this name is made when it is opened.
    pub is_made_when_opened: fn(&Place) -> bool,
    /// Opens one.
    pub open: Open,
    /// Counts.
    pub status: fn(&Arc<Environment>, &Place, &Job) -> Result<MailboxStatus>,
    /// Makes one.
    pub create: fn(&Environment, &Place) -> Result<()>,
    /// Removes one; if so said, only without messages.
    pub delete: fn(&Arc<Environment>, &Place, bool, &Job) -> Result<()>,
    /// Gives it another place.
    pub rename: fn(&Arc<Environment>, &Place, &Place, &Job) -> Result<()>,
    /// Appends.
    pub append: fn(&Arc<Environment>, &Place, &mut dyn Messages, &Job) -> Result<Appended>,
    /// Repairs, where that can be done.
    pub repair: Option<Repair>,
}

/// Opens a mailbox.
pub type Open = fn(&Arc<Environment>, &Place, Access, &Job) -> Result<Box<dyn LocalMailbox>>;

/// Writes what can be made out of the first place to the second one.
pub type Repair =
    fn(&dyn LocalDriver, &Arc<Environment>, (&Place, &Place), &Job) -> Result<Repaired>;

/// The driver of a format.
pub struct DirectoryDriver<F> {
    environment: Arc<Environment>,
    format: PhantomData<F>,
}

impl<F: Format> DirectoryDriver<F> {
    /// A driver for this environment.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
            format: PhantomData,
        }
    }
}

impl<F: Format> LocalDriver for DirectoryDriver<F> {
    fn characteristics(&self) -> &'static Characteristics {
        F::VERBS.characteristics
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        match self.environment.files.metadata(&place.path) {
            Ok(found) if !found.is_dir() => Ok(Probe::Foreign),
            Ok(_) => Ok(
                match (F::VERBS.is_mailbox)(&self.environment, &place.path)? {
                    true => Probe::Mine,
                    false => Probe::Foreign,
                },
            ),
            Err(missing) if is_missing(&missing) => {
                Ok(match (F::VERBS.is_made_when_opened)(place) {
                    true => Probe::Mine,
                    false => Probe::Missing,
                })
            }
            Err(refusal) => Err(refusal),
        }
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        let found = self.environment.files.metadata(&place.path);
        let is_missing = found.is_err_and(|refusal| is_missing(&refusal));
        let writes = access == Access::ReadWrite && !self.environment.read_only;
        if is_missing && writes && (F::VERBS.is_made_when_opened)(place) {
            (F::VERBS.create)(&self.environment, place)?;
        }
        (F::VERBS.open)(&self.environment, place, access, job)
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        (F::VERBS.status)(&self.environment, place, job)
    }

    fn create(&self, place: &Place, _job: &Job) -> Result<()> {
        writable(&self.environment)?;
        (F::VERBS.create)(&self.environment, place)
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        (F::VERBS.delete)(&self.environment, place, false, job)
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        (F::VERBS.delete)(&self.environment, place, true, job)
    }

    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        (F::VERBS.rename)(&self.environment, from, to, job)
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        writable(&self.environment)?;
        (F::VERBS.append)(&self.environment, place, messages, job)
    }

    fn repair(&self, from: &Place, to: &Place, job: &Job) -> Result<Repaired> {
        let repair = F::VERBS.repair.ok_or(Error::Unsupported {
            driver: F::VERBS.characteristics.driver,
            operation: "repair a mailbox",
        })?;
        writable(&self.environment)?;
        repair(self, &self.environment, (from, to), job)
    }
}
