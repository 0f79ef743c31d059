//! A repaired copy of a damaged mailbox of the traditional formats: the same bytes without the holes that are no mail.

use std::io;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Look};
use crate::driver::layout::file::framing::{Division, Framing};
use crate::driver::layout::file::from_line;
use crate::driver::layout::file::holes::{LEAST, ends_hole};
use crate::driver::local_file::sync_parent;
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::{read_full_at, write_all_at};

const BLOCK: usize = 256 * 1024;

/// Copies the mailbox at `from` to the new file `to` and leaves holes out, durable on return.
pub fn repair(
    environment: &Environment,
    framing: &Framing,
    (from, to): (&Place, &Place),
    job: &Job,
) -> Result<Repaired> {
    let locked = access::lock_to_look(environment, &from.path, Look::Guarded, job)?;
    let failed = Error::io(&to.path);
    let files = &environment.files;
    let mut file = files
        .open(&to.path, OpenMode::CreateNew(0o600))
        .map_err(&failed)?;
    let mut copy = Copy {
        from: &*locked.file,
        to: &mut *file,
        division: framing.division,
        written: 0,
        tail: [b'\n'; 2],
        repaired: Repaired::default(),
    };
    let copied = copy.run(job);
    let repaired = copy.repaired;
    let copied = copied.and_then(|()| file.sync().map_err(&failed));
    if let Err(refusal) = copied {
        let _stays = files.remove_file(&to.path).is_err();
        return Err(refusal);
    }
    sync_parent(environment, &to.path)?;
    Ok(repaired)
}

struct Copy<'a> {
    from: &'a dyn MailFile,
    to: &'a mut dyn MailFile,
    division: Division,
    written: u64,
    /// The last bytes that were written.
    tail: [u8; 2],
    repaired: Repaired,
}

impl Copy<'_> {
    fn run(&mut self, job: &Job) -> Result<()> {
        let path = "the mailbox".as_ref();
        let failed = Error::io(path);
        let length = self.from.metadata().map_err(&failed)?.len();
        let mut block = vec![0; BLOCK];
        let mut at = 0;
        while at < length {
            job.checkpoint()?;
            job.progress(at, length);
            let count = read_full_at(self.from, &mut block, at).map_err(&failed)?;
            let bytes = block.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            let whole = memchr::memchr(0, bytes).unwrap_or(bytes.len());
            let (mail, rest) = bytes.split_at(whole);
            self.write(mail).map_err(&failed)?;
            at += mail.len() as u64;
            if !rest.is_empty() {
                at = self.nuls(at, length).map_err(&failed)?;
            }
        }
        Ok(())
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
        let mut behind = vec![0; from_line::LONGEST];
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
        if self.division == Division::FromLines && !behind.is_empty() {
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
