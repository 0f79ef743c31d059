//! Making, counting, removing and renaming mailboxes of these formats.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Stamp, TRIES};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::contents::{Contents, Reading};
use crate::driver::layout::prefile::format::Format;
use crate::driver::layout::prefile::header::{self, Header};
use crate::driver::layout::prefile::line::SEEN;
use crate::driver::layout::prefile::locks;
use crate::driver::layout::prefile::mailbox::{lock_to_write, number_elsewhere};
use crate::driver::layout::prefile::memory::Memory;
use crate::driver::local_file;
use crate::driver::place::Place;
use crate::driver::waiting::{self, Offer};
use crate::mail::status::{Access, MailboxStatus};
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::journal::redo::Journal;
use crate::os::name_lock::NameLock;

/// Makes a mailbox without messages: an empty file, or one with a header. A crash leaves at most an empty file.
pub fn create(
    environment: &Environment,
    format: &'static Format,
    place: &Place,
    job: &Job,
) -> Result<()> {
    local_file::create_empty(environment, place)?;
    if local_file::names_a_directory(place) || !format.is_numbered() {
        return Ok(());
    }
    let validity = environment.fresh_uid_validity();
    let header = Header::new(validity).numbered(validity, 0);
    let (mut file, lock) = lock_to_write(environment, format, place, Offer::Nothing, job)?;
    if file.metadata().map_err(Error::io(&place.path))?.len() > 0 {
        return Err(Error::AlreadyExists(place.path.clone()));
    }
    let length = header::LENGTH as u64;
    Journal::of(environment, format.driver)
        .append(
            &place.path,
            &mut *file,
            &[],
            &mut &header[..],
            length,
            &mut |_, _| {},
        )
        .map_err(|refusal| access::journal_error(&place.path, refusal))?;
    drop(lock);
    Ok(())
}

/// Counts what is in a mailbox; leaves no trace.
pub fn status(
    environment: &Environment,
    (format, mut memory): (&'static Format, Option<&mut dyn Memory>),
    place: &Place,
    job: &Job,
) -> Result<MailboxStatus> {
    let path = &place.path;
    locks::recover_to_look(environment, format, place, job)?;
    let mut file = locks::open_shared(environment, place, OpenMode::Read, job)?;
    let now = environment.fresh_uid_validity();
    let mut tries = 0;
    loop {
        let before = file.metadata().map_err(Error::io(path))?;
        let reading = Reading {
            format,
            source: Source { file: &*file, path },
            validity: now,
            job,
            counts: false,
        };
        let read = Contents::read(reading, before.len(), &mut |_, _| {});
        let after = file.metadata().map_err(Error::io(path))?;
        tries += 1;
        let steady = Stamp::of(&before) == Stamp::of(&after) || tries == TRIES;
        let read = read.and_then(|mut contents| {
            if steady {
                let found = (&mut contents, 0);
                number_elsewhere(reading, memory.as_deref_mut(), found, Access::ReadOnly)?;
            }
            Ok(contents)
        });
        access::restore_times(&mut *file, &before);
        if steady {
            let contents = read?;
            if let Some((offset, what)) = contents.damaged {
                job.notice(format!("damaged at byte {offset}: {what}"));
            }
            return Ok(count(format, &contents));
        }
        std::thread::sleep(waiting::PAUSE);
    }
}

fn count(format: &Format, contents: &Contents) -> MailboxStatus {
    let records = &contents.records;
    let recent = records.iter().filter(|it| it.recent).count();
    let unseen = records.iter().filter(|it| it.flags & SEEN == 0).count();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    MailboxStatus {
        driver: format.driver,
        messages: number(records.len()),
        recent: number(recent),
        unseen: number(unseen),
        uid_next: Uid::new(contents.base.last_uid.saturating_add(1)),
        uid_validity: UidValidity::new(contents.base.uid_validity),
    }
}

/// Removes a mailbox that nobody uses.
pub fn delete(
    environment: &Environment,
    format: &'static Format,
    place: &Place,
    job: &Job,
) -> Result<()> {
    if place.is_inbox {
        return Err(Error::Refused("INBOX cannot be deleted"));
    }
    let locks = lock_alone(environment, format, place, job)?;
    local_file::delete(environment, place)?;
    drop(locks);
    Ok(())
}

/// Removes a mailbox that nobody uses and that holds no message, seen while nobody can append one.
pub fn delete_empty(
    environment: &Environment,
    format: &'static Format,
    place: &Place,
    job: &Job,
) -> Result<()> {
    if place.is_inbox {
        return Err(Error::Refused("INBOX cannot be deleted"));
    }
    let (file, lock) = lock_alone(environment, format, place, job)?;
    let path = &place.path;
    let length = file.metadata().map_err(Error::io(path))?.len();
    let reading = Reading {
        format,
        source: Source { file: &*file, path },
        validity: 1,
        job,
        counts: false,
    };
    let contents = match length {
        0 => Contents::default(),
        _ => Contents::read(reading, length, &mut |_, _| {})?,
    };
    if !contents.records.is_empty() || contents.damaged.is_some() {
        return Err(Error::Refused("it is no longer empty"));
    }
    local_file::delete(environment, place)?;
    drop((file, lock));
    Ok(())
}

/// Gives a mailbox that nobody uses another name. INBOX is made anew, empty.
pub fn rename(
    environment: &Environment,
    format: &'static Format,
    (from, to): (&Place, &Place),
    job: &Job,
) -> Result<()> {
    local_file::refuse_existing(environment, &to.path)?;
    let locks = lock_alone(environment, format, from, job)?;
    local_file::rename(environment, from, to)?;
    drop(locks);
    if from.is_inbox {
        return create(environment, format, from, job);
    }
    Ok(())
}

/// Takes every lock there is on a mailbox, without waiting for whoever has it open.
fn lock_alone(
    environment: &Environment,
    format: &'static Format,
    place: &Place,
    job: &Job,
) -> Result<(Box<dyn MailFile>, NameLock)> {
    environment
        .files
        .metadata(&place.path)
        .map_err(|refusal| local_file::no_access(place, refusal))?;
    let (mut file, lock) = lock_to_write(environment, format, place, Offer::Nothing, job)?;
    if !locks::alone(place, &mut *file)? {
        return Err(waiting::held_by(&waiting::holder_of(&*file)));
    }
    Ok((file, lock))
}
