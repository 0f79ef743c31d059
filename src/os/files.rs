//! The file layer: every mail file is opened, read, written, synced, truncated, renamed, locked through here.
//!
//! The traits exist so that tests can make the Nth operation fail, cut writes short, record all of
//! them and replay a power loss. The program itself knows one implementation, [`RealFiles`](crate::os::real_files::RealFiles).

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// How to open a file. Nothing here follows a symbolic link or blocks on a FIFO unless it says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// Existing file, to read. Follows links. Never blocks.
    Read,
    /// Existing file, to read. A symbolic link is refused with `ELOOP`. Never blocks.
    ReadNoFollow,
    /// Existing file, to read and write in place. Follows links. Never blocks.
    ReadWrite,
    /// Existing file, to read and write. A symbolic link is refused. Never blocks.
    ReadWriteNoFollow,
    /// A new file with these permission bits (the umask is applied on top); fails when the name exists.
    CreateNew(u32),
}

/// A kernel lock (`flock`) on an open file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flock {
    /// Shared with other readers.
    Shared,
    /// For one writer.
    Exclusive,
}

/// The file system as Mugo uses it.
pub trait FileLayer: Send + Sync {
    /// Opens `path`.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn MailFile>>;
    /// What `path` leads to, following links.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// What `path` itself is, not following a link at its end.
    fn link_metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// Renames over what may be there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames, never over what is there: then it fails with `AlreadyExists`. `Unsupported` where the file system cannot.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Lets two names change places in one step, both of which must be there. `Unsupported` where that cannot be done.
    fn exchange(&self, _one: &Path, _other: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Makes a second name; fails when it exists.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file's name.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes one directory with these permission bits.
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// The names in a directory, unsorted, without `.` and `..`.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// The same names, one after the other, to whom they are of use for a moment.
    fn visit_dir(&self, path: &Path, visit: &mut dyn FnMut(&OsStr)) -> io::Result<()> {
        let names = self.read_dir(path)?;
        names.iter().for_each(|name| visit(name.as_os_str()));
        Ok(())
    }
    /// Waits until the names in a directory are on disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Sets permission bits exactly, whatever the umask.
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// Whether this process may write the file, or change names in the directory, that `path` leads to.
    fn may_write(&self, path: &Path) -> io::Result<bool>;
    /// Whether the file system at `path` is a network one, where `flock` protects nobody.
    fn is_network(&self, path: &Path) -> io::Result<bool>;
    /// Whether the file system at `path` is of a kind that one machine alone writes; `false` in doubt.
    fn is_local_disk(&self, path: &Path) -> io::Result<bool>;
}

/// An open file. All offsets are bytes from its start; there is no file position.
pub trait MailFile: Send + Sync {
    /// Reads at `offset` what one call gives: 0 only at the end of the file or for an empty buffer.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at `offset` what one call takes; may be less than all.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Cuts or extends (with NULs) to `length`.
    fn set_len(&mut self, length: u64) -> io::Result<()>;
    /// Cuts or extends to `length` if the file is `expected` bytes long when the writes are over that other programs have
    /// under way; else changes nothing and says `false`.
    fn resize(&mut self, expected: u64, length: u64) -> io::Result<bool> {
        if self.metadata()?.len() != expected {
            return Ok(false);
        }
        self.set_len(length)?;
        Ok(true)
    }
    /// Claims disk space up to `length` without changing the file's size. `Unsupported` where it cannot be done.
    fn reserve(&mut self, length: u64) -> io::Result<()>;
    /// Waits until bytes and length are on disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Size, times, identity of this very file, whatever its name leads to now.
    fn metadata(&self) -> io::Result<Metadata>;
    /// Sets the permission bits of this very file exactly, whatever the umask.
    fn set_mode(&mut self, mode: u32) -> io::Result<()>;
    /// Sets access and modification time, in whole seconds since 1970.
    fn set_times(&mut self, accessed: i64, modified: i64) -> io::Result<()>;
    /// Takes the lock without waiting: `false` when another process holds one that excludes it. On network file systems does nothing and says `true`.
    fn try_lock(&mut self, kind: Flock) -> io::Result<bool>;
    /// Takes the lock that programs with record locks (`fcntl`) see, on the whole file, without waiting: `false` when another
    /// process holds one that excludes it. Threads of this process it does not exclude, and it goes when any of them
    /// closes the file: see to both with [`Guards`](crate::os::guard::Guards).
    fn try_record_lock(&mut self, kind: Flock) -> io::Result<bool>;
    /// Gives the kernel lock back.
    fn unlock(&mut self) -> io::Result<()>;
}
