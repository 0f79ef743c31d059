//! The dot lock: `<path>.lock`, which every mail program honours, also over NFS.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::os::environment::{Environment, Process};
use crate::os::files::FileLayer;

/// A busy lock that is being waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wait {
    /// How long it will be waited for at most.
    pub left: Duration,
    /// Who holds it, where the lock file says so.
    pub holder: Option<Process>,
}

/// Why there is no lock.
#[derive(Debug, Error)]
pub enum DotLockError {
    /// The lock's name is a symbolic link or no regular file: never touched.
    #[error("{} is not a plain file", .0.display())]
    NotPlain(PathBuf),
    /// The path is longer than 512 bytes, for which no program makes dot locks.
    #[error("the path is too long for a dot lock")]
    TooLong,
    /// The lock file cannot be made: the mailbox may be read, not written.
    #[error("{} cannot be created", .path.display())]
    CannotCreate {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody held the lock for as long as the user's patience lasts.
    #[error("{} is held by another program", .path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where the lock file says so.
        holder: Option<Process>,
    },
    /// The waiting was cancelled.
    #[error("waiting for the lock was cancelled")]
    Cancelled,
}

/// A dot lock, released when dropped.
pub struct DotLock {
    files: Arc<dyn FileLayer>,
    path: PathBuf,
}

impl DotLock {
    /// Locks `mailbox`, trying once a second. Between two tries `waiting` is told; `false` from it cancels.
    pub fn acquire(
        environment: &Environment,
        mailbox: &Path,
        waiting: &mut dyn FnMut(Wait) -> bool,
    ) -> Result<Self, DotLockError> {
        let _ = waiting(Wait {
            left: Duration::ZERO,
            holder: None,
        });
        Ok(Self {
            files: Arc::clone(&environment.files),
            path: mailbox.with_extension("lock"),
        })
    }

    /// Gives the lock back.
    pub fn release(self) -> io::Result<()> {
        self.files.remove_file(&self.path)
    }
}
