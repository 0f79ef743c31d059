//! The name lock: `/tmp/.<device>.<inode>`, with which one program keeps a mailbox open for writing.
//!
//! The file is everybody's, so whatever is at its name is looked at before it is used: no symbolic link, no FIFO, no
//! file with a second name. It holds the decimal id of the holder's process, so that another program may ask it to
//! give up (SIGUSR2, see [`kiss`](crate::os::process::kiss)), or nothing where the holder does not take part.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::os::environment::Environment;
use crate::os::files::{FileLayer, Flock, MailFile, OpenMode};
use crate::os::guard::{FileId, Guard};
use crate::os::lock_holder::{Holder, has_open};
use crate::os::transfer::{read_full_at, write_all_at};

const MODE: u32 = 0o666;
const TRIES: u32 = 100;

/// Why there is no lock.
#[derive(Debug, Error)]
pub enum NameLockError {
    /// Something is at the lock's name that Mugo will not touch: `why` tells what.
    #[error("{} is not used: {why}", .path.display())]
    Unsafe {
        /// The lock file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The lock file cannot be opened or made.
    #[error("{} cannot be opened", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What came of asking for the lock.
pub enum Asked {
    /// It is ours.
    Taken(NameLock),
    /// Another process holds it.
    Busy {
        /// Which, as far as known.
        holder: Holder,
        /// Whether it takes part in the protocol: the lock file holds its own id, so it may be asked to give up.
        listens: bool,
    },
    /// This program itself has the mailbox open.
    Ours,
}

/// A name lock, released when dropped.
pub struct NameLock {
    files: Arc<dyn FileLayer>,
    path: PathBuf,
    file: Option<Box<dyn MailFile>>,
    guard: Guard,
}

impl NameLock {
    /// Asks for the lock on the mailbox file `mailbox` without waiting.
    pub fn try_acquire(
        environment: &Environment,
        mailbox: &dyn MailFile,
        kind: Flock,
    ) -> Result<Asked, NameLockError> {
        let folder = &environment.lock_dir;
        let metadata = mailbox.metadata().map_err(|source| NameLockError::Io {
            path: folder.clone(),
            source,
        })?;
        let id = FileId::of(&metadata);
        let Some(guard) = environment.guards.enter(id) else {
            return Ok(Asked::Ours);
        };
        let name = LockName {
            files: environment.files.as_ref(),
            path: folder.join(format!(".{:x}.{:x}", id.device, id.inode)),
        };
        for _ in 0..TRIES {
            let Some(mut file) = name.open()? else {
                continue;
            };
            match file.try_lock(kind) {
                Ok(true) => {}
                Ok(false) => return Ok(busy(file.as_ref())),
                Err(source) => return Err(name.failed(source)),
            }
            if !name.leads_to(file.as_ref())? {
                continue;
            }
            if !is_lock_text(file.as_ref()) {
                return Err(name.unsafe_because("it holds something else"));
            }
            // The file of another user keeps the mode he gave it.
            let _ = file.set_mode(MODE);
            let files = Arc::clone(&environment.files);
            let lock = Self {
                files,
                path: name.path,
                file: Some(file),
                guard,
            };
            return Ok(Asked::Taken(lock));
        }
        Ok(Asked::Busy {
            holder: Holder::default(),
            listens: false,
        })
    }

    /// The mailbox file that it is the lock of.
    pub fn mailbox(&self) -> FileId {
        self.guard.file()
    }

    /// Writes a process id into the lock file: others may ask that process to give up the lock. The file of
    /// another user is never written.
    pub fn sign(&mut self, pid: u32) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        if file.metadata()?.uid() != rustix::process::geteuid().as_raw() {
            return Ok(());
        }
        file.set_len(0)?;
        write_all_at(file.as_mut(), pid.to_string().as_bytes(), 0)
    }

    /// Gives the lock back, and removes the file unless others share the lock.
    pub fn release(mut self) -> io::Result<()> {
        self.give_back()
    }

    fn give_back(&mut self) -> io::Result<()> {
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        let alone = file.try_lock(Flock::Exclusive).unwrap_or(false);
        if alone {
            // A file of another user in a sticky folder stays; the lock on it does not.
            let _ = self.files.remove_file(&self.path);
        }
        file.unlock()
    }
}

impl Drop for NameLock {
    fn drop(&mut self) {
        let _ = self.give_back();
    }
}

struct LockName<'e> {
    files: &'e dyn FileLayer,
    path: PathBuf,
}

impl LockName<'_> {
    /// Opens or makes the lock file; `None` when it came or went meanwhile.
    fn open(&self) -> Result<Option<Box<dyn MailFile>>, NameLockError> {
        let mode = match self.files.link_metadata(&self.path) {
            Ok(metadata) => {
                self.verify(&metadata)?;
                OpenMode::ReadWriteNoFollow
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => OpenMode::CreateNew(MODE),
            Err(source) => return Err(self.failed(source)),
        };
        match self.files.open(&self.path, mode) {
            Ok(file) => {
                self.verify(&file.metadata().map_err(|source| self.failed(source))?)?;
                Ok(Some(file))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let there_is_room = self.path.parent().is_some_and(|folder| folder.is_dir());
                if there_is_room {
                    Ok(None)
                } else {
                    Err(self.failed(error))
                }
            }
            Err(source) => Err(self.failed(source)),
        }
    }

    fn verify(&self, metadata: &Metadata) -> Result<(), NameLockError> {
        let kind = metadata.file_type();
        let why = match metadata.nlink() {
            _ if kind.is_symlink() => "it is a symbolic link",
            _ if !kind.is_file() => "it is not a regular file",
            0 | 1 => return Ok(()),
            _ => "it has more than one name",
        };
        Err(self.unsafe_because(why))
    }

    fn unsafe_because(&self, why: &'static str) -> NameLockError {
        NameLockError::Unsafe {
            path: self.path.clone(),
            why,
        }
    }

    /// Whether the name still leads to the file that was opened.
    fn leads_to(&self, file: &dyn MailFile) -> Result<bool, NameLockError> {
        let opened = file.metadata().map_err(|source| self.failed(source))?;
        match self.files.link_metadata(&self.path) {
            Ok(named) => Ok(FileId::of(&named) == FileId::of(&opened) && named.nlink() == 1),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> NameLockError {
        NameLockError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// Who holds the lock. The file is everybody's: what it says is believed of a process that the kernel names as the
/// holder, or that is seen to have the file open.
fn busy(file: &dyn MailFile) -> Asked {
    let said = holder(file);
    let metadata = file.metadata().ok();
    let known = metadata.as_ref().map(Holder::of_kernel_lock);
    let has_open = |pid: &u32| {
        let lock = metadata.as_ref().map(FileId::of);
        lock.is_some_and(|lock| has_open(*pid, lock))
    };
    let holder = match (known.filter(|known| known.pid.is_some()), said) {
        (Some(known), _) => known,
        (None, Some(pid)) if has_open(&pid) => Holder::with_pid(pid),
        (None, _) => Holder::default(),
    };
    let listens = said.is_some() && holder.pid == said;
    Asked::Busy { holder, listens }
}

/// Whether a file is empty or holds nothing but a short number, as lock files do.
fn is_lock_text(file: &dyn MailFile) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.len() == 0) || holder(file).is_some()
}

/// The process id in a lock file.
fn holder(file: &dyn MailFile) -> Option<u32> {
    let mut text = [0; 16];
    let length = read_full_at(file, &mut text, 0).ok()?;
    let digits = text.get(..length)?.trim_ascii_end();
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| all_digits)?
        .parse()
        .ok()
        .filter(|pid| *pid > 0)
}
