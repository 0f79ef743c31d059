//! What must be true of the mailbox before a journal is used, and the digests that tell.

use std::io;
use std::iter;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::os::files::MailFile;
use crate::os::journal::header::Guard;
use crate::os::journal::record::Record;
use crate::os::transfer::{read_exact_at, read_full_at};

const HEAD: u64 = 4 << 10;
const TAIL: u64 = 64 << 10;
const CHUNK: usize = 64 << 10;

/// Guards over the first and the last of the ranges that a change leaves alone.
pub(crate) fn guards(file: &dyn MailFile, unchanged: &[(u64, u64)]) -> io::Result<Vec<Guard>> {
    let mut samples = Vec::new();
    for (offset, length) in unchanged.first().into_iter().chain(unchanged.last()) {
        let tail = TAIL.min(*length);
        samples.push((*offset, HEAD.min(*length)));
        samples.push((offset + length - tail, tail));
    }
    samples.sort_unstable();
    samples.dedup();
    let guard = |(offset, length)| {
        Ok(Guard {
            offset,
            length,
            digest: digest(file, offset, offset + length)?,
        })
    };
    samples.into_iter().map(guard).collect()
}

/// Whether all guarded ranges are as they were.
pub(crate) fn unharmed(file: &dyn MailFile, guards: &[Guard]) -> io::Result<bool> {
    for guard in guards {
        let end = guard.offset.saturating_add(guard.length);
        if !is_digest(file, guard.offset, end, guard.digest)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Digest of the bytes from `begin` to `end`.
pub(crate) fn digest(file: &dyn MailFile, begin: u64, end: u64) -> io::Result<u128> {
    let mut state = Xxh3::new();
    let mut buffer = vec![0; piece(begin, end)];
    let mut at = begin;
    while at < end {
        let want = piece(at, end);
        let part = buffer.get_mut(..want).unwrap_or_default();
        read_exact_at(file, part, at)?;
        state.update(part);
        at += want as u64;
    }
    Ok(state.digest128())
}

/// Whether the bytes from `begin` to `end` have this digest; not when the file is shorter.
pub(crate) fn is_digest(
    file: &dyn MailFile,
    begin: u64,
    end: u64,
    expected: u128,
) -> io::Result<bool> {
    match digest(file, begin, end) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => Ok(other? == expected),
    }
}

/// Digest of samples of the bytes from `begin` to `end`: the first and the last of them.
pub(crate) fn sample(file: &dyn MailFile, begin: u64, end: u64) -> io::Result<u128> {
    let middle = end.saturating_sub(TAIL).max(begin);
    let head = digest(file, begin, end.min(begin.saturating_add(TAIL)))?;
    let tail = digest(file, middle, end)?;
    Ok(head ^ tail.rotate_left(1))
}

/// What the writes of `record` overwrite of the first `limit` bytes.
pub(crate) fn before(file: &dyn MailFile, record: &Record, limit: u64) -> io::Result<Vec<u8>> {
    let mut before = Vec::new();
    for write in &record.writes {
        let begin = before.len();
        before.resize(begin + write.below(limit), 0);
        read_exact_at(file, before.get_mut(begin..).unwrap_or_default(), write.to)?;
    }
    Ok(before)
}

/// Digest of bytes in memory.
pub(crate) fn digest_of(bytes: &[u8]) -> u128 {
    xxh3_128(bytes)
}

/// Digest of what a window writes and what it overwrites.
pub(crate) fn digest_of_window(record: &Record) -> u128 {
    let mut state = Xxh3::new();
    state.update(&record.data);
    state.update(&record.before);
    state.digest128()
}

/// Whether each byte that `record` writes is, in the file, either written already or as it was before: as the
/// record says below `limit`, NUL behind it.
pub(crate) fn half_done(file: &dyn MailFile, record: &Record, limit: u64) -> io::Result<bool> {
    let mut checked = 0;
    for ((to, after), (_, before)) in record.writes().zip(record.overwritten(limit)) {
        let mut found = vec![0; after.len()];
        let count = read_full_at(file, &mut found, to)?;
        let before = before.iter().chain(iter::repeat(&0));
        let known = found
            .iter()
            .zip(before.zip(after))
            .all(|(b, (o, n))| b == o || b == n);
        if count < found.len() || !known {
            return Ok(false);
        }
        checked += 1;
    }
    Ok(checked == record.writes.len())
}

/// Whether nothing of what `record` writes below `limit` is written.
pub(crate) fn untouched(file: &dyn MailFile, record: &Record, limit: u64) -> io::Result<bool> {
    for (to, before) in record.overwritten(limit) {
        if !is_digest(file, to, to + before.len() as u64, digest_of(before))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether all that `record` writes is in the file.
pub(crate) fn done(file: &dyn MailFile, record: &Record) -> io::Result<bool> {
    for (to, after) in record.writes() {
        if !is_digest(file, to, to + after.len() as u64, digest_of(after))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the bytes from `begin` to `end` are NULs that `record` has overwritten here and there.
pub(crate) fn is_filling(
    file: &dyn MailFile,
    begin: u64,
    end: u64,
    record: &Record,
) -> io::Result<bool> {
    let mut found = vec![0; CHUNK];
    let mut at = begin;
    while at < end {
        let want = piece(at, end);
        let part = found.get_mut(..want).unwrap_or_default();
        if read_full_at(file, part, at)? < want {
            return Ok(false);
        }
        for (to, bytes) in record.writes() {
            forgive(part, at, to, bytes);
        }
        if part.iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        at += want as u64;
    }
    Ok(true)
}

/// How much of the bytes from `begin` to `end` to take at once.
fn piece(begin: u64, end: u64) -> usize {
    usize::try_from(end.saturating_sub(begin)).map_or(CHUNK, |left| left.min(CHUNK))
}

/// Clears those bytes of `part` (which lies at `at`) that equal `bytes` (to be written at `to`).
fn forgive(part: &mut [u8], at: u64, to: u64, bytes: &[u8]) {
    let skip_part = usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX);
    let skip_bytes = usize::try_from(at.saturating_sub(to)).unwrap_or(usize::MAX);
    let theirs = bytes.get(skip_bytes..).unwrap_or_default();
    let ours = part.get_mut(skip_part..).unwrap_or_default();
    for (mine, new) in ours.iter_mut().zip(theirs) {
        if mine == new {
            *mine = 0;
        }
    }
}
