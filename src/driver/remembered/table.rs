//! The table of one mailbox, as a file of the state folder: `remembered/DIGEST OF THE PATH`.
//!
//! ```text
//! MugoUid3        8 bytes
//! driver          8 bytes, padded with NUL
//! UIDVALIDITY     4 bytes, as all numbers: the lowest byte first
//! last UID        4 bytes
//! file            device, inode, length, seconds and nanoseconds of its last change (8 each): as this was written
//! keywords        their number (1), then each as its length (1) and its bytes
//! messages        for each: UID (4), digest of date and size (4), digest of its bytes (8), state (4)
//! digest          8 bytes, of all before
//! ```
//! A file that breaks this, or belongs to another driver, is as good as none.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::driver::layout::file::record::MOST_KEYWORDS;
use crate::mail::flags::Keyword;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::home::private_folder;
use crate::os::replace::replace;
use crate::os::transfer::read_exact_at;

/// What is remembered of one mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// Its file as it was then.
    pub file: FileState,
    /// The keywords for which the file has no bit, at most 30: the place of one is its bit in the state of messages.
    pub keywords: Vec<Keyword>,
    /// Its messages, UIDs ascending.
    pub messages: Vec<Remembered>,
}

/// What tells a file from all others, and whether somebody wrote to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileState {
    /// Device and inode.
    pub id: (u64, u64),
    /// Bytes.
    pub length: u64,
    /// The time of its last change: seconds and nanoseconds.
    pub modified: (i64, i64),
}

impl FileState {
    /// The state of the file at `path`; zeros where there is none.
    pub fn of(environment: &Environment, path: &Path) -> Self {
        let found = environment.files.metadata(path);
        found.map_or_else(|_| Self::default(), |found| Self::from_metadata(&found))
    }

    /// The state of a file.
    pub fn from_metadata(metadata: &Metadata) -> Self {
        Self {
            id: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// A message as it is known again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// Its UID.
    pub uid: u32,
    /// Digest of what the file says of it in front: date and size.
    pub outside: u32,
    /// Digest of its first and last bytes.
    pub inside: u64,
    /// A bit for each keyword, and [`PUT_OFF`].
    pub state: u32,
}

/// In the state of a message: it goes as soon as nobody else has the mailbox open.
pub const PUT_OFF: u32 = 1 << 31;

const MAGIC: &[u8; 8] = b"MugoUid3";
const ENTRY: usize = 20;
const TAIL: usize = 8;
/// The largest table that is read, in bytes: 13 million messages.
const LARGEST: u64 = 256 << 20;

/// Where the table of the mailbox at `path` is, by whatever name it is known.
pub fn place(environment: &Environment, path: &Path) -> PathBuf {
    let digest = xxh3_128(resolved(path).as_os_str().as_encoded_bytes());
    folder(environment).join(format!("{digest:032x}"))
}

/// The path without links, as far as it leads anywhere.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find_map(|front| {
        let found = front.canonicalize().ok()?;
        Some((found, absolute.strip_prefix(front).ok()?))
    });
    match there {
        // Joined with nothing it would end in a slash.
        Some((found, rest)) if rest.as_os_str().is_empty() => found,
        Some((found, rest)) => found.join(rest),
        None => absolute,
    }
}

/// The folder of all tables.
pub fn folder(environment: &Environment) -> PathBuf {
    environment.state.join("remembered")
}

/// A table without messages, of now.
pub fn fresh(environment: &Environment) -> Table {
    Table {
        uid_validity: environment.fresh_uid_validity(),
        ..Table::default()
    }
}

impl Table {
    /// Reads the table that `driver` has written; `None` where there is none that can be used. A table that cannot be
    /// read for now is an error: without it the UIDs would be lost.
    pub fn read(environment: &Environment, place: &Path, driver: &str) -> io::Result<Option<Self>> {
        let file = match environment.files.open(place, OpenMode::Read) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let length = file.metadata()?.len();
        if length > LARGEST {
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        read_exact_at(&*file, &mut bytes, 0)?;
        Ok(Self::parse(&bytes, driver))
    }

    /// Forgets the keywords that no message has any more, so that there is room for others.
    pub fn tidy(&mut self) {
        let used = self.messages.iter().fold(0, |used, it| used | it.state);
        let bits: Vec<usize> = (0..self.keywords.len())
            .filter(|bit| used & (1 << bit) != 0)
            .collect();
        if bits.len() == self.keywords.len() {
            return;
        }
        for message in &mut self.messages {
            let before = message.state;
            let set = bits
                .iter()
                .enumerate()
                .filter(|(_, bit)| before & (1 << **bit) != 0);
            message.state = set.fold(before & PUT_OFF, |state, (bit, _)| state | 1 << bit);
        }
        let keywords = bits
            .iter()
            .filter_map(|&bit| self.keywords.get(bit).cloned());
        self.keywords = keywords.collect();
    }

    /// Writes the table, durable on return.
    pub fn write(&self, environment: &Environment, place: &Path, driver: &str) -> io::Result<()> {
        private_folder(&*environment.files, &folder(environment))?;
        replace(&*environment.files, place, &self.to_bytes(driver))
    }

    fn to_bytes(&self, driver: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + ENTRY * self.messages.len() + TAIL);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&signature(driver));
        bytes.extend_from_slice(&self.uid_validity.to_le_bytes());
        bytes.extend_from_slice(&self.last_uid.to_le_bytes());
        let (seconds, nanoseconds) = self.file.modified;
        let (seconds, nanoseconds) = (seconds.cast_unsigned(), nanoseconds.cast_unsigned());
        let (device, inode) = self.file.id;
        for number in [device, inode, self.file.length, seconds, nanoseconds] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let keywords = self.keywords.get(..MOST_KEYWORDS).unwrap_or(&self.keywords);
        bytes.push(keywords.len() as u8);
        for keyword in keywords {
            let name = keyword.as_str().as_bytes();
            bytes.push(name.len() as u8);
            bytes.extend_from_slice(name);
        }
        for message in &self.messages {
            bytes.extend_from_slice(&message.uid.to_le_bytes());
            bytes.extend_from_slice(&message.outside.to_le_bytes());
            bytes.extend_from_slice(&message.inside.to_le_bytes());
            bytes.extend_from_slice(&message.state.to_le_bytes());
        }
        let digest = xxh3_64(&bytes);
        bytes.extend_from_slice(&digest.to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8], driver: &str) -> Option<Self> {
        let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(TAIL)?)?;
        if xxh3_64(content).to_le_bytes() != digest {
            return None;
        }
        let rest = content.strip_prefix(MAGIC)?;
        let rest = rest.strip_prefix(&signature(driver))?;
        let (uid_validity, rest) = number(rest)?;
        let (last_uid, rest) = number(rest)?;
        let (device, rest) = long(rest)?;
        let (inode, rest) = long(rest)?;
        let (length, rest) = long(rest)?;
        let (seconds, rest) = long(rest)?;
        let (nanoseconds, rest) = long(rest)?;
        let (keywords, mut rest) = words(rest)?;
        let mut messages = Vec::with_capacity(rest.len() / ENTRY);
        let mut previous = 0;
        while !rest.is_empty() {
            let (uid, after) = number(rest)?;
            let (outside, after) = number(after)?;
            let (inside, after) = long(after)?;
            let (state, after) = number(after)?;
            if uid <= previous || uid > last_uid {
                return None;
            }
            previous = uid;
            messages.push(Remembered {
                uid,
                outside,
                inside,
                state,
            });
            rest = after;
        }
        Some(Self {
            uid_validity,
            last_uid,
            file: FileState {
                id: (device, inode),
                length,
                modified: (seconds.cast_signed(), nanoseconds.cast_signed()),
            },
            keywords,
            messages,
        })
        .filter(|table| table.uid_validity > 0)
    }
}

fn signature(driver: &str) -> [u8; 8] {
    let mut padded = [0; 8];
    for (to, from) in padded.iter_mut().zip(driver.bytes()) {
        *to = from;
    }
    padded
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn long(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*number), rest))
}

fn words(bytes: &[u8]) -> Option<(Vec<Keyword>, &[u8])> {
    let (&count, mut rest) = bytes.split_first()?;
    let mut words = Vec::new();
    for _ in 0..count {
        let (&length, after) = rest.split_first()?;
        let (name, after) = after.split_at_checked(usize::from(length))?;
        words.push(Keyword::new(std::str::from_utf8(name).ok()?)?);
        rest = after;
    }
    (words.len() <= MOST_KEYWORDS).then_some((words, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let message = |uid| Remembered {
            uid,
            outside: uid * 7,
            inside: u64::from(uid) << 40,
            state: uid | PUT_OFF,
        };
        Table {
            uid_validity: 9,
            last_uid: 12,
            file: FileState {
                id: (7, 1 << 40),
                length: 99,
                modified: (-1, 12),
            },
            keywords: ["urgent", "x"]
                .iter()
                .filter_map(|word| Keyword::new(word))
                .collect(),
            messages: [3, 4, 11].map(message).to_vec(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let bytes = table().to_bytes("tenex");
        assert_eq!(Table::parse(&bytes, "tenex"), Some(table()));
        assert_eq!(Table::parse(&bytes, "mtx"), None);
        for cut in 0..bytes.len() {
            assert_eq!(Table::parse(&bytes[..cut], "tenex"), None, "{cut}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert_eq!(Table::parse(&damaged, "tenex"), None, "{at}");
        }
    }

    #[test]
    fn keywords_that_nobody_has_make_room() {
        let mut table = table();
        table.messages[0].state = 0b10 | PUT_OFF;
        table.messages[1].state = 0;
        table.messages[2].state = 0b10;
        table.tidy();
        assert_eq!(table.keywords.len(), 1);
        let states: Vec<u32> = table.messages.iter().map(|it| it.state).collect();
        assert_eq!(states, [0b1 | PUT_OFF, 0, 0b1]);
    }

    #[test]
    fn uids_that_descend_are_not_believed() {
        let mut wrong = table();
        wrong.messages.swap(0, 1);
        assert_eq!(Table::parse(&wrong.to_bytes("mtx"), "mtx"), None);
    }
}
