//! The locks of these formats, in c-client's order.
//!
//! The *share lock*, a shared `flock` on the file, is held for as long as a mailbox is open, by readers too: while others
//! hold it nobody moves bytes. The *parse lock*, the name lock in `/tmp`, is held while the file is read or written. To
//! move bytes the share lock is made exclusive, under the parse lock, and never waited for.

use std::io;
use std::time::Instant;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Stamp, TRIES};
use crate::driver::layout::prefile::format::Format;
use crate::driver::layout::prefile::growth;
use crate::driver::place::Place;
use crate::driver::waiting::{self, Offer, Waiting};
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::journal::note::Note;
use crate::os::journal::redo::Journal;
use crate::os::lock_holder::Holder;
use crate::os::name_lock::{Asked, NameLock, NameLockError};

/// Opens a mailbox file and takes its share lock. The name still led to it afterwards.
pub fn open_shared(
    environment: &Environment,
    place: &Place,
    mode: OpenMode,
    job: &Job,
) -> Result<Box<dyn MailFile>> {
    let path = &place.path;
    let failed = Error::io(path);
    let mut waiting = Waiting::new(environment, path, Offer::Nothing, job);
    for _ in 0..TRIES {
        job.checkpoint()?;
        let mut file = environment.files.open(path, mode).map_err(&failed)?;
        waiting.flock(path, &mut *file, Flock::Shared)?;
        let named = environment.files.metadata(path).map_err(&failed)?;
        let opened = file.metadata().map_err(&failed)?;
        if Stamp::of(&named).file == Stamp::of(&opened).file {
            return Ok(file);
        }
    }
    Err(access::unsteady())
}

/// Takes the parse lock of an open mailbox file.
pub fn parse_lock(
    environment: &Environment,
    place: &Place,
    file: &dyn MailFile,
    offer: Offer,
    job: &Job,
) -> Result<NameLock> {
    let mut waiting = Waiting::new(environment, &place.path, offer, job);
    let begin = Instant::now();
    loop {
        match NameLock::try_acquire(environment, file, Flock::Exclusive) {
            Ok(Asked::Taken(lock)) => return Ok(lock),
            // Another thread of this program, which gives it back soon.
            Ok(Asked::Ours) if job.may_wait() && begin.elapsed() < environment.lock_patience => {
                job.checkpoint()?;
                std::thread::sleep(waiting::PAUSE);
            }
            Ok(Asked::Ours) => {
                return Err(waiting::held_by(&Holder::with_pid(environment.process.pid)));
            }
            Ok(Asked::Busy { holder, .. }) => waiting.vain(&|| holder.clone())?,
            Err(NameLockError::Io { path, source }) => return Err(Error::Io { path, source }),
            Err(NameLockError::Unsafe { path, why }) => {
                let source = io::Error::other(why);
                return Err(Error::Io { path, source });
            }
        }
    }
}

/// Makes the share lock of `file` exclusive, unless somebody else has the mailbox open. The parse lock is held.
///
/// The kernel gives the old lock up before it tries for the new one; the parse lock keeps others from using that.
pub fn alone(place: &Place, file: &mut dyn MailFile) -> Result<bool> {
    let failed = Error::io(&place.path);
    if file.try_lock(Flock::Exclusive).map_err(&failed)? {
        return Ok(true);
    }
    share(place, file)?;
    Ok(false)
}

/// Goes back to the share lock after [`alone`].
pub fn share(place: &Place, file: &mut dyn MailFile) -> Result<()> {
    if file
        .try_lock(Flock::Shared)
        .map_err(Error::io(&place.path))?
    {
        return Ok(());
    }
    Err(Error::Changed("another program took its lock"))
}

/// Completes or takes back a change that was interrupted. The parse lock is held; where the change moves bytes nobody
/// else may have the mailbox open.
pub fn recover(
    environment: &Environment,
    format: &'static Format,
    place: &Place,
    file: &mut dyn MailFile,
    job: &Job,
) -> Result<()> {
    let journal = Journal::new(environment);
    let moves = journal
        .is_pending(file)
        .and_then(|pending| Ok(pending && journal.pending_shrinks(file)?))
        .map_err(Error::io(&place.path))?;
    if !moves {
        access::recover(environment, &place.path, file)?;
    } else if alone(place, file)? {
        let recovered = access::recover(environment, &place.path, file);
        share(place, file)?;
        recovered?;
    } else {
        return Err(waiting::held_by(&waiting::holder_of(file)));
    }
    let mut was_alone = false;
    let mut alone = |file: &mut dyn MailFile| {
        was_alone = alone(place, file)?;
        Ok(was_alone)
    };
    let recovered = growth::recover(environment, format, place, file, &mut alone, job);
    if was_alone {
        share(place, file)?;
    }
    recovered
}

/// Sees to an interrupted change of a mailbox that is going to be looked at only.
pub fn recover_to_look(
    environment: &Environment,
    format: &'static Format,
    place: &Place,
    job: &Job,
) -> Result<()> {
    if !is_pending(environment, place).map_err(Error::io(&place.path))? {
        return Ok(());
    }
    if environment.read_only {
        return Err(Error::ReadOnly);
    }
    let mut file = open_shared(environment, place, OpenMode::ReadWrite, job)?;
    let lock = parse_lock(environment, place, &*file, Offer::Nothing, job)?;
    let recovered = recover(environment, format, place, &mut *file, job);
    drop(lock);
    match recovered {
        // What did not fit was put aside: the mailbox may be looked at as it is.
        Err(Error::Damaged { .. } | Error::Refused(_)) => Ok(()),
        other => other,
    }
}

fn is_pending(environment: &Environment, place: &Place) -> io::Result<bool> {
    let file = environment.files.open(&place.path, OpenMode::Read)?;
    let journal = Journal::new(environment);
    Ok(journal.is_pending(&*file)? || Note::find(environment, &*file)?.is_some())
}
