//! The UIDs of a mailbox, as a file of the state folder: `maildir/DIGEST OF THE PATH`. It only grows, until most of what is
//! in it is of messages that are gone; then it is written anew.
//!
//! ```text
//! MugoMdr1      8 bytes
//! UIDVALIDITY   4 bytes, as all numbers: the lowest byte first
//! batches       for each: bytes of its entries (4), digest of them (8), the entries
//! entry         UID (4), octets with CRLF (8), internal date in seconds (8), its zone in minutes (2), bytes of the base (1),
//!               the base
//! ```
//! A later entry for a base takes the place of an earlier one. Numbers are given out under the kernel's lock on the file, and
//! are on disk before anybody hears of them. A batch that was cut off is written over; a file that is none of these is as
//! good as none: then all UIDs are new, under another UIDVALIDITY.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::message::granted;
use crate::driver::remembered::table;
use crate::mail::date::InternalDate;
use crate::mail::uid::Uid;
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

/// UIDs that were given out, and the lock under which that was.
pub struct Numbered {
    /// One for each message.
    pub uids: Vec<u32>,
    _lock: Box<dyn MailFile>,
}

/// What the log tells of messages, by their bases.
pub type Known = HashMap<Box<[u8]>, Facts>;

/// The log of one mailbox.
pub struct UidLog {
    environment: Arc<Environment>,
    path: PathBuf,
    /// The file as it was read last, and how far.
    read: Option<(FileId, u64)>,
    /// UIDVALIDITY; 0 before it is known.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// How many entries the file holds.
    entries: usize,
}

const MAGIC: &[u8; 8] = b"MugoMdr1";
const FRONT: u64 = 12;
const HEAD: usize = 12;
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
        }
    }

    /// Whether anything was ever numbered for good.
    pub fn is_there(&self) -> bool {
        self.read.is_some()
    }

    /// Reads what is new: all of it the first time, or where the file is another one now.
    pub fn read_on(&mut self) -> io::Result<Known> {
        match self.environment.files.open(&self.path, OpenMode::Read) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(Known::new()),
            Err(refusal) => Err(refusal),
            Ok(file) => self.take_in(&*file),
        }
    }

    /// Numbers messages, in their order: those that have got a UID meanwhile keep it if it is above `floor`, the others get
    /// the next ones. As long as the answer lives nobody else numbers messages.
    pub fn number(&mut self, new: &[Unnumbered<'_>], floor: u32) -> io::Result<Numbered> {
        let mut file = self.lock()?;
        let known = self.take_in(&*file)?;
        let mut last = self.last_uid.max(floor);
        let mut uids = Vec::with_capacity(new.len());
        let mut payload = Vec::new();
        let mut told = floor;
        for message in new {
            let before = known.get(message.base).filter(|facts| facts.uid > told);
            let uid = match before {
                Some(facts) => facts.uid,
                None => {
                    let granted = granted(last, std::iter::once(message.wish));
                    let granted = granted.and_then(|uids| uids.first().copied());
                    last = granted.ok_or_else(|| io::Error::other("no UIDs are left"))?;
                    self.entries += 1;
                    write_entry(&mut payload, last, message);
                    last
                }
            };
            told = uid;
            uids.push(uid);
        }
        if !payload.is_empty() {
            let end = self.read.map_or(FRONT, |(_, end)| end);
            let mut batch = (payload.len() as u32).to_le_bytes().to_vec();
            batch.extend(xxh3_64(&payload).to_le_bytes());
            batch.extend(&payload);
            if file.metadata()?.len() > end {
                file.set_len(end)?;
            }
            write_all_at(&mut *file, &batch, end)?;
            file.sync()?;
            self.last_uid = last;
            self.read = Some((FileId::of(&file.metadata()?), end + batch.len() as u64));
        }
        Ok(Numbered { uids, _lock: file })
    }

    /// Whether most of the log is of messages that are gone.
    pub fn is_mostly_void(&self, live: usize) -> bool {
        self.entries > 2 * live + 1000
    }

    /// Writes the log anew, with these messages alone.
    pub fn rewrite<'a>(
        &mut self,
        messages: impl Iterator<Item = (&'a [u8], Facts)>,
    ) -> io::Result<()> {
        let file = self.lock()?;
        let behind = self.take_in(&*file)?;
        if !behind.is_empty() {
            // Somebody numbers messages right now: another time.
            return Ok(());
        }
        let mut payload = Vec::new();
        let mut entries = 0;
        for (base, facts) in messages {
            entries += 1;
            let message = Unnumbered {
                base,
                size: facts.size,
                date: facts.date,
                wish: None,
            };
            write_entry(&mut payload, facts.uid, &message);
        }
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
        let mut bytes = front(self.uid_validity);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(xxh3_64(&payload).to_le_bytes());
        bytes.extend(&payload);
        replace(&*self.environment.files, &self.path, &bytes)?;
        let found = self.environment.files.metadata(&self.path)?;
        self.read = Some((FileId::of(&found), bytes.len() as u64));
        self.entries = entries;
        drop(file);
        Ok(())
    }

    /// The log with its lock, made where there is none.
    fn lock(&self) -> io::Result<Box<dyn MailFile>> {
        let files = &self.environment.files;
        private_folder(&**files, &folder(&self.environment))?;
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
                    return Ok(file);
                }
                if same {
                    // It is none of ours, or the first write of it was cut off.
                    replace(&**files, &self.path, &self.fresh())?;
                }
            }
            if begin.elapsed() > PATIENCE {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn fresh(&self) -> Vec<u8> {
        let fresh = self.environment.fresh_uid_validity();
        front(
            fresh.max(
                self.uid_validity
                    .saturating_add(u32::from(self.uid_validity > 0)),
            ),
        )
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

    fn take_in(&mut self, file: &dyn MailFile) -> io::Result<Known> {
        let metadata = file.metadata()?;
        let (id, length) = (FileId::of(&metadata), metadata.len());
        let mut known = Known::new();
        if length > LARGEST || !is_sound(file)? {
            return Ok(known);
        }
        let at = match self.read {
            Some((before, end)) if before == id => end,
            _ => {
                let mut number = [0; 4];
                read_exact_at(file, &mut number, MAGIC.len() as u64)?;
                self.uid_validity = u32::from_le_bytes(number);
                (self.last_uid, self.entries) = (0, 0);
                FRONT
            }
        };
        let room = usize::try_from(length.saturating_sub(at)).unwrap_or(0);
        let mut bytes = vec![0; room];
        read_exact_at(file, &mut bytes, at)?;
        let mut rest = bytes.as_slice();
        while let Some((payload, behind)) = batch(rest) {
            self.entries += read_entries(payload, &mut known);
            rest = behind;
        }
        let highest = known.values().map(|facts| facts.uid).max();
        self.last_uid = self.last_uid.max(highest.unwrap_or(0));
        known.remove(&b""[..]);
        self.read = Some((id, at + (bytes.len() - rest.len()) as u64));
        Ok(known)
    }
}

/// Whether a file is a log at all.
fn is_sound(file: &dyn MailFile) -> io::Result<bool> {
    let mut front = [0; FRONT as usize];
    let count = read_full_at(file, &mut front, 0)?;
    Ok(count == front.len() && front.starts_with(MAGIC))
}

/// Whether the state folder takes no files at all, rather than none for now.
pub fn is_unwritable(refusal: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    let kinds = [
        NotADirectory,
        NotFound,
        PermissionDenied,
        ReadOnlyFilesystem,
    ];
    kinds.contains(&refusal.kind())
}

fn front(uid_validity: u32) -> Vec<u8> {
    [&MAGIC[..], &uid_validity.to_le_bytes()].concat()
}

fn write_entry(payload: &mut Vec<u8>, uid: u32, message: &Unnumbered<'_>) {
    payload.extend(uid.to_le_bytes());
    payload.extend(message.size.to_le_bytes());
    payload.extend(message.date.seconds.to_le_bytes());
    payload.extend(message.date.offset.to_le_bytes());
    payload.push(message.base.len() as u8);
    payload.extend(message.base);
}

/// The entries of the first batch, and what is behind it; `None` where there is no whole one.
fn batch(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let (length, digest) = head.split_at_checked(4)?;
    let length = u32::from_le_bytes(length.try_into().ok()?);
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let digest = u64::from_le_bytes(digest.try_into().ok()?);
    (xxh3_64(payload) == digest).then_some((payload, rest))
}

fn read_entries(payload: &[u8], known: &mut Known) -> usize {
    let mut count = 0;
    let mut rest = payload;
    while let Some((base, facts, behind)) = entry(rest) {
        known.insert(base.into(), facts);
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
