//! The flags and keywords of articles, as a file of the state folder: `news/marks`. They go by Message-ID, so an article
//! that stands in several groups has them in each, and they hold also where a spool numbers its articles anew.
//!
//! ```text
//! MugoMrk1      8 bytes
//! batches       for each: bytes of its entries (4, as all numbers: the lowest byte first), digest of them (8), the entries
//! entry         0, digest of the Message-ID (8), flags (2), keywords, a bit for each (4)
//!               1, bytes of the word (1), the word: the next bit is this keyword
//! ```
//! A later entry takes the place of an earlier one. Entries are added under a dot lock; a last batch that was cut off is
//! written over. Where most entries are void the file is written anew.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::prefile::words::Words;
use crate::driver::news::cache::folder;
use crate::driver::waiting::{NoDotLock, Offer, Waiting};
use crate::mail::flags::Keyword;
use crate::os::dot_lock::DotLock;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::guard::FileId;
use crate::os::home::private_folder;
use crate::os::replace::replace;
use crate::os::transfer::{read_exact_at, write_all_at};

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
    /// Which file was read, and how far.
    read: Option<(FileId, u64)>,
    entries: usize,
}

const MAGIC: &[u8; 8] = b"MugoMrk1";
const FRONT: u64 = 8;
const MARK: u8 = 0;
const WORD: u8 = 1;
/// The largest file that is read, in bytes: some 60 million articles.
const LARGEST: u64 = 1 << 30;
/// How long somebody else may hold it.
const PATIENCE: Duration = Duration::from_secs(20);

impl Marks {
    /// The file, not read yet.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
            path: folder(environment).join("marks"),
            words: Words::default(),
            known: HashMap::new(),
            read: None,
            entries: 0,
        }
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
        private_folder(&*self.environment.files, &folder(&self.environment)).map_err(&failed)?;
        let lock = self.lock(job)?;
        let kept = self.keep_locked(words, change).map_err(&failed);
        // What is left of a lock that is not given back goes by itself.
        let _ = lock.release();
        kept
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
            write_word(&mut payload, &word);
        }
        for (id, mark) in change(self) {
            write_mark(&mut payload, id, mark);
            self.known.insert(id, mark);
            self.entries += 1;
        }
        let mostly_void = self.entries > 2 * self.known.len() + 1000;
        match self.read.filter(|_| !mostly_void) {
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
        for word in self.words.names() {
            write_word(&mut payload, &word);
        }
        self.known.retain(|_, mark| *mark != Mark::default());
        for (&id, &mark) in &self.known {
            write_mark(&mut payload, id, mark);
        }
        let bytes = [MAGIC.as_slice(), &whole_batch(&payload)].concat();
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
        something
    }

    fn take_in(&mut self, file: &dyn MailFile) -> io::Result<bool> {
        let metadata = file.metadata()?;
        let (id, length) = (FileId::of(&metadata), metadata.len());
        let end = match self.read {
            Some((before, end)) if before == id && end <= length => end,
            _ => {
                self.forget();
                if !is_sound(file, length)? {
                    return Ok(true);
                }
                FRONT
            }
        };
        if length > LARGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; usize::try_from(length - end).unwrap_or(0)];
        read_exact_at(file, &mut bytes, end)?;
        let mut rest = bytes.as_slice();
        while let Some((payload, behind)) = batch(rest) {
            self.take_entries(payload);
            rest = behind;
        }
        let read = length - rest.len() as u64;
        self.read = Some((id, read));
        Ok(read > end || end == FRONT)
    }

    fn take_entries(&mut self, mut payload: &[u8]) {
        while let Some((entry, behind)) = entry(payload) {
            match entry {
                Entry::Mark(id, mark) => {
                    self.known.insert(id, mark);
                    self.entries += 1;
                }
                Entry::Word(word) => drop(self.words.define(&[word])),
            }
            payload = behind;
        }
    }
}

fn add_to(file: &mut dyn MailFile, batch: &[u8], end: u64) -> io::Result<()> {
    if file.metadata()?.len() > end {
        file.set_len(end)?;
    }
    write_all_at(file, batch, end)?;
    file.sync()
}

/// Whether the file is one of ours; else it is written over.
fn is_sound(file: &dyn MailFile, length: u64) -> io::Result<bool> {
    if length < FRONT {
        return Ok(false);
    }
    let mut front = [0; FRONT as usize];
    read_exact_at(file, &mut front, 0)?;
    Ok(front == *MAGIC)
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

enum Entry {
    Mark(u64, Mark),
    Word(Keyword),
}

fn write_mark(payload: &mut Vec<u8>, id: u64, mark: Mark) {
    payload.push(MARK);
    payload.extend_from_slice(&id.to_le_bytes());
    payload.extend_from_slice(&mark.flags.to_le_bytes());
    payload.extend_from_slice(&mark.keywords.to_le_bytes());
}

fn write_word(payload: &mut Vec<u8>, word: &Keyword) {
    payload.push(WORD);
    payload.extend(u8::try_from(word.as_str().len()));
    payload.extend_from_slice(word.as_str().as_bytes());
}

fn entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    if kind == WORD {
        let (&length, rest) = rest.split_first()?;
        let (word, rest) = rest.split_at_checked(usize::from(length))?;
        let word = Keyword::new(std::str::from_utf8(word).ok()?)?;
        return Some((Entry::Word(word), rest));
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
