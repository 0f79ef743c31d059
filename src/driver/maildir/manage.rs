//! Making, counting, removing and renaming mailboxes in Maildir format.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::local_file;
use crate::driver::maildir::folder::{self, FOLDERS, is_missing, require};
use crate::driver::maildir::pending;
use crate::driver::maildir::row::CHARACTERISTICS;
use crate::driver::maildir::uid_log::{self, UidLog};
use crate::driver::place::Place;
use crate::mail::status::MailboxStatus;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::FileLayer;

/// Makes a mailbox, whole or not at all.
pub fn create(environment: &Environment, place: &Place) -> Result<()> {
    local_file::refuse_existing(environment, &place.path)?;
    local_file::create_parents(environment, place)?;
    let files = &*environment.files;
    let mode = place.protection.directory;
    let beside = hidden(environment, &place.path, "new");
    let made = make(files, &beside, mode).and_then(|()| {
        let moved = files.rename_new(&beside, &place.path);
        match moved {
            Err(refusal) if refusal.kind() == io::ErrorKind::Unsupported => {
                files.rename(&beside, &place.path)
            }
            other => other,
        }
    });
    if let Err(refusal) = made {
        // What stays of it holds no mail.
        let _ = remove_tree(files, &beside);
        return Err(match refusal.kind() {
            io::ErrorKind::AlreadyExists => Error::AlreadyExists(place.path.clone()),
            _ => Error::io(&place.path)(refusal),
        });
    }
    local_file::sync_parent(environment, &place.path)
}

fn make(files: &dyn FileLayer, path: &Path, mode: u32) -> io::Result<()> {
    let new = |path: &Path| {
        files.create_dir(path, mode)?;
        files.set_mode(path, mode)
    };
    new(path)?;
    for folder in FOLDERS {
        new(&path.join(folder))?;
    }
    files.sync_dir(path)
}

/// A name beside `path` that no list shows and no other program has.
fn hidden(environment: &Environment, path: &Path, what: &str) -> PathBuf {
    let process = &environment.process;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(50).collect();
    let (pid, start) = (process.pid, process.start);
    path.with_file_name(format!(".{name}.mugo-{what}-{pid}-{start}"))
}

/// Counts what is in a mailbox; leaves no trace.
pub fn status(environment: &Arc<Environment>, place: &Place) -> Result<MailboxStatus> {
    require(environment, place)?;
    if !environment.read_only {
        // Where it cannot be done, what is there is counted.
        let _ = pending::recover(environment, &place.path);
    }
    let all = folder::list(environment, &place.path)?;
    let mut log = UidLog::new(environment, &place.path);
    let known = log.read_on().unwrap_or_default();
    let count = |condition: &dyn Fn(&folder::Found) -> bool| {
        let count = all.iter().filter(|found| condition(found)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let unknown = count(&|found| !known.contains_key(found.name.base()));
    let validity = match log.uid_validity {
        0 => environment.fresh_uid_validity(),
        known => known,
    };
    Ok(MailboxStatus {
        driver: CHARACTERISTICS.driver,
        messages: count(&|_| true),
        recent: count(&|found| found.is_new),
        unseen: count(&|found| !found.name.letters().contains(&b'S')),
        uid_next: Uid::new(log.last_uid.saturating_add(unknown).saturating_add(1)),
        uid_validity: UidValidity::new(validity),
    })
}

/// Removes a mailbox with its messages; mailboxes below it stay. With `only_empty` none that holds a message.
pub fn delete(environment: &Arc<Environment>, place: &Place, only_empty: bool) -> Result<()> {
    if place.is_inbox {
        return Err(Error::Refused("INBOX cannot be deleted"));
    }
    require(environment, place)?;
    if only_empty && !folder::list(environment, &place.path)?.is_empty() {
        return Err(Error::Refused(OCCUPIED));
    }
    let failed = Error::io(&place.path);
    if stands_alone(&*environment.files, &place.path).map_err(&failed)? {
        delete_whole(environment, place, only_empty)?;
    } else {
        delete_inside(environment, place, only_empty)?;
    }
    // Its numbers are nobody's now; a mailbox of this name gets others.
    let _ = environment
        .files
        .remove_file(&uid_log::place(environment, &place.path));
    local_file::sync_parent(environment, &place.path)
}

const OCCUPIED: &str = "it is no longer empty";

/// Whether nothing but the mailbox is in its directory, and that is no link.
fn stands_alone(files: &dyn FileLayer, path: &Path) -> io::Result<bool> {
    let names = files.read_dir(path)?;
    let own = |name: &PathBuf| {
        FOLDERS.iter().any(|folder| name == Path::new(folder))
            || is_own(name.as_os_str().as_bytes())
    };
    Ok(names.iter().all(own) && files.link_metadata(path)?.is_dir())
}

/// In one step, the directory with all that is in it.
fn delete_whole(environment: &Environment, place: &Place, only_empty: bool) -> Result<()> {
    let files = &*environment.files;
    let failed = Error::io(&place.path);
    let apart = hidden(environment, &place.path, "deleted");
    files.rename(&place.path, &apart).map_err(&failed)?;
    if only_empty && !folder::list(environment, &apart)?.is_empty() {
        // Mail came in the last moment.
        files.rename_new(&apart, &place.path).map_err(&failed)?;
        return Err(Error::Refused(OCCUPIED));
    }
    local_file::sync_parent(environment, &place.path)?;
    remove_tree(files, &apart).map_err(&failed)
}

/// The mailbox out of a directory that stays. Without `cur` it is no mailbox: from there on it is deleted.
fn delete_inside(environment: &Environment, place: &Place, only_empty: bool) -> Result<()> {
    let files = &*environment.files;
    let failed = Error::io(&place.path);
    let apart = hidden(environment, &place.path.join("mailbox"), "deleted");
    files.create_dir(&apart, 0o700).map_err(&failed)?;
    let mut moved = Vec::new();
    let mut refusal = None;
    for folder in FOLDERS {
        if let Err(why) = files.rename(&place.path.join(folder), &apart.join(folder)) {
            refusal = Some(failed(why));
            break;
        }
        moved.push(folder);
        if only_empty && folder != "tmp" && holds_files(files, &apart.join(folder)) {
            refusal = Some(Error::Refused(OCCUPIED));
            break;
        }
    }
    if let Some(refusal) = refusal {
        for folder in moved.into_iter().rev() {
            let back = files.rename(&apart.join(folder), &place.path.join(folder));
            back.map_err(&failed)?;
        }
        files.remove_dir(&apart).map_err(&failed)?;
        return Err(refusal);
    }
    files.sync_dir(&place.path).map_err(&failed)?;
    remove_tree(files, &apart).map_err(&failed)?;
    for name in files.read_dir(&place.path).map_err(&failed)? {
        let path = place.path.join(&name);
        let own = is_own(name.as_os_str().as_bytes());
        if own
            && files
                .link_metadata(&path)
                .is_ok_and(|found| found.is_file())
        {
            files.remove_file(&path).map_err(&failed)?;
        }
    }
    match files.remove_dir(&place.path) {
        // Mailboxes below it, or a link to it.
        Err(refusal) if stays(&refusal) => Ok(()),
        other => other.map_err(&failed),
    }
}

fn stays(refusal: &io::Error) -> bool {
    use io::ErrorKind::{DirectoryNotEmpty, NotADirectory};
    matches!(refusal.kind(), DirectoryNotEmpty | NotADirectory)
}

/// Whether programs that serve Maildir keep their own data of the mailbox in a file of this name.
fn is_own(name: &[u8]) -> bool {
    let fronts: [&[u8]; 4] = [b"dovecot", b"maildirfolder", b"courier", b"maildirsize"];
    fronts.iter().any(|front| name.starts_with(front))
}

fn holds_files(files: &dyn FileLayer, path: &Path) -> bool {
    files.read_dir(path).is_ok_and(|names| !names.is_empty())
}

/// Removes a folder with all that is in it; links are removed, not followed.
fn remove_tree(files: &dyn FileLayer, path: &Path) -> io::Result<()> {
    let mut folders = vec![path.to_owned()];
    let mut empty = Vec::new();
    while let Some(folder) = folders.pop() {
        for name in files.read_dir(&folder)? {
            let path = folder.join(name);
            match files.link_metadata(&path)?.is_dir() {
                true => folders.push(path),
                false => files.remove_file(&path)?,
            }
        }
        empty.push(folder);
    }
    empty
        .iter()
        .rev()
        .try_for_each(|folder| files.remove_dir(folder))
}

/// Gives a mailbox another name, with all that is below it. INBOX is made anew, empty.
pub fn rename(environment: &Arc<Environment>, from: &Place, to: &Place) -> Result<()> {
    require(environment, from)?;
    local_file::refuse_existing(environment, &to.path)?;
    local_file::create_parents(environment, to)?;
    let files = &*environment.files;
    let (log, new) = (
        uid_log::place(environment, &from.path),
        uid_log::place(environment, &to.path),
    );
    // Its numbers have the new name too before it has: they are known under whichever it has after a crash.
    let linked = link_anew(files, &log, &new);
    linked.map_err(Error::io(&new))?;
    if let Err(refusal) = local_file::rename(environment, from, to) {
        if files.metadata(&from.path).is_ok() {
            // What stays is nobody's.
            let _ = files.remove_file(&new);
        }
        return Err(refusal);
    }
    let _ = files.remove_file(&log);
    if from.is_inbox {
        return create(environment, from);
    }
    Ok(())
}

/// Gives the file `log`, where there is one, the name `new` too, durable on return.
fn link_anew(files: &dyn FileLayer, log: &Path, new: &Path) -> io::Result<()> {
    if files.metadata(log).is_err() {
        return Ok(());
    }
    match files.remove_file(new) {
        Err(refusal) if !is_missing(&refusal) => return Err(refusal),
        _ => {}
    }
    files.hard_link(log, new)?;
    files.sync_dir(new.parent().unwrap_or(Path::new(".")))
}
