//! Changing flags: the few bytes of the messages in the status, under the locks. New keywords are defined before that.

use std::iter::once;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::prefile::line::OLD;
use crate::driver::layout::prefile::record::bits_of;
use crate::driver::mix::contents::Record;
use crate::driver::mix::fields::{sequence_line, sequence_patch};
use crate::driver::mix::locked::Locked;
use crate::driver::mix::mailbox::{Mix, flags_of};
use crate::driver::mix::status::State;
use crate::mail::change::Change;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::uid::{Uid, UidSet};

/// Told where keywords are left out.
pub(super) const TOO_MANY_KEYWORDS: &str =
    "a mailbox has room for 30 keywords only; the others are not kept";

impl Mix {
    /// Changes flags, and tells them.
    pub(super) fn store_flags(
        &mut self,
        uids: &UidSet,
        change: &FlagChange,
        job: &Job,
    ) -> Result<()> {
        self.standing.require_writable(job)?;
        // Those that were told before.
        let newest = self.told_uid;
        let mut locked = self.lock(job)?;
        let stored = self
            .catch_up(&mut locked, job)
            .and_then(|()| self.store_locked(&mut locked, (uids, newest), change, job));
        self.end(&locked, stored)
    }

    fn store_locked(
        &mut self,
        locked: &mut Locked,
        (uids, newest): (&UidSet, u32),
        change: &FlagChange,
        job: &Job,
    ) -> Result<()> {
        self.standing.require_writable(job)?;
        if !matches!(change, FlagChange::Remove(_)) {
            self.define(locked, change, job)?;
        }
        let mut changed = Vec::new();
        for (first, last) in uids.ranges() {
            let records = &self.contents.records;
            let start = records.partition_point(|it| it.entry.uid < first.get());
            let end = records.partition_point(|it| it.entry.uid <= last.get().min(newest));
            for place in start..end {
                let old = records.get(place).map(|record| record.state);
                let new = old.map(|state| self.state_after(state, change));
                if old != new {
                    changed.extend(new.map(|state| (place, state)));
                }
            }
        }
        self.write_states(locked, &changed, job)
    }

    /// Defines the keywords that are to be set and have no bit yet.
    fn define(&mut self, locked: &mut Locked, change: &FlagChange, job: &Job) -> Result<()> {
        let keywords = change.flags().keywords();
        let mut meta = self.contents.meta.clone();
        if !meta.words.define(keywords).is_empty() {
            meta.sequence = locked.next_sequence(&self.environment, &meta)?;
            locked.write_meta(&self.environment, &meta)?;
            self.contents.meta = locked.read_meta()?;
            self.tell_state(job);
        }
        if !meta.words.know(keywords) {
            job.notice(TOO_MANY_KEYWORDS);
        }
        Ok(())
    }

    fn state_after(&self, old: State, change: &FlagChange) -> State {
        let (flags, words) = (change.flags(), self.words());
        let system = bits_of(flags.system.only(SystemFlags::SETTABLE));
        let keywords = words.bits_of(flags.keywords());
        let settable = bits_of(SystemFlags::SETTABLE);
        let (flags, keywords) = match change {
            // Bits without a name are somebody's.
            FlagChange::Set(_) => (
                old.flags & !settable | system,
                old.keywords & !words.named_bits() | keywords,
            ),
            FlagChange::Add(_) => (old.flags | system, old.keywords | keywords),
            FlagChange::Remove(_) => (old.flags & !system, old.keywords & !keywords),
        };
        State {
            flags,
            keywords,
            ..old
        }
    }

    /// Gives the messages at these places, which ascend, other states, in the file and here; tells their flags.
    fn write_states(
        &mut self,
        locked: &mut Locked,
        changed: &[(usize, State)],
        job: &Job,
    ) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let highest = changed.iter().map(|entry| entry.1.changed).max();
        let sequence = locked.next_sequence(&self.environment, &self.contents.meta)?;
        let sequence = sequence.max(highest.unwrap_or(0).saturating_add(1));
        let changed: Vec<(usize, State)> = changed
            .iter()
            .map(|&(place, state)| {
                let changed = sequence;
                (place, State { changed, ..state })
            })
            .collect();
        if self.contents.status_is_regular {
            let states = changed.iter().map(|(place, state)| state.patch(*place));
            let patches: Vec<_> = once(sequence_patch(sequence)).chain(states).collect();
            locked.status.patch(&self.environment, &patches, b"")?;
        } else {
            let mut records = self.contents.records.clone();
            put(&mut records, &changed);
            let text = text_of(sequence, &records);
            locked.status.replace(&self.environment, text)?;
            self.contents
                .records
                .iter_mut()
                .for_each(|it| it.has_state = true);
            self.contents.status_is_regular = true;
            self.contents.lost_flags = None;
        }
        let mut told = Vec::new();
        for &(place, state) in &changed {
            let (words, lists) = (&self.contents.meta.words, &mut self.lists);
            let Some(record) = self.contents.records.get_mut(place) else {
                continue;
            };
            let before = flags_of(record, lists, words);
            record.state = state;
            let after = flags_of(record, lists, words);
            if before != after {
                told.extend(Uid::new(record.entry.uid).map(|uid| (uid, after)));
            }
        }
        if !told.is_empty() {
            job.emit(Change::Flags(told));
        }
        Ok(())
    }

    /// Writes what the format wants written once the messages are told: the last UID, that they were seen by a session that
    /// may write, and a `.mixmeta` that c-client reads too.
    pub(super) fn settle(&mut self, locked: &mut Locked, job: &Job) -> Result<()> {
        let settled = self
            .settle_index(locked)
            .and_then(|()| self.settle_meta(locked))
            .and_then(|()| self.settle_states(locked, job));
        match settled {
            Err(refusal @ (Error::Cancelled | Error::Changed(_))) => Err(refusal),
            Err(refusal) => {
                self.stale = true;
                // What is there can be read all the same; it is tried again at each look.
                if !std::mem::replace(&mut self.trouble_told, true) {
                    let why = refusal.with_reason();
                    job.notice(format!(
                        "that its messages were seen cannot be noted: {why}"
                    ));
                }
                Ok(())
            }
            Ok(()) => {
                self.trouble_told = false;
                Ok(())
            }
        }
    }

    /// Cuts off what an expunge left behind the index that was killed; later the sequences would no longer tell whose it is.
    fn settle_index(&mut self, locked: &mut Locked) -> Result<()> {
        if self.contents.tail_is_waste() && self.contents.damage().is_none() {
            locked.index.cut_nuls()?;
            self.contents.index = locked.index.mark()?;
            self.contents.index_is_whole = true;
        }
        Ok(())
    }

    fn settle_meta(&mut self, locked: &mut Locked) -> Result<()> {
        let mut meta = self.contents.meta.clone();
        let last_uid = self.last_uid.max(self.contents.last_uid());
        if meta.is_regular && meta.uid_validity != 0 && meta.last_uid == last_uid {
            return Ok(());
        }
        (meta.uid_validity, meta.last_uid) = (self.uid_validity, last_uid);
        meta.sequence = locked.next_sequence(&self.environment, &meta)?;
        locked.write_meta(&self.environment, &meta)?;
        self.contents.meta = locked.read_meta()?;
        Ok(())
    }

    fn settle_states(&mut self, locked: &mut Locked, job: &Job) -> Result<()> {
        if self.contents.lost_flags.is_some_and(|it| it.is_total()) {
            // Somebody may still have a copy of them.
            return Ok(());
        }
        let new = self.contents.records.iter().enumerate();
        let new = new.filter(|(_, record)| record.is_new() || !record.has_state);
        let new: Vec<(usize, State)> = new
            .map(|(place, record)| {
                let flags = record.state.flags | OLD;
                let state = record.state;
                (place, State { flags, ..state })
            })
            .collect();
        self.write_states(locked, &new, job)
    }
}

fn put(records: &mut [Record], changed: &[(usize, State)]) {
    for &(place, state) in changed {
        if let Some(record) = records.get_mut(place) {
            record.state = state;
        }
    }
}

/// A status.
pub(super) fn text_of(sequence: u32, records: &[Record]) -> Vec<u8> {
    let mut text = sequence_line(sequence);
    for record in records {
        text.extend(record.state.to_line(record.entry.uid).into_bytes());
    }
    text
}
