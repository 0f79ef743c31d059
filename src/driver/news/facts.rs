//! What is known of an article without opening it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use xxhash_rust::xxh3::xxh3_64;

/// An article's facts, which never change as long as its file does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Its number, which is its UID.
    pub number: u32,
    /// Whether it stands in other groups too.
    pub crossposted: bool,
    /// Whether its file could be read; else the rest is not to be relied on.
    pub measured: bool,
    /// Octets with CRLF line ends.
    pub size: u64,
    /// When its file was written, in seconds since 1970.
    pub date: i64,
    /// Digest of its Message-ID.
    pub id: u64,
}

/// The digest of a Message-ID, by which flags are kept. An article without one has none that lasts.
pub fn digest(message_id: &[u8]) -> u64 {
    xxh3_64(message_id)
}

/// When a file was written, in seconds since 1970.
pub fn date_of(metadata: &Metadata) -> i64 {
    metadata.mtime()
}
