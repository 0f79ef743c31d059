//! The dot lock: `<path>.lock`, which every mail program honours, also over NFS.
//!
//! It is made by linking a file of a unique name to the lock's name, which is exclusive on NFS too. A lock of another
//! program says nothing about its holder and is honoured until it is stale by the file server's clock. Ours carry the
//! name of the process, so the lock of a dead one is removed at once; so is a lock that is older than this machine's
//! start, on a disk that no other machine writes. Where the folder refuses, a helper program makes the lock.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::os::environment::{Environment, Process, WithoutDotLock};
use crate::os::files::{FileLayer, OpenMode};
use crate::os::guard::FileId;
use crate::os::lock_helper::{self, Answer, HelperLock, LockHelper};
use crate::os::lock_holder::Holder;
use crate::os::lock_keeper::{self, Held, Kept};
use crate::os::lock_names::{helper_of, lock_of, lock_text};
use crate::os::process::{Life, age};
use crate::os::transfer::write_all_at;

/// No program makes dot locks for longer paths, in bytes.
const LONGEST_PATH: usize = 512;
const MODE: u32 = 0o666;
const SHORTEST_RENEWAL: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(40);

/// A busy lock that is being waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wait {
    /// How long it will be waited for at most.
    pub left: Duration,
    /// Who holds it, as far as known.
    pub holder: Holder,
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
        /// Who holds it, as far as known.
        holder: Holder,
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
    /// The helper that made it.
    helper: Option<HelperLock>,
    held: bool,
    kept: Option<Kept>,
}

/// A lock file of our making: which file, and what was written into it.
struct Ours {
    file: FileId,
    text: Vec<u8>,
}

impl DotLock {
    /// Locks `mailbox`, trying once a second, and as soon as the lock is seen to be gone. Between two tries `waiting` is
    /// told every few hundredths of a second, and may pause as long itself; `false` from it cancels.
    pub fn acquire(
        environment: &Environment,
        mailbox: &Path,
        waiting: &mut dyn FnMut(Wait) -> bool,
    ) -> Result<Self, DotLockError> {
        if mailbox.as_os_str().len() > LONGEST_PATH {
            return Err(DotLockError::TooLong);
        }
        let mut attempt = Attempt::new(environment, mailbox);
        let mut patience = Patience {
            begin: Instant::now(),
            limit: environment.lock_patience,
            waiting,
        };
        loop {
            let present = attempt.look()?;
            let step = match &present {
                None => attempt.create(&mut patience)?,
                Some(present) if present.is_abandoned => attempt.seize(present, &mut patience)?,
                Some(_) => Step::Busy,
            };
            match step {
                Step::Taken(lock) => return Ok(lock),
                Step::Again => continue,
                Step::Busy => {}
            }
            let holder = present.map(|present| present.holder).unwrap_or_default();
            if patience.left().is_zero() {
                let path = attempt.path;
                return Err(DotLockError::Held { path, holder });
            }
            if !attempt.pause(&holder, &mut patience) {
                return Err(DotLockError::Cancelled);
            }
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
        self.kept = None;
        let present = self.files.link_metadata(&self.path);
        // An inode number is soon used again: the text tells whether the file is still ours.
        let is_ours = present
            .as_ref()
            .is_ok_and(|present| FileId::of(present) == self.ours.file)
            && lock_text(self.files.as_ref(), &self.path)
                .is_some_and(|text| text == self.ours.text);
        if let Some(helper) = self.helper.take() {
            return helper.release(&self.path, is_ours);
        }
        present?;
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

/// Which lock file: an inode number is soon used again, for a file of another time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    file: FileId,
    modified: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: FileId::of(metadata),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// A lock file that stands in the way.
struct Present {
    file: Identity,
    holder: Holder,
    is_abandoned: bool,
}

/// What one try came to.
enum Step {
    Taken(DotLock),
    Busy,
    /// Things have changed: look again at once.
    Again,
}

/// For how long a lock is waited for, and who is told.
struct Patience<'w> {
    begin: Instant,
    limit: Duration,
    waiting: &'w mut dyn FnMut(Wait) -> bool,
}

impl Patience<'_> {
    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.begin.elapsed())
    }

    fn lasts(&mut self, holder: Holder) -> bool {
        let left = self.left();
        !left.is_zero() && (self.waiting)(Wait { left, holder })
    }
}

struct Attempt<'e> {
    environment: &'e Environment,
    files: &'e dyn FileLayer,
    mailbox: &'e Path,
    path: PathBuf,
    helper: PathBuf,
    races: u32,
}

impl<'e> Attempt<'e> {
    fn new(environment: &'e Environment, mailbox: &'e Path) -> Self {
        let path = lock_of(mailbox);
        let helper = helper_of(environment, &path);
        let files = environment.files.as_ref();
        Self {
            environment,
            files,
            mailbox,
            path,
            helper,
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
        let text = lock_text(self.files, &self.path).unwrap_or_default();
        let (life, mut holder) = self.holder(&text, &metadata);
        let age = (self.environment.clock)().saturating_sub(metadata.ctime());
        holder.held = u64::try_from(age).ok().map(Duration::from_secs);
        let is_abandoned = match life {
            Life::Alive => false,
            Life::Dead => true,
            Life::Unknown => self.is_of_an_earlier_run(&metadata) || self.is_stale(&metadata)?,
        };
        Ok(Some(Present {
            file: Identity::of(&metadata),
            holder,
            is_abandoned,
        }))
    }

    /// Who holds a lock that holds this text. A program that wrote its process id and nothing else is believed to live
    /// as long as such a process does that is older than the lock; whether it is dead such a number does not tell.
    fn holder(&self, text: &[u8], lock: &Metadata) -> (Life, Holder) {
        let local = self.files.is_local_disk(&self.path).unwrap_or(false);
        let me = &self.environment.process;
        if let Some(process) = Process::from_line(text) {
            return (me.sees(&process, local), Holder::signed(&process, me));
        }
        let pid = std::str::from_utf8(text).ok();
        let pid = pid.and_then(|text| text.trim_end().parse::<u32>().ok());
        let now = (self.environment.clock)();
        let older = |pid: &u32| age(*pid).is_some_and(|age| now - age <= lock.ctime() + 1);
        match pid.filter(|_| local).filter(older) {
            Some(pid) => (Life::Alive, Holder::with_pid(pid)),
            None => (Life::Unknown, Holder::default()),
        }
    }

    /// Waits a second, or until the lock is gone; `false` when it shall be waited for no longer.
    fn pause(&self, holder: &Holder, patience: &mut Patience<'_>) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < SECOND && !patience.left().is_zero() {
            if !patience.lasts(holder.clone()) {
                return false;
            }
            thread::sleep(PAUSE.min(patience.left()));
            if matches!(self.files.link_metadata(&self.path), Err(gone) if gone.kind() == io::ErrorKind::NotFound)
            {
                break;
            }
        }
        true
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
        let now = match now {
            // Waiting makes sense where something can follow it.
            Err(error) if is_denied(&error) && self.can_do_without() => (self.environment.clock)(),
            other => other.map_err(|source| self.refused(source))?,
        };
        Ok(now.saturating_sub(lock.ctime()) >= i64::try_from(limit).unwrap_or(i64::MAX))
    }

    /// Whether the lock was made before this machine started, by a process of this machine: it is dead.
    fn is_of_an_earlier_run(&self, lock: &Metadata) -> bool {
        self.environment.booted.is_some_and(|at| lock.ctime() < at)
            && self.files.is_local_disk(&self.path).unwrap_or(false)
    }

    /// Whether there is a way to write where no lock file can be made.
    fn can_do_without(&self) -> bool {
        let helpers = &self.environment.lock_helpers;
        self.environment.without_dot_lock == WithoutDotLock::FlockOnly
            || helpers.iter().any(LockHelper::is_installed)
    }

    /// Makes the lock.
    fn create(&mut self, patience: &mut Patience<'_>) -> Result<Step, DotLockError> {
        let made = self
            .fill(&self.helper)
            .and_then(|file| self.link_helper(file));
        let _ = self.files.remove_file(&self.helper);
        match made {
            Ok(Some(ours)) => Ok(self.taken(ours, None)),
            Ok(None) => self.raced().map(|()| Step::Again),
            Err(source) => self.ask_helper(source, patience),
        }
    }

    fn taken(&self, ours: Ours, helper: Option<HelperLock>) -> Step {
        let lock = Held {
            files: Arc::clone(&self.environment.files),
            path: self.path.clone(),
            file: ours.file,
            text: ours.text.clone(),
        };
        let every = (self.environment.dot_lock_timeout / 5).max(SHORTEST_RENEWAL);
        Step::Taken(DotLock {
            kept: Some(lock_keeper::keep(lock, every)),
            files: Arc::clone(&self.environment.files),
            path: self.path.clone(),
            ours,
            helper,
            held: true,
        })
    }

    /// Has a helper make the lock, where the folder refused: it may be open to a group only.
    fn ask_helper(
        &self,
        refusal: io::Error,
        patience: &mut Patience<'_>,
    ) -> Result<Step, DotLockError> {
        if !is_denied(&refusal) {
            return Err(self.refused(refusal));
        }
        let paths = std::path::absolute(self.mailbox)
            .and_then(|mailbox| Ok((mailbox, std::path::absolute(&self.path)?)));
        let (mailbox, lock) = paths.map_err(|source| self.refused(source))?;
        let helpers = &self.environment.lock_helpers;
        let why = match lock_helper::ask(helpers, &mailbox, &lock, &mut || {
            patience.lasts(Holder::default())
        }) {
            Answer::Locked(helper) => return self.verified(helper),
            Answer::Busy => return Ok(Step::Busy),
            Answer::Refused => HELPER_REFUSED,
            Answer::Missing => HELPER_MISSING,
        };
        Err(self.refused(io::Error::new(refusal.kind(), why)))
    }

    /// A lock of a helper's making: believed when it is there.
    fn verified(&self, helper: HelperLock) -> Result<Step, DotLockError> {
        match self.files.link_metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => {
                let file = FileId::of(&metadata);
                let text = lock_text(self.files, &self.path).unwrap_or_default();
                Ok(self.taken(Ours { file, text }, Some(helper)))
            }
            _ => {
                let _ = helper.release(&self.path, false);
                Err(self.refused(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    HELPER_REFUSED,
                )))
            }
        }
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

    /// Removes an abandoned lock, unless it has become another one since it was looked at: of two who seize it one must
    /// not remove the new lock of the other. So it is renamed first, looked at under a name that nobody else uses, and
    /// put back when it is not the abandoned one.
    fn seize(&mut self, seen: &Present, patience: &mut Patience<'_>) -> Result<Step, DotLockError> {
        self.raced()?;
        let is_seen = |path: &Path| {
            let found = self.files.link_metadata(path);
            found.is_ok_and(|found| Identity::of(&found) == seen.file)
        };
        if !is_seen(&self.path) {
            return Ok(Step::Again);
        }
        match self.files.rename(&self.path, &self.helper) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Step::Again),
            Err(error) => return self.ask_helper(error, patience),
            Ok(()) => {}
        }
        if !is_seen(&self.helper) {
            // Fails only where somebody has made one more lock meanwhile, or links are not permitted.
            let _ = self.files.hard_link(&self.helper, &self.path);
        }
        self.files
            .remove_file(&self.helper)
            .map_err(|source| self.refused(source))?;
        Ok(Step::Again)
    }

    /// Counts lost races, so that a lock that comes and goes cannot keep us busy for ever.
    fn raced(&mut self) -> Result<(), DotLockError> {
        self.races += 1;
        if self.races < 1000 {
            return Ok(());
        }
        Err(DotLockError::Held {
            path: self.path.clone(),
            holder: Holder::default(),
        })
    }

    fn refused(&self, source: io::Error) -> DotLockError {
        DotLockError::CannotCreate {
            path: self.path.clone(),
            source,
        }
    }
}

const HELPER_MISSING: &str = "its folder lets nobody but a group make lock files, and no program is installed that \
    has that right: install liblockfile-bin (dotlockfile) or mlock, or set local.without_dot_lock = \"flock\"";
const HELPER_REFUSED: &str = "its folder refuses a lock file, and so does the program that makes them; \
    local.without_dot_lock = \"flock\" does without";

fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
