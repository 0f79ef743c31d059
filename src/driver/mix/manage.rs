//! Making, counting, removing and renaming mailboxes in mix format.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::directory::{self, Anatomy};
use crate::driver::layout::prefile::locks::{alone, open_shared};
use crate::driver::local_file::{self, is_missing};
use crate::driver::mix::contents::Contents;
use crate::driver::mix::fields::sequence_line;
use crate::driver::mix::locked::{Locked, share_of};
use crate::driver::mix::meta::Meta;
use crate::driver::mix::names::{FRONT, INDEX, META, STATUS, data_file, data_files};
use crate::driver::mix::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::driver::waiting::{held_by, holder_of};
use crate::mail::status::MailboxStatus;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::{FileLayer, MailFile, OpenMode};
use crate::os::transfer::write_all_at;

/// What belongs to a mailbox. Without `.mixmeta` it is none.
static ANATOMY: Anatomy = Anatomy {
    marks: &[META],
    is_own,
    mail_in: &[],
    holds_mail,
};

/// Whether a name in a mailbox is none of another mailbox below it.
pub fn is_own(name: &[u8]) -> bool {
    name.starts_with(FRONT)
}

/// Whether there is an index that is more than its first line; any data where it is lost.
fn holds_mail(files: &dyn FileLayer, path: &Path) -> io::Result<bool> {
    let length = |name: &Path| match files.link_metadata(&path.join(name)) {
        Err(missing) if is_missing(&missing) => Ok(0),
        other => other.map(|found| found.len()),
    };
    match length(Path::new(INDEX))? {
        0 => {
            for number in data_files(files, path)? {
                if length(&data_file(number))? > 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        known => Ok(known > sequence_line(0).len() as u64),
    }
}

/// Whether `path` is a mailbox in this format.
pub fn is_mailbox(environment: &Environment, path: &Path) -> io::Result<bool> {
    match environment.files.metadata(&path.join(META)) {
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
    let why = "it has no .mixmeta";
    Err(Error::NotThisFormat { driver, why })
}

/// Makes a mailbox, whole or not at all.
pub fn create(environment: &Environment, place: &Place) -> Result<()> {
    refuse_own_names(place)?;
    let meta = Meta::new(environment.fresh_uid_validity());
    let mode = place.protection.file;
    directory::create(environment, place, &|files, path| {
        let make = |name: &Path, bytes: &[u8]| {
            let mut file = files.open(&path.join(name), OpenMode::CreateNew(mode))?;
            file.set_mode(mode)?;
            write_all_at(&mut *file, bytes, 0)?;
            file.sync()
        };
        let line = sequence_line(meta.sequence);
        make(&data_file(meta.current), b"")?;
        make(Path::new(INDEX), &line)?;
        make(Path::new(STATUS), &line)?;
        make(Path::new(META), &meta.to_bytes())
    })
}

/// Refuses a name that would be a file of the mailbox above it.
fn refuse_own_names(place: &Place) -> Result<()> {
    let path = place.path.file_name().unwrap_or_default().as_bytes();
    let name = place.name.as_bytes();
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let name = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    match is_own(path) || is_own(name) {
        true => Err(Error::Refused(
            "names that begin with .mix belong to the files of a mailbox in this format",
        )),
        false => Ok(()),
    }
}

/// Counts what is in a mailbox; leaves no trace.
pub fn status(environment: &Environment, place: &Place, job: &Job) -> Result<MailboxStatus> {
    require(environment, place)?;
    let _share = open_shared(environment, &share_of(place), OpenMode::Read, job)?;
    let locked = Locked::to_look(environment, place, job)?;
    let contents = Contents::read(&locked, None, job)?.unwrap_or_default();
    drop(locked);
    if let Some(damage) = contents.damage().or(contents.lost_flags) {
        job.notice(format!("{damage}: not all can be counted"));
    }
    let records = &contents.records;
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let validity = match contents.meta.uid_validity {
        0 => environment.fresh_uid_validity(),
        told => told,
    };
    Ok(MailboxStatus {
        driver: CHARACTERISTICS.driver,
        messages: count(records.len()),
        recent: count(records.iter().filter(|record| record.is_new()).count()),
        unseen: count(records.iter().filter(|record| !record.is_seen()).count()),
        uid_next: Uid::new(contents.last_uid().saturating_add(1)),
        uid_validity: UidValidity::new(validity),
    })
}

/// Locks a mailbox that nobody else may have open. In the order of those who reclaim: whoever does has no share lock for a
/// moment, and is not taken for gone. What waits for the locks meanwhile finds the mailbox gone.
fn lock_alone(
    environment: &Environment,
    place: &Place,
    job: &Job,
    lock: &dyn Fn(&Environment, &Place, &Job) -> Result<Locked>,
) -> Result<(Locked, Box<dyn MailFile>)> {
    let share = share_of(place);
    let mut file = open_shared(environment, &share, OpenMode::ReadWrite, job)?;
    let locked = lock(environment, place, job)?;
    match alone(&share, &mut *file)? {
        true => Ok((locked, file)),
        false => Err(held_by(&holder_of(&*file))),
    }
}

/// Removes a mailbox with its messages; mailboxes below it stay. With `only_empty` none that holds a message.
pub fn delete(environment: &Environment, place: &Place, only_empty: bool, job: &Job) -> Result<()> {
    require(environment, place)?;
    let _locks = lock_alone(environment, place, job, &Locked::to_remove)?;
    directory::delete(environment, place, &ANATOMY, only_empty)
}

/// Gives a mailbox another name, with all that is below it. INBOX is made anew, empty.
pub fn rename(environment: &Environment, from: &Place, to: &Place, job: &Job) -> Result<()> {
    require(environment, from)?;
    refuse_own_names(to)?;
    directory::refuse_inbox_with_others(environment, from, &ANATOMY)?;
    let locks = lock_alone(environment, from, job, &Locked::to_change)?;
    local_file::rename(environment, from, to)?;
    drop(locks);
    if from.is_inbox {
        return create(environment, from);
    }
    Ok(())
}

/// The files that hold the messages of a mailbox.
pub fn mail_files(files: &dyn FileLayer, path: &Path) -> Vec<std::path::PathBuf> {
    let numbers = data_files(files, path).unwrap_or_default();
    let paths = numbers
        .into_iter()
        .map(|number| path.join(data_file(number)));
    paths.collect()
}
