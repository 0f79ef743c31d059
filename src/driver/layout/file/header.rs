//! What the header of a message tells: its metadata, and a digest of the rest.
//!
//! Most headers are whole in memory, end with an empty line and have no CR; those are gone over in one go, and of their
//! lines only those are looked at that can be metadata. All others are read line by line, by the scan itself.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::driver::layout::file::metadata::{self, Kind};
use crate::driver::layout::file::record::{Base, Record};

/// What the metadata in the header at hand told.
#[derive(Default)]
pub struct Notes {
    /// The UID of the first `X-UID` line.
    pub uid: Option<u32>,
    /// Whether there is another such line.
    pub two_uids: bool,
    /// Whether an earlier session has seen the message.
    pub old: bool,
    /// The keywords, separated by blanks.
    pub words: Vec<u8>,
    /// The mailbox's data as `X-IMAPbase` tells them.
    pub base: Option<Base>,
    /// The X-IMAP line: where it starts, its bytes, what it says.
    pub imap: Option<(u64, u64, Option<Base>)>,
    /// Whether the subject is that of a pseudo message.
    pub pseudo_subject: bool,
}

impl Notes {
    /// Forgets everything, before the next header.
    pub fn clear(&mut self) {
        self.uid = None;
        self.two_uids = false;
        self.old = false;
        self.words.clear();
        self.base = None;
        self.imap = None;
        self.pseudo_subject = false;
    }

    /// Takes in one header line; `true` when it is metadata and so not part of the message.
    pub fn take(&mut self, line: &[u8], offset: u64, length: u64, record: &mut Record) -> bool {
        let (kind, value) = metadata::classify(line);
        let value = line.get(value..).unwrap_or_default();
        match kind {
            Kind::Plain => {
                self.pseudo_subject |= line.starts_with(metadata::PSEUDO_SUBJECT)
                    && line.trim_ascii_end() == metadata::PSEUDO_SUBJECT;
                return false;
            }
            Kind::Status => {
                let (flags, old) = metadata::status_flags(value);
                record.system |= flags;
                self.old |= old;
            }
            Kind::Keywords => self.words.extend_from_slice(value.trim_ascii_end()),
            Kind::Uid if self.uid.is_none() => {
                self.uid = metadata::number(value.trim_ascii()).filter(|&uid| uid > 0);
            }
            Kind::Uid => self.two_uids = true,
            Kind::Imap if self.imap.is_none() => {
                self.imap = Some((offset, length, metadata::read_base(value)));
            }
            Kind::ImapBase if self.base.is_none() => self.base = metadata::read_base(value),
            _ => {}
        }
        true
    }
}

/// What a header is gone over for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Its metadata and its size.
    Metadata,
    /// A digest of all its other lines too.
    Digest,
}

/// Goes over a header without CRs at the start of `text`, which is at `offset` in the file, adds to the message's head and
/// size and, if wanted, takes its digest, and tells how many bytes it has, its empty line included. `None` where it does
/// not end in `text`: then half of it is in `notes` and `record`.
pub fn whole_header(
    text: &[u8],
    offset: u64,
    wanted: Wanted,
    notes: &mut Notes,
    record: &mut Record,
) -> Option<usize> {
    let mut start = 0;
    let mut dropped = 0;
    let mut dropping = false;
    let mut kept_lines = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        let line = text.get(start..=end)?;
        let at = offset + start as u64;
        start = end + 1;
        match line.first() {
            Some(b'\n') => {
                let length = start as u64;
                record.head += length;
                record.size += length - dropped + kept_lines + 1;
                return Some(start);
            }
            Some(b' ' | b'\t') => {}
            Some(b'S' | b's' | b'X' | b'x') => {
                dropping = notes.take(line, at, line.len() as u64, record);
            }
            _ => dropping = false,
        }
        if dropping {
            dropped += line.len() as u64;
            continue;
        }
        kept_lines += 1;
        if wanted == Wanted::Digest {
            record.digest = digest_on(record.digest, line);
        }
    }
    None
}

/// The digest of a whole header without CRs: of all lines but metadata.
pub fn digest(header: &[u8]) -> u32 {
    let mut digest = 0;
    let mut dropping = false;
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', header) {
        let line = header.get(start..=end).unwrap_or_default();
        start = end + 1;
        match line.first() {
            Some(b'\n') => break,
            Some(b' ' | b'\t') => {}
            _ => dropping = metadata::classify(line).0 != Kind::Plain,
        }
        if !dropping {
            digest = digest_on(digest, line);
        }
    }
    digest
}

/// How much of a header line is digested, in bytes: how much of a longer one is in memory depends on the window.
const DIGESTED: usize = 1024;

/// Takes a header line into a digest, without CRs and line end, which a rewrite changes.
pub fn digest_on(digest: u32, line: &[u8]) -> u32 {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let seed = u64::from(digest);
    let start = line.get(..line.len().min(DIGESTED)).unwrap_or_default();
    let sum = if memchr::memchr(b'\r', start).is_none() {
        xxh3_64_with_seed(start, seed)
    } else {
        let kept = line.iter().filter(|&&byte| byte != b'\r').take(DIGESTED);
        xxh3_64_with_seed(&kept.copied().collect::<Vec<u8>>(), seed)
    };
    sum as u32
}
