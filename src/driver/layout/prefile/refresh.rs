//! Noticing what other programs did to an open mailbox: flags, expunges, new mail. No message moves meanwhile, so every
//! known line is where it was.

use std::io::ErrorKind;
use std::time::{Duration, Instant, SystemTime};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::prefile::contents::{Contents, read_header};
use crate::driver::layout::prefile::header::Header;
use crate::driver::layout::prefile::line::OLD;
use crate::driver::layout::prefile::locks;
use crate::driver::layout::prefile::mailbox::PrefileMailbox;
use crate::driver::layout::prefile::news::{self, Teller};
use crate::driver::layout::prefile::patches::Patches;
use crate::driver::layout::prefile::record::Record;
use crate::driver::layout::prefile::scan::Scan;
use crate::driver::layout::prefile::words::Words;
use crate::driver::layout::prefile::{header, line};
use crate::driver::waiting::Offer;
use crate::mail::change::Change;
use crate::mail::status::Access;
use crate::os::name_lock::NameLock;

/// How often, and for how long at least, a file is looked for in vain before it counts as gone.
const LOOKS: u32 = 3;
const ABSENCE: Duration = Duration::from_secs(2);
/// How long the kernel's clock may stand still: a change so shortly before a look may be followed by another with the same time.
const TICK: Duration = Duration::from_millis(20);

/// What came of comparing the lines of the file with what is known.
enum Compared {
    /// The places of messages that others hid, and of those whose flags they changed.
    Same { gone: Vec<usize>, flags: Vec<usize> },
    /// The UIDs are others.
    Renumbered,
}

impl PrefileMailbox {
    /// Takes in what others changed, if they did.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        if !self.has_changed()? {
            return self.retry_put_off(job);
        }
        let lock = self.lock(job)?;
        self.take_in(job)?;
        if self.opening.access == Access::ReadWrite {
            self.settle(job)?;
            if self.puts_off {
                self.reclaim_if_possible(job)?;
            }
        }
        self.note_stamp()?;
        drop(lock);
        Ok(())
    }

    /// The parse lock; `None` where a mailbox that is only looked at is looked at without.
    pub(super) fn lock(&mut self, job: &Job) -> Result<Option<NameLock>> {
        let (environment, place) = (&self.environment, &self.place);
        if self.opening.access == Access::ReadWrite {
            let lock = locks::parse_lock(environment, place, &*self.file, Offer::Nothing, job)?;
            locks::recover(environment, self.format, place, &mut *self.file, job)?;
            return Ok(Some(lock));
        }
        if environment.read_only {
            return Ok(None);
        }
        let glance = job.glancing();
        match locks::parse_lock(environment, place, &*self.file, Offer::Nothing, &glance) {
            Ok(lock) => Ok(Some(lock)),
            Err(Error::Cancelled) => Err(Error::Cancelled),
            Err(_) => Ok(None),
        }
    }

    fn has_changed(&mut self) -> Result<bool> {
        let path = &self.place.path;
        let metadata = match self.environment.files.metadata(path) {
            Ok(metadata) => metadata,
            Err(missing) if missing.kind() == ErrorKind::NotFound => {
                return self.bear_absence().map(|()| false);
            }
            Err(refusal) => return Err(Error::io(path)(refusal)),
        };
        self.missing = None;
        let now = Stamp::of(&metadata);
        if now.file != self.stamp.file {
            return Err(Error::Changed("something else has its name now"));
        }
        Ok(now != self.stamp || self.racy || now.length != self.contents.length)
    }

    /// A file that is being renamed may be gone for a moment: it is lost only after several looks.
    fn bear_absence(&mut self) -> Result<()> {
        let (since, looks) = self.missing.unwrap_or_else(|| (Instant::now(), 0));
        self.missing = Some((since, looks + 1));
        if looks + 1 >= LOOKS && since.elapsed() >= ABSENCE {
            return Err(Error::Changed("it is no longer there"));
        }
        Ok(())
    }

    /// Remembers what the file is like now.
    pub(super) fn note_stamp(&mut self) -> Result<()> {
        let metadata = self.file.metadata().map_err(Error::io(&self.place.path))?;
        self.stamp = Stamp::of(&metadata);
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let age = SystemTime::now().duration_since(changed);
        self.racy = age.is_ok_and(|age| age < TICK);
        Ok(())
    }

    /// Takes in what is in the file now, under the parse lock, and tells what is new.
    pub(super) fn take_in(&mut self, job: &Job) -> Result<()> {
        let metadata = self.file.metadata().map_err(Error::io(&self.place.path))?;
        if metadata.len() < self.contents.length {
            return Err(Error::Changed("it became shorter"));
        }
        if self.contents.damaged.is_some() {
            return self.read_again(metadata.len(), job);
        }
        let header = match self.format.is_numbered() {
            true => Some(read_header(self.source())?),
            false => None,
        };
        if let Some(header) = header {
            let known = self.contents.header.as_ref().map(|it| it.uid_validity);
            if known.is_some_and(|known| known != header.uid_validity) {
                return self.read_again(metadata.len(), job);
            }
            self.take_header(header, job);
        }
        match self.compare(job)? {
            Compared::Renumbered => return self.read_again(metadata.len(), job),
            Compared::Same { gone, mut flags } => {
                flags.extend(self.look_at_memory(job));
                flags.sort_unstable();
                flags.dedup();
                news::tell_flags(&self.contents, &flags, job);
                self.forget(&gone, job);
            }
        }
        self.take_new(metadata.len(), job)
    }

    /// Takes in what others remember of messages besides the file; gives the places of those that it changes. The parse
    /// lock is held, unless the mailbox is only looked at.
    pub(super) fn look_at_memory(&mut self, job: &Job) -> Vec<usize> {
        let Some(memory) = &mut self.memory else {
            return Vec::new();
        };
        let words = self.contents.base.words.clone();
        let Contents { base, records, .. } = &mut self.contents;
        let (changed, outdated) = memory.look_again(base, records);
        let writes = self.opening.access == Access::ReadWrite;
        self.puts_off = writes && records.iter().any(|record| record.put_off);
        if outdated && writes {
            // A message that was not deleted any more is not to go when it is deleted again.
            let _told_by_the_memory = self.keep_in_memory(job);
        }
        if self.contents.base.words != words {
            self.tell_state(job);
        }
        changed
    }

    fn take_header(&mut self, header: Header, job: &Job) {
        let words = self.contents.base.words.clone();
        self.contents.take_header(header);
        if self.contents.base.words != words {
            self.tell_state(job);
        }
    }

    /// Compares every known line with what is known of it.
    fn compare(&mut self, job: &Job) -> Result<Compared> {
        let (mut gone, mut flags) = (Vec::new(), Vec::new());
        let words = self.contents.base.words.clone();
        let mut records = std::mem::take(&mut self.contents.records);
        let mut next = 0;
        let (start, end) = (self.format.front(), self.contents.length);
        let mut scan = Scan::new(self.format, self.source(), start, end, job).of_lines();
        let mut same = true;
        let found = loop {
            let seen = match scan.next_message() {
                Ok(Some(seen)) => seen,
                Ok(None) => break Ok(()),
                Err(Error::Damaged { .. }) => break Err(REWRITTEN),
                Err(refusal) => break Err(refusal),
            };
            let Some(known) = records.get_mut(next).filter(|it| it.offset <= seen.offset) else {
                if !seen.is_hidden() {
                    break Err(REWRITTEN);
                }
                continue;
            };
            if (known.offset, known.size) != (seen.offset, seen.size) {
                break Err(REWRITTEN);
            }
            if seen.is_hidden() {
                gone.push(next);
            } else if self.format.is_numbered() && !take_uid(known, &seen) {
                same = false;
                break Ok(());
            } else if take_flags(known, &seen, &words) {
                flags.push(next);
            }
            next += 1;
        };
        let complete = next == records.len();
        self.contents.records = records;
        found?;
        match (same, complete) {
            (false, _) => Ok(Compared::Renumbered),
            (true, true) => Ok(Compared::Same { gone, flags }),
            (true, false) => Err(REWRITTEN),
        }
    }

    /// Drops the messages at some places, which are hidden in the file.
    pub(super) fn forget(&mut self, gone: &[usize], job: &Job) {
        if gone.is_empty() {
            return;
        }
        let records = &self.contents.records;
        let lost: Vec<Record> = gone
            .iter()
            .filter_map(|&at| records.get(at))
            .copied()
            .collect();
        self.contents.hidden += lost.iter().map(|it| it.end() - it.offset).sum::<u64>();
        let mut doomed = lost.iter().map(|record| record.uid).peekable();
        let stays = |record: &Record| doomed.next_if_eq(&record.uid).is_none();
        self.contents.records.retain(stays);
        news::tell_expunged(lost.iter().map(|record| record.uid), job);
    }

    /// Reads and tells what was appended.
    fn take_new(&mut self, length: u64, job: &Job) -> Result<()> {
        if length == self.contents.length {
            return Ok(());
        }
        let mut contents = std::mem::take(&mut self.contents);
        let extent = contents.extent();
        let known = contents.records.len();
        let mut read = contents.read_on(self.reading(job), length, &mut |_, _| {});
        if read.is_ok() {
            read = self.number(&mut contents, known, job);
        }
        if read.is_err() {
            contents.go_back_to(extent);
        }
        self.contents = contents;
        read?;
        self.tell_arrived(known, job);
        self.heed_damage(job);
        Ok(())
    }

    /// Tells the messages from a place on, with the state, which they change.
    fn tell_arrived(&self, known: usize, job: &Job) {
        let new = self.contents.records.get(known..).unwrap_or_default();
        if new.is_empty() {
            return;
        }
        let mut teller = Teller::new(&self.opening, &self.place.path, job);
        for record in new {
            teller.add(&self.contents.base, record);
        }
        teller.finish(&self.contents.base);
    }

    /// Forgets all that was known, and reads and tells everything.
    fn read_again(&mut self, length: u64, job: &Job) -> Result<()> {
        let mut contents = Contents::read(self.reading(job), length, &mut |_, _| {})?;
        self.number(&mut contents, 0, job)?;
        self.contents = contents;
        job.emit(Change::Reset);
        let mut teller = Teller::new(&self.opening, &self.place.path, job);
        for record in &self.contents.records {
            teller.add(&self.contents.base, record);
        }
        teller.finish(&self.contents.base);
        self.heed_damage(job);
        Ok(())
    }

    /// Writes what belongs into the file and is not there: that messages were seen, their UIDs, the header. The parse
    /// lock is held.
    pub(super) fn settle(&mut self, job: &Job) -> Result<()> {
        if self.contents.damaged.is_some() || !self.contents.is_dirty() {
            return Ok(());
        }
        job.checkpoint()?;
        let mut patches = Patches::default();
        let base = &self.contents.base;
        if let Some(header) = &self.contents.header {
            let mut numbers = header.numbered(base.uid_validity, base.last_uid);
            numbers.truncate(header::RECOGNISED);
            patches.put(0, numbers);
        }
        for record in &self.contents.records {
            if record.flags & OLD == 0 || record.renumbered {
                let mut status = match self.format.is_numbered() {
                    true => record.status(),
                    // In memory are keywords that the file has no bits for, and not those that are somebody else's.
                    false => self.status_of(record)?,
                };
                status.flags |= OLD;
                let text = line::write_status(self.format, status);
                patches.put(record.state_offset(self.format), text);
            }
        }
        patches.write(&self.environment, &self.place.path, &mut *self.file)?;
        let header = match self.format.is_numbered() {
            true => Some(read_header(self.source())?),
            false => None,
        };
        self.contents.settle(header);
        self.mark_as_read();
        Ok(())
    }

    /// Sets the times that say "read, and nothing new".
    pub(super) fn mark_as_read(&mut self) {
        use std::os::unix::fs::MetadataExt;
        if let Ok(metadata) = self.file.metadata() {
            let now = (self.environment.clock)();
            // Fails for files of other users, where nothing can be done about it.
            let _ = self.file.set_times(now, metadata.mtime());
        }
    }
}

const REWRITTEN: Error = Error::Changed("its messages are no longer where they were");

/// Whether the UID in the file is still the one that is known, or was none and is now given.
fn take_uid(known: &mut Record, seen: &Record) -> bool {
    if known.renumbered && seen.uid == 0 {
        return true;
    }
    known.renumbered &= seen.uid != known.uid;
    !known.renumbered
}

/// Takes over flags, of keywords those that are in the file; whether they are others than before.
fn take_flags(known: &mut Record, seen: &Record, words: &Words) -> bool {
    let before = (known.flags | OLD, known.keywords);
    known.flags = seen.flags;
    known.keywords = seen.keywords & words.in_file_bits();
    before != (known.flags | OLD, known.keywords)
}
