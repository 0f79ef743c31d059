//! Locks the sequences of a mailbox, and with them the mailbox, after what was left unfinished there was finished.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, TRIES};
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
    loop {
        let kind = Flock::Exclusive;
        if let Some(mut file) = SequenceFile::open(environment, place, profile, kind, job)? {
            file.recover()?;
            finish(environment, place, &mut file)?;
            return Ok(file);
        }
        SequenceFile::make(environment, place, profile)?;
    }
}

/// Locks sequences to look at them, beside others who look.
pub fn look<'e>(
    environment: &'e Environment,
    place: &Place,
    profile: &Profile,
    job: &Job,
) -> Result<SequenceFile<'e>> {
    let mut may_finish = !environment.read_only;
    for _ in 0..TRIES {
        let kind = Flock::Shared;
        let found = match SequenceFile::open(environment, place, profile, kind, job) {
            // Content with what is there.
            Err(Error::Locked { .. }) if job.glances() => None,
            other => other?,
        };
        let file = found.unwrap_or_else(|| SequenceFile::absent(environment, place, profile));
        if !may_finish || !file.is_unfinished(place)? {
            return Ok(file);
        }
        // Whoever held the lock before was killed.
        drop(file);
        match lock(environment, place, profile, job) {
            Ok(_) => {}
            Err(refusal @ (Error::Cancelled | Error::Locked { .. })) => return Err(refusal),
            // Where it cannot be finished the mailbox is looked at as it is.
            Err(_) => may_finish = false,
        }
    }
    Err(access::unsteady())
}
