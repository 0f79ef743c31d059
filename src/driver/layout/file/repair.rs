//! A repaired copy of a damaged mailbox of the traditional formats: the same bytes without the holes that are no mail.

use std::io;
use std::path::Path;

use memchr::memmem;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Look};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::framing::{DELIMITER, Division, Framing};
use crate::driver::layout::file::holes::{LEAST, ends_hole, starts_message};
use crate::driver::layout::file::scan::Scan;
use crate::driver::local_file::{create_empty, sync_parent};
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::{read_full_at, write_all_at};

const BLOCK: usize = 256 * 1024;
/// Bytes behind NULs that are looked at: a From line of a usual length.
const BEHIND: usize = 1024;

/// Copies the mailbox at `from` to the new file `to` and leaves holes out, durable on return.
pub fn repair(
    environment: &Environment,
    framing: &'static Framing,
    (from, to): (&Place, &Place),
    job: &Job,
) -> Result<Repaired> {
    let locked = access::lock_to_look(environment, &from.path, Look::Guarded, job)?;
    let failed = Error::io(&to.path);
    let files = &environment.files;
    create_empty(environment, to)?;
    let mut file = files
        .open(&to.path, OpenMode::ReadWriteNoFollow)
        .map_err(&failed)?;
    let mut copy = Copy {
        from: &*locked.file,
        to: &mut *file,
        paths: (&from.path, &to.path),
        division: framing.division,
        written: 0,
        tail: [b'\n'; 2],
        repaired: Repaired::default(),
    };
    let copied = copy.run(job);
    let mut repaired = copy.repaired;
    let copied = copied.and_then(|()| file.sync().map_err(&failed));
    // What cannot be counted is there all the same.
    repaired.messages = count(&*file, framing, to, job).unwrap_or(0);
    if let Err(refusal) = copied {
        let _stays = files.remove_file(&to.path).is_err();
        return Err(refusal);
    }
    sync_parent(environment, &to.path)?;
    Ok(repaired)
}

/// How many messages a copy holds.
fn count(file: &dyn MailFile, framing: &'static Framing, place: &Place, job: &Job) -> Result<u64> {
    let path = &place.path;
    let length = file.metadata().map_err(Error::io(path))?.len();
    if length == 0 {
        return Ok(0);
    }
    let mut scan = Scan::whole(Source { file, path }, framing, length, None, job)?;
    let mut count = 0;
    while scan.next_message()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// How many bytes stand before a run of NULs that is long, or reaches the end and may go on.
fn before_long_run(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(place) = memchr::memchr(0, bytes.get(at..).unwrap_or_default()) {
        let start = at + place;
        let run = bytes.get(start..).unwrap_or_default();
        let zeros = run.iter().take_while(|byte| **byte == 0).count();
        if zeros >= LEAST || zeros == run.len() {
            return start;
        }
        at = start + zeros;
    }
    bytes.len()
}

struct Copy<'a> {
    from: &'a dyn MailFile,
    to: &'a mut dyn MailFile,
    paths: (&'a Path, &'a Path),
    division: Division,
    written: u64,
    /// The last bytes that were written.
    tail: [u8; 2],
    repaired: Repaired,
}

impl Copy<'_> {
    fn run(&mut self, job: &Job) -> Result<()> {
        let failed = Error::io(self.paths.0);
        let write_failed = Error::io(self.paths.1);
        let length = self.from.metadata().map_err(&failed)?.len();
        let mut at = self.first_message(length, job)?;
        if at > 0 {
            self.repaired.left_out.push((0, at));
        }
        let mut block = vec![0; BLOCK];
        while at < length {
            job.checkpoint()?;
            job.progress(at, length);
            let count = read_full_at(self.from, &mut block, at).map_err(&failed)?;
            let bytes = block.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            let whole = before_long_run(bytes);
            self.write(bytes.get(..whole).unwrap_or_default())
                .map_err(&write_failed)?;
            at += whole as u64;
            if whole < bytes.len() {
                at = self.nuls(at, length).map_err(&write_failed)?;
            }
        }
        Ok(())
    }

    /// Where the first message starts; what stands before it is no mail. The whole length where there is none.
    fn first_message(&self, length: u64, job: &Job) -> Result<u64> {
        let failed = Error::io(self.paths.0);
        let sign: &[u8] = match self.division {
            Division::FromLines => b"From ",
            Division::Delimiters => DELIMITER,
        };
        let finder = memmem::Finder::new(sign);
        let mut block = vec![0; BLOCK];
        let mut at = 0;
        let mut before = b'\n';
        while at < length {
            job.checkpoint()?;
            let count = read_full_at(self.from, &mut block, at).map_err(&failed)?;
            let bytes = block.get(..count).unwrap_or_default();
            for place in finder.find_iter(bytes) {
                let byte = place.checked_sub(1).and_then(|it| bytes.get(it)).copied();
                let begins = matches!(byte.unwrap_or(before), b'\n' | 0);
                let found = at + place as u64;
                let is_one = match self.division {
                    Division::FromLines => starts_message(self.from, found).map_err(&failed)?,
                    Division::Delimiters => true,
                };
                if begins && is_one {
                    return Ok(found);
                }
            }
            if count <= sign.len() {
                break;
            }
            let step = count - sign.len();
            before = bytes.get(step - 1).copied().unwrap_or(b'\n');
            at += step as u64;
        }
        Ok(length)
    }

    /// Goes over the NULs at `at`: keeps those that are part of a message. Gives the place behind them.
    fn nuls(&mut self, at: u64, length: u64) -> io::Result<u64> {
        let mut end = at;
        let mut block = vec![0; BLOCK];
        while end < length {
            let count = read_full_at(self.from, &mut block, end)?;
            let bytes = block.get(..count).unwrap_or_default();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            end += zeros as u64;
            if zeros < bytes.len() || bytes.is_empty() {
                break;
            }
        }
        let mut behind = [0; BEHIND];
        let count = read_full_at(self.from, &mut behind, end)?;
        let behind = behind.get(..count).unwrap_or_default();
        if end - at < LEAST as u64 || !ends_hole(self.division, behind) {
            let mut left = end - at;
            let zeros = vec![0; BLOCK];
            while left > 0 {
                let count = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
                self.write(zeros.get(..count).unwrap_or_default())?;
                left -= count as u64;
            }
            return Ok(end);
        }
        self.repaired.left_out.push((at, end - at));
        if self.division == Division::FromLines && !behind.is_empty() && self.written > 0 {
            // The message before ends here, and the next one starts a line.
            let border: &[u8] = match self.tail {
                [b'\n', b'\n'] => b"",
                [_, b'\n'] => b"\n",
                _ => b"\n\n",
            };
            self.write(border)?;
        }
        Ok(end)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        write_all_at(self.to, bytes, self.written)?;
        self.written += bytes.len() as u64;
        for byte in bytes.get(bytes.len().saturating_sub(2)..).unwrap_or(bytes) {
            self.tail = [self.tail[1], *byte];
        }
        Ok(())
    }
}
