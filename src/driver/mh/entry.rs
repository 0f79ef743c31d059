//! What is kept of a message in the log: where its file is, what tells the file from others, and its measures.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// What tells a file from others, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Key {
    /// Inode number.
    pub inode: u64,
    /// Modification time: seconds since 1970.
    pub seconds: i64,
    /// And nanoseconds.
    pub nanos: u32,
    /// Bytes.
    pub length: u64,
}

impl Key {
    /// The key of a file.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            seconds: metadata.mtime(),
            nanos: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
            length: metadata.len(),
        }
    }
}

/// A message, in 56 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Entry {
    /// Its UID; 0 in entries that are none of a message.
    pub uid: u32,
    /// The name of its file; 0 for one that is gone.
    pub number: u32,
    /// What tells its file from others.
    pub key: Key,
    /// Octets with CRLF line ends.
    pub size: u64,
    /// Digest of the bytes in the file.
    pub digest: u64,
}

/// When names came, went or changed last in a directory.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct DirectoryStamp {
    inode: u64,
    modified: (i64, u32),
    changed: (i64, u32),
}

impl DirectoryStamp {
    /// The stamp of a directory.
    pub fn of(metadata: &Metadata) -> Self {
        let nanos = |nanos| u32::try_from(nanos).unwrap_or(0);
        Self {
            inode: metadata.ino(),
            modified: (metadata.mtime(), nanos(metadata.mtime_nsec())),
            changed: (metadata.ctime(), nanos(metadata.ctime_nsec())),
        }
    }

    /// Whether it was made so shortly before `now`, in seconds, that one more change could not be told from it.
    pub fn is_recent(&self, now: i64) -> bool {
        const COARSE: i64 = 2;
        now.saturating_sub(self.modified.0.max(self.changed.0)) < COARSE
    }

    /// As an entry of the log, that of no message: the mailbox holds the messages of the entries before it when its
    /// directory has this stamp.
    pub fn to_entry(self) -> Entry {
        Entry {
            uid: 0,
            number: self.changed.1,
            key: Key {
                inode: self.inode,
                seconds: self.modified.0,
                nanos: self.modified.1,
                length: 0,
            },
            size: self.changed.0.cast_unsigned(),
            digest: 0,
        }
    }

    /// Takes what [`to_entry`](Self::to_entry) made.
    pub fn from_entry(entry: &Entry) -> Self {
        Self {
            inode: entry.key.inode,
            modified: (entry.key.seconds, entry.key.nanos),
            changed: (entry.size.cast_signed(), entry.number),
        }
    }
}

/// Bytes of an entry in the log.
pub const LENGTH: usize = 52;

impl Entry {
    /// Its bytes: UID, number, nanoseconds, inode, seconds, length, size, digest, the lowest byte of each first.
    pub fn write(&self, into: &mut Vec<u8>) {
        for number in [self.uid, self.number, self.key.nanos] {
            into.extend(number.to_le_bytes());
        }
        let key = &self.key;
        for number in [
            key.inode,
            key.seconds.cast_unsigned(),
            key.length,
            self.size,
            self.digest,
        ] {
            into.extend(number.to_le_bytes());
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    pub fn read(bytes: &[u8; LENGTH]) -> Self {
        let small = |place: usize| {
            let bytes = bytes.get(place..).and_then(|rest| rest.first_chunk::<4>());
            bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        let large = |place: usize| {
            let bytes = bytes.get(place..).and_then(|rest| rest.first_chunk::<8>());
            bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        Self {
            uid: small(0),
            number: small(4),
            key: Key {
                nanos: small(8),
                inode: large(12),
                seconds: large(20).cast_signed(),
                length: large(28),
            },
            size: large(36),
            digest: large(44),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_stamps_come_back_as_they_were() {
        let entry = Entry {
            uid: 1,
            number: u32::MAX,
            key: Key {
                inode: u64::MAX - 1,
                seconds: -5,
                nanos: 999_999_999,
                length: 1 << 40,
            },
            size: 7,
            digest: 1 << 63,
        };
        let mut bytes = Vec::new();
        entry.write(&mut bytes);
        let bytes: [u8; LENGTH] = bytes.try_into().expect("its length");
        assert_eq!(Entry::read(&bytes), entry);
        let stamp = DirectoryStamp {
            inode: 9,
            modified: (-1, 2),
            changed: (3, 4),
        };
        assert_eq!(DirectoryStamp::from_entry(&stamp.to_entry()), stamp);
    }
}
