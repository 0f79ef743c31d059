//! Making, counting, removing and renaming mailboxes in mx format.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::directory::{self, Anatomy};
use crate::driver::layout::folder::numbers::{file_of, is_digits, numbers_in};
use crate::driver::layout::folder::staged::NEW;
use crate::driver::layout::prefile::line::SEEN;
use crate::driver::local_file::{self, is_missing};
use crate::driver::mx::index::Index;
use crate::driver::mx::index_file::{IndexFile, path_of};
use crate::driver::mx::kept;
use crate::driver::mx::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::mail::status::MailboxStatus;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::{FileLayer, OpenMode};
use crate::os::transfer::write_all_at;

/// What belongs to a mailbox. Without its index it is none.
static ANATOMY: Anatomy = Anatomy {
    marks: &[".mxindex"],
    is_own,
    mail_in: &[],
    holds_mail,
};

/// Whether a name in a mailbox is none of another mailbox below it.
pub fn is_own(name: &[u8]) -> bool {
    let fronts: [&[u8]; 3] = [b".mxindex", NEW.as_bytes(), b".mugo-gone-"];
    is_digits(name) || fronts.iter().any(|front| name.starts_with(front))
}

fn holds_mail(files: &dyn FileLayer, path: &Path) -> io::Result<bool> {
    let names = files.read_dir(path)?;
    Ok(names
        .iter()
        .any(|name| is_digits(name.as_os_str().as_bytes())))
}

/// Whether `path` is a mailbox in this format.
pub fn is_mailbox(environment: &Environment, path: &Path) -> io::Result<bool> {
    match environment.files.metadata(&path_of(path)) {
        Ok(found) => Ok(found.is_file()),
        Err(missing) if is_missing(&missing) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}

/// Fails where there is no mailbox in this format.
pub fn require(environment: &Environment, place: &Place) -> Result<()> {
    let refused = |refusal| local_file::no_access(place, refusal);
    environment.files.metadata(&place.path).map_err(refused)?;
    if is_mailbox(environment, &place.path).map_err(refused)? {
        return Ok(());
    }
    let driver = CHARACTERISTICS.driver;
    let why = "it has no index .mxindex";
    Err(Error::NotThisFormat { driver, why })
}

/// Makes a mailbox, whole or not at all.
pub fn create(environment: &Environment, place: &Place) -> Result<()> {
    refuse_digits(place)?;
    let index = Index::new(environment.fresh_uid_validity());
    let mode = place.protection.file;
    directory::create(environment, place, &|files, path| {
        let path = path_of(path);
        let mut file = files.open(&path, OpenMode::CreateNew(mode))?;
        file.set_mode(mode)?;
        write_all_at(&mut *file, &index.to_bytes(), 0)?;
        file.sync()
    })
}

/// Refuses a name with a part that would be a message in the mailbox above it.
fn refuse_digits(place: &Place) -> Result<()> {
    let last = place.path.file_name().unwrap_or_default().as_bytes();
    let name = place.name.as_bytes();
    let mut parts = name.split(|&byte| byte == b'/').chain([last]);
    match parts.any(is_digits) {
        true => Err(Error::Refused(
            "names of digits alone belong to messages in this format",
        )),
        false => Ok(()),
    }
}

/// Counts what is in a mailbox; leaves no trace.
pub fn status(environment: &Arc<Environment>, place: &Place, job: &Job) -> Result<MailboxStatus> {
    require(environment, place)?;
    let file = IndexFile::look(environment, place, job)?;
    let index = file.read()?;
    let mut numbers = match kept::recall(environment, &place.path) {
        Some(recalled) => recalled.numbers(),
        None => numbers_in(&*environment.files, &place.path).map_err(Error::io(&place.path))?,
    };
    drop(file);
    // What the index knows was a message once; of other names that has to be seen.
    let mut unseen = 0;
    let mut entries = index.entries.iter().peekable();
    numbers.retain(|&uid| {
        while entries.next_if(|entry| entry.uid < uid).is_some() {}
        let entry = entries.next_if(|entry| entry.uid == uid);
        let look = || {
            environment
                .files
                .link_metadata(&place.path.join(file_of(uid)))
        };
        let is_message = entry.is_some() || look().is_ok_and(|found| found.is_file());
        let is_seen = entry.is_some_and(|entry| entry.flags & SEEN != 0);
        unseen += usize::from(is_message && !is_seen);
        is_message
    });
    if let Some(offset) = index.damaged {
        job.notice(format!(
            "its index is damaged at byte {offset}: flags behind it are not known"
        ));
    }
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let last = index.last_uid.max(numbers.last().copied().unwrap_or(0));
    let validity = match index.uid_validity {
        0 => environment.fresh_uid_validity(),
        told => told,
    };
    Ok(MailboxStatus {
        driver: CHARACTERISTICS.driver,
        messages: count(numbers.len()),
        recent: 0,
        unseen: count(unseen),
        uid_next: Uid::new(last.saturating_add(1)),
        uid_validity: UidValidity::new(validity),
    })
}

/// Removes a mailbox with its messages; mailboxes below it stay. With `only_empty` none that holds a message.
pub fn delete(
    environment: &Arc<Environment>,
    place: &Place,
    only_empty: bool,
    job: &Job,
) -> Result<()> {
    require(environment, place)?;
    let lock = IndexFile::lock(environment, place, job)?;
    directory::delete(environment, place, &ANATOMY, only_empty)?;
    drop(lock);
    kept::forget(environment, &place.path);
    Ok(())
}

/// Gives a mailbox another name, with all that is below it. INBOX is made anew, empty.
pub fn rename(environment: &Arc<Environment>, from: &Place, to: &Place, job: &Job) -> Result<()> {
    require(environment, from)?;
    refuse_digits(to)?;
    directory::refuse_inbox_with_others(environment, from, &ANATOMY)?;
    let lock = IndexFile::lock(environment, from, job)?;
    local_file::rename(environment, from, to)?;
    drop(lock);
    kept::forget(environment, &from.path);
    if from.is_inbox {
        return create(environment, from);
    }
    Ok(())
}
