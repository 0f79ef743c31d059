//! The opener lock: one program at a time has a mailbox of the traditional formats open for writing.
//!
//! It is the name lock in `/tmp`, held for as long as the mailbox is open, with our process id in it. Whoever else wants
//! the mailbox sends that process SIGUSR2, "the kiss of death", and waits; we do so too, and when it comes to us we write
//! what is pending and go on read-only.

use std::path::Path;
use std::time::Duration;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::waiting::{Offer, Waiting};
use crate::mail::reason::in_words;
use crate::mail::text::Foreign;
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::guard::FileId;
use crate::os::name_lock::{Asked, NameLock};
use crate::os::process::kiss;

/// What came of asking for the lock.
pub enum Opener {
    /// It is ours.
    Held(NameLock),
    /// Another program holds it: who.
    InUse(Foreign),
    /// It cannot be had; this is why, in words for the user.
    Refused(String),
}

/// Whether the holder is asked to give the lock up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manners {
    /// Ask, and wait a while. Others may ask us.
    Ask,
    /// Take it only if it is free, and do not put our name into it.
    Silent,
}

/// Asks for the opener lock of `path`.
pub fn ask(environment: &Environment, path: &Path, manners: Manners, job: &Job) -> Result<Opener> {
    let file = match environment.files.open(path, OpenMode::ReadWrite) {
        Ok(file) => file,
        Err(refusal) => {
            let why = format!("it may not be written: {}", in_words(&refusal));
            return Ok(Opener::Refused(why));
        }
    };
    let mut waiting = Waiting::new(environment, path, Offer::ReadOnly, job).at_most(LISTENERS);
    // Whoever does not wait for the answer must not ask: the other one would give up for nothing.
    let has_time = waiting.left() >= SHORTEST;
    let mut asked = false;
    loop {
        job.checkpoint()?;
        let (holder, listens) = match NameLock::try_acquire(environment, &*file, Flock::Exclusive) {
            Ok(Asked::Taken(lock)) => return Ok(signed(environment, lock, manners, job)),
            Ok(Asked::Ours) => return Ok(Opener::InUse(Foreign::new(OURS))),
            Ok(Asked::Busy { holder, listens }) => (holder, listens),
            Err(refusal) => return Ok(Opener::Refused(refusal.to_string())),
        };
        let in_use = Opener::InUse(Foreign::new(holder.to_words()));
        if manners == Manners::Silent {
            return Ok(in_use);
        }
        asked = asked || (listens && has_time && holder.pid.is_some_and(kiss));
        if !asked {
            return Ok(in_use);
        }
        match waiting.vain(&|| holder.clone()) {
            Ok(()) => {}
            Err(Error::Locked { .. }) => return Ok(in_use),
            Err(refusal) => return Err(refusal),
        }
    }
}

/// How long a program that was asked to give up is waited for, as all programs do that know this protocol.
const LISTENERS: Duration = Duration::from_secs(15);

/// The least time in which an answer can be expected.
const SHORTEST: Duration = Duration::from_secs(1);

const OURS: &str = "this program";

/// Makes sure that `held` is the lock of the open `file`, which may have taken the name since it was asked for. Asks
/// nobody to give it up, and so never waits.
pub fn follow(
    environment: &Environment,
    held: Opener,
    file: &dyn MailFile,
    (path, manners): (&Path, Manners),
    job: &Job,
) -> Result<Opener> {
    let metadata = file.metadata().map_err(Error::io(path))?;
    match held {
        Opener::Held(lock) if lock.mailbox() != FileId::of(&metadata) => drop(lock),
        fitting => return Ok(fitting),
    }
    Ok(
        match NameLock::try_acquire(environment, file, Flock::Exclusive) {
            Ok(Asked::Taken(lock)) => signed(environment, lock, manners, job),
            Ok(Asked::Ours) => Opener::InUse(Foreign::new(OURS)),
            Ok(Asked::Busy { holder, .. }) => Opener::InUse(Foreign::new(holder.to_words())),
            Err(refusal) => Opener::Refused(refusal.to_string()),
        },
    )
}

fn signed(environment: &Environment, mut lock: NameLock, manners: Manners, job: &Job) -> Opener {
    if manners == Manners::Ask && lock.sign(environment.process.pid).is_err() {
        job.notice("other programs cannot ask for the mailbox: the lock file refuses our name");
    }
    Opener::Held(lock)
}
