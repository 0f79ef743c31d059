//! Waiting for a lock that somebody holds: politely, never in silence, and only as long as the user likes.
//!
//! Whoever tries for a lock calls [`Waiting::vain`] after each vain try, and tries again when it returns. The first two
//! seconds pass without a word. Then the user is asked, with who holds the lock: he may wait, open the mailbox read-only
//! or give up, and need not answer, because the work goes on by itself once the lock is free. Dropping a `Waiting` (the
//! lock was got, or is not wanted any more) withdraws the question.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::driver::error::{Error, Result};
use crate::driver::job::{Job, OpenQuestion};
use crate::mail::question::{About, LockHeld, Reply};
use crate::mail::text::Foreign;
use crate::os::dot_lock::{DotLock, DotLockError, Wait};
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile};
use crate::os::lock_holder::Holder;
use crate::os::name_lock::{Asked, NameLock, NameLockError};

/// Between two tries.
pub const PAUSE: Duration = Duration::from_millis(20);
/// How long is waited without a word.
const SILENCE: Duration = Duration::from_secs(2);
/// How long a look that is content with what is there waits for locks, which deliveries hold for a moment.
const GLANCE: Duration = Duration::from_millis(500);

/// What the user may choose beside waiting and giving up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// To open the mailbox read-only: the wait then ends with [`Error::Locked`], and [`Job::glances`] says so.
    ReadOnly,
    /// Nothing.
    Nothing,
}

/// One wait for the locks of a mailbox.
pub struct Waiting<'j> {
    job: &'j Job,
    mailbox: Foreign,
    offer: Offer,
    begin: Instant,
    patience: Duration,
    asked: Option<OpenQuestion>,
    told: u64,
}

impl<'j> Waiting<'j> {
    /// A wait for locks of the mailbox at `path` that begins now.
    pub fn new(environment: &Environment, path: &Path, offer: Offer, job: &'j Job) -> Self {
        let patience = match job.glances() {
            true => environment.lock_patience.min(GLANCE),
            false => environment.lock_patience,
        };
        Self {
            job,
            mailbox: called(environment, path),
            offer,
            begin: Instant::now(),
            patience: if job.may_wait() {
                patience
            } else {
                Duration::ZERO
            },
            asked: None,
            told: 0,
        }
    }

    /// The same wait, for `longest` at most.
    #[must_use]
    pub fn at_most(mut self, longest: Duration) -> Self {
        self.patience = self.patience.min(longest);
        self
    }

    /// Notes a vain try and pauses; returns when it is time for the next one. `holder` tells who was in the way; it is
    /// asked when that has to be told. Fails with `Locked` when the patience is over or the user prefers to open the
    /// mailbox read-only, with `Cancelled` at most 100 ms after the job was cancelled.
    pub fn vain(&mut self, holder: &dyn Fn() -> Holder) -> Result<()> {
        self.job.checkpoint()?;
        let reply = self.asked.as_ref().and_then(OpenQuestion::reply);
        match reply {
            Some(Reply::Cancel) => return Err(Error::Cancelled),
            Some(Reply::ReadOnly) if self.offer == Offer::ReadOnly => {
                self.job.settle_for_a_glance();
                return Err(held_by(&holder()));
            }
            _ => {}
        }
        let left = self.left();
        if left.is_zero() {
            return Err(held_by(&holder()));
        }
        self.tell(left, holder);
        sleep(PAUSE.min(left));
        Ok(())
    }

    /// Takes the kernel lock of the open file at `path` as long as the wait lasts.
    pub fn flock(&mut self, path: &Path, file: &mut dyn MailFile, kind: Flock) -> Result<()> {
        while !file.try_lock(kind).map_err(Error::io(path))? {
            self.vain(&|| holder_of(file))?;
        }
        Ok(())
    }

    /// Takes the name lock of an open mailbox file as long as the wait lasts. Where this program has it already it
    /// fails with `Locked` at once.
    pub fn name_lock(
        &mut self,
        environment: &Environment,
        mailbox: &dyn MailFile,
        kind: Flock,
    ) -> Result<NameLock> {
        loop {
            match NameLock::try_acquire(environment, mailbox, kind) {
                Ok(Asked::Taken(lock)) => return Ok(lock),
                Ok(Asked::Ours) => return Err(held_by(&Holder::with_pid(std::process::id()))),
                Ok(Asked::Busy { holder, .. }) => self.vain(&|| holder.clone())?,
                Err(NameLockError::Io { path, source }) => return Err(Error::Io { path, source }),
                Err(NameLockError::Unsafe { why, .. }) => return Err(Error::Refused(why)),
            }
        }
    }

    /// Takes the dot lock of the mailbox at `path` as long as the wait lasts.
    pub fn dot_lock(
        &mut self,
        environment: &Environment,
        path: &Path,
    ) -> std::result::Result<DotLock, NoDotLock> {
        let mut ended = None;
        let mut going_on = |wait: Wait| match self.vain(&|| wait.holder.clone()) {
            Ok(()) => true,
            Err(why) => {
                ended = Some(why);
                false
            }
        };
        let acquired = DotLock::acquire(environment, path, &mut going_on);
        acquired.map_err(|refusal| ended.map_or(NoDotLock::Refused(refusal), NoDotLock::Ended))
    }

    /// How long will be waited on.
    pub fn left(&self) -> Duration {
        self.patience.saturating_sub(self.begin.elapsed())
    }

    /// Once a second, after the silence: asks, or tells new facts of what was asked.
    fn tell(&mut self, left: Duration, holder: &dyn Fn() -> Holder) {
        let waited = self.begin.elapsed();
        if waited < SILENCE || waited.as_secs() == self.told {
            return;
        }
        self.told = waited.as_secs();
        let holder = holder();
        let about = About::Locked(LockHeld {
            mailbox: self.mailbox.clone(),
            by: Foreign::new(holder.to_words()),
            since: holder.held.unwrap_or(waited),
            left,
            may_read: self.offer == Offer::ReadOnly,
        });
        match &self.asked {
            Some(asked) => asked.again(about),
            None => self.asked = self.job.ask(about),
        }
        self.job.progress(self.told, self.patience.as_secs().max(1));
    }
}

/// Why there is no dot lock.
pub enum NoDotLock {
    /// The wait ended, for the reason that [`Waiting::vain`] gives.
    Ended(Error),
    /// There is none to be had.
    Refused(DotLockError),
}

/// The error of a mailbox that somebody holds.
pub fn held_by(holder: &Holder) -> Error {
    Error::Locked {
        by: Foreign::new(holder.to_words()),
    }
}

/// Who holds the kernel lock of an open file.
pub fn holder_of(file: &dyn MailFile) -> Holder {
    let metadata = file.metadata();
    metadata.map_or_else(|_| Holder::default(), |it| Holder::of_kernel_lock(&it))
}

/// What the user calls a mailbox.
fn called(environment: &Environment, path: &Path) -> Foreign {
    if path == environment.spool {
        return Foreign::new("INBOX");
    }
    let name = path.strip_prefix(&environment.home).unwrap_or(path);
    Foreign::new(name.to_string_lossy())
}
