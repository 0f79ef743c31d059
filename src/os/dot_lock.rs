//! The dot lock: `<path>.lock`, which every mail program honours, also over NFS.
//!
//! It is made by linking a file of a unique name to the lock's name, which is exclusive on NFS too. A lock of another
//! program says nothing about its holder and is honoured until it is stale by the file server's clock. Ours carry the
//! name of the process, so the lock of a dead one is removed at once.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::os::environment::{Environment, Process};
use crate::os::files::{FileLayer, OpenMode};
use crate::os::guard::FileId;
use crate::os::process::Life;
use crate::os::transfer::{read_full_at, write_all_at};

/// No program makes dot locks for longer paths, in bytes.
const LONGEST_PATH: usize = 512;
/// Bytes of a lock file that are read: no process is named by more.
const LONGEST_NAME: usize = 512;
const MODE: u32 = 0o666;
const SECOND: Duration = Duration::from_secs(1);

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
    ours: Ours,
    held: bool,
}

/// A lock file of our making: which file, and what was written into it.
struct Ours {
    file: FileId,
    text: Vec<u8>,
}

impl DotLock {
    /// Locks `mailbox`, trying once a second. Between two tries `waiting` is told; `false` from it cancels.
    pub fn acquire(
        environment: &Environment,
        mailbox: &Path,
        waiting: &mut dyn FnMut(Wait) -> bool,
    ) -> Result<Self, DotLockError> {
        if mailbox.as_os_str().len() > LONGEST_PATH {
            return Err(DotLockError::TooLong);
        }
        let mut attempt = Attempt::new(environment, mailbox);
        let begin = Instant::now();
        loop {
            let present = attempt.look()?;
            if present.is_none()
                && let Some(lock) = attempt.create()?
            {
                return Ok(lock);
            }
            let Some(present) = present else { continue };
            if present.is_abandoned {
                attempt.seize(&present)?;
                continue;
            }
            let left = environment.lock_patience.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(DotLockError::Held {
                    path: attempt.path,
                    holder: present.holder,
                });
            }
            if !waiting(Wait {
                left,
                holder: present.holder,
            }) {
                return Err(DotLockError::Cancelled);
            }
            thread::sleep(SECOND.min(left));
        }
    }

    /// Gives the lock back. Leaves the file alone when somebody has seized it meanwhile.
    pub fn release(mut self) -> io::Result<()> {
        self.give_back()
    }

    fn give_back(&mut self) -> io::Result<()> {
        if !self.held {
            return Ok(());
        }
        self.held = false;
        // An inode number is soon used again: the text tells whether the file is still ours.
        let present = self.files.link_metadata(&self.path)?;
        let is_ours = FileId::of(&present) == self.ours.file
            && lock_text(self.files.as_ref(), &self.path)
                .is_some_and(|text| text == self.ours.text);
        if is_ours {
            self.files.remove_file(&self.path)
        } else {
            Ok(())
        }
    }
}

impl Drop for DotLock {
    fn drop(&mut self) {
        let _ = self.give_back();
    }
}

/// A lock file that stands in the way.
struct Present {
    file: FileId,
    changed: (i64, i64),
    holder: Option<Process>,
    is_abandoned: bool,
}

struct Attempt<'e> {
    environment: &'e Environment,
    files: &'e dyn FileLayer,
    path: PathBuf,
    helper: PathBuf,
    races: u32,
}

impl<'e> Attempt<'e> {
    fn new(environment: &'e Environment, mailbox: &Path) -> Self {
        let mut path = mailbox.as_os_str().to_owned();
        path.push(".lock");
        let Process { pid, host, .. } = &environment.process;
        let mut helper = path.clone();
        // Two threads of one program may want the same lock in the same second.
        let thread = format!("{:?}", thread::current().id());
        let thread = thread.trim_matches(|letter: char| !letter.is_ascii_digit());
        helper.push(format!(
            ".{}.{pid}.{thread}.{}",
            (environment.clock)(),
            host.replace('/', "_")
        ));
        let files = environment.files.as_ref();
        Self {
            environment,
            files,
            path: path.into(),
            helper: helper.into(),
            races: 0,
        }
    }

    /// What is at the lock's name.
    fn look(&self) -> Result<Option<Present>, DotLockError> {
        let metadata = match self.files.link_metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.refused(source)),
        };
        if !metadata.is_file() {
            return Err(DotLockError::NotPlain(self.path.clone()));
        }
        let holder = self.holder();
        let life = holder
            .as_ref()
            .map(|holder| self.environment.process.sees(holder));
        let is_abandoned = match life {
            Some(Life::Alive) => false,
            Some(Life::Dead) => true,
            Some(Life::Unknown) | None => self.is_stale(&metadata)?,
        };
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Ok(Some(Present {
            file: FileId::of(&metadata),
            changed,
            holder,
            is_abandoned,
        }))
    }

    fn holder(&self) -> Option<Process> {
        Process::from_line(&lock_text(self.files, &self.path)?)
    }

    /// Whether a lock of unknown holder is too old to be honoured, by the clock of the file server: its time is
    /// compared with that of a file just made beside it.
    fn is_stale(&self, lock: &Metadata) -> Result<bool, DotLockError> {
        let limit = self.environment.dot_lock_timeout.as_secs();
        let touched = self.files.open(&self.helper, OpenMode::CreateNew(MODE));
        let now = touched
            .and_then(|file| file.metadata())
            .map(|metadata| metadata.ctime());
        let _ = self.files.remove_file(&self.helper);
        let now = now.map_err(|source| self.refused(source))?;
        Ok(now.saturating_sub(lock.ctime()) >= i64::try_from(limit).unwrap_or(i64::MAX))
    }

    /// Makes the lock; `None` when somebody was quicker.
    fn create(&mut self) -> Result<Option<DotLock>, DotLockError> {
        let made = self
            .fill(&self.helper)
            .and_then(|file| self.link_helper(file));
        let _ = self.files.remove_file(&self.helper);
        let Some(ours) = made.map_err(|source| self.refused(source))? else {
            return self.raced().map(|()| None);
        };
        let files = Arc::clone(&self.environment.files);
        Ok(Some(DotLock {
            files,
            path: self.path.clone(),
            ours,
            held: true,
        }))
    }

    /// Makes a file that everybody may remove. It names this process where the disk has room for that.
    fn fill(&self, path: &Path) -> io::Result<Ours> {
        let mut file = self.files.open(path, OpenMode::CreateNew(MODE))?;
        let _ = file.set_mode(MODE);
        let mut text = self.environment.process.to_line().into_bytes();
        if write_all_at(file.as_mut(), &text, 0).is_err() {
            text.clear();
            let _ = file.set_len(0);
        }
        match file.metadata() {
            Ok(metadata) => Ok(Ours {
                file: FileId::of(&metadata),
                text,
            }),
            Err(error) => self.files.remove_file(path).and(Err(error)),
        }
    }

    /// Links the helper to the lock's name; where links are not permitted, makes the lock directly.
    fn link_helper(&self, helper: Ours) -> io::Result<Option<Ours>> {
        let linked = self.files.hard_link(&self.helper, &self.path);
        // Over NFS the answer may be lost though the link was made: the count of links tells.
        if self.files.link_metadata(&self.helper)?.nlink() == 2 {
            return Ok(Some(helper));
        }
        let Err(error) = linked else { return Ok(None) };
        match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(None),
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::Unsupported
            | io::ErrorKind::TooManyLinks => match self.fill(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
                other => other.map(Some),
            },
            _ => Err(error),
        }
    }

    /// Removes an abandoned lock, unless it has become another one since it was looked at.
    fn seize(&mut self, seen: &Present) -> Result<(), DotLockError> {
        self.raced()?;
        let same = |metadata: &Metadata| {
            FileId::of(metadata) == seen.file
                && (metadata.ctime(), metadata.ctime_nsec()) == seen.changed
        };
        match self.files.link_metadata(&self.path) {
            Ok(metadata) if same(&metadata) => match self.files.remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.refused(error)),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Counts lost races, so that a lock that comes and goes cannot keep us busy for ever.
    fn raced(&mut self) -> Result<(), DotLockError> {
        self.races += 1;
        if self.races < 1000 {
            return Ok(());
        }
        Err(DotLockError::Held {
            path: self.path.clone(),
            holder: None,
        })
    }

    fn refused(&self, source: io::Error) -> DotLockError {
        DotLockError::CannotCreate {
            path: self.path.clone(),
            source,
        }
    }
}

/// What a lock file holds, as far as it can be a name of a process.
fn lock_text(files: &dyn FileLayer, path: &Path) -> Option<Vec<u8>> {
    let file = files.open(path, OpenMode::Read).ok()?;
    let mut text = vec![0; LONGEST_NAME];
    let length = read_full_at(file.as_ref(), &mut text, 0).ok()?;
    text.truncate(length);
    Some(text)
}
