//! What is known of the files in a directory, as a file of the state folder: `FORMAT/DIGEST OF THE PATH`. Without it every
//! file is looked at once more; it is never the truth: what is no longer in the directory does not count, and nothing is
//! written to a mailbox by it.
//!
//! ```text
//! magic         8 bytes, the format's own
//! directory     device, inode (8 each, as all numbers: the lowest byte first), and whether it is as it was then (16): seconds
//!               and nanoseconds of the last change of its names, 0 where that may have been once more
//! files         for each: number (4), octets with CRLF, its highest bit for several groups (4), time in seconds (8), digest
//!               of the Message-ID (8)
//! digest        8 bytes, of all before
//! ```

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::whole_file::read_whole;
use crate::driver::remembered::table;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::home::private_folder;
use crate::os::transfer::write_all_at;

/// What these files of one format have in common.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Their folder in the state folder.
    pub folder: &'static str,
    /// How each begins.
    pub magic: &'static [u8; 8],
}

/// A message's facts, which never change as long as its file does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Its number, which is its UID.
    pub number: u32,
    /// Whether it is an article of other groups too.
    pub crossposted: bool,
    /// Whether its file could be read; else the rest is not to be relied on.
    pub measured: bool,
    /// Octets with CRLF line ends.
    pub size: u64,
    /// When its file was written, in seconds since 1970.
    pub date: i64,
    /// Digest of its Message-ID, where the format has use for it; else 0.
    pub id: u64,
}

/// What was known of a mailbox when it was written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cache {
    /// Whether the directory has the same names still.
    pub complete: bool,
    /// Its messages, numbers ascending.
    pub facts: Vec<Facts>,
}

const FRONT: usize = 40;
const ENTRY: usize = 24;
const TAIL: usize = 8;
const CROSSPOSTED: u32 = 1 << 31;
/// The largest file that is read, in bytes: 44 million messages.
const LARGEST: u64 = 1 << 30;

impl Kind {
    /// Where what is kept of this format is.
    pub fn folder(self, environment: &Environment) -> PathBuf {
        environment.state.join(self.folder)
    }

    /// Where the file of the mailbox in `directory` is.
    pub fn place(self, environment: &Environment, directory: &Path) -> PathBuf {
        let place = table::place(environment, directory);
        self.folder(environment)
            .join(place.file_name().unwrap_or_default())
    }

    /// Reads what is known of the mailbox in `directory`; nothing where the file is broken, or another directory's.
    pub fn read(self, environment: &Environment, directory: &Path, metadata: &Metadata) -> Cache {
        let place = self.place(environment, directory);
        let bytes = read_whole(&*environment.files, &place, LARGEST);
        let bytes = bytes.map(|(bytes, _)| bytes).unwrap_or_default();
        parse(self.magic, &bytes, &identity(metadata), &times(metadata)).unwrap_or_default()
    }

    /// Writes what is known of the mailbox in `directory`. Sizes that have no room are left out. That it reaches the disk is
    /// not waited for: one that does not is broken, and as good as none.
    pub fn write(
        self,
        environment: &Environment,
        directory: &Path,
        (metadata, settled): (&Metadata, bool),
        facts: &mut dyn Iterator<Item = Facts>,
    ) -> io::Result<()> {
        let files = &environment.files;
        private_folder(&**files, &self.folder(environment))?;
        let times = if settled { times(metadata) } else { [0; 16] };
        let bytes = to_bytes(self.magic, &identity(metadata), &times, facts);
        let place = self.place(environment, directory);
        let mut beside = place.clone().into_os_string();
        beside.push(format!(".{}.new", environment.process.pid));
        let beside = PathBuf::from(beside);
        // What a killed process of this number left.
        let _ = files.remove_file(&beside);
        let mut file = files.open(&beside, OpenMode::CreateNew(0o600))?;
        let written =
            write_all_at(&mut *file, &bytes, 0).and_then(|()| files.rename(&beside, &place));
        if written.is_err() {
            let _ = files.remove_file(&beside);
        }
        written
    }
}

/// Whether names may have changed once more under the same time.
pub fn is_settled(environment: &Environment, metadata: &Metadata) -> bool {
    !Stamp::of(metadata).is_recent((environment.clock)())
}

fn identity(metadata: &Metadata) -> [u8; 16] {
    pair(metadata.dev(), metadata.ino())
}

fn times(metadata: &Metadata) -> [u8; 16] {
    pair(
        metadata.ctime().cast_unsigned(),
        metadata.ctime_nsec().cast_unsigned(),
    )
}

fn pair(one: u64, other: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    let both = one.to_le_bytes().into_iter().chain(other.to_le_bytes());
    for (to, from) in bytes.iter_mut().zip(both) {
        *to = from;
    }
    bytes
}

fn to_bytes(
    magic: &[u8; 8],
    identity: &[u8; 16],
    times: &[u8; 16],
    facts: &mut dyn Iterator<Item = Facts>,
) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut all = true;
    for it in facts {
        let Some(size) = u32::try_from(it.size).ok().filter(|&it| it < CROSSPOSTED) else {
            all = false;
            continue;
        };
        let mark = if it.crossposted { CROSSPOSTED } else { 0 };
        entries.extend_from_slice(&it.number.to_le_bytes());
        entries.extend_from_slice(&(size | mark).to_le_bytes());
        entries.extend_from_slice(&it.date.to_le_bytes());
        entries.extend_from_slice(&it.id.to_le_bytes());
    }
    let mut bytes = magic.to_vec();
    bytes.extend_from_slice(identity);
    bytes.extend_from_slice(if all { times } else { &[0; 16] });
    bytes.extend(entries);
    bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
    bytes
}

fn parse(magic: &[u8; 8], bytes: &[u8], identity: &[u8; 16], times: &[u8; 16]) -> Option<Cache> {
    let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(TAIL)?)?;
    let (front, entries) = body.split_at_checked(FRONT)?;
    let whole = digest == xxh3_64(body).to_le_bytes() && entries.len().is_multiple_of(ENTRY);
    let (begins, rest) = front.split_at_checked(magic.len())?;
    let (directory, told) = rest.split_at_checked(identity.len())?;
    if !whole || begins != magic || directory != identity {
        return None;
    }
    let facts: Option<Vec<Facts>> = entries.chunks_exact(ENTRY).map(entry).collect();
    let facts = facts?;
    let ascend = facts.is_sorted_by(|one, other| one.number < other.number);
    ascend.then(|| Cache {
        complete: told == times,
        facts,
    })
}

fn entry(bytes: &[u8]) -> Option<Facts> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    let (size, rest) = rest.split_first_chunk::<4>()?;
    let (date, rest) = rest.split_first_chunk::<8>()?;
    let (id, _) = rest.split_first_chunk::<8>()?;
    let size = u32::from_le_bytes(*size);
    Some(Facts {
        number: u32::from_le_bytes(*number),
        crossposted: size & CROSSPOSTED != 0,
        measured: true,
        size: u64::from(size & !CROSSPOSTED),
        date: i64::from_le_bytes(*date),
        id: u64::from_le_bytes(*id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: &[u8; 8] = b"MugoTest";

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let facts = |number| Facts {
            number,
            crossposted: number % 2 == 0,
            measured: true,
            size: u64::from(number) * 100,
            date: -5,
            id: u64::MAX - u64::from(number),
        };
        let all: Vec<Facts> = [1, 2, u32::MAX / 200].map(facts).into();
        let (identity, times) = (pair(1, 2), pair(3, 4));
        let bytes = to_bytes(MAGIC, &identity, &times, &mut all.iter().copied());
        let cache = Cache {
            complete: true,
            facts: all.clone(),
        };
        assert_eq!(parse(MAGIC, &bytes, &identity, &times), Some(cache.clone()));
        let later = parse(MAGIC, &bytes, &identity, &pair(3, 5)).expect("the same directory");
        assert!(!later.complete && later.facts == cache.facts);
        assert_eq!(parse(MAGIC, &bytes, &pair(1, 3), &times), None);
        for cut in 0..bytes.len() {
            assert_eq!(
                parse(MAGIC, &bytes[..cut], &identity, &times),
                None,
                "{cut}"
            );
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert_eq!(parse(MAGIC, &damaged, &identity, &times), None, "{at}");
        }
        let wrong = to_bytes(MAGIC, &identity, &times, &mut all.into_iter().rev());
        assert_eq!(parse(MAGIC, &wrong, &identity, &times), None);
    }
}
