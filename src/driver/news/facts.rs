//! What is found out of an article.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::layout::folder::cache::Kind;

/// What is kept of groups: a file for each, and the marks of all articles.
pub const KEPT: Kind = Kind {
    folder: "news",
    magic: b"MugoArt2",
};

/// The digest of a Message-ID, by which flags are kept. An article without one has none that lasts.
pub fn digest(message_id: &[u8]) -> u64 {
    xxh3_64(message_id)
}

/// When a file was written, in seconds since 1970.
pub fn date_of(metadata: &Metadata) -> i64 {
    metadata.mtime()
}
