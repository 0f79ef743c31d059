//! Removing messages: the index is the truth, and what is not in it is gone. Their flags go next, their bytes as soon as
//! nobody else has the mailbox open.

use std::sync::Arc;

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::driver::mix::contents::Record;
use crate::driver::mix::fields::sequence_line;
use crate::driver::mix::index;
use crate::driver::mix::locked::Locked;
use crate::driver::mix::mailbox::Mix;
use crate::driver::mix::small::{ONE_WRITE, Small};
use crate::driver::mix::{status, store};
use crate::mail::change::Change;
use crate::mail::uid::{Uid, UidSet};
use crate::os::journal::plan::Plan;

impl Mix {
    /// Removes the messages that are deleted, of `uids` where given: those that were told before, and are still deleted.
    pub(super) fn expunge_messages(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.standing.require_writable(job)?;
        let newest = self.told_uid;
        let mut locked = self.lock(job)?;
        let expunged = self
            .catch_up(&mut locked, job)
            .and_then(|()| self.expunge_locked(&mut locked, (uids, newest), job));
        self.end(&locked, expunged)
    }

    fn expunge_locked(
        &mut self,
        locked: &mut Locked,
        (uids, newest): (Option<&UidSet>, u32),
        job: &Job,
    ) -> Result<()> {
        self.standing.require_writable(job)?;
        job.checkpoint()?;
        let goes = |record: &Record| {
            let uid = record.entry.uid;
            let chosen = |uids: &UidSet| Uid::new(uid).is_some_and(|uid| uids.contains(uid));
            record.is_deleted() && uid <= newest && uids.is_none_or(chosen)
        };
        let gone: Vec<bool> = self.contents.records.iter().map(goes).collect();
        if gone.contains(&true) {
            self.remove(locked, &gone, job)?;
        }
        self.reclaim_if_possible(locked, job)
    }

    /// Removes the messages of which `gone` says so.
    fn remove(&mut self, locked: &mut Locked, gone: &[bool], job: &Job) -> Result<()> {
        let environment = Arc::clone(&self.environment);
        let sequence = locked.next_sequence(&environment, &self.contents.meta)?;
        let records = self.contents.records.iter().zip(gone);
        let left: Vec<Record> = records
            .filter(|(_, gone)| !**gone)
            .map(|(record, _)| *record)
            .collect();
        match self.by_moving(&locked.index, self.contents.index_is_regular)? {
            Some(length) => {
                let plan = without(length, sequence, gone, &index::offset_of);
                locked.index.rewrite(&environment, &plan)?;
            }
            None => locked
                .index
                .replace(&environment, text_of(sequence, &left))?,
        }
        let moves = self.by_moving(&locked.status, self.contents.status_is_regular)?;
        self.contents.index_is_regular = true;
        self.contents.index_is_whole = true;
        self.contents.index = locked.index.mark()?;
        let records = self.contents.records.iter().zip(gone);
        let uids = records
            .filter(|(_, gone)| **gone)
            .filter_map(|(record, _)| Uid::new(record.entry.uid));
        job.emit(Change::Expunged(uids.collect()));
        self.contents.records = left;
        self.may_have_waste = true;
        let written = match moves {
            Some(length) => {
                let plan = without(length, sequence, gone, &status::offset_of);
                locked.status.rewrite(&environment, &plan)
            }
            None => {
                let text = store::text_of(sequence, &self.contents.records);
                locked.status.replace(&environment, text)
            }
        };
        // Lines of messages that are gone mean nothing.
        self.contents.status_is_regular = written.is_ok();
        written
    }

    /// The length of a file that is so large that its lines are moved, rather than all of it written at once.
    fn by_moving(&self, small: &Small, is_regular: bool) -> Result<Option<u64>> {
        let length = small.length()?;
        Ok((is_regular && length > ONE_WRITE).then_some(length))
    }
}

/// The plan of a regular file without the lines of which `gone` says so; `begin` tells where each begins.
fn without(length: u64, sequence: u32, gone: &[bool], begin: &dyn Fn(usize) -> u64) -> Plan {
    let mut plan = Plan::new(length);
    plan.put(&sequence_line(sequence));
    for (place, gone) in gone.iter().enumerate() {
        if !gone {
            plan.keep(begin(place), begin(place + 1) - begin(place));
        }
    }
    plan
}

/// An index.
pub(super) fn text_of(sequence: u32, records: &[Record]) -> Vec<u8> {
    let mut text = sequence_line(sequence);
    for record in records {
        text.extend(record.entry.to_line().into_bytes());
    }
    text
}
