//! Looks at the index and the directory, and tells what is new, changed or gone.

use std::os::unix::fs::MetadataExt;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::prefile::words::Lists;
use crate::driver::local_file::is_missing;
use crate::driver::mx::index::{Entry, Index};
use crate::driver::mx::index_file::{IndexFile, path_of};
use crate::driver::mx::mailbox::{Mx, Record, still_there, summary_of};
use crate::driver::mx::numbers::{file_of, numbers_in};
use crate::mail::change::Change;
use crate::mail::flags::Flags;
use crate::mail::status::Access;
use crate::mail::uid::{Uid, UidSet};

const BATCH: usize = 500;

impl Mx {
    /// Looks again where something may have changed.
    pub(super) fn look(&mut self, job: &Job) -> Result<()> {
        let index = path_of(&self.place.path);
        still_there(&self.environment, &index)?;
        if self.stamp_now()? == self.stamp && !self.racy {
            return Ok(());
        }
        self.refresh(job)
    }

    fn stamp_now(&self) -> Result<(Stamp, Stamp)> {
        let of = |path: &std::path::Path| {
            let metadata = self.environment.files.metadata(path);
            Ok(Stamp::of(&metadata.map_err(Error::io(path))?))
        };
        Ok((of(&path_of(&self.place.path))?, of(&self.place.path)?))
    }

    /// Looks again and tells what is new, changed or gone. Where it may be written the index gets to know messages that
    /// others put there.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        still_there(&self.environment, &path_of(&self.place.path))?;
        let environment = std::sync::Arc::clone(&self.environment);
        let place = self.place.clone();
        let file = IndexFile::look(&environment, &place, job)?;
        let index = file.read()?;
        let last = numbers_in(&*environment.files, &place.path).map_err(Error::io(&place.path))?;
        let last = last.last().copied().unwrap_or(0);
        if let Some(offset) = index.damaged
            && self.access == Access::ReadWrite
        {
            self.fall(format!("its index is damaged at byte {offset}"));
        }
        let incomplete = index.uid_validity == 0 || index.last_uid < last;
        if self.access == Access::ReadOnly || !incomplete {
            return self.take_in(&file, job);
        }
        drop(file);
        let mut file = IndexFile::lock(&environment, &place, job)?;
        let old = file.read()?;
        let new = self.completed(&old)?;
        file.write(&old, &new)?;
        self.take_in(&file, job)
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
        new.last_uid = new.last_uid.max(numbers.last().copied().unwrap_or(0));
        let known = |uid: u32| old.entry(uid).is_some();
        let lacking: Vec<u32> = numbers.into_iter().filter(|&uid| !known(uid)).collect();
        if !lacking.is_empty() {
            new.entries
                .extend(lacking.into_iter().map(|uid| Entry::new(uid, 0, 0)));
            new.entries.sort_by_key(|entry| entry.uid);
        }
        Ok(new)
    }

    /// Refuses to change what is damaged.
    pub(super) fn heed_damage(&mut self, index: &Index, job: &Job) -> Result<()> {
        let Some(offset) = index.damaged else {
            return Ok(());
        };
        self.fall(format!("its index is damaged at byte {offset}"));
        self.tell_state(job);
        Err(Error::ReadOnly)
    }

    /// Takes in what the index says and the directory holds, and tells what is another way than it was told. The lock is
    /// held.
    pub(super) fn take_in(&mut self, file: &IndexFile<'_>, job: &Job) -> Result<()> {
        let index = file.read()?;
        let stamp = (file.stamp()?, self.stamp_now()?.1);
        let path = &self.place.path;
        let numbers = numbers_in(&*self.environment.files, path).map_err(Error::io(path))?;
        if let Some(offset) = index.damaged
            && !self.damage_told
        {
            self.damage_told = true;
            job.notice(format!(
                "its index is damaged at byte {offset}: flags behind it are not known"
            ));
        }
        let first = self.told.is_none();
        if self.uid_validity == 0 {
            self.uid_validity = match index.uid_validity {
                0 => self.environment.fresh_uid_validity(),
                told => told,
            };
        } else if index.uid_validity != 0 && index.uid_validity != self.uid_validity {
            return Err(Error::Changed("it has another UIDVALIDITY"));
        }
        let known = self
            .records
            .last()
            .map_or(0, |last| last.uid)
            .max(match first {
                true => 0,
                false => self.last_uid,
            });
        let highest = numbers.last().copied().unwrap_or(0);
        self.last_uid = self.last_uid.max(index.last_uid).max(highest);
        if index.words != self.words {
            self.words = index.words.clone();
            self.lists = Lists::default();
        }
        self.tell_state(job);
        self.tell_gone(&numbers, job);
        self.tell_flags(&index, job);
        let new = numbers.into_iter().filter(|&uid| uid > known);
        self.tell_new(new, &index, !first, job)?;
        let now = (self.environment.clock)();
        self.racy = [stamp.0, stamp.1].iter().any(|it| it.is_recent(now));
        self.stamp = stamp;
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

    fn tell_new(
        &mut self,
        new: impl Iterator<Item = u32>,
        index: &Index,
        recent: bool,
        job: &Job,
    ) -> Result<()> {
        let from = self.records.len();
        for uid in new {
            job.checkpoint()?;
            let path = self.place.path.join(file_of(uid));
            let metadata = match self.environment.files.link_metadata(&path) {
                Err(missing) if is_missing(&missing) => continue,
                other => other.map_err(Error::io(&path))?,
            };
            if !metadata.is_file() {
                continue;
            }
            let entry = index.entry(uid).copied();
            let entry = entry.unwrap_or(Entry::new(uid, 0, 0));
            self.records.push(Record {
                uid,
                keywords: entry.keywords,
                flags: entry.flags,
                recent,
                size: metadata.len(),
                date: metadata.mtime(),
            });
        }
        let behind = self.records.get(from..).unwrap_or_default();
        for batch in behind.chunks(BATCH) {
            let (lists, words) = (&mut self.lists, &self.words);
            let summaries = batch.iter().filter_map(|it| summary_of(it, lists, words));
            job.emit(Change::Arrived(summaries.collect()));
        }
        Ok(())
    }
}
