//! Locks the sequences of a mailbox, and with them the mailbox, after what was left unfinished there was finished.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, TRIES};
use crate::driver::layout::folder::pending;
use crate::driver::mh::profile::Profile;
use crate::driver::mh::recovery::finish;
use crate::driver::mh::sequence_file::SequenceFile;
use crate::driver::place::Place;
use crate::os::environment::Environment;
use crate::os::files::Flock;

/// Locks sequences to change them. Where there is no file one is made.
pub fn lock<'e>(
    environment: &'e Environment,
    place: &Place,
    profile: &Profile,
    job: &Job,
) -> Result<SequenceFile<'e>> {
    if environment.read_only {
        return Err(Error::ReadOnly);
    }
    for _ in 0..TRIES {
        let kind = Flock::Exclusive;
        if let Some(mut file) = SequenceFile::open(environment, place, profile, kind, job)? {
            file.recover()?;
            finish(environment, place, &mut file)?;
            return Ok(file);
        }
        SequenceFile::make(environment, place, profile)?;
    }
    Err(access::unsteady())
}

/// Locks sequences to look at them, beside others who look.
pub fn look<'e>(
    environment: &'e Environment,
    place: &Place,
    profile: &Profile,
    job: &Job,
) -> Result<SequenceFile<'e>> {
    let absent = |why| SequenceFile::absent(environment, place, profile, why);
    let mut may_finish = !environment.read_only;
    for _ in 0..TRIES {
        let kind = Flock::Shared;
        let file = match SequenceFile::open(environment, place, profile, kind, job) {
            Ok(found) => found.unwrap_or_else(|| absent(None)),
            // Content with what is there.
            Err(Error::Locked { .. }) if job.glances() => absent(None).unseen(),
            // The mail can be read all the same.
            Err(refusal @ (Error::Io { .. } | Error::Refused(_))) => {
                return Ok(absent(Some(refusal.with_reason())));
            }
            Err(refusal) => return Err(refusal),
        };
        if !may_finish || !file.is_unfinished(place)? {
            return Ok(file);
        }
        // Whoever held the lock before was killed.
        drop(file);
        match lock(environment, place, profile, job) {
            // A note that is left then cannot be understood; it keeps nobody from his mail.
            Ok(_) => may_finish = !pending::is_there(environment, &place.path),
            Err(refusal @ (Error::Cancelled | Error::Locked { .. })) => return Err(refusal),
            // Where it cannot be finished the mailbox is looked at as it is.
            Err(_) => may_finish = false,
        }
    }
    Err(access::unsteady())
}
