//! Making, counting, removing and renaming mailboxes of the traditional formats.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Locked, Look, TRIES};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::format::Format;
use crate::driver::layout::file::framing::Framing;
use crate::driver::layout::file::metadata::{self, Origin};
use crate::driver::layout::file::opener::{self, Manners, Opener};
use crate::driver::layout::file::read_ahead::reading_ahead;
use crate::driver::layout::file::record::Base;
use crate::driver::layout::file::scan::Scan;
use crate::driver::local_file;
use crate::driver::place::Place;
use crate::driver::waiting;
use crate::mail::date::InternalDate;
use crate::mail::flags::SystemFlags;
use crate::mail::status::MailboxStatus;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::journal::plan::Plan;
use crate::os::journal::redo::Journal;

/// Makes a mailbox that holds only its own data. A crash leaves at most an empty file, which is a mailbox too.
pub fn create(
    environment: &Environment,
    framing: &Framing,
    place: &Place,
    job: &Job,
) -> Result<()> {
    local_file::create_empty(environment, place)?;
    if local_file::names_a_directory(place) {
        return Ok(());
    }
    let base = Base {
        uid_validity: environment.fresh_uid_validity(),
        ..Base::default()
    };
    let date = InternalDate::in_zone((environment.clock)(), &jiff::tz::TimeZone::system());
    let origin = Origin {
        host: &environment.process.host,
        now: date,
        is_new: true,
    };
    let text = metadata::pseudo_message(&base, &origin, framing);
    let mut locked = access::lock_to_change(environment, &place.path, job)?;
    Journal::of(environment, framing.name)
        .append(
            &place.path,
            &mut *locked.file,
            &[],
            &mut &text[..],
            text.len() as u64,
            &mut |_, _| {},
        )
        .map(drop)
        .map_err(|refusal| access::journal_error(&place.path, refusal))
}

/// Counts what is in a mailbox; leaves no trace.
pub fn status(
    environment: &Environment,
    format: &Format,
    place: &Place,
    job: &Job,
) -> Result<MailboxStatus> {
    let path = &place.path;
    let mut locked = access::lock_to_look(environment, path, Look::Traceless, job)?;
    locked.tell_of_glance(job);
    let now = environment.fresh_uid_validity();
    let mut tries = 0;
    loop {
        let before = locked.file.metadata().map_err(Error::io(path))?;
        let source = Source {
            file: &*locked.file,
            path,
        };
        let length = before.len();
        let counted = reading_ahead(source.file, length, |ahead| {
            let scan = Scan::whole(source, format.framing, length, ahead, job)?;
            count(scan, format.driver(), length, now, job)
        });
        let steady = locked.steady(&before);
        access::restore_times(&mut *locked.file, &before);
        tries += 1;
        // Whoever counts while mail comes in all the time may be wrong by what came in meanwhile.
        if steady || tries == TRIES {
            return counted;
        }
        std::thread::sleep(waiting::PAUSE);
    }
}

/// Counts what `scan` finds in `length` bytes. `now` stands in for a UIDVALIDITY that the file does not tell.
fn count(
    mut scan: Scan<'_>,
    driver: &'static str,
    length: u64,
    now: u32,
    job: &Job,
) -> Result<MailboxStatus> {
    let mut status = MailboxStatus {
        driver,
        messages: 0,
        recent: 0,
        unseen: 0,
        uid_next: None,
        uid_validity: None,
    };
    while let Some(record) = scan.next_message()? {
        status.messages += 1;
        status.recent += u32::from(record.system.contains(SystemFlags::RECENT));
        status.unseen += u32::from(!record.system.contains(SystemFlags::SEEN));
        if status.messages.is_multiple_of(256) {
            job.progress(scan.offset(), length);
        }
    }
    if let Some((offset, what)) = scan.damage() {
        job.notice(format!("damaged at byte {offset}: {what}"));
    }
    if let Some(offset) = scan.hidden() {
        job.notice(hidden_words(offset));
    }
    let validity = match scan.told().uid_validity {
        0 => now,
        told => told,
    };
    status.uid_validity = UidValidity::new(validity);
    status.uid_next = Uid::new(scan.base().last_uid.saturating_add(1));
    Ok(status)
}

/// What is told of a message that NULs hide.
pub fn hidden_words(offset: u64) -> String {
    format!(
        "NULs, as a crash leaves them, hide a message at byte {offset}; \
         `mugo doctor --repair` writes a copy that shows it"
    )
}

/// Removes a mailbox that nobody uses.
pub fn delete(environment: &Environment, place: &Place, job: &Job) -> Result<()> {
    if place.is_inbox {
        return Err(Error::Refused("INBOX cannot be deleted"));
    }
    let locks = lock_alone(environment, place, job)?;
    local_file::delete(environment, place)?;
    drop(locks);
    Ok(())
}

/// Removes a mailbox that nobody uses and that holds no message, seen while nobody can deliver one.
pub fn delete_empty(
    environment: &Environment,
    framing: &'static Framing,
    place: &Place,
    job: &Job,
) -> Result<()> {
    if place.is_inbox {
        return Err(Error::Refused("INBOX cannot be deleted"));
    }
    let (locked, opener) = lock_alone(environment, place, job)?;
    let length = locked
        .file
        .metadata()
        .map_err(Error::io(&place.path))?
        .len();
    if length > 0 {
        let source = Source {
            file: &*locked.file,
            path: &place.path,
        };
        if Scan::whole(source, framing, length, None, job)?
            .next_message()?
            .is_some()
        {
            return Err(Error::Refused("it is no longer empty"));
        }
    }
    local_file::delete(environment, place)?;
    drop((locked, opener));
    Ok(())
}

/// Leaves nothing of a mailbox without messages but an empty file. Whoever delivers meanwhile is safe: the change is
/// refused when the file has grown.
pub fn leave_empty(
    environment: &Environment,
    framing: &'static Framing,
    place: &Place,
    job: &Job,
) -> Result<()> {
    let path = &place.path;
    let (mut locked, opener) = lock_alone(environment, place, job)?;
    let length = locked.file.metadata().map_err(Error::io(path))?.len();
    let source = Source {
        file: &*locked.file,
        path,
    };
    if length == 0
        || Scan::whole(source, framing, length, None, job)?
            .next_message()?
            .is_some()
    {
        return Ok(());
    }
    Journal::new(environment)
        .rewrite(path, &mut *locked.file, &Plan::new(length), &mut |_, _| {})
        .map_err(|refusal| access::journal_error(path, refusal))?;
    drop((locked, opener));
    Ok(())
}

/// Gives a mailbox that nobody uses another name.
pub fn rename(environment: &Environment, from: &Place, to: &Place, job: &Job) -> Result<()> {
    local_file::refuse_existing(environment, &to.path)?;
    let locks = lock_alone(environment, from, job)?;
    local_file::rename(environment, from, to)?;
    drop(locks);
    Ok(())
}

/// Takes every lock there is on a mailbox, without waiting for whoever has it open.
fn lock_alone(environment: &Environment, place: &Place, job: &Job) -> Result<(Locked, Opener)> {
    // What may not be written is in nobody's use: this says why.
    environment
        .files
        .open(&place.path, OpenMode::ReadWrite)
        .map_err(|refusal| local_file::no_access(place, refusal))?;
    let opener = opener::ask(environment, &place.path, Manners::Silent, job)?;
    match opener {
        Opener::InUse(by) => return Err(Error::Locked { by }),
        Opener::Refused(why) => {
            return Err(Error::Locked {
                by: Foreign::new(why),
            });
        }
        Opener::Held(_) => {}
    }
    let locked = access::lock_to_change(environment, &place.path, job)?;
    let whose = (place.path.as_path(), Manners::Silent);
    match opener::follow(environment, opener, &*locked.file, whose, job)? {
        Opener::InUse(by) => Err(Error::Locked { by }),
        Opener::Refused(why) => Err(Error::Locked {
            by: Foreign::new(why),
        }),
        held => Ok((locked, held)),
    }
}
