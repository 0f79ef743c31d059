//! Looks at the directory of a group, at `.newsrc` and at the flags, and tells what is new, changed or gone.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::cache::{Cache, Facts, is_settled};
use crate::driver::layout::folder::numbers::{is_digits, number};
use crate::driver::local_file::is_missing;
use crate::driver::news::article::path_in;
use crate::driver::news::facts::KEPT;
use crate::driver::news::mailbox::{Newsgroup, Record};
use crate::driver::news::newsrc_file;
use crate::driver::news::newsrc_found::Found;
use crate::driver::news::ranges::Ranges;
use crate::mail::change::Change;
use crate::mail::flags::Flags;
use crate::mail::reason::in_words;
use crate::mail::uid::{Uid, UidSet};

const BATCH: usize = 500;
/// A file that was written less than so many seconds ago may still be.
const FRESH: i64 = 2;

impl Newsgroup {
    /// Reads everything and tells it.
    pub(super) fn first_look(&mut self, job: &Job) -> Result<()> {
        job.checkpoint()?;
        if let Err(refusal) = self.marks.read_on() {
            let why = in_words(&refusal);
            job.notice(format!("the flags of articles cannot be read: {why}"));
        }
        match newsrc_file::read(&self.environment) {
            Ok(found) => self.take_newsrc(&found, job),
            Err(refusal) => {
                let why = in_words(&refusal);
                self.standing
                    .fall(format!("what was read of news is not known: {why}"));
            }
        }
        self.directory = self.directory_now()?;
        let known = match &self.directory {
            Some(now) => KEPT.read(&self.environment, &self.place.path, now),
            None => Cache::default(),
        };
        let facts = match known.complete {
            true => known.facts,
            false => self.list_with(&known.facts, job)?,
        };
        let all = facts.into_iter().map(|facts| self.record(facts));
        self.records = all.collect();
        self.tell_state(job);
        self.tell_from(0, job);
        self.save();
        Ok(())
    }

    /// The articles that are there by name, with what is known of them already.
    fn list_with(&mut self, known: &[Facts], job: &Job) -> Result<Vec<Facts>> {
        let numbers = self.list(job)?;
        let find = |number: &u32| known.binary_search_by_key(number, |it| it.number).ok();
        let new: Vec<u32> = numbers
            .iter()
            .copied()
            .filter(|it| find(it).is_none())
            .collect();
        let mut facts: Vec<Facts> = numbers
            .iter()
            .filter_map(|it| known.get(find(it)?).copied())
            .collect();
        facts.extend(self.measure(&new, job)?);
        facts.sort_unstable_by_key(|it| it.number);
        self.unsaved = true;
        Ok(facts)
    }

    /// Looks again where something may have changed.
    pub(super) fn look(&mut self, job: &Job) -> Result<()> {
        job.checkpoint()?;
        if newsrc_file::stamp(&self.environment) != self.newsrc_stamp
            && let Ok(found) = newsrc_file::read(&self.environment)
        {
            self.take_newsrc(&found, job);
        }
        if matches!(self.marks.read_on(), Ok(true)) {
            self.take_marks(job);
        }
        let now = self.directory_now()?;
        let stamps = [&self.directory, &now].map(|it| it.as_ref().map(Stamp::of));
        let same = stamps[0] == stamps[1] && self.settled;
        if !same {
            self.directory = now;
            self.refresh(job)?;
        }
        self.look_at_fresh(job)
    }

    /// Lists the directory and tells what is new or gone.
    fn refresh(&mut self, job: &Job) -> Result<()> {
        let numbers = self.list(job)?;
        self.forget_gone(&numbers, job)?;
        let is_new = |number: &u32| self.place_of(*number).is_none();
        let new: Vec<u32> = numbers.into_iter().filter(is_new).collect();
        let new = self.measure(&new, job)?;
        if new.is_empty() {
            return Ok(());
        }
        self.unsaved = true;
        let told = self.told_uid;
        let new: Vec<Record> = new.into_iter().map(|facts| self.record(facts)).collect();
        self.records.extend(new);
        self.records.sort_unstable_by_key(|it| it.facts.number);
        let first = self.records.partition_point(|it| it.facts.number <= told);
        self.tell_state(job);
        self.tell_from(first, job);
        Ok(())
    }

    fn forget_gone(&mut self, numbers: &[u32], job: &Job) -> Result<()> {
        let files = &self.environment.files;
        let mut gone = HashSet::new();
        for record in &self.records {
            let number = record.facts.number;
            if numbers.binary_search(&number).is_ok() {
                continue;
            }
            job.checkpoint()?;
            // A name that is missed while others come and go is not gone.
            let found = files.link_metadata(&path_in(&self.place.path, number));
            if found.is_err_and(|refusal| is_missing(&refusal)) {
                gone.insert(number);
            }
        }
        self.tell_gone(&gone, job);
        Ok(())
    }

    fn tell_gone(&mut self, gone: &HashSet<u32>, job: &Job) {
        if gone.is_empty() {
            return;
        }
        self.unsaved = true;
        let is_gone = |record: &&Record| gone.contains(&record.facts.number);
        let told = self.records.iter().filter(is_gone).filter(|it| !it.hidden);
        let told: UidSet = told.filter_map(|it| Uid::new(it.facts.number)).collect();
        self.records.retain(|record| !is_gone(&record));
        if !told.is_empty() {
            job.emit(Change::Expunged(told));
        }
    }

    /// Measures those of these articles again whose files are others than is known: what is kept for a faster opening is no
    /// ground to write on.
    pub(super) fn look_at_changed(&mut self, uids: &UidSet, job: &Job) -> Result<()> {
        let wanted = self.records.iter().filter(|record| {
            let uid = Uid::new(record.facts.number);
            !record.hidden && uid.is_some_and(|uid| uids.contains(uid))
        });
        let wanted: Vec<Facts> = wanted.map(|record| record.facts).collect();
        let changed = self.articles().changed(&wanted, job);
        for number in changed.map_err(|refusal| self.failed(refusal, job))? {
            let place = self.place_of(number);
            if let Some(record) = place.and_then(|place| self.records.get_mut(place)) {
                record.fresh = true;
            }
        }
        self.look_at_fresh(job)
    }

    /// Measures again what may have been written since. Where that is another size or date everything is told anew.
    fn look_at_fresh(&mut self, job: &Job) -> Result<()> {
        let fresh = self.records.iter().filter(|it| it.fresh);
        let fresh: Vec<u32> = fresh.map(|it| it.facts.number).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let mut others = false;
        let mut gone: HashSet<u32> = fresh.iter().copied().collect();
        for facts in self.measure(&fresh, job)? {
            gone.remove(&facts.number);
            let is_fresh = self.is_fresh(facts.date);
            let mark = self.marks.of(facts.id);
            let place = self.place_of(facts.number);
            if let Some(record) = place.and_then(|place| self.records.get_mut(place)) {
                others |= record.facts != facts;
                (record.facts, record.mark) = (facts, mark);
                record.fresh = is_fresh;
            }
        }
        self.unsaved = true;
        self.tell_gone(&gone, job);
        if others {
            job.emit(Change::Reset);
            self.standing.forget_told();
            self.tell_state(job);
            self.tell_from(0, job);
        }
        Ok(())
    }

    /// The directory of the group; `None` where no article came yet.
    pub(super) fn directory_now(&self) -> Result<Option<Metadata>> {
        match self.environment.files.metadata(&self.place.path) {
            Ok(found) => Ok(Some(found).filter(Metadata::is_dir)),
            Err(missing) if is_missing(&missing) => {
                let spool = self.environment.files.metadata(&self.spool);
                match spool {
                    Ok(_) => Ok(None),
                    Err(_) => Err(Error::Changed("the news spool is gone")),
                }
            }
            Err(refusal) => Err(Error::io(&self.place.path)(refusal)),
        }
    }

    /// The numbers of the articles that are there, ascending.
    pub(super) fn list(&mut self, job: &Job) -> Result<Vec<u32>> {
        let directory = self.directory.as_ref();
        self.settled = directory.is_none_or(|it| is_settled(&self.environment, it));
        self.listed = true;
        if directory.is_none() {
            return Ok(Vec::new());
        }
        let mut numbers = Vec::new();
        let mut large = 0;
        let mut visit = |name: &OsStr| match number(name.as_bytes()) {
            Some(number) => numbers.push(number),
            None if is_digits(name.as_bytes()) && !name.as_bytes().starts_with(b"0") => large += 1,
            None => {}
        };
        match self
            .environment
            .files
            .visit_dir(&self.place.path, &mut visit)
        {
            Err(missing) if is_missing(&missing) => numbers.clear(),
            other => other.map_err(Error::io(&self.place.path))?,
        }
        if large > 0 && !std::mem::replace(&mut self.large_told, true) {
            job.notice(format!(
                "{large} articles have numbers above {} and cannot be shown",
                u32::MAX
            ));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn measure(&self, numbers: &[u32], job: &Job) -> Result<Vec<Facts>> {
        let measured = self.articles().measure(numbers, job);
        let measured = measured.map_err(|refusal| self.failed(refusal, job))?;
        Ok(measured.into_iter().flatten().collect())
    }

    fn failed(&self, refusal: io::Error, job: &Job) -> Error {
        match job.checkpoint() {
            Err(cancelled) => cancelled,
            Ok(()) => Error::io(&self.place.path)(refusal),
        }
    }

    fn record(&self, facts: Facts) -> Record {
        let number = u64::from(facts.number);
        Record {
            facts,
            mark: self.marks.of(facts.id),
            read: self.read.contains(number),
            recent: self.read.last().is_none_or(|last| number > last),
            hidden: facts.number <= self.told_uid,
            fresh: self.is_fresh(facts.date),
        }
    }

    fn is_fresh(&self, date: i64) -> bool {
        let age = (self.environment.clock)().saturating_sub(date);
        (0..FRESH).contains(&age)
    }

    /// Takes over what `.newsrc` says, and tells the flags that are others by it.
    pub(super) fn take_newsrc(&mut self, found: &Found, job: &Job) {
        let line = found.newsrc.line(&self.group);
        let (read, is_odd) = line.map_or_else(Default::default, |line| Ranges::parse(line.rest));
        if is_odd && found.stamp != self.newsrc_stamp {
            job.notice(
                "something in the line of this group in .newsrc cannot be read; it is left out",
            );
        }
        self.newsrc_stamp = found.stamp;
        self.known.note(&found.newsrc);
        self.read = read;
        let mut changed = Vec::new();
        for (place, record) in self.records.iter_mut().enumerate() {
            let read = self.read.contains(record.facts.number.into());
            if std::mem::replace(&mut record.read, read) != read {
                changed.push(place);
            }
        }
        self.tell_flags(&changed, job);
    }

    /// Takes over what is kept of flags, and tells those that are others by it.
    pub(super) fn take_marks(&mut self, job: &Job) {
        let mut changed = Vec::new();
        for (place, record) in self.records.iter_mut().enumerate() {
            let mark = self.marks.of(record.facts.id);
            if std::mem::replace(&mut record.mark, mark) != mark {
                changed.push(place);
            }
        }
        self.forget_lists();
        self.tell_state(job);
        self.tell_flags(&changed, job);
    }

    fn tell_flags(&mut self, places: &[usize], job: &Job) {
        let mut told: Vec<(Uid, Flags)> = Vec::new();
        for &place in places {
            let shown = self.records.get(place).filter(|record| !record.hidden);
            let uid = shown.and_then(|record| Uid::new(record.facts.number));
            told.extend(uid.zip(self.flags_at(place)));
        }
        if !told.is_empty() {
            job.emit(Change::Flags(told));
        }
    }

    /// Tells the articles from a place on.
    fn tell_from(&mut self, first: usize, job: &Job) {
        let places: Vec<usize> = (first..self.records.len()).collect();
        for batch in places.chunks(BATCH) {
            let summaries = batch.iter().filter_map(|&place| self.summary_at(place));
            let summaries: Vec<_> = summaries.collect();
            if let Some(last) = summaries.last() {
                self.told_uid = self.told_uid.max(last.uid.get());
                job.emit(Change::Arrived(summaries));
            }
        }
    }

    /// Keeps what is known for the next opening.
    pub(super) fn save(&mut self) {
        let may = self.unsaved && !self.environment.read_only;
        let Some(directory) = self.directory.as_ref().filter(|_| may) else {
            return;
        };
        let is_steady = |it: &&Record| !it.fresh && it.facts.measured;
        let whole = self.settled && self.records.iter().all(|it| is_steady(&it));
        let mut facts = self.records.iter().filter(is_steady).map(|it| it.facts);
        let path = &self.place.path;
        // Without it the next opening takes longer.
        let written = KEPT.write(&self.environment, path, (directory, whole), &mut facts);
        self.unsaved = written.is_err();
    }
}
