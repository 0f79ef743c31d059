//! `.newsrc` on disk: read whole, changed under a dot lock, replaced in one step.
//!
//! Other newsreaders know no lock. So old and new file change places in one step, and where the old one then is another
//! than was read, because somebody wrote to it meanwhile, the change is made once more, in what he wrote. The old file
//! stays as `.newsrc.old`, as c-client has it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::news::group::newsrc_path;
use crate::driver::news::newsrc::{Edits, Newsrc};
use crate::driver::news::whole_file::read_whole;
use crate::driver::waiting::{NoDotLock, Offer, Waiting, held_by};
use crate::mail::text::Foreign;
use crate::os::dot_lock::DotLockError;
use crate::os::environment::Environment;
use crate::os::replace::{beside, is_replaceable, replace, target, write_beside};

/// What was read, and what tells that it changed since.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The file; empty where there is none.
    pub newsrc: Newsrc,
    /// `None` where there is none.
    pub stamp: Option<Stamp>,
}

/// Makes the edits of what stands there.
pub type Change<'a> = &'a mut dyn FnMut(&Newsrc) -> Result<Edits>;

/// The largest file that is read, in bytes.
pub const LARGEST: u64 = 64 << 20;
/// How often it is tried again when somebody writes to it meanwhile.
const TRIES: usize = 20;

/// Reads the file as it is now.
pub fn read(environment: &Environment) -> io::Result<Found> {
    let path = newsrc_path(environment);
    match read_whole(&*environment.files, &path, LARGEST) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(Found::default()),
        Err(refusal) => Err(refusal),
        Ok((bytes, stamp)) => Ok(Found {
            newsrc: Newsrc::new(bytes),
            stamp: Some(stamp),
        }),
    }
}

/// What tells whether the file changed.
pub fn stamp(environment: &Environment) -> Option<Stamp> {
    let found = environment.files.metadata(&newsrc_path(environment));
    found.ok().map(|found| Stamp::of(&found))
}

/// Why the file cannot be changed, if that can be told beforehand.
pub fn refusal(environment: &Environment) -> Option<io::Error> {
    is_replaceable(&*environment.files, &newsrc_path(environment)).err()
}

/// Changes the file: `change` makes the edits of what stands there under the lock, and is asked again where that changed
/// meanwhile. The file comes back as it is then.
pub fn update(environment: &Environment, job: &Job, change: Change<'_>) -> Result<Found> {
    let path = newsrc_path(environment);
    let failed = Error::io(&path);
    let real = target(&*environment.files, &path).map_err(&failed)?;
    let mut waiting = Waiting::new(environment, &real, Offer::Nothing, job);
    let lock = waiting.dot_lock(environment, &real).map_err(no_lock)?;
    let changed = change_locked(environment, &real, change);
    // What is left of a lock that is not given back goes by itself.
    let _ = lock.release();
    changed
}

fn change_locked(environment: &Environment, path: &Path, change: Change<'_>) -> Result<Found> {
    let failed = Error::io(path);
    let found = read(environment).map_err(&failed)?;
    let new = found.newsrc.edited(&change(&found.newsrc)?);
    if new == found.newsrc {
        return Ok(found);
    }
    let mut there = found.stamp.map(|_| found.newsrc);
    let mut new = new;
    for _ in 0..TRIES {
        match put(environment, path, there.as_ref(), &new).map_err(&failed)? {
            Put::Done => return read(environment).map_err(&failed),
            Put::Changed { base, now } => {
                new = base.edited(&change(&base)?);
                there = now;
            }
        }
    }
    let by = Foreign::new("another newsreader, which writes to .newsrc");
    Err(Error::Locked { by })
}

/// What came of an attempt to put a new file in the place of the one that was read.
enum Put {
    Done,
    /// Somebody wrote to it meanwhile.
    Changed {
        /// What he wrote.
        base: Newsrc,
        /// What stands there now.
        now: Option<Newsrc>,
    },
}

/// Puts the new file in the place of the old one, which stays as `.newsrc.old`, whoever wrote it.
fn put(
    environment: &Environment,
    path: &Path,
    old: Option<&Newsrc>,
    new: &Newsrc,
) -> io::Result<Put> {
    const PRIVATE: u32 = 0o600;
    let files = &*environment.files;
    let mode = match files.metadata(path) {
        Ok(metadata) => metadata.mode() & 0o777,
        Err(_) => PRIVATE,
    };
    let beside = beside(path);
    let written = write_beside(files, &beside, mode, new.bytes());
    let done = written.and_then(|()| match old {
        None => put_first(environment, (&beside, path)),
        Some(old) => match files.exchange(&beside, path) {
            Err(refusal) if refusal.kind() == io::ErrorKind::Unsupported => {
                put_over(environment, (&beside, path), old)
            }
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => {
                put_first(environment, (&beside, path))
            }
            Err(refusal) => Err(refusal),
            Ok(()) => {
                let replaced = read_whole(files, &beside, LARGEST);
                files.rename(&beside, &old_path(path))?;
                let base = Newsrc::new(replaced?.0);
                Ok(match base == *old {
                    true => Put::Done,
                    false => Put::Changed {
                        base,
                        now: Some(new.clone()),
                    },
                })
            }
        },
    });
    match &done {
        Ok(Put::Done) => files.sync_dir(path.parent().unwrap_or_else(|| Path::new(".")))?,
        // Where it is not there any more it is where it belongs.
        _ => drop(files.remove_file(&beside)),
    }
    done
}

/// There was no file.
fn put_first(environment: &Environment, (beside, path): (&Path, &Path)) -> io::Result<Put> {
    let files = &*environment.files;
    match files.rename_new(beside, path) {
        Err(refusal) if refusal.kind() == io::ErrorKind::Unsupported => {
            files.rename(beside, path).map(|()| Put::Done)
        }
        Err(refusal) if refusal.kind() == io::ErrorKind::AlreadyExists => changed(environment),
        other => other.map(|()| Put::Done),
    }
}

/// Where two names cannot change places: what is written there in the last moment is lost.
fn put_over(
    environment: &Environment,
    (beside, path): (&Path, &Path),
    old: &Newsrc,
) -> io::Result<Put> {
    let files = &*environment.files;
    replace(files, &old_path(path), old.bytes())?;
    if read(environment)?.newsrc != *old {
        return changed(environment);
    }
    files.rename(beside, path).map(|()| Put::Done)
}

fn changed(environment: &Environment) -> io::Result<Put> {
    let found = read(environment)?;
    Ok(Put::Changed {
        now: found.stamp.map(|_| found.newsrc.clone()),
        base: found.newsrc,
    })
}

/// Where the file stays as it was before the last change.
fn old_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".old");
    name.into()
}

fn no_lock(refusal: NoDotLock) -> Error {
    match refusal {
        NoDotLock::Ended(why) => why,
        NoDotLock::Refused(DotLockError::CannotCreate { path, source }) => {
            Error::Io { path, source }
        }
        NoDotLock::Refused(DotLockError::Held { holder, .. }) => held_by(&holder),
        NoDotLock::Refused(DotLockError::Cancelled) => Error::Cancelled,
        NoDotLock::Refused(_) => Error::Refused(".newsrc cannot be locked"),
    }
}
