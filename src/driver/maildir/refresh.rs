//! Looks at the folders and tells what is new, changed or gone.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::maildir::folder::{self, Found, find};
use crate::driver::maildir::letters::{Letters, Shares};
use crate::driver::maildir::mailbox::{Maildir, Record, is_racy, still_there};
use crate::driver::maildir::measure::{Measures, measure};
use crate::driver::maildir::uid_log::{Facts, Known, Unnumbered};
use crate::mail::change::Change;
use crate::mail::flags::{Flags, SystemFlags};
use crate::mail::status::Access;
use crate::mail::uid::{Uid, UidSet};

const BATCH: usize = 500;

impl Maildir {
    /// Reads everything and tells it.
    pub(super) fn first_look(&mut self, job: &Job) -> Result<()> {
        let known = match self.log.read_on() {
            Ok(known) => known,
            Err(refusal) => {
                self.log_is_unreadable = true;
                job.notice(format!(
                    "the UIDs of this mailbox cannot be read, others hold for this session: {refusal}"
                ));
                Known::new()
            }
        };
        if !self.log.is_there() && self.may_number() {
            // Its UIDVALIDITY holds from now on. Where it cannot be kept that is told when there is something to number.
            let _ = self.log.number(&[], 0);
        }
        if self.log.uid_validity == 0 {
            self.log.uid_validity = self.environment.fresh_uid_validity();
        }
        self.last_uid = self.log.last_uid;
        self.stamp = folder::stamp(&self.environment, &self.place.path)?;
        self.racy = is_racy(&self.environment, &self.stamp);
        let mut all = folder::list(&self.environment, &self.place.path)?;
        let recent = self.take_over(&mut all);
        let mut old: Vec<(Facts, Found)> = Vec::with_capacity(all.len());
        let mut new = Vec::new();
        for found in all {
            match known.get(found.name.base()) {
                Some(facts) => old.push((*facts, found)),
                None => new.push(found),
            }
        }
        old.sort_by_key(|entry| entry.0.uid);
        let letters = std::mem::take(&mut self.letters);
        self.records = Vec::with_capacity(old.len() + new.len());
        for (facts, file) in old {
            // Each UID counts once, whatever the log says.
            if self
                .records
                .last()
                .is_none_or(|last| last.facts.uid < facts.uid)
            {
                let is_recent = recent.contains(file.name.base());
                let flags = self.shares.flags(file.name.letters(), &letters, is_recent);
                self.records.push(Record { facts, file, flags });
            } else {
                new.push(file);
            }
        }
        self.letters = letters;
        self.sticky = self.log.is_there();
        let is_known = new.is_empty();
        if is_known {
            self.tell_state(job);
        }
        let behind = self.number(new, &recent, job)?;
        self.records.extend(behind);
        self.tell_state(job);
        self.tell_from(0, job);
        self.tidy();
        Ok(())
    }

    /// Looks again where something may have changed.
    pub(super) fn look(&mut self, job: &Job) -> Result<()> {
        still_there(&self.environment, &self.place)?;
        let stamp = folder::stamp(&self.environment, &self.place.path)?;
        if stamp == self.stamp && !self.racy {
            return Ok(());
        }
        self.refresh(job)
    }

    /// Looks again and tells what is new, changed or gone.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        still_there(&self.environment, &self.place)?;
        let stamp = folder::stamp(&self.environment, &self.place.path)?;
        let racy = is_racy(&self.environment, &stamp);
        self.refresh_letters(job);
        let mut all = folder::list(&self.environment, &self.place.path)?;
        let is_gone = |all: &[Found], record: &Record| find(all, record.file.name.base()).is_none();
        if self.records.iter().any(|record| is_gone(&all, record)) {
            // A name that changes while names are read may be missed: it is gone when it is missed twice.
            let again = folder::list(&self.environment, &self.place.path)?;
            let missed = again.into_iter();
            let missed = missed.filter(|found| find(&all, found.name.base()).is_none());
            let missed: Vec<Found> = missed.collect();
            all.extend(missed);
            all.sort_by(|one, other| one.name.base().cmp(other.name.base()));
        }
        let recent = self.take_over(&mut all);
        let gone: UidSet = self
            .records
            .iter()
            .filter(|record| is_gone(&all, record))
            .filter_map(|record| Uid::new(record.facts.uid))
            .collect();
        self.tell_flags(&all, job);
        if !gone.is_empty() {
            self.records.retain(|record| !is_gone(&all, record));
            job.emit(Change::Expunged(gone));
        }
        let mut bases: Vec<&[u8]> = self.records.iter().map(|it| it.file.name.base()).collect();
        bases.sort_unstable();
        let is_known = |found: &Found| bases.binary_search(&found.name.base()).is_ok();
        let new: Vec<Found> = all
            .iter()
            .filter(|found| !is_known(found))
            .cloned()
            .collect();
        let behind = self.number(new, &recent, job)?;
        let known = self.records.len();
        self.records.extend(behind);
        self.tell_state(job);
        self.tell_from(known, job);
        (self.stamp, self.racy) = (stamp, racy);
        Ok(())
    }

    /// Moves what no program has seen yet to what was seen, where that may be written. The bases of what was new come back.
    fn take_over(&mut self, all: &mut [Found]) -> Recent {
        let mut recent = Recent::default();
        for found in all.iter_mut().filter(|found| found.is_new) {
            recent.0.push(found.name.base().into());
            let Some(name) = found.name.with_letters(found.name.letters()) else {
                continue;
            };
            if self.access == Access::ReadOnly {
                continue;
            }
            let seen = Found {
                name,
                is_new: false,
            };
            let (from, to) = (found.path(&self.place.path), seen.path(&self.place.path));
            // Where it fails the message stays new, or somebody else was faster.
            if self.environment.files.rename(&from, &to).is_ok() {
                *found = seen;
            }
        }
        recent.0.sort_unstable();
        recent
    }

    /// Gives messages their UIDs, in the order of their delivery.
    fn number(&mut self, mut new: Vec<Found>, recent: &Recent, job: &Job) -> Result<Vec<Record>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        new.sort_by(|one, other| one.name.order().cmp(&other.name.order()));
        let files: Vec<&Found> = new.iter().collect();
        let measures = measure(&self.environment, &self.place.path, &files, job);
        let measures = measures.map_err(|refusal| match job.checkpoint() {
            Err(cancelled) => cancelled,
            Ok(()) => Error::io(&self.place.path)(refusal),
        })?;
        let measured = files.iter().zip(&measures);
        let measured = measured.filter_map(|(found, measures)| Some((*found, (*measures)?)));
        let measured: Vec<(&Found, Measures)> = measured.collect();
        let unnumbered: Vec<Unnumbered<'_>> = measured
            .iter()
            .map(|(found, (size, date))| Unnumbered {
                base: found.name.base(),
                size: *size,
                date: *date,
                wish: None,
            })
            .collect();
        let floor = self.records.last().map_or(0, |last| last.facts.uid);
        let floor = floor.max(if self.sticky { 0 } else { self.last_uid });
        let uids = self.uids_for(&unnumbered, floor, job)?;
        let mut records = Vec::with_capacity(uids.len());
        for ((found, (size, date)), uid) in measured.into_iter().zip(uids) {
            let is_recent = recent.contains(found.name.base());
            let letters = found.name.letters();
            records.push(Record {
                facts: Facts { uid, size, date },
                flags: self.shares.flags(letters, &self.letters, is_recent),
                file: found.clone(),
            });
        }
        records.sort_by_key(|record| record.facts.uid);
        let last = records.last().map_or(0, |record| record.facts.uid);
        self.last_uid = self.last_uid.max(last);
        Ok(records)
    }

    /// Whether UIDs may be written down: what could not be read is not to be written over.
    fn may_number(&self) -> bool {
        self.access == Access::ReadWrite && !self.log_is_unreadable
    }

    /// UIDs of the log, else such as hold for this session.
    fn uids_for(&mut self, new: &[Unnumbered<'_>], floor: u32, job: &Job) -> Result<Vec<u32>> {
        let first_time = self.records.is_empty();
        if self.may_number() && (self.sticky || first_time) {
            match self.log.number(new, floor) {
                Ok(numbered) => {
                    self.sticky = true;
                    self.last_uid = self.last_uid.max(self.log.last_uid);
                    return Ok(numbered.uids);
                }
                Err(refusal) => {
                    self.sticky = false;
                    job.notice(format!("UIDs hold for this session only: {refusal}"));
                }
            }
        }
        let mut last = self.last_uid.max(floor);
        let next = |_: &Unnumbered<'_>| {
            last = last.checked_add(1)?;
            Some(last)
        };
        let uids: Option<Vec<u32>> = new.iter().map(next).collect();
        uids.ok_or(Error::Refused("the mailbox has no UIDs left"))
    }

    /// Tells the messages from a place on.
    fn tell_from(&self, place: usize, job: &Job) {
        let new = self.records.get(place..).unwrap_or_default();
        for batch in new.chunks(BATCH) {
            let summaries = batch.iter().filter_map(Record::summary);
            job.emit(Change::Arrived(summaries.collect()));
        }
    }

    /// Notes the names that messages have now, and tells the flags that are others.
    fn tell_flags(&mut self, all: &[Found], job: &Job) {
        let mut told: Vec<(Uid, Flags)> = Vec::new();
        for record in &mut self.records {
            let Some(found) = find(all, record.file.name.base()) else {
                continue;
            };
            let recent = record.flags.has(SystemFlags::RECENT);
            let flags = self
                .shares
                .flags(found.name.letters(), &self.letters, recent);
            if record.file != *found {
                record.file = found.clone();
            }
            if record.flags != flags {
                record.flags = flags;
                told.extend(Uid::new(record.facts.uid).map(|uid| (uid, record.flags.clone())));
            }
        }
        if !told.is_empty() {
            job.emit(Change::Flags(told));
        }
    }

    fn refresh_letters(&mut self, job: &Job) {
        let letters = Letters::read(&self.environment, &self.place.path);
        if letters != self.letters {
            self.letters = letters;
            self.shares = Shares::default();
            self.tell_state(job);
        }
    }

    /// Writes the log anew where most of it is void.
    fn tidy(&mut self) {
        if self.may_number() && self.sticky && self.log.is_mostly_void(self.records.len()) {
            let records = self.records.iter();
            let live = records.map(|record| (record.file.name.base(), record.facts));
            // The old one is as good.
            let _ = self.log.rewrite(live);
        }
    }
}

/// The bases of messages that no program had seen.
#[derive(Default)]
struct Recent(Vec<Box<[u8]>>);

impl Recent {
    fn contains(&self, base: &[u8]) -> bool {
        self.0.binary_search_by(|it| (**it).cmp(base)).is_ok()
    }
}
