//! Ways to a mailbox file: which locks a look or a change takes, in which order, and how long others are waited for.
//!
//! A change: dot lock, open, exclusive `flock`; given back in the opposite order. A look: the same with a shared `flock`.
//! Where a look must leave no trace, or may make no dot lock, programs that know no `flock` may write meanwhile: who
//! looks asks afterwards whether the file was [`Locked::steady`], and looks again if not.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::mail::text::Foreign;
use crate::os::dot_lock::{DotLock, DotLockError, Wait};
use crate::os::environment::{Environment, Process, WithoutDotLock};
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::journal::error::{JournalError, Recovered};
use crate::os::journal::redo::Journal;

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
    dot_lock: Option<DotLock>,
}

impl Locked {
    /// Whether nobody wrote since `before`: either all were kept off, or the file is still the same.
    pub fn steady(&self, before: &Metadata) -> bool {
        let same = |now: Metadata| Stamp::of(&now) == Stamp::of(before);
        self.dot_lock.is_some() || self.file.metadata().is_ok_and(same)
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
    if environment.read_only {
        return Err(Error::ReadOnly);
    }
    let dot_lock = dot_lock(environment, path, job)?;
    let file = open(environment, path, OpenMode::ReadWrite)?;
    let mut locked = Locked { file, dot_lock };
    for _ in 0..TRIES {
        flock(environment, path, &mut *locked.file, Flock::Exclusive, job)?;
        if leads_to(environment, path, &*locked.file) {
            recover(environment, path, &mut *locked.file)?;
            return Ok(locked);
        }
        locked.file = open(environment, path, OpenMode::ReadWrite)?;
    }
    Err(held_by(None))
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
        let dot_lock = match look {
            Look::Guarded if !environment.read_only => guard(environment, path, job)?,
            _ => None,
        };
        let file = open(environment, path, OpenMode::Read)?;
        let mut locked = Locked { file, dot_lock };
        flock(environment, path, &mut *locked.file, Flock::Shared, job)?;
        let journal = Journal::new(environment);
        // Only now: whoever had the lock before may have died in the middle of a change.
        if journal.is_pending(&*locked.file).map_err(Error::io(path))? {
            drop(locked);
            match lock_to_change(environment, path, job) {
                // What did not fit was put aside: the mailbox may be looked at as it is.
                Ok(_) | Err(Error::Damaged { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        } else if leads_to(environment, path, &*locked.file) {
            return Ok(locked);
        }
    }
    Err(held_by(None))
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
    let start = Instant::now();
    let mut waiting =
        |_: Wait| job.may_wait() && start.elapsed() < LOOK_PATIENCE && job.checkpoint().is_ok();
    match DotLock::acquire(environment, path, &mut waiting) {
        Ok(lock) => Ok(Some(lock)),
        Err(DotLockError::Cancelled | DotLockError::Held { .. }) if !job.may_wait() => {
            Err(held_by(None))
        }
        Err(_) => job.checkpoint().map(|()| None),
    }
}

/// The dot lock; `None` where its folder refuses one and the user has chosen to go without.
fn dot_lock(environment: &Environment, path: &Path, job: &Job) -> Result<Option<DotLock>> {
    let mut last_told = None;
    let mut waiting = |wait: Wait| {
        if !job.may_wait() {
            return false;
        }
        let seconds = wait.left.as_secs();
        if last_told.is_none_or(|told: u64| told >= seconds + 15) {
            last_told = Some(seconds);
            job.notice(format!(
                "waiting for another program that has locked the mailbox, {seconds} seconds more at most"
            ));
        }
        job.checkpoint().is_ok()
    };
    let refusal = match DotLock::acquire(environment, path, &mut waiting) {
        Ok(lock) => return Ok(Some(lock)),
        Err(refusal) => refusal,
    };
    Err(match refusal {
        DotLockError::CannotCreate { source, .. } if may_do_without(environment, path, &source) => {
            return Ok(None);
        }
        DotLockError::Cancelled if !job.may_wait() => held_by(None),
        DotLockError::Cancelled => Error::Cancelled,
        DotLockError::Held { holder, .. } => held_by(holder.as_ref()),
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

/// The error of a mailbox that somebody holds.
pub fn held_by(holder: Option<&Process>) -> Error {
    let by = Foreign::new(match holder {
        Some(process) => format!("process {} on {}", process.pid, process.host),
        None => "another program".to_owned(),
    });
    Error::Locked { by }
}

/// Takes the kernel lock of an open file, waiting as long as the user's patience lasts.
pub fn flock(
    environment: &Environment,
    path: &Path,
    file: &mut dyn MailFile,
    kind: Flock,
    job: &Job,
) -> Result<()> {
    let start = Instant::now();
    while !file.try_lock(kind).map_err(Error::io(path))? {
        job.checkpoint()?;
        if !job.may_wait() || start.elapsed() >= environment.lock_patience {
            return Err(held_by(None));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Between two tries.
pub const PAUSE: Duration = Duration::from_millis(20);

/// Completes or takes back a change that was interrupted.
fn recover(environment: &Environment, path: &Path, file: &mut dyn MailFile) -> Result<()> {
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
