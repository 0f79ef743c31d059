//! The driver itself: who owns a folder, and which operation is where.

use std::io;
use std::sync::Arc;

use crate::driver::characteristics::Characteristics;
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Result, writable};
use crate::driver::job::Job;
use crate::driver::local_file::is_missing;
use crate::driver::message::Messages;
use crate::driver::mh::append::append;
use crate::driver::mh::folder::is_mailbox;
use crate::driver::mh::mailbox::Mh;
use crate::driver::mh::manage;
use crate::driver::mh::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::mail::appended::Appended;
use crate::mail::name::NameKind;
use crate::mail::status::{Access, MailboxStatus};
use crate::os::environment::Environment;

/// The driver.
pub struct MhDriver {
    environment: Arc<Environment>,
}

impl MhDriver {
    /// A driver for this environment.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
        }
    }
}

/// Whether a name is that of the mailbox into which MH programs put new mail.
fn is_called_inbox(place: &Place) -> bool {
    match place.name.kind() {
        NameKind::MhInbox => true,
        NameKind::Mh(name) => **name == *b"inbox",
        _ => false,
    }
}

impl LocalDriver for MhDriver {
    fn characteristics(&self) -> &'static Characteristics {
        &CHARACTERISTICS
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        match self.environment.files.metadata(&place.path) {
            Ok(found) if !found.is_dir() => Ok(Probe::Foreign),
            Ok(_) => Ok(match is_mailbox(&self.environment, &place.path)? {
                true => Probe::Mine,
                false => Probe::Foreign,
            }),
            // It is made when it is opened.
            Err(missing) if is_missing(&missing) && is_called_inbox(place) => Ok(Probe::Mine),
            Err(missing) if is_missing(&missing) => Ok(Probe::Missing),
            Err(refusal) => Err(refusal),
        }
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        let found = self.environment.files.metadata(&place.path);
        let is_missing = found.is_err_and(|refusal| is_missing(&refusal));
        let writes = access == Access::ReadWrite && !self.environment.read_only;
        if is_missing && is_called_inbox(place) && writes {
            manage::create(&self.environment, place)?;
        }
        Ok(Box::new(Mh::open(&self.environment, place, access, job)?))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        manage::status(&self.environment, place, job)
    }

    fn create(&self, place: &Place, _job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::create(&self.environment, place)
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::delete(&self.environment, place, false, job)
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::delete(&self.environment, place, true, job)
    }

    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::rename(&self.environment, from, to, job)
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        writable(&self.environment)?;
        append(&self.environment, place, messages, job)
    }
}
