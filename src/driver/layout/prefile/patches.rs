//! Overwriting bytes of a mailbox file in place: all or none, durable on return.

use std::io;
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::access::journal_error;
use crate::os::environment::Environment;
use crate::os::files::MailFile;
use crate::os::journal::redo::Journal;
use crate::os::transfer::{read_exact_at, write_all_at};

/// Places of a file and what shall stand there.
#[derive(Default)]
pub struct Patches {
    /// Offsets and bytes, in any order, without overlaps.
    list: Vec<(u64, Vec<u8>)>,
}

impl Patches {
    /// Wants `bytes` to stand at `offset`.
    pub fn put(&mut self, offset: u64, bytes: Vec<u8>) {
        self.list.push((offset, bytes));
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Writes what is not there yet. A single byte is written as it is, because no crash can tear it; anything else goes
    /// through the journal. The parse lock is held.
    pub fn write(
        self,
        environment: &Environment,
        path: &Path,
        file: &mut dyn MailFile,
    ) -> Result<()> {
        let list = self.differing(file).map_err(Error::io(path))?;
        let [(offset, bytes)] = &*list else {
            return match list.is_empty() {
                true => Ok(()),
                false => journalled(environment, path, file, &list),
            };
        };
        if bytes.len() > 1 {
            return journalled(environment, path, file, &list);
        }
        write_all_at(file, bytes, *offset)
            .and_then(|()| file.sync())
            .map_err(Error::io(path))
    }

    /// The patches without the bytes at either end that are there already, ascending.
    fn differing(self, file: &dyn MailFile) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let mut list = Vec::with_capacity(self.list.len());
        let mut there = Vec::new();
        for (offset, mut bytes) in self.list {
            there.clear();
            there.resize(bytes.len(), 0);
            read_exact_at(file, &mut there, offset)?;
            let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
            let head = bytes.iter().zip(&there).take_while(same).count();
            if head == bytes.len() {
                continue;
            }
            let tail = bytes.iter().rev().zip(there.iter().rev());
            let tail = tail.take_while(same).count();
            bytes.truncate(bytes.len() - tail);
            bytes.drain(..head);
            list.push((offset + head as u64, bytes));
        }
        list.sort_unstable_by_key(|patch| patch.0);
        Ok(list)
    }
}

/// How many patches one journal holds: no more than a recovery reads. Those of a larger change are all or none in parts.
const AT_ONCE: usize = 500_000;

fn journalled(
    environment: &Environment,
    path: &Path,
    file: &mut dyn MailFile,
    list: &[(u64, Vec<u8>)],
) -> Result<()> {
    for part in list.chunks(AT_ONCE) {
        Journal::new(environment)
            .append(path, file, part, &mut io::empty(), 0, &mut |_, _| {})
            .map_err(|refusal| journal_error(path, refusal))?;
    }
    Ok(())
}
