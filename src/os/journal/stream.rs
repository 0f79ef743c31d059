//! Streaming an append of any size: the file is extended first, filled, and only then counts.
//!
//! Until all bytes are on disk a crash takes the append back; from then on it completes the patches.

use std::io::{self, Read};

use xxhash_rust::xxh3::Xxh3;

use crate::os::journal::record::{Record, Step};
use crate::os::journal::run::Run;
use crate::os::transfer::write_all_at;

const CHUNK: u64 = 256 << 10;

impl Run<'_> {
    /// Fills the extended file from `source`, then commits with `patches` (a record's writes and data).
    pub(crate) fn stream(
        &mut self,
        source: &mut dyn Read,
        patches: Record,
        progress: &mut dyn FnMut(u64, u64),
    ) -> io::Result<()> {
        self.handle.write(&Record::mark(Step::Grown))?;
        let (begin, end) = (self.header.old_length, self.header.new_length);
        let mut state = Xxh3::new();
        let mut at = begin;
        while at < end {
            let mut chunk = Vec::new();
            (&mut *source)
                .take((end - at).min(CHUNK))
                .read_to_end(&mut chunk)?;
            if chunk.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            write_all_at(self.file, &chunk, at)?;
            state.update(&chunk);
            at += chunk.len() as u64;
            progress(at - begin, end - begin);
        }
        self.file.sync()?;
        let step = Step::Commit {
            content: state.digest128(),
        };
        self.handle.write(&Record { step, ..patches })
    }
}
