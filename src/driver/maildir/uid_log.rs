//! The UIDs of a mailbox, as a file of the state folder: `maildir/DIGEST OF THE PATH`. It only grows, until most of what is
//! in it is of messages that are gone; then it is written anew.
//!
//! ```text
//! MugoMdr2      8 bytes
//! UIDVALIDITY   4 bytes, as all numbers: the lowest byte first
//! generation    8 bytes, another number for each file that was ever begun
//! batches       for each: bytes of its entries (4), digest of them (8), the entries
//! entry         UID (4), octets with CRLF (8), internal date in seconds (8), its zone in minutes (2), bytes of the base (1),
//!               the base
//! ```
//! A later entry for a base takes the place of an earlier one. Numbers are given out under the kernel's lock on the file, and
//! are on disk before anybody hears of them. A last batch that was cut off is written over; a file that is broken in another way
//! is begun anew: then all UIDs are new, under another UIDVALIDITY.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::driver::maildir::folder::{Found, find};
use crate::driver::message::granted;
use crate::driver::remembered::table;
use crate::mail::date::InternalDate;
use crate::mail::uid::Uid;
use crate::os::dot_lock::{DotLock, DotLockError};
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::guard::FileId;
use crate::os::home::private_folder;
use crate::os::replace::replace;
use crate::os::transfer::{read_exact_at, read_full_at, write_all_at};

/// What is known of a message besides its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Its UID.
    pub uid: u32,
    /// Octets with CRLF line ends.
    pub size: u64,
    /// Its internal date. The zone of one that was delivered by others is not known, and 0.
    pub date: InternalDate,
}

/// A message that shall get a UID.
pub struct Unnumbered<'a> {
    /// Names it.
    pub base: &'a [u8],
    /// Octets with CRLF line ends.
    pub size: u64,
    /// Its internal date.
    pub date: InternalDate,
    /// The UID that it would like to have.
    pub wish: Option<Uid>,
}

/// UIDs that were given out, and the locks under which that was.
pub struct Numbered {
    /// One for each message.
    pub uids: Vec<u32>,
    _locked: Locked,
}

/// The log, open and locked.
struct Locked {
    file: Box<dyn MailFile>,
    /// On a network file system, where the kernel's lock holds nobody off.
    _dot: Option<DotLock>,
}

/// What the log tells of messages, by their bases.
pub type Known = HashMap<Box<[u8]>, Facts>;

/// The log of one mailbox.
pub struct UidLog {
    environment: Arc<Environment>,
    path: PathBuf,
    /// The generation of the file as it was read last, and how far.
    read: Option<(u64, u64)>,
    /// UIDVALIDITY; 0 before it is known.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// How many entries the file holds.
    entries: usize,
    /// Entries of messages that were not asked for yet.
    ahead: Known,
}

const MAGIC: &[u8; 8] = b"MugoMdr2";
const FRONT: u64 = 20;
/// The largest log that is read, in bytes: some 10 million messages.
const LARGEST: u64 = 1 << 30;
/// How long somebody else may hold the log.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// Where the logs are.
pub fn folder(environment: &Environment) -> PathBuf {
    environment.state.join("maildir")
}

/// Where the log of the mailbox at `path` is.
pub fn place(environment: &Environment, path: &Path) -> PathBuf {
    let place = table::place(environment, path);
    folder(environment).join(place.file_name().unwrap_or_default())
}

/// Whether the error says that a log is broken, and can only be begun anew.
pub fn is_broken(refusal: &io::Error) -> bool {
    refusal.kind() == io::ErrorKind::InvalidData
}

impl UidLog {
    /// The log of the mailbox at `path`, not read yet.
    pub fn new(environment: &Arc<Environment>, path: &Path) -> Self {
        Self {
            environment: Arc::clone(environment),
            path: place(environment, path),
            read: None,
            uid_validity: 0,
            last_uid: 0,
            entries: 0,
            ahead: Known::new(),
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
    pub fn read_on(&mut self) -> io::Result<()> {
        match self.environment.files.open(&self.path, OpenMode::Read) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                // It went with its mailbox, or with the whole state folder.
                self.forget();
                Ok(())
            }
            Err(refusal) => Err(refusal),
            Ok(file) => self.take_in(&*file),
        }
    }

    /// What was read of a message, once.
    pub fn take(&mut self, base: &[u8]) -> Option<Facts> {
        self.ahead.remove(base)
    }

    /// Whether something was read of a message and not taken yet.
    pub fn knows(&self, base: &[u8]) -> bool {
        self.ahead.contains_key(base)
    }

    /// Numbers messages: those that have got a UID meanwhile keep it if it is above `floor`, the others get the next ones,
    /// in their order. As long as the answer lives nobody else numbers messages.
    pub fn number(
        &mut self,
        new: &[Unnumbered<'_>],
        floor: u32,
        job: &Job,
    ) -> io::Result<Numbered> {
        let mut locked = self.lock(job)?;
        self.take_in(&*locked.file)?;
        let mut given = HashSet::new();
        let keeps = new.iter().map(|message| {
            let uid = self.ahead.remove(message.base).map(|facts| facts.uid);
            uid.filter(|&uid| uid > floor && given.insert(uid))
        });
        let kept: Vec<Option<u32>> = keeps.collect();
        let mut last = self.last_uid.max(floor);
        let mut uids = Vec::with_capacity(new.len());
        let mut payload = Vec::new();
        for (message, kept) in new.iter().zip(kept) {
            uids.push(match kept {
                Some(uid) => uid,
                None => {
                    let granted = granted(last, std::iter::once(message.wish));
                    let granted = granted.and_then(|uids| uids.first().copied());
                    last = granted.ok_or_else(|| io::Error::other("no UIDs are left"))?;
                    self.entries += 1;
                    write_entry(&mut payload, last, message);
                    last
                }
            });
        }
        if let Some((generation, end)) = self.read.filter(|_| !payload.is_empty()) {
            let batch = whole_batch(&payload);
            let file = &mut *locked.file;
            if file.metadata()?.len() > end {
                file.set_len(end)?;
            }
            write_all_at(file, &batch, end)?;
            file.sync()?;
            self.last_uid = last;
            self.read = Some((generation, end + batch.len() as u64));
        }
        Ok(Numbered {
            uids,
            _locked: locked,
        })
    }

    /// Whether most of the log is of messages that are gone.
    pub fn is_mostly_void(&self, live: usize) -> bool {
        self.entries > 2 * live + 1000
    }

    /// Writes the log anew, with these messages, and those that were not asked for yet and are among those that `list`
    /// gives: as long as the log is locked no message has a UID and is not there.
    pub fn rewrite<'a>(
        &mut self,
        messages: impl Iterator<Item = (&'a [u8], Facts)>,
        list: impl FnOnce() -> Result<Vec<Found>>,
        job: &Job,
    ) -> io::Result<()> {
        let locked = self.lock(job)?;
        self.take_in(&*locked.file)?;
        let there = list().map_err(io::Error::other)?;
        self.ahead.retain(|base, _| find(&there, base).is_some());
        let mut payload = Vec::new();
        let mut entries = 0;
        let mut put = |base: &[u8], facts: Facts| {
            let message = Unnumbered {
                base,
                size: facts.size,
                date: facts.date,
                wish: None,
            };
            write_entry(&mut payload, facts.uid, &message);
            entries += 1;
        };
        messages.for_each(|(base, facts)| put(base, facts));
        self.ahead
            .iter()
            .for_each(|(base, facts)| put(base, *facts));
        // What was given out last is not given out again: an entry without a base says so.
        let last = Unnumbered {
            base: b"",
            size: 0,
            date: InternalDate {
                seconds: 0,
                offset: 0,
            },
            wish: None,
        };
        write_entry(&mut payload, self.last_uid, &last);
        let generation = new_generation(&self.environment);
        let mut bytes = front(self.uid_validity, generation);
        bytes.extend(whole_batch(&payload));
        replace(&*self.environment.files, &self.path, &bytes)?;
        self.read = Some((generation, bytes.len() as u64));
        self.entries = entries;
        drop(locked);
        Ok(())
    }

    /// Begins a log anew that is broken: no UID of before holds any more.
    pub fn begin_anew(&mut self, job: &Job) -> io::Result<()> {
        let locked = self.lock(job)?;
        self.forget();
        match self.take_in(&*locked.file) {
            // Another program was faster.
            Ok(()) => return Ok(()),
            Err(refusal) if !is_broken(&refusal) => return Err(refusal),
            Err(_) => {}
        }
        replace(&*self.environment.files, &self.path, &self.fresh())?;
        drop(locked);
        self.forget();
        self.read_on()
    }

    /// Forgets what was read: all of it is read again the next time.
    pub fn forget(&mut self) {
        self.read = None;
        self.ahead.clear();
    }

    /// The log with its locks, made where there is none.
    fn lock(&self, job: &Job) -> io::Result<Locked> {
        let files = &self.environment.files;
        private_folder(&**files, &folder(&self.environment))?;
        let dot = self.dot_lock(job)?;
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
                let is_sound = is_sound(&*file)?;
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

    fn dot_lock(&self, job: &Job) -> io::Result<Option<DotLock>> {
        let environment = &*self.environment;
        if !environment.files.is_network(&folder(environment))? {
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
        front(fresh.max(next), new_generation(&self.environment))
    }

    /// Makes a log without messages, whole or not at all.
    fn make(&self) -> io::Result<()> {
        let files = &self.environment.files;
        let mut beside = self.path.clone().into_os_string();
        beside.push(format!(".{}.first", std::process::id()));
        let beside = PathBuf::from(beside);
        replace(&**files, &beside, &self.fresh())?;
        let linked = files.hard_link(&beside, &self.path);
        files.remove_file(&beside)?;
        match linked {
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(refusal) => Err(refusal),
            Ok(()) => files.sync_dir(&folder(&self.environment)),
        }
    }

    fn take_in(&mut self, file: &dyn MailFile) -> io::Result<()> {
        let length = file.metadata()?.len();
        if !is_sound(file)? {
            return Ok(());
        }
        if length > LARGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut front = [0; FRONT as usize];
        read_exact_at(file, &mut front, 0)?;
        let (_, numbers) = front.split_at(MAGIC.len());
        let Some((validity, generation)) = numbers.split_first_chunk::<4>() else {
            return Ok(());
        };
        let generation = generation.first_chunk::<8>().copied().unwrap_or_default();
        let generation = u64::from_le_bytes(generation);
        let at = match self.read {
            Some((before, end)) if before == generation && end <= length => end,
            _ => {
                self.uid_validity = u32::from_le_bytes(*validity);
                (self.last_uid, self.entries) = (0, 0);
                self.ahead.clear();
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
                    let mut highest = 0;
                    self.entries += read_entries(payload, &mut self.ahead, &mut highest);
                    self.last_uid = self.last_uid.max(highest);
                    rest = behind;
                }
                Batch::End => break,
                Batch::Broken => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        self.read = Some((generation, at + (bytes.len() - rest.len()) as u64));
        Ok(())
    }
}

/// Whether a file is a log at all.
fn is_sound(file: &dyn MailFile) -> io::Result<bool> {
    let mut front = [0; FRONT as usize];
    let count = read_full_at(file, &mut front, 0)?;
    Ok(count == front.len() && front.starts_with(MAGIC))
}

fn front(uid_validity: u32, generation: u64) -> Vec<u8> {
    let numbers = [&uid_validity.to_le_bytes()[..], &generation.to_le_bytes()];
    [&MAGIC[..], &numbers.concat()].concat()
}

/// A number that no file had before.
fn new_generation(environment: &Environment) -> u64 {
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

fn write_entry(payload: &mut Vec<u8>, uid: u32, message: &Unnumbered<'_>) {
    payload.extend(uid.to_le_bytes());
    payload.extend(message.size.to_le_bytes());
    payload.extend(message.date.seconds.to_le_bytes());
    payload.extend(message.date.offset.to_le_bytes());
    payload.push(message.base.len() as u8);
    payload.extend(message.base);
}

/// What stands at some place of a log.
enum Batch<'a> {
    /// Entries, and what is behind them.
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
        _ => Batch::Broken,
    }
}

/// Takes in entries; gives their number, and the highest UID among them by way of `highest`.
fn read_entries(payload: &[u8], known: &mut Known, highest: &mut u32) -> usize {
    let mut count = 0;
    let mut rest = payload;
    while let Some((base, facts, behind)) = entry(rest) {
        *highest = facts.uid.max(*highest);
        if !base.is_empty() {
            known.insert(base.into(), facts);
        }
        rest = behind;
        count += 1;
    }
    count
}

fn entry(bytes: &[u8]) -> Option<(&[u8], Facts, &[u8])> {
    let (uid, rest) = bytes.split_first_chunk::<4>()?;
    let (size, rest) = rest.split_first_chunk::<8>()?;
    let (seconds, rest) = rest.split_first_chunk::<8>()?;
    let (offset, rest) = rest.split_first_chunk::<2>()?;
    let (&length, rest) = rest.split_first()?;
    let (base, rest) = rest.split_at_checked(usize::from(length))?;
    let facts = Facts {
        uid: u32::from_le_bytes(*uid),
        size: u64::from_le_bytes(*size),
        date: InternalDate {
            seconds: i64::from_le_bytes(*seconds),
            offset: i16::from_le_bytes(*offset),
        },
    };
    Some((base, facts, rest))
}
