//! Making, counting, removing and renaming MH mailboxes.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::directory::{self, Anatomy};
use crate::driver::layout::folder::numbers::is_digits;
use crate::driver::layout::prefile::line::SEEN;
use crate::driver::mh::folder::{is_own, profile, require};
use crate::driver::mh::locking::lock;
use crate::driver::mh::mailbox::Mh;
use crate::driver::mh::register::{Depth, KIND};
use crate::driver::mh::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::driver::remembered::log;
use crate::mail::status::{Access, MailboxStatus};
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::FileLayer;

/// What belongs to a mailbox. Its directory is all that makes it one.
static ANATOMY: Anatomy = Anatomy {
    marks: &[],
    is_own,
    mail_in: &[],
    holds_mail,
};

fn holds_mail(files: &dyn FileLayer, path: &Path) -> io::Result<bool> {
    let names = files.read_dir(path)?;
    let is_mail = |name: &PathBuf| is_digits(name.as_os_str().as_bytes());
    Ok(names.iter().any(is_mail))
}

/// Makes a mailbox, whole or not at all.
pub fn create(environment: &Environment, place: &Place) -> Result<()> {
    refuse_outside(environment, place)?;
    directory::create(environment, place, &|_, _| Ok(()))
}

/// Refuses a place that could not be recognised.
fn refuse_outside(environment: &Environment, place: &Place) -> Result<()> {
    let path = place.path.components().collect::<PathBuf>();
    let last = path.file_name().unwrap_or_default().as_bytes();
    match profile(environment)?.covers(&path) && !is_digits(last) {
        true => Ok(()),
        false => Err(Error::Refused(
            "MH mailboxes are below one directory, with names that are not of digits alone",
        )),
    }
}

/// Counts what is in a mailbox; leaves no trace, but for finishing what was interrupted.
pub fn status(environment: &Arc<Environment>, place: &Place, job: &Job) -> Result<MailboxStatus> {
    let mut mailbox = Mh::closed(environment, place, Access::ReadOnly, Depth::Names)?;
    mailbox.refresh(&job.without_changes())?;
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let unseen = mailbox.told.iter().filter(|told| told.flags & SEEN == 0);
    let recent = mailbox.told.iter().filter(|told| told.recent);
    Ok(MailboxStatus {
        driver: CHARACTERISTICS.driver,
        messages: count(mailbox.told.len()),
        recent: count(recent.count()),
        unseen: count(unseen.count()),
        uid_next: Uid::new(mailbox.register.last_uid().saturating_add(1)),
        uid_validity: UidValidity::new(mailbox.register.uid_validity),
    })
}

/// Removes a mailbox with its messages; mailboxes below it stay. With `only_empty` none that holds a message.
pub fn delete(
    environment: &Arc<Environment>,
    place: &Place,
    only_empty: bool,
    job: &Job,
) -> Result<()> {
    let profile = require(environment, place)?;
    let lock = lock(environment, place, &profile, job)?;
    directory::delete(environment, place, &ANATOMY, only_empty)?;
    drop(lock);
    if environment.files.metadata(&place.path).is_ok() {
        // What the profile calls its sequences may have another name than usual.
        let sequences = place.path.join(&profile.sequences);
        let _ = environment.files.remove_file(&sequences);
        if environment.files.remove_dir(&place.path).is_err() {
            job.notice("its messages are gone; the directory stays because of other things in it");
        }
    }
    // Its numbers are nobody's now; a mailbox of this name gets others.
    let log = KIND.place(environment, &place.path);
    let _ = environment.files.remove_file(&log);
    Ok(())
}

/// Gives a mailbox another name, with all that is below it. INBOX is made anew, empty.
pub fn rename(environment: &Arc<Environment>, from: &Place, to: &Place, job: &Job) -> Result<()> {
    let profile = require(environment, from)?;
    refuse_outside(environment, to)?;
    directory::refuse_inbox_with_others(environment, from, &ANATOMY)?;
    let lock = lock(environment, from, &profile, job)?;
    log::rename(environment, KIND, from, to, is_digits)?;
    drop(lock);
    if from.is_inbox {
        return create(environment, from);
    }
    Ok(())
}
