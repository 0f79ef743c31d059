//! Holes: runs of NULs that a program left which died after it had made a file longer and before it had filled it.

use std::io;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::framing::{DELIMITER, Division, Framing};
use crate::driver::layout::file::from_line::FromLine;
use crate::os::files::MailFile;
use crate::os::transfer::read_full_at;

/// NULs in a row that are no mail any more.
pub const LEAST: usize = 512;
/// A hole holds at least one piece of this size that starts at a multiple of it.
const STEP: usize = LEAST / 2;
const BLOCK: usize = 64 * 1024;
/// Bytes that are looked at of a From line.
const USUAL_LINE: usize = 1024;

/// Whether there is a hole in `bytes`. Looks at few of them where there is none.
pub fn has_one(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(piece) = bytes.get(at..at + STEP) {
        if piece.first() == Some(&0) && piece.iter().all(|byte| *byte == 0) {
            return true;
        }
        at += STEP;
    }
    false
}

/// Where in a text, from `start` to `end` in the file, a From line stands behind a hole instead of at a line's start.
pub fn hidden_message(source: Source<'_>, start: u64, end: u64, job: &Job) -> Result<Option<u64>> {
    let failed = Error::io(source.path);
    let mut buffer = vec![0; BLOCK];
    let mut nuls = 0;
    let mut at = start;
    while at < end {
        job.checkpoint()?;
        let room = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
        let block = buffer.get_mut(..room).unwrap_or_default();
        let count = read_full_at(source.file, block, at).map_err(&failed)?;
        let mut rest = block.get(..count).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        while !rest.is_empty() {
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            nuls += zeros;
            at += zeros as u64;
            rest = rest.get(zeros..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            if nuls >= LEAST && starts_message(source.file, at).map_err(&failed)? {
                return Ok(Some(at));
            }
            nuls = 0;
            let mail = memchr::memchr(0, rest).unwrap_or(rest.len());
            at += mail as u64;
            rest = rest.get(mail..).unwrap_or_default();
        }
    }
    Ok(None)
}

/// Whether a valid From line, of a usual length, stands at `offset`.
pub fn starts_message(file: &dyn MailFile, offset: u64) -> io::Result<bool> {
    let mut line = [0; USUAL_LINE];
    let count = read_full_at(file, &mut line, offset)?;
    let line = line.get(..count).unwrap_or_default();
    let end = memchr::memchr(b'\n', line);
    let line = end.and_then(|end| line.get(..end));
    Ok(line.is_some_and(|line| FromLine::parse(line).is_some()))
}

/// Whether a file begins with NULs and a message behind them.
pub fn starts_behind_nuls(framing: &Framing, source: Source<'_>) -> bool {
    let mut start = vec![0; BLOCK];
    let count = read_full_at(source.file, &mut start, 0).unwrap_or(0);
    let start = start.get(..count).unwrap_or_default();
    let nuls = start.iter().take_while(|byte| **byte == 0).count();
    let behind = start.get(nuls..).unwrap_or_default();
    nuls > 0 && framing.starts_message(behind)
}

/// What follows a hole when it is no part of a message.
pub fn ends_hole(division: Division, rest: &[u8]) -> bool {
    if rest.is_empty() {
        return true;
    }
    match division {
        Division::Delimiters => rest.starts_with(DELIMITER),
        Division::FromLines => {
            let end = memchr::memchr(b'\n', rest);
            let line = end.and_then(|end| rest.get(..end));
            line.is_some_and(|line| FromLine::parse(line).is_some())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_found_wherever_it_begins() {
        for before in [0, 1, 200, 255, 256, 300, 511] {
            let mut bytes = vec![b'x'; before];
            bytes.resize(before + LEAST, 0);
            bytes.extend(b"text");
            assert!(has_one(&bytes), "{before}");
        }
        assert!(!has_one(&[&[0; 255][..], b"x", &[0; 255], b"x"].concat()));
    }
}
