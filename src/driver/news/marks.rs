//! The flags and keywords of articles, as a file of the state folder: `news/marks`. They go by Message-ID, so an article
//! that stands in several groups has them in each, and they hold also where a spool numbers its articles anew.
//!
//! ```text
//! MugoMrk2      8 bytes
//! generation    8 bytes, another number for each file that was ever begun
//! batches       for each: bytes of its entries (4, as all numbers: the lowest byte first), digest of them (8), the entries
//! entry         0, digest of the Message-ID (8), flags (2), keywords, a bit for each (4)
//!               1, a bit's place (1), bytes of the word (1), the word: the bit is this keyword
//! ```
//! A later entry takes the place of an earlier one. Entries are added under a dot lock; a last batch that was cut off is
//! written over. A batch that is damaged is left out, and those behind it are read. Where most entries are void, or some
//! are damaged, the file is written anew.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::record::MOST_KEYWORDS;
use crate::driver::layout::prefile::words::Words;
use crate::driver::news::facts::KEPT;
use crate::driver::remembered::log::new_generation;
use crate::driver::waiting::{NoDotLock, Offer, Waiting};
use crate::mail::flags::Keyword;
use crate::os::dot_lock::DotLock;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::home::private_folder;
use crate::os::replace::replace;
use crate::os::transfer::{read_exact_at, read_full_at, write_all_at};

/// What is kept of one article; the default of all that have no entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// System flags, in the bits that all drivers use.
    pub flags: u16,
    /// A bit for each keyword.
    pub keywords: u32,
}

/// The file.
pub struct Marks {
    environment: Arc<Environment>,
    path: PathBuf,
    /// The names of the keywords.
    pub words: Words,
    known: HashMap<u64, Mark>,
    /// The generation of the file that was read, and how far.
    read: Option<(u64, u64)>,
    entries: usize,
    /// Whether something in it could not be read.
    damaged: bool,
}

const MAGIC: &[u8; 8] = b"MugoMrk2";
const FRONT: u64 = 16;
const MARK: u8 = 0;
const WORD: u8 = 1;
/// The largest file that is read, in bytes: some 60 million articles.
const LARGEST: u64 = 1 << 30;
/// So many bytes are digested to find what is whole behind something damaged.
const MOST_WORK: usize = 256 << 20;
/// How long somebody else may hold it.
const PATIENCE: Duration = Duration::from_secs(20);

impl Marks {
    /// The file, not read yet.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
            path: KEPT.folder(environment).join("marks"),
            words: Words::default(),
            known: HashMap::new(),
            read: None,
            entries: 0,
            damaged: false,
        }
    }

    /// Whether an article has such a mark.
    pub fn any(&self, is_such: impl Fn(&Mark) -> bool) -> bool {
        self.known.values().any(is_such)
    }

    /// What is kept of an article.
    pub fn of(&self, id: u64) -> Mark {
        self.known.get(&id).copied().unwrap_or_default()
    }

    /// Reads what is new; says whether there was something.
    pub fn read_on(&mut self) -> io::Result<bool> {
        let file = match self.environment.files.open(&self.path, OpenMode::Read) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                return Ok(self.forget());
            }
            other => other?,
        };
        self.take_in(&*file)
    }

    /// Keeps these marks, durable on return. The keywords must be known.
    pub fn keep(
        &mut self,
        words: &[Keyword],
        change: impl FnOnce(&Self) -> Vec<(u64, Mark)>,
        job: &Job,
    ) -> Result<()> {
        let path = self.path.clone();
        let failed = Error::io(&path);
        private_folder(&*self.environment.files, &KEPT.folder(&self.environment))
            .map_err(&failed)?;
        let lock = self.lock(job)?;
        let kept = self.keep_locked(words, change);
        // What is left of a lock that is not given back goes by itself.
        let _ = lock.release();
        kept.map_err(|refusal| match refusal.kind() {
            io::ErrorKind::FileTooLarge => {
                let path = path.display();
                job.notice(format!(
                    "{path}, the file of the flags of articles, is too large; no flags are kept until it is moved away"
                ));
                Error::Refused("the file of flags is too large")
            }
            _ => failed(refusal),
        })
    }

    fn lock(&self, job: &Job) -> Result<DotLock> {
        let environment = &*self.environment;
        let waiting = Waiting::new(environment, &self.path, Offer::Nothing, job);
        let lock = waiting.at_most(PATIENCE).dot_lock(environment, &self.path);
        lock.map_err(|refusal| match refusal {
            NoDotLock::Ended(why) => why,
            NoDotLock::Refused(_) => Error::Refused("the file of flags cannot be locked"),
        })
    }

    fn keep_locked(
        &mut self,
        words: &[Keyword],
        change: impl FnOnce(&Self) -> Vec<(u64, Mark)>,
    ) -> io::Result<()> {
        self.read_on()?;
        let mut payload = Vec::new();
        for word in self.words.define(words) {
            let bit = self.words.bits_of(std::slice::from_ref(&word));
            write_word(&mut payload, bit.trailing_zeros(), &word);
        }
        for (id, mark) in change(self) {
            write_mark(&mut payload, id, mark);
            self.known.insert(id, mark);
            self.entries += 1;
        }
        let mostly_void = self.entries > 2 * self.known.len() + 1000;
        let room = |end: u64| end + payload.len() as u64 + FRONT < LARGEST;
        let sound = !mostly_void && !self.damaged;
        match self.read.filter(|&(_, end)| sound && room(end)) {
            _ if payload.is_empty() => Ok(()),
            Some((_, end)) => self.add(&payload, end),
            None => self.write_anew(),
        }
    }

    fn add(&mut self, payload: &[u8], end: u64) -> io::Result<()> {
        let batch = whole_batch(payload);
        let files = &self.environment.files;
        let mut file = files.open(&self.path, OpenMode::ReadWriteNoFollow)?;
        let added = add_to(&mut *file, &batch, end);
        if added.is_err() {
            // What could not be written is not known: it is read again.
            self.forget();
        }
        added?;
        self.read = self.read.map(|(file, _)| (file, end + batch.len() as u64));
        Ok(())
    }

    fn write_anew(&mut self) -> io::Result<()> {
        let mut payload = Vec::new();
        for (place, word) in self.words.slots() {
            if let Some(word) = word {
                write_word(&mut payload, u32::try_from(place).unwrap_or(u32::MAX), word);
            }
        }
        self.known.retain(|_, mark| *mark != Mark::default());
        for (&id, &mark) in &self.known {
            write_mark(&mut payload, id, mark);
        }
        if payload.len() as u64 + 2 * FRONT > LARGEST {
            self.forget();
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let generation = new_generation(&self.environment).to_le_bytes();
        let bytes = [MAGIC.as_slice(), &generation, &whole_batch(&payload)].concat();
        let written = replace(&*self.environment.files, &self.path, &bytes);
        // It is another file now.
        self.forget();
        written?;
        self.read_on().map(drop)
    }

    /// Forgets what was read; says whether that was something.
    fn forget(&mut self) -> bool {
        let something = self.read.take().is_some();
        self.known.clear();
        self.words = Words::default();
        self.entries = 0;
        self.damaged = false;
        something
    }

    fn take_in(&mut self, file: &dyn MailFile) -> io::Result<bool> {
        let length = file.metadata()?.len();
        let Some(generation) = generation(file)? else {
            // It is none of ours, and is written over.
            self.forget();
            return Ok(true);
        };
        let end = match self.read {
            Some((before, end)) if before == generation && end <= length => end,
            _ => {
                self.forget();
                FRONT
            }
        };
        if length > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = vec![0; usize::try_from(length - end).unwrap_or(0)];
        read_exact_at(file, &mut bytes, end)?;
        let mut rest = bytes.as_slice();
        loop {
            while let Some((payload, behind)) = batch(rest) {
                self.take_entries(payload);
                rest = behind;
            }
            let Some(behind) = next_whole(rest) else {
                break;
            };
            self.damaged = true;
            rest = behind;
        }
        let read = length - rest.len() as u64;
        self.read = Some((generation, read));
        Ok(read > end || end == FRONT)
    }

    fn take_entries(&mut self, mut payload: &[u8]) {
        while let Some((entry, behind)) = entry(payload) {
            match entry {
                Entry::Mark(id, mark) => {
                    self.known.insert(id, mark);
                    self.entries += 1;
                }
                Entry::Word(place, word) => self.name_bit(place.into(), word),
            }
            payload = behind;
        }
    }

    fn name_bit(&mut self, place: usize, word: Keyword) {
        let slots = self.words.slots().map(|(_, slot)| slot.cloned());
        let mut slots: Vec<Option<Keyword>> = slots.collect();
        if place < MOST_KEYWORDS && place >= slots.len() {
            slots.resize(place + 1, None);
        }
        if let Some(slot) = slots.get_mut(place) {
            *slot = Some(word);
        }
        self.words = Words::new(slots);
    }
}

fn add_to(file: &mut dyn MailFile, batch: &[u8], end: u64) -> io::Result<()> {
    if file.metadata()?.len() > end {
        file.set_len(end)?;
    }
    write_all_at(file, batch, end)?;
    file.sync()
}

/// The generation of the file; `None` where it is none of ours.
fn generation(file: &dyn MailFile) -> io::Result<Option<u64>> {
    let mut front = [0; FRONT as usize];
    let count = read_full_at(file, &mut front, 0)?;
    let numbers = front.strip_prefix(MAGIC).filter(|_| count == front.len());
    let generation = numbers.and_then(|numbers| numbers.first_chunk::<8>());
    Ok(generation.map(|it| u64::from_le_bytes(*it)))
}

fn whole_batch(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut batch = length.to_le_bytes().to_vec();
    batch.extend_from_slice(&xxh3_64(payload).to_le_bytes());
    batch.extend_from_slice(payload);
    batch
}

/// The entries of the first batch, and what stands behind it; `None` where it is not whole.
fn batch(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (digest, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let parts = rest.split_at_checked(length)?;
    (u64::from_le_bytes(*digest) == xxh3_64(parts.0)).then_some(parts)
}

/// Where the next whole batch begins behind one that is damaged. `None` where there is none, or it takes too long to find.
fn next_whole(bytes: &[u8]) -> Option<&[u8]> {
    let mut work = MOST_WORK;
    for place in 1..bytes.len() {
        let rest = bytes.get(place..)?;
        let length = rest.first_chunk::<4>().map(|it| u32::from_le_bytes(*it))?;
        let length = usize::try_from(length).ok()?;
        // An empty one tells nothing, and NULs look much like it.
        if length == 0 || length > rest.len() {
            continue;
        }
        work = work.checked_sub(length)?;
        if batch(rest).is_some() {
            return Some(rest);
        }
    }
    None
}

enum Entry {
    Mark(u64, Mark),
    Word(u8, Keyword),
}

fn write_mark(payload: &mut Vec<u8>, id: u64, mark: Mark) {
    payload.push(MARK);
    payload.extend_from_slice(&id.to_le_bytes());
    payload.extend_from_slice(&mark.flags.to_le_bytes());
    payload.extend_from_slice(&mark.keywords.to_le_bytes());
}

fn write_word(payload: &mut Vec<u8>, place: u32, word: &Keyword) {
    payload.push(WORD);
    payload.push(u8::try_from(place).unwrap_or(u8::MAX));
    payload.extend(u8::try_from(word.as_str().len()));
    payload.extend_from_slice(word.as_str().as_bytes());
}

fn entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    if kind == WORD {
        let (&place, rest) = rest.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (word, rest) = rest.split_at_checked(usize::from(length))?;
        let word = Keyword::new(std::str::from_utf8(word).ok()?)?;
        return Some((Entry::Word(place, word), rest));
    }
    let (id, rest) = rest.split_first_chunk::<8>()?;
    let (flags, rest) = rest.split_first_chunk::<2>()?;
    let (keywords, rest) = rest.split_first_chunk::<4>()?;
    let mark = Mark {
        flags: u16::from_le_bytes(*flags),
        keywords: u32::from_le_bytes(*keywords),
    };
    (kind == MARK).then(|| (Entry::Mark(u64::from_le_bytes(*id), mark), rest))
}
