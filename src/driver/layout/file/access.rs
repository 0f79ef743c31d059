//! Ways to a mailbox file: which locks a look or a change takes, in which order, and how long others are waited for.
//!
//! A change: dot lock, open, exclusive `flock`; given back in the opposite order. A look: the same with a shared `flock`.
//! Where a look must leave no trace, or may make no dot lock, programs that know no `flock` may write meanwhile: who
//! looks asks afterwards whether the file was [`Locked::steady`], and looks again if not.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::waiting::{self, NoDotLock, Offer, Waiting};
use crate::os::dot_lock::{DotLock, DotLockError};
use crate::os::environment::{Environment, WithoutDotLock};
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::journal::error::{JournalError, Recovered};
use crate::os::journal::redo::Journal;
use crate::os::lock_holder::Holder;

/// What tells that a file was changed since it was last looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stamp {
    /// Device and inode.
    pub file: (u64, u64),
    /// Bytes.
    pub length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Whether the file was changed so shortly before `now`, in seconds, that one more change could not be told from it.
    pub fn is_recent(&self, now: i64) -> bool {
        const COARSE: i64 = 2;
        let (last, _) = self.changed.max(self.modified);
        now.saturating_sub(last) < COARSE
    }

    /// The stamp of a file.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A file that is locked for as long as this lives. Dropped, it closes the file, which gives the kernel lock back, and
/// then the dot lock: in the order of the fields.
pub struct Locked {
    /// The file.
    pub file: Box<dyn MailFile>,
    /// Who holds the kernel lock that a look does without.
    pub without: Option<Holder>,
    dot_lock: Option<DotLock>,
}

impl Locked {
    /// Whether nobody wrote since `before`: either all were kept off, or the file is still the same.
    pub fn steady(&self, before: &Metadata) -> bool {
        let same = |now: Metadata| Stamp::of(&now) == Stamp::of(before);
        (self.dot_lock.is_some() && self.without.is_none()) || self.file.metadata().is_ok_and(same)
    }

    /// Tells the user when a look does without the lock.
    pub fn tell_of_glance(&self, job: &Job) {
        if let Some(holder) = &self.without {
            let who = holder.to_words();
            job.notice(format!("locked by {who}: this is what is in it now"));
        }
    }

    /// Gives the locks back and keeps the file open.
    pub fn unlock(self) -> Box<dyn MailFile> {
        let mut file = self.file;
        // Fails only for files that cannot be locked, which are not locked then.
        let _ = file.unlock();
        drop(self.dot_lock);
        file
    }
}

/// Locks `path` to change it: nobody else reads or writes meanwhile.
pub fn lock_to_change(environment: &Environment, path: &Path, job: &Job) -> Result<Locked> {
    lock_with_offer(environment, path, Offer::Nothing, job)
}

/// The same, with something that the user may choose instead of waiting.
pub fn lock_with_offer(
    environment: &Environment,
    path: &Path,
    offer: Offer,
    job: &Job,
) -> Result<Locked> {
    if environment.read_only {
        return Err(Error::ReadOnly);
    }
    let mut waiting = Waiting::new(environment, path, offer, job);
    let dot_lock = dot_lock(environment, path, &mut waiting)?;
    let file = open(environment, path, OpenMode::ReadWrite)?;
    let mut locked = Locked {
        file,
        without: None,
        dot_lock,
    };
    for _ in 0..TRIES {
        waiting.flock(path, &mut *locked.file, Flock::Exclusive)?;
        if leads_to(environment, path, &*locked.file) {
            recover(environment, path, &mut *locked.file)?;
            return Ok(locked);
        }
        locked.file = open(environment, path, OpenMode::ReadWrite)?;
    }
    Err(unsteady())
}

/// How others are kept off while a file is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// With a dot lock, where one can be had soon and this session may make any.
    Guarded,
    /// With nothing that leaves a trace.
    Traceless,
}

/// Locks `path` for looking only. An interrupted change is completed first, where the file may be written.
pub fn lock_to_look(
    environment: &Environment,
    path: &Path,
    look: Look,
    job: &Job,
) -> Result<Locked> {
    for _ in 0..TRIES {
        job.checkpoint()?;
        let mut waiting = Waiting::new(environment, path, Offer::Nothing, job);
        let dot_lock = match look {
            Look::Guarded if !environment.read_only => guard(environment, path, job)?,
            _ => None,
        };
        let file = open(environment, path, OpenMode::Read)?;
        let mut locked = Locked {
            file,
            without: None,
            dot_lock,
        };
        match waiting.flock(path, &mut *locked.file, Flock::Shared) {
            Err(Error::Locked { .. }) if job.glances() => {
                locked.without = Some(waiting::holder_of(&*locked.file));
            }
            other => other?,
        }
        drop(waiting);
        let journal = Journal::new(environment);
        // Only now: whoever had the lock before may have died in the middle of a change.
        if journal.is_pending(&*locked.file).map_err(Error::io(path))? {
            drop(locked);
            // Torn, by somebody who lives or does not: no glance makes sense of it.
            match lock_to_change(environment, path, &job.unhurried_by_glance()) {
                // What did not fit was put aside: the mailbox may be looked at as it is.
                Ok(_) | Err(Error::Damaged { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        } else if leads_to(environment, path, &*locked.file) {
            return Ok(locked);
        }
    }
    Err(unsteady())
}

/// How often something is tried that others can spoil each time.
pub const TRIES: usize = 5;
/// How long a look waits for a dot lock before it goes on without.
const LOOK_PATIENCE: Duration = Duration::from_secs(5);

fn open(environment: &Environment, path: &Path, mode: OpenMode) -> Result<Box<dyn MailFile>> {
    environment.files.open(path, mode).map_err(Error::io(path))
}

/// Whether `path` is still the name of the open file.
fn leads_to(environment: &Environment, path: &Path, file: &dyn MailFile) -> bool {
    let named = environment.files.metadata(path);
    let opened = file.metadata();
    matches!((named, opened), (Ok(named), Ok(opened)) if Stamp::of(&named).file == Stamp::of(&opened).file)
}

/// A reader's dot lock; `None` where it cannot be had.
fn guard(environment: &Environment, path: &Path, job: &Job) -> Result<Option<DotLock>> {
    let mut waiting = Waiting::new(environment, path, Offer::Nothing, job).at_most(LOOK_PATIENCE);
    match waiting.dot_lock(environment, path) {
        Ok(lock) => Ok(Some(lock)),
        Err(NoDotLock::Ended(Error::Locked { by })) if !job.may_wait() => Err(Error::Locked { by }),
        Err(_) => job.checkpoint().map(|()| None),
    }
}

/// The dot lock; `None` where its folder refuses one and the user has chosen to go without.
fn dot_lock(
    environment: &Environment,
    path: &Path,
    waiting: &mut Waiting<'_>,
) -> Result<Option<DotLock>> {
    let refusal = match waiting.dot_lock(environment, path) {
        Ok(lock) => return Ok(Some(lock)),
        Err(NoDotLock::Ended(why)) => return Err(why),
        Err(NoDotLock::Refused(refusal)) => refusal,
    };
    Err(match refusal {
        DotLockError::CannotCreate { source, .. } if may_do_without(environment, path, &source) => {
            return Ok(None);
        }
        DotLockError::Cancelled => Error::Cancelled,
        DotLockError::Held { holder, .. } => waiting::held_by(&holder),
        DotLockError::CannotCreate { path, source } => Error::Io { path, source },
        DotLockError::NotPlain(_) => {
            Error::Refused("what stands where the lock file belongs is not a plain file")
        }
        DotLockError::TooLong => Error::Refused("the path is too long for a lock file"),
    })
}

/// Whether the kernel's lock may do alone: when the user said so, and where it protects at all.
fn may_do_without(environment: &Environment, path: &Path, refusal: &io::Error) -> bool {
    environment.without_dot_lock == WithoutDotLock::FlockOnly
        && refusal.kind() == io::ErrorKind::PermissionDenied
        && environment
            .files
            .is_network(path)
            .is_ok_and(|network| !network)
}

/// The error of a mailbox that somebody has changed again and again.
pub fn unsteady() -> Error {
    waiting::held_by(&Holder::default())
}

/// Completes or takes back a change that was interrupted.
pub fn recover(environment: &Environment, path: &Path, file: &mut dyn MailFile) -> Result<()> {
    let journal = Journal::new(environment);
    if journal.conflict(file).map_err(Error::io(path))?.is_some() {
        return Err(Error::Refused(
            "an interrupted change of it did not fit any more; `mugo doctor` tells how to go on",
        ));
    }
    if !journal.is_pending(file).map_err(Error::io(path))? {
        return Ok(());
    }
    match journal.recover(path, file) {
        Ok(Recovered::Conflict { why, .. }) => Err(Error::Damaged {
            offset: 0,
            what: why,
        }),
        Ok(_) => Ok(()),
        Err(refusal) => Err(journal_error(path, refusal)),
    }
}

/// A journal's error as a driver's.
pub fn journal_error(path: &Path, refusal: JournalError) -> Error {
    match refusal {
        JournalError::Changed { .. } => {
            Error::Changed("it has another length than a moment ago; nothing was written")
        }
        JournalError::Untouched { path, source }
        | JournalError::Recovery {
            journal: path,
            source,
        } => Error::Io { path, source },
        JournalError::Pending { journal, source } => Error::Pending {
            path: journal,
            source,
        },
        JournalError::BadPlan(what) => Error::Refused(what),
        JournalError::TooCostly { .. } => Error::Refused("the change is too large"),
        JournalError::Unrecovered { .. } => Error::Io {
            path: path.to_owned(),
            source: io::Error::other("an earlier change is still unfinished"),
        },
    }
}

/// Gives a file back the access time that it had before it was read, where reading changed it.
pub fn restore_times(file: &mut dyn MailFile, before: &Metadata) {
    let changed = file
        .metadata()
        .is_ok_and(|now| (now.atime(), now.atime_nsec()) != (before.atime(), before.atime_nsec()));
    if changed {
        // Fails for files of other users, where nothing can be done about it.
        let _ = file.set_times(before.atime(), before.mtime());
    }
}

/// Sets the times that say "read, and nothing new": read now, changed at least a second ago.
pub fn mark_as_read(file: &mut dyn MailFile, now: i64) {
    if let Ok(metadata) = file.metadata() {
        let _ = file.set_times(now, metadata.mtime().min(now - 1));
    }
}

/// Sets the times that say "new mail came".
pub fn mark_as_new(file: &mut dyn MailFile, now: i64) {
    let _ = file.set_times(now - 1, now);
}
