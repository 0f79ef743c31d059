//! Ways to a mailbox file: which locks a look or a change takes, in which order, and how long others are waited for.
//!
//! A change: dot lock, open, exclusive `flock`; given back in the opposite order. A look that leaves no trace: shared `flock` alone.

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
    let file = environment
        .files
        .open(path, OpenMode::ReadWrite)
        .map_err(Error::io(path))?;
    let mut locked = Locked { file, dot_lock };
    flock(environment, path, &mut *locked.file, Flock::Exclusive, job)?;
    recover(environment, path, &mut *locked.file)?;
    Ok(locked)
}

/// Locks `path` for looking only; leaves no trace. An interrupted change is completed first, where the file may be written.
pub fn lock_to_look(environment: &Environment, path: &Path, job: &Job) -> Result<Locked> {
    let open = || {
        let opened = environment.files.open(path, OpenMode::Read);
        opened.map_err(Error::io(path))
    };
    let mut file = open()?;
    if Journal::new(environment)
        .is_pending(&*file)
        .map_err(Error::io(path))?
    {
        match lock_to_change(environment, path, job) {
            // What did not fit was put aside: the mailbox may be looked at as it is.
            Ok(_) | Err(Error::Damaged { .. }) => {}
            Err(refusal) => return Err(refusal),
        }
        file = open()?;
    }
    let mut locked = Locked {
        file,
        dot_lock: None,
    };
    flock(environment, path, &mut *locked.file, Flock::Shared, job)?;
    Ok(locked)
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
        DotLockError::Cancelled if !job.may_wait() => Error::Locked {
            by: holder_name(None),
        },
        DotLockError::Cancelled => Error::Cancelled,
        DotLockError::Held { holder, .. } => Error::Locked {
            by: holder_name(holder.as_ref()),
        },
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

fn holder_name(holder: Option<&Process>) -> Foreign {
    Foreign::new(match holder {
        Some(process) => format!("process {} on {}", process.pid, process.host),
        None => "another program".to_owned(),
    })
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
            return Err(Error::Locked {
                by: holder_name(None),
            });
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

const PAUSE: Duration = Duration::from_millis(20);

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
