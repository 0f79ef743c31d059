//! Changing flags: the few bytes of a message's state are read, changed and written back, under the parse lock.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::prefile::contents::read_header;
use crate::driver::layout::prefile::header::{self, WRITER};
use crate::driver::layout::prefile::line::{self, Status};
use crate::driver::layout::prefile::mailbox::{PrefileMailbox, tell_trouble};
use crate::driver::layout::prefile::news;
use crate::driver::layout::prefile::patches::Patches;
use crate::driver::layout::prefile::record::{Record, bits_of};
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::uid::UidSet;
use crate::os::transfer::{read_exact_at, write_all_at};

/// The bits that flags have in a message's state.
const SETTABLE: u16 = line::SEEN | line::DELETED | line::FLAGGED | line::ANSWERED | line::DRAFT;

/// What a message shall have.
#[derive(Clone, Copy)]
struct Changed {
    /// In the file.
    in_file: Status,
    /// Outside the file.
    kept: u32,
}

impl PrefileMailbox {
    /// Changes flags, in the file and here, and tells them.
    pub(super) fn store_flags(
        &mut self,
        uids: &UidSet,
        change: &FlagChange,
        job: &Job,
    ) -> Result<()> {
        self.writable(job)?;
        let lock = self.lock(job)?;
        self.catch_up(job)?;
        self.writable(job)?;
        // What is kept outside the file does not show in its times.
        let told = self.look_at_memory(job);
        news::tell_flags(&self.contents, &told, job);
        let keywords = self.keywords_of(change, job);
        let mut patches = Patches::default();
        let mut changed = Vec::new();
        for place in self.places(uids) {
            if let Some(status) = self.status_after(place, change, keywords)? {
                changed.push((place, status));
            }
        }
        self.patch_keywords(&mut patches);
        for &(place, Changed { in_file, .. }) in &changed {
            if let Some(record) = self.contents.records.get(place) {
                let text = line::write_status(self.format, in_file);
                patches.put(record.state_offset(self.format), text);
            }
        }
        let defines = self.defines_keywords();
        if !patches.is_empty() {
            self.sign()?;
            let written = patches.write(&self.environment, &self.place.path, &mut *self.file);
            if let Err(refusal) = written {
                self.give_up_keywords();
                return Err(refusal);
            }
            self.mark_as_read();
        }
        let mut remembers = false;
        let here = self.contents.base.words.in_file_bits();
        for &(place, Changed { in_file, kept }) in &changed {
            if let Some(record) = self.contents.records.get_mut(place) {
                remembers |= record.kept != kept;
                (record.flags, record.keywords) = (in_file.flags, in_file.keywords & here);
                record.kept = kept;
                remembers |= record.put_off && !record.is_deleted();
                record.put_off &= record.is_deleted();
            }
        }
        let places: Vec<usize> = changed.iter().map(|entry| entry.0).collect();
        news::tell_flags(&self.contents, &places, job);
        if remembers {
            self.keep_in_memory(job)?;
            self.mark_as_read();
        }
        if defines {
            self.contents.take_header(read_header(self.source())?);
            self.tell_state(job);
        }
        self.note_stamp()?;
        drop(lock);
        Ok(())
    }

    /// Takes in what others changed since the last look, where the stamp tells of it. The parse lock is held.
    pub(super) fn catch_up(&mut self, job: &Job) -> Result<()> {
        let path = &self.place.path;
        let metadata = self.file.metadata().map_err(Error::io(path))?;
        let now = Stamp::of(&metadata);
        if now != self.stamp || now.length != self.contents.length {
            self.take_in(job)?;
            self.settle(job)?;
        }
        Ok(())
    }

    /// Names this process as the last writer of flags, so that others look at them again.
    pub(super) fn sign(&mut self) -> Result<()> {
        let me = header::writer(self.environment.process.pid);
        match &self.contents.header {
            Some(header) if header.writer() != me => {
                let written = write_all_at(&mut *self.file, &me, WRITER);
                written.map_err(Error::io(&self.place.path))?;
                self.contents.header = Some(read_header(self.source())?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The bits of the keywords that a change names; new ones are defined in memory where the format can.
    fn keywords_of(&mut self, change: &FlagChange, job: &Job) -> u32 {
        let wanted = change.flags().keywords();
        let adds = !matches!(change, FlagChange::Remove(_));
        let can_define = self.format.is_numbered() || self.memory.is_some();
        let words = &mut self.contents.base.words;
        if adds && can_define && !words.define(wanted).is_empty() && !self.format.is_numbered() {
            self.tell_state(job);
        }
        let words = &self.contents.base.words;
        if adds && !words.know(wanted) {
            job.notice(if can_define {
                "a mailbox has room for 30 keywords; the others were not set"
            } else {
                "the mailbox does not know all of the keywords; those were not set"
            });
        }
        words.bits_of(wanted)
    }

    /// Has what is not in the file remembered. The parse lock is held.
    pub(super) fn keep_in_memory(&mut self, job: &Job) -> Result<()> {
        let Some(mut memory) = self.memory.take() else {
            return Ok(());
        };
        let kept = memory.keep(self.source(), &self.contents.base, &self.contents.records);
        tell_trouble(&mut *memory, job);
        self.memory = Some(memory);
        kept
    }

    fn defines_keywords(&self) -> bool {
        let there = self.contents.header.as_ref();
        there.is_some_and(|header| header.words.len() < self.contents.base.words.len())
    }

    /// Wants the keywords that are defined in memory only in the header.
    fn patch_keywords(&self, patches: &mut Patches) {
        let header = self.contents.header.as_ref();
        if let Some(header) = header.filter(|_| self.defines_keywords()) {
            let new = self.contents.base.words.behind(header.words.len());
            let (offset, lines) = header.with_keywords(&new);
            patches.put(offset, lines);
        }
    }

    /// Forgets keywords that did not get into the header.
    fn give_up_keywords(&mut self) {
        if let Some(header) = &self.contents.header {
            self.contents.base.words = header.words.clone();
        }
    }

    /// The places of the messages with these UIDs.
    pub(super) fn places(&self, uids: &UidSet) -> Vec<usize> {
        let records = &self.contents.records;
        let mut places = Vec::new();
        for (first, last) in uids.ranges() {
            let start = records.partition_point(|record| record.uid < first.get());
            let end = records.partition_point(|record| record.uid <= last.get());
            places.extend(start..end);
        }
        places
    }

    /// The state of a message after a change, made of what is in the file now; `None` where it stays, or was hidden
    /// meanwhile.
    fn status_after(
        &mut self,
        place: usize,
        change: &FlagChange,
        keywords: u32,
    ) -> Result<Option<Changed>> {
        let Some(record) = self.contents.records.get(place).copied() else {
            return Ok(None);
        };
        let old = self.status_of(&record)?;
        if old.flags & line::HIDDEN != 0 {
            self.racy = true;
            return Ok(None);
        }
        let bits = bits_of(change.flags().system.only(SystemFlags::SETTABLE));
        let words = &self.contents.base.words;
        let (named, here) = (words.named_bits(), words.in_file_bits());
        let all = (old.keywords & here) | record.kept;
        let (flags, all) = match change {
            FlagChange::Set(_) => ((old.flags & !SETTABLE) | bits, (all & !named) | keywords),
            FlagChange::Add(_) => (old.flags | bits, all | keywords),
            FlagChange::Remove(_) => (old.flags & !bits, all & !keywords),
        };
        let new = Status {
            flags,
            // Bits that have no name in the settings are somebody else's.
            keywords: (old.keywords & !here) | (all & here),
            ..old
        };
        let told = (record.flags, record.all_keywords());
        let changed = Changed {
            in_file: new,
            // One that has a bit in the file by now stays here until it is taken away.
            kept: all & (!here | record.kept),
        };
        Ok((new != old || (flags, all) != told).then_some(changed))
    }

    /// The state of a message as it is in the file.
    pub(super) fn status_of(&self, record: &Record) -> Result<Status> {
        let mut text = vec![0; self.format.state_length()];
        let offset = record.state_offset(self.format);
        read_exact_at(&*self.file, &mut text, offset).map_err(Error::io(&self.place.path))?;
        let status = line::parse_status(self.format, &text);
        let same = |status: &Status| !self.format.is_numbered() || status.uid == record.uid;
        status
            .filter(same)
            .ok_or(Error::Changed("its messages are no longer where they were"))
    }
}
