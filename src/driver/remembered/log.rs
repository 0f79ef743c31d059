//! Logs: what is known of a mailbox and stands nowhere in it, as files of the state folder. A log only grows, until most of
//! what is in it is void; then it is written anew.
//!
//! ```text
//! format        8 bytes
//! UIDVALIDITY   4 bytes, as all numbers: the lowest byte first
//! generation    8 bytes, another number for each file that was ever begun
//! batches       for each: bytes of its payload (4), digest of them (8), the payload
//! ```
//! Batches are written under the kernel's lock on the file, and are on disk before anybody hears of them. A last batch that
//! was cut off is written over; a file that is broken in another way is begun anew: then all UIDs are new, under another
//! UIDVALIDITY.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::local_file::{self, is_missing};
use crate::driver::place::Place;
use crate::driver::remembered::table;
use crate::os::dot_lock::{DotLock, DotLockError};
use crate::os::environment::Environment;
use crate::os::files::{FileLayer, Flock, MailFile, OpenMode};
use crate::os::guard::FileId;
use crate::os::home::private_folder;
use crate::os::replace::replace;
use crate::os::transfer::{read_exact_at, read_full_at, write_all_at};

/// What logs of one format have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    /// Their folder in the state folder.
    pub folder: &'static str,
    /// What each begins with.
    pub magic: &'static [u8; 8],
}

impl Kind {
    /// Where the logs are.
    pub fn folder(&self, environment: &Environment) -> PathBuf {
        environment.state.join(self.folder)
    }

    /// Where the log of the mailbox at `path` is.
    pub fn place(&self, environment: &Environment, path: &Path) -> PathBuf {
        let place = table::place(environment, path);
        self.folder(environment)
            .join(place.file_name().unwrap_or_default())
    }
}

/// What is read of a log.
pub enum News<'a> {
    /// It is another file now: nothing of what was read before holds.
    Anew,
    /// A payload.
    Batch(&'a [u8]),
}

/// What becomes of what is read.
pub type Take<'t> = &'t mut dyn FnMut(News<'_>);

/// A log, open and locked: as long as this lives nobody else writes it.
pub struct Locked {
    file: Box<dyn MailFile>,
    /// On a network file system, where the kernel's lock holds nobody off.
    _dot: Option<DotLock>,
}

/// The log of one mailbox.
pub struct Log {
    environment: Arc<Environment>,
    kind: Kind,
    path: PathBuf,
    /// The generation of the file as it was read last, and how far.
    read: Option<(u64, u64)>,
    /// UIDVALIDITY; 0 before it is known.
    pub uid_validity: u32,
}

const FRONT: u64 = 20;
/// The largest log that is read, in bytes: some 10 million messages.
const LARGEST: u64 = 1 << 30;
/// How long somebody else may hold the log.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// Whether the error says that a log is broken, and can only be begun anew.
pub fn is_broken(refusal: &io::Error) -> bool {
    refusal.kind() == io::ErrorKind::InvalidData
}

impl Log {
    /// The log of the mailbox at `path`, not read yet.
    pub fn new(environment: &Arc<Environment>, kind: Kind, path: &Path) -> Self {
        Self {
            environment: Arc::clone(environment),
            kind,
            path: kind.place(environment, path),
            read: None,
            uid_validity: 0,
        }
    }

    /// Whether there is a log that was read.
    pub fn is_there(&self) -> bool {
        self.read.is_some()
    }

    /// Makes a log where there is none, so that its UIDVALIDITY holds from now on.
    pub fn make_sure(&self, job: &Job) -> io::Result<()> {
        self.lock(job).map(drop)
    }

    /// Reads what is new: all of it the first time, or where the file is another one now.
    pub fn read_on(&mut self, take: Take<'_>) -> io::Result<()> {
        match self.environment.files.open(&self.path, OpenMode::Read) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                // It went with its mailbox, or with the whole state folder.
                self.forget();
                take(News::Anew);
                Ok(())
            }
            Err(refusal) => Err(refusal),
            Ok(file) => self.take_in(&*file, take),
        }
    }

    /// The same of a log that is locked.
    pub fn catch_up(&mut self, locked: &Locked, take: Take<'_>) -> io::Result<()> {
        self.take_in(&*locked.file, take)
    }

    /// Adds a payload to a log that is locked and was read to its end; durable on return.
    pub fn append(&mut self, locked: &mut Locked, payload: &[u8]) -> io::Result<()> {
        let Some((generation, end)) = self.read.filter(|_| !payload.is_empty()) else {
            return Ok(());
        };
        let batch = whole_batch(payload);
        let file = &mut *locked.file;
        if file.metadata()?.len() > end {
            file.set_len(end)?;
        }
        write_all_at(file, &batch, end)?;
        file.sync()?;
        self.read = Some((generation, end + batch.len() as u64));
        Ok(())
    }

    /// Writes a log that is locked anew, with this payload.
    pub fn rewrite(&mut self, locked: Locked, payload: &[u8]) -> io::Result<()> {
        let generation = new_generation(&self.environment);
        let mut bytes = self.front(self.uid_validity, generation);
        bytes.extend(whole_batch(payload));
        replace(&*self.environment.files, &self.path, &bytes)?;
        self.read = Some((generation, bytes.len() as u64));
        drop(locked);
        Ok(())
    }

    /// Begins a log anew that is broken: no UID of before holds any more.
    pub fn begin_anew(&mut self, take: Take<'_>, job: &Job) -> io::Result<()> {
        let locked = self.lock(job)?;
        self.forget();
        match self.take_in(&*locked.file, take) {
            // Another program was faster.
            Ok(()) => return Ok(()),
            Err(refusal) if !is_broken(&refusal) => return Err(refusal),
            Err(_) => {}
        }
        replace(&*self.environment.files, &self.path, &self.fresh())?;
        drop(locked);
        self.forget();
        self.read_on(take)
    }

    /// Forgets what was read: all of it is read again the next time.
    pub fn forget(&mut self) {
        self.read = None;
    }

    /// The log with its locks, made where there is none.
    pub fn lock(&self, job: &Job) -> io::Result<Locked> {
        let files = &self.environment.files;
        let folder = self.kind.folder(&self.environment);
        private_folder(&**files, &folder)?;
        let dot = self.dot_lock(&folder, job)?;
        let begin = Instant::now();
        loop {
            let mut file = match files.open(&self.path, OpenMode::ReadWriteNoFollow) {
                Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                    self.make()?;
                    continue;
                }
                other => other?,
            };
            if file.try_lock(Flock::Exclusive)? {
                let same = files.metadata(&self.path).is_ok_and(|found| {
                    file.metadata()
                        .is_ok_and(|own| FileId::of(&own) == FileId::of(&found))
                });
                let is_sound = self.is_sound(&*file)?;
                if same && is_sound {
                    return Ok(Locked { file, _dot: dot });
                }
                if same {
                    // It is none of ours, or the first write of it was cut off.
                    replace(&**files, &self.path, &self.fresh())?;
                }
            } else if !job.may_wait() || begin.elapsed() > PATIENCE {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            job.checkpoint().map_err(|_| io::ErrorKind::Interrupted)?;
            std::thread::sleep(PAUSE);
        }
    }

    fn dot_lock(&self, folder: &Path, job: &Job) -> io::Result<Option<DotLock>> {
        let environment = &*self.environment;
        if !environment.files.is_network(folder)? {
            return Ok(None);
        }
        let mut goes_on = |_| job.may_wait() && job.checkpoint().is_ok();
        match DotLock::acquire(environment, &self.path, &mut goes_on) {
            Ok(lock) => Ok(Some(lock)),
            Err(DotLockError::CannotCreate { source, .. }) => Err(source),
            Err(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn fresh(&self) -> Vec<u8> {
        let fresh = self.environment.fresh_uid_validity();
        let next = match self.uid_validity {
            0 => 0,
            told => told.saturating_add(1),
        };
        self.front(fresh.max(next), new_generation(&self.environment))
    }

    /// Makes a log without batches, whole or not at all.
    fn make(&self) -> io::Result<()> {
        let files = &self.environment.files;
        let mut beside = self.path.clone().into_os_string();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        beside.push(format!(".{}.{number}.first", std::process::id()));
        let beside = PathBuf::from(beside);
        replace(&**files, &beside, &self.fresh())?;
        let linked = files.hard_link(&beside, &self.path);
        files.remove_file(&beside)?;
        match linked {
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(refusal) => Err(refusal),
            Ok(()) => files.sync_dir(&self.kind.folder(&self.environment)),
        }
    }

    fn take_in(&mut self, file: &dyn MailFile, take: Take<'_>) -> io::Result<()> {
        let length = file.metadata()?.len();
        if !self.is_sound(file)? {
            return Ok(());
        }
        if length > LARGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut front = [0; FRONT as usize];
        read_exact_at(file, &mut front, 0)?;
        let (_, numbers) = front.split_at(self.kind.magic.len());
        let Some((validity, generation)) = numbers.split_first_chunk::<4>() else {
            return Ok(());
        };
        let generation = generation.first_chunk::<8>().copied().unwrap_or_default();
        let generation = u64::from_le_bytes(generation);
        let at = match self.read {
            Some((before, end)) if before == generation && end <= length => end,
            _ => {
                self.uid_validity = u32::from_le_bytes(*validity);
                take(News::Anew);
                FRONT
            }
        };
        let room = usize::try_from(length - at).unwrap_or(0);
        let mut bytes = vec![0; room];
        read_exact_at(file, &mut bytes, at)?;
        let mut rest = bytes.as_slice();
        loop {
            match batch(rest) {
                Batch::Whole(payload, behind) => {
                    take(News::Batch(payload));
                    rest = behind;
                }
                Batch::End => break,
                Batch::Broken => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        self.read = Some((generation, at + (bytes.len() - rest.len()) as u64));
        Ok(())
    }

    /// Whether a file is such a log at all.
    fn is_sound(&self, file: &dyn MailFile) -> io::Result<bool> {
        let mut front = [0; FRONT as usize];
        let count = read_full_at(file, &mut front, 0)?;
        Ok(count == front.len() && front.starts_with(self.kind.magic))
    }

    fn front(&self, uid_validity: u32, generation: u64) -> Vec<u8> {
        let numbers = [&uid_validity.to_le_bytes()[..], &generation.to_le_bytes()];
        [&self.kind.magic[..], &numbers.concat()].concat()
    }
}

/// Gives a mailbox another place, and its log with it; so for the mailboxes below it. `is_own` knows the names in a mailbox that
/// are no mailboxes.
pub fn rename(
    environment: &Environment,
    kind: Kind,
    from: &Place,
    to: &Place,
    is_own: fn(&[u8]) -> bool,
) -> Result<()> {
    local_file::refuse_existing(environment, &to.path)?;
    local_file::create_parents(environment, to)?;
    let files = &*environment.files;
    let logs = logs_of(environment, kind, (&from.path, &to.path), is_own);
    // They have the new names too before the mailboxes have: UIDs are known under whichever these have after a crash.
    let mut linked = 0;
    let made = logs.iter().try_for_each(|(log, new)| {
        link_anew(files, log, new).map_err(Error::io(new))?;
        linked += 1;
        Ok(())
    });
    let moved = made.and_then(|()| local_file::rename(environment, from, to));
    if moved.is_err() && files.metadata(&from.path).is_ok() {
        // What stays under these names would be nobody's.
        for (_, new) in logs.iter().take(linked) {
            let _ = files.remove_file(new);
        }
    }
    moved?;
    for (log, _) in &logs {
        let _ = files.remove_file(log);
    }
    Ok(())
}

/// The logs of a mailbox and of those below it, each with its place when the mailbox is at the second of `paths`. Where a link
/// gets another name they are found through it as before.
fn logs_of(
    environment: &Environment,
    kind: Kind,
    (from, to): (&Path, &Path),
    is_own: fn(&[u8]) -> bool,
) -> Vec<(PathBuf, PathBuf)> {
    let files = &*environment.files;
    if files.link_metadata(from).is_ok_and(|it| it.is_symlink()) {
        return Vec::new();
    }
    let folders = folders_in(files, from, is_own).into_iter();
    let logs = folders.map(|folder| {
        let place = |path: &Path| match folder.as_os_str().is_empty() {
            true => kind.place(environment, path),
            false => kind.place(environment, &path.join(&folder)),
        };
        (place(from), place(to))
    });
    logs.collect()
}

/// So many directories below a mailbox take their UIDs along.
const MOST_FOLDERS: usize = 10_000;

/// The directories at and below `path` that may be mailboxes, as paths from there; links are not followed. What cannot be
/// looked into has none.
fn folders_in(files: &dyn FileLayer, path: &Path, is_own: fn(&[u8]) -> bool) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::new()];
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        next += 1;
        let mut names = Vec::new();
        let mut visit = |name: &OsStr| {
            if !is_own(name.as_bytes()) {
                names.push(folder.join(name));
            }
        };
        let _ = files.visit_dir(&path.join(&folder), &mut visit);
        for name in names {
            let found = files.link_metadata(&path.join(&name));
            if folders.len() < MOST_FOLDERS && found.is_ok_and(|it| it.is_dir()) {
                folders.push(name);
            }
        }
    }
    folders
}

/// Gives the file `log`, where there is one, the name `new` too, durable on return.
fn link_anew(files: &dyn FileLayer, log: &Path, new: &Path) -> io::Result<()> {
    if files.metadata(log).is_err() {
        return Ok(());
    }
    match files.remove_file(new) {
        Err(refusal) if !is_missing(&refusal) => return Err(refusal),
        _ => {}
    }
    files.hard_link(log, new)?;
    files.sync_dir(new.parent().unwrap_or(Path::new(".")))
}

/// A number that no file had before: inodes come again.
pub fn new_generation(environment: &Environment) -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_nanos());
    let whose = environment.process.to_line();
    xxh3_64(format!("{whose} {now} {count}").as_bytes())
}

fn whole_batch(payload: &[u8]) -> Vec<u8> {
    let mut batch = (payload.len() as u32).to_le_bytes().to_vec();
    batch.extend(xxh3_64(payload).to_le_bytes());
    batch.extend(payload);
    batch
}

/// What stands at some place of a log.
enum Batch<'a> {
    /// A payload, and what is behind it.
    Whole(&'a [u8], &'a [u8]),
    /// Nothing, or the beginning of a batch that was cut off.
    End,
    /// Neither.
    Broken,
}

fn batch(bytes: &[u8]) -> Batch<'_> {
    // A power cut may leave length without content.
    if bytes.iter().all(|&byte| byte == 0) {
        return Batch::End;
    }
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Batch::End;
    };
    let Some((digest, rest)) = rest.split_first_chunk::<8>() else {
        return Batch::End;
    };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let Some((payload, behind)) = rest.split_at_checked(length) else {
        return Batch::End;
    };
    if xxh3_64(payload) == u64::from_le_bytes(*digest) {
        return Batch::Whole(payload, behind);
    }
    match behind {
        [] => Batch::End,
        // No payload is empty: a power cut took the beginning of the last batch and left its end.
        _ if length == 0 => Batch::End,
        _ => Batch::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_end(bytes: &[u8]) -> bool {
        matches!(batch(bytes), Batch::End)
    }

    #[test]
    fn whatever_a_power_cut_left_of_the_last_batch_is_the_end_of_the_log() {
        let whole = whole_batch(&[7; 1000]);
        for cut in [0, 3, 4, 11, 12, 500, whole.len() - 1] {
            assert!(is_end(&whole[..cut]), "{cut}");
            let mut end_lost = whole.clone();
            end_lost[cut..].fill(0);
            assert!(is_end(&end_lost), "{cut}");
        }
        for cut in [4, 12, 512] {
            let mut beginning_lost = whole.clone();
            beginning_lost[..cut].fill(0);
            assert!(is_end(&beginning_lost), "{cut}");
        }
        let rotten = [&whole[..20], &[8], &whole[21..], &whole].concat();
        assert!(matches!(batch(&rotten), Batch::Broken));
    }
}
