//! What everybody who serves a request has in common.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::backend::choose::choose;
use crate::backend::drivers::{Choice, Drivers};
use crate::backend::errand::{Errand, Tickets};
use crate::backend::error::{Error, Result};
use crate::backend::open_mailboxes::OpenMailboxes;
use crate::backend::outlet::{Footing, Outlet};
use crate::backend::pool::Pool;
use crate::backend::request::MailboxId;
use crate::backend::resolve::{Target, resolve};
use crate::backend::stream::EventStream;
use crate::driver::imap::driver::ImapDriver;
use crate::driver::job::Job;
use crate::driver::local_file::same_file;
use crate::driver::place::Place;
use crate::mail::name::MailboxName;
use crate::os::environment::Environment;
use crate::os::watch::Watcher;

/// Shared by all threads and tasks of one backend.
pub struct Context {
    /// Where and as whom Mugo runs.
    pub environment: Arc<Environment>,
    /// The local drivers.
    pub drivers: Drivers,
    /// The way up.
    pub stream: Arc<EventStream>,
    /// The tickets that have not finished.
    pub tickets: Arc<Tickets>,
    /// What is open.
    pub open: OpenMailboxes,
    /// Threads for short jobs.
    pub pool: Arc<Pool>,
    /// What looks for changes by others between two polls.
    pub watcher: Watcher,
    /// Whether it was said that a mailbox is on a network file system: once is enough.
    pub cautioned: AtomicBool,
    /// What failed while closing without a ticket.
    pub failures: Mutex<Vec<Error>>,
    /// Cancelled when the backend ends: what nobody asked for by ticket stops then.
    pub ending: CancellationToken,
}

impl Context {
    /// A way up for whoever serves `errand`, for `mailbox` where it is open.
    pub fn outlet(
        &self,
        mailbox: Option<MailboxId>,
        errand: Option<&Errand>,
        footing: Footing,
    ) -> Outlet {
        Outlet {
            stream: Arc::clone(&self.stream),
            mailbox,
            ticket: errand.map(Errand::ticket),
            answers: errand.map(Errand::answers),
            footing,
            into: None,
        }
    }

    /// The place of a mailbox; for one on a server a name that stands for it.
    pub fn place(&self, name: &MailboxName) -> Result<Place> {
        match resolve(&self.environment, name)? {
            Target::Local(place) => Ok(place),
            Target::Remote(..) => Ok(ImapDriver::place(name)),
        }
    }

    /// The driver of a mailbox that exists, as far as that can be told without a server.
    pub fn choice(&self, name: &MailboxName) -> Result<Choice<'_>> {
        choose(&self.drivers, &self.place(name)?)
    }

    /// Whether two paths lead to one file: a link has other letters and the same mail.
    pub fn is_same_file(&self, one: &Path, other: &Path) -> bool {
        same_file(&self.environment, one, other)
    }

    /// Whether a file without a byte stands there.
    pub fn is_empty_file(&self, path: &Path) -> bool {
        let found = self.environment.files.metadata(path);
        found.is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
    }

    /// Remembers what failed while nobody asked by ticket.
    pub fn failed(&self, error: Error) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(error);
    }
}

/// A job that reports through `outlet` until `token` is cancelled.
pub fn job(outlet: &Outlet, token: &CancellationToken) -> Job {
    Job::new(Arc::new(outlet.clone()), token.clone()).answered_by(outlet.answers.clone())
}
