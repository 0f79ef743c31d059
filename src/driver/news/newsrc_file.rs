//! `.newsrc` on disk: read whole, changed under a dot lock, replaced in one step.
//!
//! Other newsreaders know no lock. So the change is based on a file to which nobody writes, and where somebody wrote to it
//! all the same before the new one was there, it is made once more, in what he wrote. The file as it was stays as
//! `.newsrc.old`, as c-client has it.

use std::io;
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::whole_file::read_whole;
use crate::driver::local_file::is_missing;
use crate::driver::news::group::newsrc_path;
use crate::driver::news::newsrc::{Edits, Newsrc};
use crate::driver::news::newsrc_found::{Found, LARGEST};
use crate::driver::news::newsrc_put::{Place, Put};
use crate::driver::news::steady::{Known, busy, read_steady};
use crate::driver::waiting::{NoDotLock, Offer, Waiting, held_by};
use crate::os::dot_lock::DotLockError;
use crate::os::environment::Environment;
use crate::os::replace::{is_replaceable, target};

/// Makes the edits of what stands there.
pub type Change<'a> = &'a mut dyn FnMut(&Newsrc) -> Result<Edits>;

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
    let path = newsrc_path(environment);
    let replaceable = is_replaceable(&*environment.files, &path);
    replaceable
        .and_then(|()| may_write(environment, &path))
        .err()
}

/// Changes the file: `change` makes the edits of what stands there under the lock, and is asked again where that changed
/// meanwhile. The file comes back as it is then.
pub fn update(environment: &Environment, job: &Job, change: Change<'_>) -> Result<Found> {
    update_known(environment, &mut Known::default(), job, change)
}

/// The same in a session that knows the file, and gets to know it better.
pub fn update_known(
    environment: &Environment,
    known: &mut Known,
    job: &Job,
    change: Change<'_>,
) -> Result<Found> {
    let path = newsrc_path(environment);
    let failed = Error::io(&path);
    let real = target(&*environment.files, &path).map_err(&failed)?;
    let mut waiting = Waiting::new(environment, &real, Offer::Nothing, job);
    let lock = waiting.dot_lock(environment, &real).map_err(no_lock)?;
    let changed = change_locked(environment, &real, known, job, change);
    // What is left of a lock that is not given back goes by itself.
    let _ = lock.release();
    changed
}

fn change_locked(
    environment: &Environment,
    path: &Path,
    known: &mut Known,
    job: &Job,
    change: Change<'_>,
) -> Result<Found> {
    let failed = Error::io(path);
    let place = Place::new(environment, path, job);
    place.clear()?;
    let look = || read(environment);
    for _ in 0..TRIES {
        let found = read_steady(environment, path, known, &look, job)?;
        known.note(&found.newsrc);
        let new = found.newsrc.edited(&change(&found.newsrc)?);
        if new == found.newsrc {
            return Ok(found);
        }
        may_write(environment, path).map_err(&failed)?;
        let old = found.stamp.map(|_| &found.newsrc);
        if place.put(old, &new).map_err(&failed)? == Put::Done {
            known.wrote(&new);
            return read(environment).map_err(&failed);
        }
    }
    Err(busy())
}

/// Fails where the file is there and this user may not write it: that is not to be got round by replacing it.
fn may_write(environment: &Environment, path: &Path) -> io::Result<()> {
    match environment.files.may_write(path) {
        Ok(false) => Err(io::ErrorKind::PermissionDenied.into()),
        Err(refusal) if !is_missing(&refusal) => Err(refusal),
        _ => Ok(()),
    }
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
