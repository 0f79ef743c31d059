//! Making, counting, removing and renaming mailboxes in Maildir format.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::driver::error::Result;
use crate::driver::layout::folder::directory::{self, Anatomy, new_directory};
use crate::driver::layout::folder::pending;
use crate::driver::local_file::is_missing;
use crate::driver::maildir::folder::{self, FOLDERS, require};
use crate::driver::maildir::row::CHARACTERISTICS;
use crate::driver::maildir::uid_log::{KIND, UidLog};
use crate::driver::place::Place;
use crate::driver::remembered::log;
use crate::mail::status::MailboxStatus;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::FileLayer;

/// What belongs to a mailbox. Without `cur` it is none.
static ANATOMY: Anatomy = Anatomy {
    marks: &FOLDERS,
    is_own,
    mail_in: &["cur", "new"],
    holds_mail,
};

/// Whether programs that serve Maildir keep their own data of the mailbox in a file of this name.
fn is_own(name: &[u8]) -> bool {
    let fronts: [&[u8]; 4] = [b"dovecot", b"maildirfolder", b"courier", b"maildirsize"];
    fronts.iter().any(|front| name.starts_with(front))
}

fn holds_mail(files: &dyn FileLayer, path: &Path) -> io::Result<bool> {
    for folder in ["cur", "new"] {
        match files.read_dir(&path.join(folder)) {
            Ok(names) if !names.is_empty() => return Ok(true),
            Err(refusal) if !is_missing(&refusal) => return Err(refusal),
            _ => {}
        }
    }
    Ok(false)
}

/// Makes a mailbox, whole or not at all.
pub fn create(environment: &Environment, place: &Place) -> Result<()> {
    let mode = place.protection.directory;
    directory::create(environment, place, &|files, path| {
        let mut folders = FOLDERS.iter();
        folders.try_for_each(|folder| new_directory(files, &path.join(folder), mode))
    })
}

/// Counts what is in a mailbox; leaves no trace.
pub fn status(environment: &Arc<Environment>, place: &Place) -> Result<MailboxStatus> {
    require(environment, place)?;
    if !environment.read_only {
        // Where it cannot be done, what is there is counted.
        let _ = pending::recover(environment, &place.path);
    }
    let all = folder::list_surely(environment, &place.path)?;
    let mut log = UidLog::new(environment, &place.path);
    // What cannot be read is as good as none here.
    let _ = log.read_on();
    let count = |condition: &dyn Fn(&folder::Found) -> bool| {
        let count = all.iter().filter(|found| condition(found)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let unknown = count(&|found| !log.knows(found.name.base()));
    let validity = match log.uid_validity() {
        0 => environment.fresh_uid_validity(),
        known => known,
    };
    Ok(MailboxStatus {
        driver: CHARACTERISTICS.driver,
        messages: count(&|_| true),
        recent: count(&|found| found.is_new),
        unseen: count(&|found| !found.name.letters().contains(&b'S')),
        uid_next: Uid::new(log.last_uid().saturating_add(unknown).saturating_add(1)),
        uid_validity: UidValidity::new(validity),
    })
}

/// Removes a mailbox with its messages; mailboxes below it stay. With `only_empty` none that holds a message.
pub fn delete(environment: &Arc<Environment>, place: &Place, only_empty: bool) -> Result<()> {
    require(environment, place)?;
    directory::delete(environment, place, &ANATOMY, only_empty)?;
    // Its numbers are nobody's now; a mailbox of this name gets others.
    let _ = environment
        .files
        .remove_file(&KIND.place(environment, &place.path));
    Ok(())
}

/// Gives a mailbox another name, with all that is below it. INBOX is made anew, empty.
pub fn rename(environment: &Arc<Environment>, from: &Place, to: &Place) -> Result<()> {
    require(environment, from)?;
    pending::recover(environment, &from.path)?;
    directory::refuse_inbox_with_others(environment, from, &ANATOMY)?;
    let is_own = |name: &[u8]| FOLDERS.iter().any(|folder| folder.as_bytes() == name);
    log::rename(environment, KIND, from, to, is_own)?;
    if from.is_inbox {
        return create(environment, from);
    }
    Ok(())
}
