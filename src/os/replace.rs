//! Atomic replacement of Mugo's own small files, and of files that nobody locks: the old content or the new, never less.
//!
//! The new content is written beside the file, brought to disk, and renamed over it; then the folder is brought to
//! disk. Never for mailboxes: whoever waits for a lock on the old inode would append to a file without a name.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::os::files::{FileLayer, OpenMode};
use crate::os::transfer::write_all_at;

/// Permission bits of a file that was not there before.
const PRIVATE: u32 = 0o600;
const LINKS: usize = 40;

/// Gives `path` this content, durable on return. Permission bits are kept (0600 for a new file); where `path` is a
/// symbolic link, the file that it leads to is replaced. On an error the old content is there.
pub fn replace(files: &dyn FileLayer, path: &Path, content: &[u8]) -> io::Result<()> {
    let path = target(files, path)?;
    let mode = match files.link_metadata(&path) {
        Ok(metadata) if !metadata.is_file() => return Err(io::ErrorKind::InvalidInput.into()),
        Ok(metadata) => metadata.mode() & 0o777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => PRIVATE,
        Err(error) => return Err(error),
    };
    let beside = beside(&path);
    let written =
        write_beside(files, &beside, mode, content).and_then(|()| files.rename(&beside, &path));
    if let Err(error) = written {
        let _ = files.remove_file(&beside);
        return Err(error);
    }
    files.sync_dir(path.parent().unwrap_or_else(|| Path::new(".")))
}

/// Fails where [`replace`] cannot succeed because the folder of the file takes no files from this user.
pub fn is_replaceable(files: &dyn FileLayer, path: &Path) -> io::Result<()> {
    let path = target(files, path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let wanted = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    Ok(rustix::fs::access(folder, wanted)?)
}

/// The file that a path leads to in the end, which need not exist.
pub fn target(files: &dyn FileLayer, path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        if !files
            .link_metadata(&path)
            .is_ok_and(|metadata| metadata.is_symlink())
        {
            return Ok(path);
        }
        let leads_to = std::fs::read_link(&path)?;
        path = path
            .parent()
            .unwrap_or_else(|| Path::new(""))
            .join(leads_to);
    }
    Err(io::ErrorKind::InvalidInput.into())
}

/// A name in the same folder that no other process uses.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

/// Writes the new content beside the file, durable, to be renamed over it.
pub fn write_beside(
    files: &dyn FileLayer,
    beside: &Path,
    mode: u32,
    content: &[u8],
) -> io::Result<()> {
    let mut file = match files.open(beside, OpenMode::CreateNew(PRIVATE)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            files.remove_file(beside)?;
            files.open(beside, OpenMode::CreateNew(PRIVATE))?
        }
        other => other?,
    };
    file.set_mode(mode)?;
    write_all_at(file.as_mut(), content, 0)?;
    file.sync()
}
