//! The journal as drivers use it: rewrite, append, recover.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::os::environment::Environment;
use crate::os::files::MailFile;
use crate::os::journal::error::{JournalError, Recovered};
use crate::os::journal::plan::Plan;

/// Changes of mailbox files that are complete or absent, whenever the program or the machine stops.
///
/// Whoever calls holds the mailbox's write locks, and has recovered what was pending.
pub struct Journal<'a> {
    environment: &'a Environment,
    window: usize,
}

/// An old journal found in the state folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOver {
    /// The journal.
    pub journal: PathBuf,
    /// The mailbox it was made for, as far as it can be read.
    pub mailbox: Option<PathBuf>,
    /// Whether it awaits a recovery; else it was put aside by one that found a conflict.
    pub pending: bool,
}

impl<'a> Journal<'a> {
    /// The journals of this user.
    pub fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            window: 8 << 20,
        }
    }

    /// The same with another size of the windows in which large changes are made, in bytes. For tests.
    #[must_use]
    pub fn with_window(mut self, bytes: usize) -> Self {
        self.window = bytes.max(1);
        self
    }

    /// Gives `file` the content of `plan`, in place and all or nothing, durable on return.
    ///
    /// Bytes that lie beyond the length the plan was made for are kept behind the new content.
    pub fn rewrite(
        &self,
        path: &Path,
        file: &mut dyn MailFile,
        plan: &Plan,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), JournalError> {
        let _ = (&self.environment, self.window, file, plan, progress);
        Err(unfinished(path))
    }

    /// Appends `length` bytes of `source`, all or none, durable on return, and overwrites `patches` (offset
    /// and bytes of the old content) in the same transaction. Returns the offset at which the new bytes begin.
    pub fn append(
        &self,
        path: &Path,
        file: &mut dyn MailFile,
        patches: &[(u64, Vec<u8>)],
        source: &mut dyn Read,
        length: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, JournalError> {
        let _ = (file, patches, source, length, progress);
        Err(unfinished(path))
    }

    /// Whether an interrupted change of this file awaits [`Journal::recover`]. Needs no lock.
    pub fn is_pending(&self, file: &dyn MailFile) -> io::Result<bool> {
        file.metadata().map(|_| false)
    }

    /// Finishes or takes back an interrupted change. The caller holds the mailbox's write locks.
    pub fn recover(
        &self,
        _path: &Path,
        _file: &mut dyn MailFile,
    ) -> Result<Recovered, JournalError> {
        Ok(Recovered::Nothing)
    }

    /// Journals that an earlier run left.
    pub fn left_over(&self) -> io::Result<Vec<LeftOver>> {
        Ok(Vec::new())
    }
}

fn unfinished(path: &Path) -> JournalError {
    JournalError::Untouched {
        path: path.to_path_buf(),
        source: io::ErrorKind::Unsupported.into(),
    }
}
