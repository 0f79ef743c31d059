//! Looks at the folders and tells what is new, changed or gone.

use std::io;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::pending::move_file;
use crate::driver::maildir::folder::{self, Found, find, is_racy};
use crate::driver::maildir::letters::{Letters, Shares};
use crate::driver::maildir::mailbox::{Maildir, Record};
use crate::driver::maildir::measure::{Measures, measure};
use crate::driver::maildir::uid_log::{Facts, Unnumbered};
use crate::driver::remembered::log::is_broken;
use crate::mail::change::Change;
use crate::mail::flags::{Flags, SystemFlags};
use crate::mail::reason::in_words;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};

const BATCH: usize = 500;
/// How often a message that nobody knows is looked for under the name that it has meanwhile.
const TRIES: usize = 10;

impl Maildir {
    /// Reads everything and tells it.
    pub(super) fn first_look(&mut self, job: &Job) -> Result<()> {
        self.read_letters(job);
        self.stamp = folder::stamp(&self.environment, &self.place.path)?;
        self.racy = is_racy(&self.environment, &self.stamp);
        let mut all = folder::list_surely(&self.environment, &self.place.path)?;
        let recent = self.take_over(&mut all);
        self.sticky = true;
        self.records = self.number(all, &recent, job)?;
        self.records.shrink_to_fit();
        self.tell_state(job);
        self.tell_from(0, job);
        self.tidy(job);
        Ok(())
    }

    /// Looks again where something may have changed.
    pub(super) fn look(&mut self, job: &Job) -> Result<()> {
        self.still_there()?;
        let stamp = folder::stamp(&self.environment, &self.place.path)?;
        if stamp == self.stamp && !self.racy {
            return Ok(());
        }
        self.refresh(job)
    }

    /// Looks again and tells what is new, changed or gone.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        self.still_there()?;
        let stamp = folder::stamp(&self.environment, &self.place.path)?;
        let racy = is_racy(&self.environment, &stamp);
        self.read_letters(job);
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
        if !new.is_empty() {
            let behind = self.number(new, &recent, job)?;
            let known = self.records.len();
            self.records.extend(behind);
            self.tell_state(job);
            self.tell_from(known, job);
        }
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
            if !self.standing.may_write() {
                continue;
            }
            let seen = Found {
                name,
                is_new: false,
            };
            let (from, to) = (found.path(&self.place.path), seen.path(&self.place.path));
            // Where it fails the message stays new, or somebody else was faster.
            if move_file(&*self.environment.files, &from, &to).is_ok() {
                *found = seen;
            }
        }
        recent.0.sort_unstable();
        recent
    }

    /// Reads what is new in the log of UIDs. Those that were told hold as long as the mailbox is open.
    fn learn(&mut self, job: &Job) -> Result<()> {
        let first = self.uid_validity == 0;
        match self.log.read_on() {
            Err(refusal) if is_broken(&refusal) && first && self.may_tidy() => {
                job.notice("what was known of the UIDs in this mailbox is damaged: all are new");
                if let Err(refusal) = self.log.begin_anew(job) {
                    self.keep_no_uids(&refusal, job);
                }
            }
            Err(refusal) => self.keep_no_uids(&refusal, job),
            Ok(()) if !self.log.is_there() && self.may_number() => {
                let made = self.log.make_sure(&self.patience(job));
                if let Err(refusal) = made.and_then(|()| self.log.read_on()) {
                    self.keep_no_uids(&refusal, job);
                }
            }
            Ok(()) => {}
        }
        let now = self.log.uid_validity();
        if first {
            self.uid_validity = match now {
                0 => self.environment.fresh_uid_validity(),
                known => known,
            };
        } else if self.sticky && now != 0 && now != self.uid_validity {
            return Err(Error::Changed("its UIDs are others now"));
        }
        self.sticky &= self.log.is_there();
        self.last_uid = self.last_uid.max(self.log.last_uid());
        Ok(())
    }

    /// Goes on with UIDs for this session, and says why.
    fn keep_no_uids(&mut self, refusal: &io::Error, job: &Job) {
        if !self.log_is_unusable && self.standing.may_write() {
            let why = in_words(refusal);
            job.notice(format!("UIDs hold for this session only: {why}"));
        }
        self.log_is_unusable = true;
        self.sticky = false;
    }

    /// Gives messages their UIDs, those that have none yet in the order of their delivery.
    fn number(&mut self, new: Vec<Found>, recent: &Recent, job: &Job) -> Result<Vec<Record>> {
        self.learn(job)?;
        let floor = self.told_uid;
        let mut known = Vec::with_capacity(new.len());
        let mut unknown = Vec::new();
        for found in new {
            let facts = self.log.take(found.name.base());
            match facts.filter(|facts| facts.uid > floor) {
                Some(facts) => known.push((facts, found)),
                None => unknown.push(found),
            }
        }
        known.sort_by_key(|entry| entry.0.uid);
        // Each UID counts once, whatever the log says.
        let mut last = 0;
        let mut all: Vec<(Facts, Found)> = Vec::with_capacity(known.len() + unknown.len());
        for (facts, found) in known {
            match facts.uid > last {
                true => all.push((facts, found)),
                false => unknown.push(found),
            }
            last = facts.uid;
        }
        match self.number_unknown(unknown, job) {
            Ok(numbered) => all.extend(numbered),
            Err(refusal) => {
                // What was taken out of it is needed again.
                self.log.forget();
                return Err(refusal);
            }
        }
        all.sort_by_key(|entry| entry.0.uid);
        let (shares, letters) = (&mut self.shares, &self.letters);
        let records: Vec<Record> = all
            .into_iter()
            .map(|(facts, file)| {
                let is_recent = recent.contains(file.name.base());
                let flags = shares.flags(file.name.letters(), letters, is_recent);
                Record { facts, file, flags }
            })
            .collect();
        self.told_uid = records.last().map_or(floor, |last| last.facts.uid);
        self.last_uid = self.last_uid.max(self.told_uid);
        Ok(records)
    }

    fn number_unknown(&mut self, new: Vec<Found>, job: &Job) -> Result<Vec<(Facts, Found)>> {
        let mut measured = self.measured(new, job)?;
        measured.sort_by(|(one, _), (other, _)| one.name.order().cmp(&other.name.order()));
        let unnumbered: Vec<Unnumbered<'_>> = measured
            .iter()
            .map(|(found, (size, date))| Unnumbered {
                base: found.name.base(),
                size: *size,
                date: *date,
                wish: None,
            })
            .collect();
        let uids = self.uids_for(&unnumbered, job)?;
        let numbered = measured.into_iter().zip(uids);
        let numbered =
            numbered.map(|((found, (size, date)), uid)| (Facts { uid, size, date }, found));
        Ok(numbered.collect())
    }

    /// The measures of these messages, under the names that they have by now; of those that are still there.
    fn measured(&self, new: Vec<Found>, job: &Job) -> Result<Vec<(Found, Measures)>> {
        let (environment, path) = (&self.environment, &self.place.path);
        let mut all = Vec::with_capacity(new.len());
        let mut left = new;
        for _ in 0..TRIES {
            let files: Vec<&Found> = left.iter().collect();
            let measures = measure(environment, path, &files, job);
            let measures = measures.map_err(|refusal| match job.checkpoint() {
                Err(cancelled) => cancelled,
                Ok(()) => Error::io(path)(refusal),
            })?;
            let mut missed = Vec::new();
            for (found, measures) in left.into_iter().zip(measures) {
                match measures {
                    Some(measures) => all.push((found, measures)),
                    None => missed.push(found),
                }
            }
            if missed.is_empty() {
                break;
            }
            let now = folder::list_surely(environment, path)?;
            let renamed = missed.into_iter().filter_map(|old| {
                let found = find(&now, old.name.base())?;
                (*found != old).then(|| found.clone())
            });
            left = renamed.collect();
        }
        Ok(all)
    }

    /// Whether UIDs may be written down: what could not be read is not to be written over.
    fn may_number(&self) -> bool {
        !self.environment.read_only && !self.log_is_unusable
    }

    /// Whether what was written down may be written anew.
    fn may_tidy(&self) -> bool {
        self.may_number() && self.standing.may_write()
    }

    /// Who only reads messages notes their UIDs where nobody else is just doing that, and waits for nobody.
    fn patience(&self, job: &Job) -> Job {
        match self.standing.may_write() {
            true => job.clone(),
            false => job.hurried(),
        }
    }

    /// UIDs of the log, else such as hold for this session.
    fn uids_for(&mut self, new: &[Unnumbered<'_>], job: &Job) -> Result<Vec<u32>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        if self.may_number() {
            match self.log.number(new, self.told_uid, &self.patience(job)) {
                Ok(numbered) => return Ok(numbered.uids),
                Err(busy)
                    if busy.kind() == io::ErrorKind::WouldBlock && self.standing.may_write() =>
                {
                    let by = Foreign::new("another program");
                    return Err(Error::Locked { by });
                }
                Err(refusal) => {
                    job.checkpoint()?;
                    self.keep_no_uids(&refusal, job);
                }
            }
        }
        self.sticky = false;
        let mut last = self.last_uid.max(self.told_uid);
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

    /// Reads the names of the keywords. Where that fails those that were read before hold.
    fn read_letters(&mut self, job: &Job) {
        match Letters::read(&self.environment, &self.place.path) {
            Ok(letters) if letters != self.letters => {
                self.letters = letters;
                self.shares = Shares::default();
                if self.standing.is_told() {
                    self.tell_state(job);
                }
            }
            Ok(_) => {}
            Err(refusal) if !self.standing.is_told() => {
                let why = in_words(&refusal);
                job.notice(format!("the names of its keywords cannot be read: {why}"));
            }
            Err(_) => {}
        }
    }

    /// Writes the log anew where most of it is void.
    fn tidy(&mut self, job: &Job) {
        if self.may_tidy() && self.sticky && self.log.is_mostly_void(self.records.len()) {
            let records = self.records.iter();
            let live = records.map(|record| (record.file.name.base(), record.facts));
            let list = || folder::list(&self.environment, &self.place.path);
            // The old one is as good.
            let _ = self.log.rewrite(live, list, job);
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
