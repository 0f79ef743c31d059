//! Looks at the small files, and tells what is new, changed or gone.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::prefile::words::Lists;
use crate::driver::local_file::is_missing;
use crate::driver::mix::contents::{Contents, Record};
use crate::driver::mix::locked::Locked;
use crate::driver::mix::mailbox::{Mix, flags_of, summary_of};
use crate::driver::mix::meta::Meta;
use crate::driver::mix::names::{INDEX, META, STATUS};
use crate::mail::change::Change;
use crate::mail::flags::Flags;
use crate::mail::uid::{Uid, UidSet};

const BATCH: usize = 500;
const REPLACED: &str = "another mailbox took its place";
const OTHERS: &str = "its messages are no longer the same";

impl Mix {
    /// Looks again where something may have changed.
    pub(super) fn look(&mut self, job: &Job) -> Result<()> {
        if self.stamps_now()? == self.stamps && !self.racy {
            return Ok(());
        }
        self.refresh(job)
    }

    /// Looks again and tells what is new, changed or gone.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        let mut locked = self.lock(job)?;
        let caught_up = self.catch_up(&mut locked, job);
        self.end(&locked, caught_up)
    }

    /// Ends a verb. What failed may have done a part of its work, or will be done by a recovery: then all is read anew.
    pub(super) fn end(&mut self, locked: &Locked, outcome: Result<()>) -> Result<()> {
        self.stale |= outcome.is_err();
        if !self.stale {
            return self.note_stamps(locked);
        }
        self.stamps = Default::default();
        outcome
    }

    /// The same under a lock that is there already.
    pub(super) fn catch_up(&mut self, locked: &mut Locked, job: &Job) -> Result<()> {
        self.take_in(locked, job)?;
        match self.standing.may_write() {
            true => self.settle(locked, job),
            false => Ok(()),
        }
    }

    /// The stamps of the small files, where they still are those of the mailbox that was opened.
    pub(super) fn stamps_now(&self) -> Result<[Stamp; 3]> {
        let of = |name: &str| {
            let path = self.place.path.join(name);
            match self.environment.files.metadata(&path) {
                Err(missing) if is_missing(&missing) => Ok(Stamp::default()),
                other => other
                    .map(|found| Stamp::of(&found))
                    .map_err(Error::io(&path)),
            }
        };
        let stamps = [of(META)?, of(INDEX)?, of(STATUS)?];
        let path = self.place.path.join(META);
        let own = self.share.metadata().map_err(Error::io(&path))?;
        if stamps[0] == Stamp::default() {
            return Err(Error::Changed("its directory is gone"));
        }
        if stamps[0].file != Stamp::of(&own).file {
            return Err(Error::Changed(REPLACED));
        }
        Ok(stamps)
    }

    /// Notes how the files are now, which are locked.
    fn note_stamps(&mut self, locked: &Locked) -> Result<()> {
        self.contents.index = locked.index.mark()?;
        self.contents.status = locked.status.mark()?;
        let meta = locked.meta.mark()?;
        let now = (self.environment.clock)();
        self.stamps = [
            meta.stamp,
            self.contents.index.stamp,
            self.contents.status.stamp,
        ];
        self.racy = self.stamps.iter().any(|stamp| stamp.is_recent(now));
        Ok(())
    }

    /// Takes in what the files say, and tells what is another way than it was told.
    pub(super) fn take_in(&mut self, locked: &Locked, job: &Job) -> Result<()> {
        let is_first = !self.standing.is_told();
        let before = (!is_first && !self.stale).then_some(&self.contents);
        let Some(read) = Contents::read(locked, before, job)? else {
            return Ok(());
        };
        self.still_there(&read.meta)?;
        if self.uid_validity == 0 {
            self.uid_validity = match read.meta.uid_validity {
                0 => self.environment.fresh_uid_validity(),
                told => told,
            };
        }
        self.last_uid = self.last_uid.max(read.last_uid());
        self.take(read, job)?;
        self.stale = false;
        Ok(())
    }

    fn still_there(&self, meta: &Meta) -> Result<()> {
        let other = meta.uid_validity != 0 && meta.uid_validity != self.uid_validity;
        match other && self.uid_validity != 0 {
            true => Err(Error::Changed(REPLACED)),
            false => Ok(()),
        }
    }

    fn take(&mut self, mut read: Contents, job: &Job) -> Result<()> {
        let (told_uid, before) = (self.told_uid, std::mem::take(&mut self.contents));
        let mut compared = Compared::default();
        let compare = compared.compare(&before.records, &mut read.records, told_uid);
        if compare.is_none() {
            self.contents = before;
            return Err(Error::Changed(OTHERS));
        }
        if read.meta.words != before.meta.words {
            self.lists = Lists::default();
        }
        let old_words = before.meta.words.clone();
        self.contents = read;
        self.heed_damage(job);
        self.tell_state(job);
        if !compared.gone.is_empty() {
            self.may_have_waste = true;
            job.emit(Change::Expunged(compared.gone));
        }
        let (records, words) = (&self.contents.records, &self.contents.meta.words);
        let mut told: Vec<(Uid, Flags)> = Vec::new();
        for (old, place) in compared.changed {
            let Some(record) = records.get(place) else {
                continue;
            };
            let after = flags_of(record, &mut self.lists, words);
            if flags_of(&old, &mut Lists::default(), &old_words) != after {
                told.extend(Uid::new(record.entry.uid).map(|uid| (uid, after)));
            }
        }
        if !told.is_empty() {
            job.emit(Change::Flags(told));
        }
        let new = records.get(compared.new..).unwrap_or_default();
        self.told_uid = new.last().map_or(told_uid, |last| last.entry.uid);
        for batch in new.chunks(BATCH) {
            let lists = &mut self.lists;
            let summaries = batch.iter().filter_map(|it| summary_of(it, lists, words));
            job.emit(Change::Arrived(summaries.collect()));
        }
        Ok(())
    }

    /// A damaged mailbox is only looked at.
    fn heed_damage(&mut self, job: &Job) {
        let damage = self.contents.damage();
        if let Some(damage) = damage.filter(|_| self.standing.may_write()) {
            self.standing.fall(damage.to_string());
        }
        let lost = self.contents.lost_flags;
        let told = damage.or(lost).filter(|_| !self.damage_told);
        let Some(damage) = told else {
            return;
        };
        self.damage_told = true;
        job.notice(format!("{damage}: {}", damage.meaning()));
    }
}

/// What is another way than it was told.
#[derive(Default)]
struct Compared {
    gone: UidSet,
    /// Messages whose flags may be others: how they were, and where they are now.
    changed: Vec<(Record, usize)>,
    /// Where the new messages begin.
    new: usize,
}

impl Compared {
    /// Compares what was told with what was read; both ascend. Messages that were told are recent as they were. `None`
    /// where a UID stands for another message, or a message is new under a UID that is not.
    fn compare(&mut self, told: &[Record], read: &mut [Record], told_uid: u32) -> Option<()> {
        let mut gone = Vec::new();
        let mut old = told.iter().peekable();
        self.new = read.len();
        for (place, record) in read.iter_mut().enumerate() {
            let uid = record.entry.uid;
            if uid > told_uid {
                self.new = self.new.min(place);
                record.recent = record.is_new();
                continue;
            }
            while let Some(earlier) = old.next_if(|old| old.entry.uid < uid) {
                gone.push(earlier.entry.uid);
            }
            let before = old.next_if(|old| old.entry.is_same(&record.entry))?;
            record.recent = before.recent;
            if before.state != record.state {
                self.changed.push((*before, place));
            }
        }
        gone.extend(old.map(|old| old.entry.uid));
        self.gone = gone.into_iter().filter_map(Uid::new).collect();
        Some(())
    }
}
