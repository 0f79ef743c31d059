//! The name lock: `/tmp/.<device>.<inode>`, with which one program keeps a mailbox open for writing.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile};

/// Why there is no lock.
#[derive(Debug, Error)]
pub enum NameLockError {
    /// Something is at the lock's name that Mugo will not touch (R24): `why` tells what.
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
    /// Another process holds it; its id where the file tells one.
    Busy(Option<u32>),
    /// This program itself has the mailbox open.
    Ours,
}

/// A name lock, released when dropped.
pub struct NameLock {
    path: PathBuf,
}

impl NameLock {
    /// Asks for the lock on the mailbox file `file` without waiting.
    pub fn try_acquire(
        environment: &Environment,
        file: &dyn MailFile,
        kind: Flock,
    ) -> Result<Asked, NameLockError> {
        let _ = (file.metadata(), kind);
        Err(NameLockError::Unsafe {
            path: environment.lock_dir.clone(),
            why: "not built yet",
        })
    }

    /// Writes our process id into the lock file, so that others may ask us to give up the lock.
    pub fn sign(&mut self) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            self.path.display().to_string(),
        ))
    }

    /// Gives the lock back and removes the file.
    pub fn release(self) -> io::Result<()> {
        Ok(())
    }
}
