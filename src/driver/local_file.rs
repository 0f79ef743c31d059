//! What every driver that keeps a mailbox in one file does alike: making, removing and renaming that file.

use std::io;
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::place::Place;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::guard::FileId;

/// The error for a place that cannot be looked at.
pub fn no_access(place: &Place, refusal: io::Error) -> Error {
    if refusal.kind() == io::ErrorKind::NotFound {
        Error::NoSuchMailbox {
            path: place.path.clone(),
            can_create: true,
        }
    } else {
        Error::io(&place.path)(refusal)
    }
}

/// Whether the error says that there is nothing of this name.
pub fn is_missing(refusal: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(refusal.kind(), NotADirectory | NotFound)
}

/// Whether the error says that a folder takes no files at all, rather than none for now.
pub fn is_unwritable(refusal: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    is_missing(refusal) || matches!(refusal.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// Whether a name ends in `/`, which asks for a directory.
pub fn names_a_directory(place: &Place) -> bool {
    place.name.as_bytes().ends_with(b"/")
}

/// Makes a zero-length file, or a directory where the name ends in `/`, with its parents. Both are durable.
pub fn create_empty(environment: &Environment, place: &Place) -> Result<()> {
    refuse_existing(environment, &place.path)?;
    create_parents(environment, place)?;
    let files = &environment.files;
    let failed = Error::io(&place.path);
    if names_a_directory(place) {
        files
            .create_dir(&place.path, place.protection.directory)
            .map_err(&failed)?;
    } else {
        let mode = OpenMode::CreateNew(place.protection.file);
        let mut file = files.open(&place.path, mode).map_err(&failed)?;
        files
            .set_mode(&place.path, place.protection.file)
            .and_then(|()| file.sync())
            .map_err(&failed)?;
    }
    sync_parent(environment, &place.path)
}

/// Refuses a path where something is already, a dangling link included.
pub fn refuse_existing(environment: &Environment, path: &Path) -> Result<()> {
    match environment.files.link_metadata(path) {
        Ok(_) => Err(Error::AlreadyExists(path.to_owned())),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(refusal) => Err(Error::io(path)(refusal)),
    }
}

/// Makes the directories above a place that are not there yet.
pub fn create_parents(environment: &Environment, place: &Place) -> Result<()> {
    let Some(parent) = place.path.parent() else {
        return Ok(());
    };
    let mut missing = Vec::new();
    for ancestor in parent.ancestors() {
        match environment.files.metadata(ancestor) {
            Ok(metadata) if metadata.is_dir() => break,
            Ok(_) => return Err(Error::Refused("a file is where a directory is needed")),
            Err(absent) if absent.kind() == io::ErrorKind::NotFound => missing.push(ancestor),
            Err(refusal) => return Err(Error::io(ancestor)(refusal)),
        }
    }
    for directory in missing.into_iter().rev() {
        let made = environment
            .files
            .create_dir(directory, place.protection.directory);
        match made {
            Err(refusal) if refusal.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::io(directory)(refusal));
            }
            _ => sync_parent(environment, directory)?,
        }
    }
    Ok(())
}

/// Removes a file, or an empty directory.
pub fn delete(environment: &Environment, place: &Place) -> Result<()> {
    if place.is_inbox {
        return Err(Error::Refused("INBOX cannot be deleted"));
    }
    let files = &environment.files;
    let metadata = files
        .link_metadata(&place.path)
        .map_err(|refusal| no_access(place, refusal))?;
    let removed = if metadata.is_dir() {
        files.remove_dir(&place.path)
    } else {
        files.remove_file(&place.path)
    };
    removed.map_err(Error::io(&place.path))?;
    sync_parent(environment, &place.path)
}

/// Gives a file or directory another name, never over something that is there.
pub fn rename(environment: &Environment, from: &Place, to: &Place) -> Result<()> {
    let files = &environment.files;
    let metadata = files
        .metadata(&from.path)
        .map_err(|refusal| no_access(from, refusal))?;
    if names_a_directory(to) && !metadata.is_dir() {
        return Err(Error::Refused("a file cannot become a directory"));
    }
    refuse_existing(environment, &to.path)?;
    create_parents(environment, to)?;
    move_name(environment, &from.path, &to.path, metadata.is_dir())?;
    sync_parent(environment, &to.path)?;
    if from.path.parent() == to.path.parent() {
        return Ok(());
    }
    sync_parent(environment, &from.path)
}

/// Whether two paths lead to one file: a link has other letters and the same mail.
pub fn same_file(environment: &Environment, one: &Path, other: &Path) -> bool {
    let files = &environment.files;
    one == other
        || match (files.metadata(one), files.metadata(other)) {
            (Ok(one), Ok(other)) => FileId::of(&one) == FileId::of(&other),
            _ => false,
        }
}

/// Waits until the directory that holds `path` is on disk.
pub fn sync_parent(environment: &Environment, path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    environment
        .files
        .sync_dir(parent)
        .map_err(Error::io(parent))
}

/// In one step, never over a name that somebody else made meanwhile. Where the file system has no such step, a second
/// name first, then the first one goes; and where it has no second names, in one step that looks beforehand.
fn move_name(environment: &Environment, from: &Path, to: &Path, directory: bool) -> Result<()> {
    let files = &environment.files;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists(to.to_owned()),
        _ => Error::io(from)(error),
    };
    match files.rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        other => return other.map_err(failed),
    }
    if directory {
        return files.rename(from, to).map_err(failed);
    }
    match files.hard_link(from, to) {
        Ok(()) => files.remove_file(from).map_err(failed),
        Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => Err(failed(taken)),
        Err(_) => files.rename(from, to).map_err(failed),
    }
}
