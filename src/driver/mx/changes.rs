//! Looks at the index and the directory, and tells what is new, changed or gone.

use std::os::unix::fs::MetadataExt;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::in_threads::in_threads;
use crate::driver::layout::folder::numbers::{file_of, numbers_in};
use crate::driver::layout::prefile::words::Lists;
use crate::driver::local_file::is_missing;
use crate::driver::mx::index::{Entry, Index};
use crate::driver::mx::index_file::{IndexFile, path_of};
use crate::driver::mx::mailbox::{Mx, is_plain, summary_of};
use crate::driver::mx::record::Record;
use crate::mail::change::Change;
use crate::mail::flags::Flags;
use crate::mail::uid::{Uid, UidSet};

const BATCH: usize = 500;

/// The names in the directory.
struct Names {
    /// The numbers of all files, ascending.
    numbers: Vec<u32>,
    /// The directory's stamp before they were read.
    directory: Stamp,
    /// When that was, in seconds since 1970.
    read_at: i64,
}

impl Mx {
    /// Looks again where something may have changed.
    pub(super) fn look(&mut self, job: &Job) -> Result<()> {
        if self.stamp_now()? == self.stamp && !self.racy {
            return Ok(());
        }
        self.refresh(job)
    }

    fn stamp_now(&self) -> Result<(Stamp, Stamp)> {
        let of = |path: &std::path::Path| match self.environment.files.metadata(path) {
            Err(missing) if is_missing(&missing) => Err(Error::Changed("its index is gone")),
            other => Ok(Stamp::of(&other.map_err(Error::io(path))?)),
        };
        Ok((of(&path_of(&self.place.path))?, of(&self.place.path)?))
    }

    /// Looks again and tells what is new, changed or gone. Where it may be written the index gets to know messages that
    /// others put there.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        let environment = std::sync::Arc::clone(&self.environment);
        let place = self.place.clone();
        self.stamp_now()?;
        let file = IndexFile::look(&environment, &place, job)?;
        let index = file.read()?;
        self.still_there(&index)?;
        let names = self.names()?;
        if let Some(offset) = index.damaged
            && self.standing.may_write()
        {
            self.standing
                .fall(format!("its index is damaged at byte {offset}"));
        }
        let last = self.last_plain(&names.numbers).max(self.last_uid);
        let incomplete = index.uid_validity == 0 || index.last_uid < last;
        if !self.standing.may_write() || !incomplete {
            return self.tell(&file, &index, &names, job);
        }
        drop(file);
        self.recalled = None;
        let mut file = IndexFile::lock(&environment, &place, job)?;
        let old = file.read()?;
        self.still_there(&old)?;
        let new = self.completed(&old)?;
        if let Err(refusal) = file.write(&old, &new) {
            // What is there can be read all the same.
            let why = refusal.with_reason();
            job.notice(format!("the index cannot be completed: {why}"));
        }
        self.take_in(&file, job)
    }

    /// The names of all files; where they are recalled none is read.
    fn names(&mut self) -> Result<Names> {
        // Before: what comes while they are read may be missed, and must show.
        let read_at = (self.environment.clock)();
        let directory = self.stamp_now()?.1;
        self.recalled = self.recalled.take().filter(|it| it.holds_in(&directory));
        let numbers = match &self.recalled {
            Some(recalled) => recalled.numbers(),
            None => {
                self.unsaved = true;
                let path = &self.place.path;
                numbers_in(&*self.environment.files, path).map_err(Error::io(path))?
            }
        };
        Ok(Names {
            numbers,
            directory,
            read_at,
        })
    }

    /// The highest number of a plain file.
    fn last_plain(&self, numbers: &[u32]) -> u32 {
        let path = &self.place.path;
        let plain = |uid: &&u32| is_plain(&self.environment, &path.join(file_of(**uid)));
        numbers.iter().rev().find(plain).copied().unwrap_or(0)
    }

    /// The index with what it lacks: a UIDVALIDITY, and an entry for each message.
    pub(super) fn completed(&self, old: &Index) -> Result<Index> {
        let files = &*self.environment.files;
        let path = &self.place.path;
        let numbers = numbers_in(files, path).map_err(Error::io(path))?;
        let mut new = old.clone();
        if new.uid_validity == 0 {
            new.uid_validity = match self.uid_validity {
                0 => self.environment.fresh_uid_validity(),
                told => told,
            };
        }
        let last = self.last_plain(&numbers).max(self.last_uid);
        new.last_uid = new.last_uid.max(last);
        let known = |uid: u32| old.entry(uid).is_some();
        let plain = |uid: u32| is_plain(&self.environment, &path.join(file_of(uid)));
        let lacking = numbers.into_iter().filter(|&uid| !known(uid) && plain(uid));
        let lacking: Vec<Entry> = lacking.map(|uid| self.entry_of(uid, &new)).collect();
        if !lacking.is_empty() {
            new.entries.extend(lacking);
            new.entries.sort_by_key(|entry| entry.uid);
        }
        Ok(new)
    }

    /// An entry for a message that the index lacks: as it was told, where another program dropped it.
    fn entry_of(&self, uid: u32, index: &Index) -> Entry {
        let record = self.place_of(uid).and_then(|place| self.records.get(place));
        record.map_or(Entry::new(uid, 0, 0), |record| {
            let keywords = self.words.names_of(record.keywords);
            Entry::new(uid, index.words.bits_of(&keywords), record.flags)
        })
    }

    /// Refuses to change what is damaged.
    pub(super) fn heed_damage(&mut self, index: &Index, job: &Job) -> Result<()> {
        let Some(offset) = index.damaged else {
            return Ok(());
        };
        self.standing
            .fall(format!("its index is damaged at byte {offset}"));
        self.tell_state(job);
        Err(Error::ReadOnly)
    }

    /// Takes in what the index says and the directory holds, and tells what is another way than it was told. The lock is
    /// held.
    pub(super) fn take_in(&mut self, file: &IndexFile<'_>, job: &Job) -> Result<()> {
        let index = file.read()?;
        let names = self.names()?;
        self.tell(file, &index, &names, job)
    }

    /// The same of what was read already, under the same lock.
    fn tell(
        &mut self,
        file: &IndexFile<'_>,
        index: &Index,
        names: &Names,
        job: &Job,
    ) -> Result<()> {
        let numbers = names.numbers.as_slice();
        let stamp = (file.stamp()?, names.directory);
        if let Some(offset) = index.damaged
            && !self.damage_told
        {
            self.damage_told = true;
            job.notice(format!(
                "its index is damaged at byte {offset}: flags behind it are not known"
            ));
        }
        self.still_there(index)?;
        let first = !self.standing.is_told();
        if self.uid_validity == 0 {
            self.uid_validity = match index.uid_validity {
                0 => self.environment.fresh_uid_validity(),
                told => told,
            };
        }
        let known = self.told_uid;
        let highest = self.last_plain(numbers);
        self.last_uid = self.last_uid.max(index.last_uid).max(highest);
        if index.words != self.words {
            self.words = index.words.clone();
            self.lists = Lists::default();
        }
        self.tell_state(job);
        self.tell_gone(numbers, job);
        self.tell_flags(index, job);
        let behind = numbers.partition_point(|&uid| uid <= known);
        let new = numbers.get(behind..).unwrap_or_default();
        self.tell_new(new, index, !first, job)?;
        let recent = |stamp: &Stamp| stamp.is_recent(names.read_at);
        self.racy = recent(&stamp.0) || recent(&stamp.1);
        self.stamp = stamp;
        // What came back under a number that was passed over is not told.
        self.is_whole = self.records.len() == numbers.len();
        Ok(())
    }

    fn tell_gone(&mut self, numbers: &[u32], job: &Job) {
        let is_gone = |record: &Record| numbers.binary_search(&record.uid).is_err();
        let gone = self.records.iter().filter(|record| is_gone(record));
        let gone: UidSet = gone.filter_map(|record| Uid::new(record.uid)).collect();
        if !gone.is_empty() {
            self.records.retain(|record| !is_gone(record));
            job.emit(Change::Expunged(gone));
        }
    }

    fn tell_flags(&mut self, index: &Index, job: &Job) {
        let mut told: Vec<(Uid, Flags)> = Vec::new();
        let mut entries = index.entries.iter().peekable();
        for place in 0..self.records.len() {
            let Some(record) = self.records.get(place).copied() else {
                break;
            };
            while entries.next_if(|entry| entry.uid < record.uid).is_some() {}
            let Some(entry) = entries.next_if(|entry| entry.uid == record.uid) else {
                continue;
            };
            if (entry.keywords, entry.flags) == (record.keywords, record.flags) {
                continue;
            }
            let (before, mut new) = (self.flags(&record), record);
            (new.keywords, new.flags) = (entry.keywords, entry.flags);
            let after = self.flags(&new);
            if let Some(record) = self.records.get_mut(place) {
                *record = new;
            }
            if before != after {
                told.extend(Uid::new(new.uid).map(|uid| (uid, after)));
            }
        }
        if !told.is_empty() {
            job.emit(Change::Flags(told));
        }
    }

    fn tell_new(&mut self, new: &[u32], index: &Index, recent: bool, job: &Job) -> Result<()> {
        let (files, path) = (&self.environment.files, &self.place.path);
        let look = |(): &mut (), uid: &u32| match files.link_metadata(&path.join(file_of(*uid))) {
            Err(missing) if is_missing(&missing) => Ok(None),
            other => other.map(|found| found.is_file().then_some((found.len(), found.mtime()))),
        };
        let found = match &self.recalled {
            Some(recalled) => Ok(recalled.of(new)),
            None => in_threads(new, job, look),
        };
        let found = found.map_err(|refusal| match job.checkpoint() {
            Err(cancelled) => cancelled,
            Ok(()) => Error::io(path)(refusal),
        })?;
        let mut entries = index.entries.iter().peekable();
        let mut arrived = Vec::with_capacity(new.len());
        for (&uid, found) in new.iter().zip(found) {
            while entries.next_if(|entry| entry.uid < uid).is_some() {}
            let entry = entries.next_if(|entry| entry.uid == uid).copied();
            let entry = entry.unwrap_or(Entry::new(uid, 0, 0));
            if let Some((size, date)) = found {
                arrived.push(Record {
                    uid,
                    keywords: entry.keywords,
                    flags: entry.flags,
                    recent,
                    size,
                    date,
                });
            }
        }
        let from = self.records.len();
        self.told_uid = arrived.last().map_or(self.told_uid, |last| last.uid);
        self.records.extend(arrived);
        let behind = self.records.get(from..).unwrap_or_default();
        for batch in behind.chunks(BATCH) {
            let (lists, words) = (&mut self.lists, &self.words);
            let summaries = batch.iter().filter_map(|it| summary_of(it, lists, words));
            job.emit(Change::Arrived(summaries.collect()));
        }
        Ok(())
    }
}
