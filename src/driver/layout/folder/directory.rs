//! Making and removing mailboxes that are directories: in one step, whatever happens meanwhile.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::driver::error::{Error, Result};
use crate::driver::layout::folder::numbers::is_digits;
use crate::driver::local_file;
use crate::driver::place::Place;
use crate::os::environment::Environment;
use crate::os::files::FileLayer;

/// What belongs to a mailbox in its directory; mailboxes below it do not.
pub struct Anatomy {
    /// What makes it a mailbox: without the first of them it is none.
    pub marks: &'static [&'static str],
    /// Whether another name there is the mailbox's own.
    pub is_own: fn(&[u8]) -> bool,
    /// The folders in it that hold messages; none where these are in the directory itself.
    pub mail_in: &'static [&'static str],
    /// Whether a directory holds messages.
    pub holds_mail: fn(&dyn FileLayer, &Path) -> io::Result<bool>,
}

/// Makes a mailbox, whole or not at all: `make` puts into an empty directory what belongs there.
pub fn create(
    environment: &Environment,
    place: &Place,
    make: &dyn Fn(&dyn FileLayer, &Path) -> io::Result<()>,
) -> Result<()> {
    local_file::refuse_existing(environment, &place.path)?;
    local_file::create_parents(environment, place)?;
    let files = &*environment.files;
    let beside = hidden(environment, &place.path, "new");
    let made = new_directory(files, &beside, place.protection.directory)
        .and_then(|()| make(files, &beside))
        .and_then(|()| files.sync_dir(&beside))
        .and_then(|()| match files.rename_new(&beside, &place.path) {
            Err(refusal) if refusal.kind() == io::ErrorKind::Unsupported => {
                files.rename(&beside, &place.path)
            }
            other => other,
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

/// Makes a directory with these permission bits, whatever the umask.
pub fn new_directory(files: &dyn FileLayer, path: &Path, mode: u32) -> io::Result<()> {
    files.create_dir(path, mode)?;
    files.set_mode(path, mode)
}

/// A name beside `path` that no other program has.
fn hidden(environment: &Environment, path: &Path, what: &str) -> PathBuf {
    let process = &environment.process;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(50).collect();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (pid, start) = (process.pid, process.start);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.mugo-{what}-{pid}-{start}-{number}"))
}

/// Removes a mailbox with its messages; mailboxes below it stay. With `only_empty` none that holds a message.
pub fn delete(
    environment: &Environment,
    place: &Place,
    anatomy: &Anatomy,
    only_empty: bool,
) -> Result<()> {
    if place.is_inbox {
        return Err(Error::Refused("INBOX cannot be deleted"));
    }
    let files = &*environment.files;
    let failed = Error::io(&place.path);
    let occupied = |path: &Path| match only_empty {
        true => (anatomy.holds_mail)(files, path).map_err(&failed),
        false => Ok(false),
    };
    if occupied(&place.path)? {
        return Err(Error::Refused(OCCUPIED));
    }
    let whole = stands_alone(files, &place.path, anatomy).map_err(&failed)?
        && delete_whole(environment, place, anatomy, only_empty)?;
    if !whole {
        delete_inside(environment, place, anatomy, only_empty, &occupied)?;
    }
    local_file::sync_parent(environment, &place.path)
}

const OCCUPIED: &str = "it is no longer empty";

/// Looks for messages where only mailboxes without any shall go.
type Occupied<'a> = &'a dyn Fn(&Path) -> Result<bool>;

/// Whether nothing but the mailbox is in its directory, and that is no link.
fn stands_alone(files: &dyn FileLayer, path: &Path, anatomy: &Anatomy) -> io::Result<bool> {
    for name in files.read_dir(path)? {
        let mark = anatomy.marks.iter().any(|mark| name == Path::new(mark));
        let own = mark || (anatomy.is_own)(name.as_os_str().as_bytes());
        // A directory may be a mailbox, whatever its name.
        if !own || (!mark && files.link_metadata(&path.join(&name))?.is_dir()) {
            return Ok(false);
        }
    }
    Ok(files.link_metadata(path)?.is_dir())
}

/// In one step, the directory with all that is in it; `false` where a mailbox below it came in the last moment.
fn delete_whole(
    environment: &Environment,
    place: &Place,
    anatomy: &Anatomy,
    only_empty: bool,
) -> Result<bool> {
    let files = &*environment.files;
    let failed = Error::io(&place.path);
    let apart = hidden(environment, &place.path, "deleted");
    files.rename(&place.path, &apart).map_err(&failed)?;
    let looked = stands_alone(files, &apart, anatomy).and_then(|alone| match only_empty && alone {
        true => Ok((
            alone,
            (anatomy.holds_mail)(files, &apart)? || !empties(files, &apart, anatomy)?,
        )),
        false => Ok((alone, false)),
    });
    match looked {
        Ok((true, false)) => {}
        other => {
            // Mail came in the last moment, or it cannot be known.
            put_back(files, &apart, &place.path).map_err(&failed)?;
            let (alone, _) = other.map_err(&failed)?;
            return match alone {
                true => Err(Error::Refused(OCCUPIED)),
                false => Ok(false),
            };
        }
    }
    local_file::sync_parent(environment, &place.path)?;
    remove_tree(files, &apart).map_err(&failed)?;
    Ok(true)
}

/// Removes the folders that hold messages, which the system refuses where one came in the last moment; then they are there
/// again, and the answer is `false`.
fn empties(files: &dyn FileLayer, path: &Path, anatomy: &Anatomy) -> io::Result<bool> {
    for (place, folder) in anatomy.mail_in.iter().enumerate() {
        let mode = files.metadata(&path.join(folder))?.mode() & 0o7777;
        let Err(refusal) = files.remove_dir(&path.join(folder)) else {
            continue;
        };
        for folder in anatomy.mail_in.iter().take(place) {
            new_directory(files, &path.join(folder), mode)?;
        }
        return match refusal.kind() {
            io::ErrorKind::DirectoryNotEmpty => Ok(false),
            _ => Err(refusal),
        };
    }
    Ok(true)
}

fn put_back(files: &dyn FileLayer, apart: &Path, path: &Path) -> io::Result<()> {
    match files.rename_new(apart, path) {
        Err(refusal) if refusal.kind() == io::ErrorKind::Unsupported => files.rename(apart, path),
        other => other,
    }
}

/// The mailbox out of a directory that stays: its marks first.
fn delete_inside(
    environment: &Environment,
    place: &Place,
    anatomy: &Anatomy,
    only_empty: bool,
    occupied: Occupied<'_>,
) -> Result<()> {
    let files = &*environment.files;
    let failed = Error::io(&place.path);
    let apart = hidden(environment, &place.path.join("mailbox"), "deleted");
    files.create_dir(&apart, 0o700).map_err(&failed)?;
    let mut moved = Vec::new();
    let mut refusal = None;
    for mark in anatomy.marks {
        match files.rename(&place.path.join(mark), &apart.join(mark)) {
            Ok(()) => moved.push(mark),
            Err(why) => {
                refusal = Some(failed(why));
                break;
            }
        }
    }
    if refusal.is_none() {
        let found = occupied(&apart).and_then(|found| Ok(found || occupied(&place.path)?));
        refusal = match found {
            Ok(true) => Some(Error::Refused(OCCUPIED)),
            Ok(false) => None,
            Err(why) => Some(why),
        };
    }
    if let Some(refusal) = refusal {
        for mark in moved.into_iter().rev() {
            let back = files.rename(&apart.join(mark), &place.path.join(mark));
            back.map_err(&failed)?;
        }
        files.remove_dir(&apart).map_err(&failed)?;
        return Err(refusal);
    }
    files.sync_dir(&place.path).map_err(&failed)?;
    remove_tree(files, &apart).map_err(&failed)?;
    for name in files.read_dir(&place.path).map_err(&failed)? {
        let path = place.path.join(&name);
        let bytes = name.as_os_str().as_bytes();
        let own = (anatomy.is_own)(bytes);
        if own && only_empty && is_digits(bytes) {
            // It came in the last moment.
            return Err(Error::Refused(OCCUPIED));
        }
        if own
            && files
                .link_metadata(&path)
                .is_ok_and(|found| !found.is_dir())
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

/// Removes a directory with all that is in it; links are removed, not followed.
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

/// Refuses to give INBOX another name where that would take mailboxes below it along (RFC 3501, 6.3.5).
pub fn refuse_inbox_with_others(
    environment: &Environment,
    place: &Place,
    anatomy: &Anatomy,
) -> Result<()> {
    let files = &*environment.files;
    let failed = Error::io(&place.path);
    let names = match place.is_inbox {
        true => files.read_dir(&place.path).map_err(&failed)?,
        false => return Ok(()),
    };
    let other = |name: &PathBuf| {
        let mark = anatomy.marks.iter().any(|mark| name == Path::new(mark));
        !mark
            && files
                .metadata(&place.path.join(name))
                .is_ok_and(|it| it.is_dir())
    };
    match names.iter().any(other) {
        true => Err(Error::Refused(
            "INBOX has mailboxes below it, which would move along; copy its messages instead",
        )),
        false => Ok(()),
    }
}
