//! Looks at directory and sequences, and tells what is new, changed or gone.

use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::prefile::line::{DELETED, SEEN};
use crate::driver::layout::prefile::words::Lists;
use crate::driver::mh::files::Found;
use crate::driver::mh::locking::{lock, look};
use crate::driver::mh::mailbox::{Mh, Told, flags_of};
use crate::driver::mh::register::{Depth, Survey};
use crate::driver::mh::sequence_file::SequenceFile;
use crate::driver::mh::sequences::Sequences;
use crate::driver::mh::words::{FLAGS, keyword_of};
use crate::mail::change::Change;
use crate::mail::flags::Flags;
use crate::mail::uid::{Uid, UidSet};

const BATCH: usize = 500;
const DELETED_NAME: &str = "deleted";

/// The number of a message that this program just put there, and the UID that it would like to have.
pub(super) type Own = (u32, Option<Uid>);

/// The one with this number, of which each has a higher one than the one before.
fn find(own: &[Own], number: u32) -> Option<Own> {
    let place = own.binary_search_by_key(&number, |own| own.0);
    own.get(place.ok()?).copied()
}

/// What sequences have to say of messages that nobody knew: the numbers of their files.
#[derive(Default)]
struct Marks {
    unseen: UidSet,
    /// Marked as deleted, with numbers that others had before: it may have been meant of those.
    undeleted: UidSet,
}

impl Marks {
    fn is_empty(&self) -> bool {
        self.unseen.is_empty() && self.undeleted.is_empty()
    }

    fn apply(&self, unseen: &[String], sequences: &mut Sequences) {
        unseen
            .iter()
            .for_each(|name| sequences.add(name, &self.unseen));
        sequences.remove(DELETED_NAME, &self.undeleted);
    }
}

impl Mh {
    /// Looks again where something may have changed.
    pub(super) fn look(&mut self, job: &Job) -> Result<()> {
        self.same_directory()?;
        let (now, _) = self.stamp_of_sequences();
        let same = self.stamp == (now, false);
        match same && self.register.is_current()? {
            true => Ok(()),
            false => self.refresh(job),
        }
    }

    /// Looks again and tells what is new, changed or gone.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        self.same_directory()?;
        let (environment, place) = (Arc::clone(&self.environment), self.place.clone());
        if self.depth == Depth::Content {
            self.register.prepare(job)?;
        }
        let file = look(&environment, &place, &self.profile, job)?;
        let sequences = self.read(&file, job)?;
        let stamp = self.stamp_of_sequences();
        let mut survey = self.register.survey(self.depth, job)?;
        if let Some(survey) = survey.as_mut().filter(|_| file.is_unseen()) {
            // What the sequences would say of messages that nobody knows is not known either.
            survey.unlock();
        }
        let marks = self.marks(survey.as_ref(), &sequences, &[]);
        if !self.standing.may_write() || marks.is_empty() {
            return self.settle(survey, (sequences, marks, stamp), &[], job);
        }
        // Whoever changes the log waits for the sequences first.
        drop((survey, file));
        match lock(&environment, &place, &self.profile, job) {
            Ok(mut file) => self.take_in(&mut file, &[], job),
            Err(refusal @ Error::Cancelled) => Err(refusal),
            Err(refusal @ Error::Locked { .. }) if !job.may_wait() => Err(refusal),
            Err(refusal) => {
                tell_unmarked(&refusal, job);
                let survey = self.register.survey(self.depth, job)?;
                let marks = self.marks(survey.as_ref(), &sequences, &[]);
                self.settle(survey, (sequences, marks, stamp), &[], job)
            }
        }
    }

    /// The same with the sequences locked to be changed.
    pub(super) fn take_in(
        &mut self,
        file: &mut SequenceFile<'_>,
        own: &[Own],
        job: &Job,
    ) -> Result<()> {
        self.same_directory()?;
        let mut sequences = file.read()?;
        let mut survey = self.register.survey(self.depth, job)?;
        for found in survey.iter_mut().flat_map(|survey| &mut survey.new) {
            if let Some((_, wish)) = find(own, found.entry.number) {
                found.wish = wish.or(found.wish);
            }
        }
        let mut marks = self.marks(survey.as_ref(), &sequences, own);
        if !marks.is_empty() {
            marks.apply(&self.profile.unseen, &mut sequences);
            match file.write(&sequences) {
                Ok(()) => marks = Marks::default(),
                // They count in this session.
                Err(refusal) => tell_unmarked(&refusal, job),
            }
        }
        let stamp = self.stamp_of_sequences();
        self.settle(survey, (sequences, marks, stamp), own, job)
    }

    fn settle(
        &mut self,
        survey: Option<Survey>,
        (mut sequences, marks, stamp): (Sequences, Marks, (Option<Stamp>, bool)),
        own: &[Own],
        job: &Job,
    ) -> Result<()> {
        let mut recent = Vec::new();
        if let Some(mut survey) = survey {
            if !marks.is_empty() {
                // What is known next time is not looked at again: these would be seen then, or deleted.
                survey.unlock();
                self.register.keep_nothing();
            }
            let is_first = survey.is_first;
            if !self.standing.may_write() && !is_first && !survey.new.is_empty() {
                // New mail is new until somebody sees it who may say so.
                survey.unlock();
            }
            let new: Vec<Found> = survey.new.clone();
            let uids = self.register.settle(survey, self.told_uid, job)?;
            let numbered = new.iter().zip(&uids);
            for (found, &uid) in numbered.clone() {
                let number = Uid::new(found.entry.number);
                if number.is_some_and(|number| marks.unseen.contains(number)) {
                    self.unseen_here.extend(Uid::new(uid));
                }
            }
            let is_own = |found: &Found| find(own, found.entry.number).is_some();
            let others = numbered.filter(|(found, _)| !is_first && !is_own(found));
            recent.extend(others.map(|(_, &uid)| uid));
        }
        sequences.remove(DELETED_NAME, &marks.undeleted);
        self.tell(&sequences, &recent, job);
        self.stamp = stamp;
        Ok(())
    }

    /// What the sequences are to say of messages that nobody knew. Where other programs keep it there, what was not seen
    /// is known; else a message is not seen as long as its file was not read.
    fn marks(&self, survey: Option<&Survey>, sequences: &Sequences, own: &[Own]) -> Marks {
        let mut marks = Marks::default();
        let Some(survey) = survey else {
            return marks;
        };
        let unseen = &self.profile.unseen;
        let is_unseen = |number| unseen.iter().any(|name| sequences.contains(name, number));
        let keeps = unseen.iter().any(|name| sequences.has(name));
        let is_known = self.profile.keeps_unseen || (survey.is_first && keeps);
        for found in &survey.new {
            let number = found.entry.number;
            if find(own, number).is_some() {
                continue;
            }
            if !is_known && found.unread && !is_unseen(number) {
                marks.unseen.extend(Uid::new(number));
            }
            let was_known = number <= self.register.top_number();
            if was_known && sequences.contains(DELETED_NAME, number) {
                marks.undeleted.extend(Uid::new(number));
            }
        }
        marks
    }

    /// The sequences. Where they cannot be read the mailbox can.
    fn read(&mut self, file: &SequenceFile<'_>, job: &Job) -> Result<Sequences> {
        let unreadable = file.why_unreadable().map(str::to_owned);
        let read = match unreadable {
            Some(why) => Err(why),
            None => file.read().map_err(|refusal| refusal.with_reason()),
        };
        let sequences = match read {
            Ok(sequences) => sequences,
            Err(why) => {
                if !std::mem::replace(&mut self.damage_told, true) {
                    job.notice(format!("flags are not known: {why}"));
                }
                if self.standing.may_write() {
                    let why = format!("its sequences cannot be read: {why}");
                    self.standing.fall(why);
                }
                self.register.keep_nothing();
                return Ok(Sequences::default());
            }
        };
        if let Some(offset) = sequences.damaged
            && !std::mem::replace(&mut self.damage_told, true)
        {
            let name = self.profile.sequences.display();
            job.notice(format!(
                "its file {name} holds noise at byte {offset}, which is passed over"
            ));
        }
        Ok(sequences)
    }

    /// What tells that the sequences were changed, and whether they may change once more without telling.
    pub(super) fn stamp_of_sequences(&self) -> (Option<Stamp>, bool) {
        let path = self.place.path.join(&self.profile.sequences);
        let found = self.environment.files.metadata(&path);
        let stamp = found.ok().map(|found| Stamp::of(&found));
        let now = (self.environment.clock)();
        (stamp, stamp.is_some_and(|stamp| stamp.is_recent(now)))
    }

    /// Tells what is another way than it was told. `recent` are the UIDs that this session is the first to see.
    pub(super) fn tell(&mut self, sequences: &Sequences, recent: &[u32], job: &Job) {
        self.know_words(sequences, job);
        let now = self.flagged(sequences, recent);
        let before = std::mem::take(&mut self.told);
        self.told_uid = now.last().map_or(0, |last| last.uid).max(self.told_uid);
        self.told = now;
        self.tell_state(job);
        let mut gone = UidSet::new();
        let mut changed: Vec<(Uid, Flags)> = Vec::new();
        let mut after = self.told.iter().peekable();
        let mut lists = std::mem::take(&mut self.lists);
        for old in &before {
            while after.next_if(|new| new.uid < old.uid).is_some() {}
            match after.next_if(|new| new.uid == old.uid) {
                None => gone.extend(Uid::new(old.uid)),
                Some(new) if new == old => {}
                Some(new) => {
                    let flags = flags_of(new, &mut lists, &self.words);
                    changed.extend(Uid::new(new.uid).map(|uid| (uid, flags)));
                }
            }
        }
        if !gone.is_empty() {
            job.emit(Change::Expunged(gone));
        }
        if !changed.is_empty() {
            job.emit(Change::Flags(changed));
        }
        let known = before.last().map_or(0, |last| last.uid);
        let behind = self.told.partition_point(|told| told.uid <= known);
        let new = self.told.get(behind..).unwrap_or_default();
        for batch in new.chunks(BATCH) {
            let summaries = batch.iter();
            let summaries = summaries.filter_map(|told| self.summary_of(told, &mut lists));
            job.emit(Change::Arrived(summaries.collect()));
        }
        self.lists = lists;
    }

    fn know_words(&mut self, sequences: &Sequences, job: &Job) {
        let keywords = sequences.names();
        let keywords = keywords.filter_map(|name| keyword_of(name, &self.profile.unseen));
        let keywords: Vec<_> = keywords.collect();
        if !self.words.define(&keywords).is_empty() {
            self.lists = Lists::default();
        }
        if !self.words.know(&keywords) && !self.standing.is_told() {
            job.notice("it has more than 30 sequences; the others are kept, and not shown");
        }
    }

    /// The messages with the flags that the sequences give them.
    fn flagged(&self, sequences: &Sequences, recent: &[u32]) -> Vec<Told> {
        let live = self.register.live();
        let mut old = self.told.iter().peekable();
        let mut all: Vec<Told> = Vec::with_capacity(live.len());
        let mut by_number: Vec<(u32, usize)> = Vec::with_capacity(live.len());
        for entry in live {
            let uid = entry.uid;
            while old.next_if(|told| told.uid < uid).is_some() {}
            let old = old.next_if(|told| told.uid == uid);
            if old.is_none() && uid <= self.told_uid {
                // It was told that it is gone.
                continue;
            }
            let unseen = Uid::new(uid).is_some_and(|uid| self.unseen_here.contains(uid));
            by_number.push((entry.number, all.len()));
            all.push(Told {
                uid,
                keywords: 0,
                flags: if unseen { 0 } else { SEEN },
                recent: old.is_some_and(|told| told.recent) || recent.binary_search(&uid).is_ok(),
            });
        }
        by_number.sort_unstable();
        for (name, members) in sequences.iter() {
            let Some(mark) = self.mark_of(name) else {
                continue;
            };
            for (first, last) in members.ranges() {
                let from = by_number.partition_point(|it| it.0 < first.get());
                let behind = by_number.get(from..).unwrap_or_default();
                for (_, place) in behind.iter().take_while(|it| it.0 <= last.get()) {
                    if let Some(told) = all.get_mut(*place) {
                        mark.set(told);
                    }
                }
            }
        }
        all
    }

    fn mark_of(&self, sequence: &str) -> Option<Mark> {
        let unseen = &self.profile.unseen;
        if unseen.iter().any(|name| name == sequence) {
            return Some(Mark::Unseen);
        }
        if let Some((bit, _)) = FLAGS.iter().find(|(_, name)| *name == sequence) {
            return Some(Mark::Flag(*bit));
        }
        let keyword = keyword_of(sequence, unseen)?;
        match self.words.bits_of(std::slice::from_ref(&keyword)) {
            0 => None,
            bit => Some(Mark::Keyword(bit)),
        }
    }

    /// The numbers of the messages of which `condition` holds.
    pub(super) fn numbers_of(&self, condition: impl Fn(&Told) -> bool) -> UidSet {
        let wanted = self.told.iter().filter(|told| condition(told));
        let entries = wanted.filter_map(|told| self.register.entry(told.uid));
        let mut numbers: Vec<u32> = entries.map(|entry| entry.number).collect();
        numbers.sort_unstable();
        numbers.into_iter().filter_map(Uid::new).collect()
    }
}

fn tell_unmarked(refusal: &Error, job: &Job) {
    let why = refusal.with_reason();
    job.notice(format!("what was not seen cannot be marked so: {why}"));
}

/// What a sequence says of its members.
#[derive(Clone, Copy)]
enum Mark {
    Unseen,
    Flag(u16),
    Keyword(u32),
}

impl Mark {
    fn set(self, told: &mut Told) {
        match self {
            Self::Unseen => told.flags &= !SEEN,
            Self::Flag(bit) => told.flags |= bit,
            Self::Keyword(bit) => told.keywords |= bit,
        }
    }
}

/// Whether a message is marked to be expunged.
pub(super) fn is_deleted(told: &Told) -> bool {
    told.flags & DELETED != 0
}
