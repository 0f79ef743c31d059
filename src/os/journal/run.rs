//! Carrying a change out, from its first record or from where a crash left it.

use std::io;

use crate::os::files::MailFile;
use crate::os::journal::check::{before, digest_of_window, sample};
use crate::os::journal::header::{Header, Kind};
use crate::os::journal::order::{Move, Windows, fill, moves};
use crate::os::journal::plan::Plan;
use crate::os::journal::record::{OVERHEAD, Record, Step, WRITE, Write};
use crate::os::journal::store::{Handle, Store};
use crate::os::transfer::{read_exact_at, write_all_at};

/// A change on its way: its journal is on disk.
pub(crate) struct Run<'r> {
    pub(crate) store: &'r Store<'r>,
    pub(crate) file: &'r mut dyn MailFile,
    pub(crate) header: &'r Header,
    pub(crate) handle: Handle,
}

impl Run<'_> {
    /// Writes the bytes of a record that is in the journal, and waits until they are on disk.
    pub(crate) fn apply(&mut self, record: &Record) -> io::Result<()> {
        if record.writes.is_empty() {
            return Ok(());
        }
        for (to, bytes) in record.writes() {
            write_all_at(self.file, bytes, to)?;
        }
        self.file.sync()
    }

    /// Puts a record into the journal, then applies it.
    pub(crate) fn step(&mut self, record: &Record) -> io::Result<()> {
        self.handle.write(record)?;
        self.apply(record)
    }

    /// Takes back a change that failed while its only window was written: until the cut, that is all it did.
    pub(crate) fn take_back(&mut self, record: &Record) -> io::Result<()> {
        let (old, new) = (self.header.old_length, self.header.new_length);
        for (to, bytes) in record.overwritten(old) {
            write_all_at(self.file, bytes, to)?;
        }
        self.file.sync()?;
        if new > old {
            // What others appended meanwhile would be cut off with it: then it goes forward at the next opening.
            if !self.cut(new, old)? {
                return Err(foreign_change());
            }
        }
        self.store.remove(&self.handle.path)
    }

    /// Whether the windows from number `first` would still read what they were planned on.
    pub(crate) fn windows_fit(&self, first: u64) -> io::Result<bool> {
        let Some(plan) = &self.header.plan else {
            return Ok(true);
        };
        let moves = moves(plan);
        let windows = Windows::new(&moves, budget(self.header));
        for (window, digest) in windows.zip(&self.header.digests).skip(index(first)) {
            match self.window(&window, plan, 0) {
                Ok(record) if digest_of_window(&record) == *digest => {}
                Ok(_) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Writes the windows from number `first` on.
    pub(crate) fn windows(
        &mut self,
        first: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> io::Result<()> {
        let Some(plan) = &self.header.plan else {
            return Ok(());
        };
        let moves = moves(plan);
        let total = self.header.windows();
        let windows = Windows::new(&moves, budget(self.header)).zip(&self.header.digests);
        for ((window, digest), number) in windows.zip(0..).skip(index(first)) {
            let record = self.window(&window, plan, number)?;
            if digest_of_window(&record) != *digest {
                return Err(foreign_change());
            }
            self.step(&record)?;
            progress(number + 1, total);
        }
        Ok(())
    }

    fn window(&self, window: &[Move], plan: &Plan, index: u64) -> io::Result<Record> {
        window_record(window, plan, self.file, self.header.old_length, index)
    }

    /// Ends a change whose content is in place: saves what others appended meanwhile (`moved` bytes of it
    /// before this call), cuts the file to its length, removes the journal.
    pub(crate) fn finish(&mut self, mut moved: u64) -> io::Result<()> {
        let (end, target) = ends(self.header);
        let mut length = self.file.metadata()?.len();
        if target < end {
            loop {
                while length > end + moved {
                    moved += self.move_tail(end + moved, target + moved, length, moved)?;
                    length = self.file.metadata()?.len();
                }
                if length < end + moved {
                    return Err(foreign_change());
                }
                if moved > 0 || self.header.kind == Kind::Append {
                    let garbage = sample(self.file, target + moved, length)?;
                    self.handle.write(&Record::mark(Step::Cut {
                        from: length,
                        to: target + moved,
                        garbage,
                    }))?;
                }
                // Syncing that record took time enough for one more message to be appended.
                if self.cut(length, target + moved)? {
                    break;
                }
                length = self.file.metadata()?.len();
            }
        } else if length < target {
            return Err(foreign_change());
        }
        self.store.remove(&self.handle.path)
    }

    /// Cuts the file to `length`, on disk; `false` when it is not `from` bytes long any more.
    fn cut(&mut self, from: u64, length: u64) -> io::Result<bool> {
        let cut = self.file.resize(from, length)?;
        if cut {
            self.file.sync()?;
        }
        Ok(cut)
    }

    fn move_tail(&mut self, from: u64, to: u64, end: u64, moved: u64) -> io::Result<u64> {
        let room = self.header.slot.saturating_sub(OVERHEAD + WRITE as u64) / 2;
        let length = (end - from).min(room.min(self.header.window).max(1));
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut data = vec![0; length];
        read_exact_at(self.file, &mut data, from)?;
        let mut record = Record {
            step: Step::Tail { moved },
            writes: vec![Write { to, length }],
            data,
            before: Vec::new(),
        };
        record.before = before(self.file, &record, u64::MAX)?;
        self.step(&record)?;
        Ok(length as u64)
    }
}

/// The record of window number `index`, read from a file whose old content ends at `old`.
pub(crate) fn window_record(
    window: &[Move],
    plan: &Plan,
    file: &dyn MailFile,
    old: u64,
    index: u64,
) -> io::Result<Record> {
    let (writes, data) = fill(window, file, plan.fresh())?;
    let mut record = Record {
        step: Step::Window { index },
        writes,
        data,
        before: Vec::new(),
    };
    record.before = before(file, &record, old)?;
    Ok(record)
}

/// Where foreign bytes begin while a change goes on, and where they belong when it ends: forward for a
/// rewrite, back for an append.
pub(crate) fn ends(header: &Header) -> (u64, u64) {
    match header.kind {
        Kind::Rewrite => (header.old_length.max(header.new_length), header.new_length),
        Kind::Append => (header.new_length, header.old_length),
    }
}

/// The bytes of a window, as a size in memory.
pub(crate) fn budget(header: &Header) -> usize {
    index(header.window)
}

/// The error of a mailbox that changed under our hands in spite of its locks.
pub(crate) fn foreign_change() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "another program changed the mailbox meanwhile",
    )
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
