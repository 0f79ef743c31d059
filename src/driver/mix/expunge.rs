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
use crate::driver::mix::{status, store};
use crate::mail::change::Change;
use crate::mail::uid::{Uid, UidSet};
use crate::os::journal::plan::Plan;

impl Mix {
    /// Removes the messages that are deleted, of `uids` where given: those that were told before, and are still deleted.
    pub(super) fn expunge_messages(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.writable(job)?;
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
        self.writable(job)?;
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
        let length = locked.index.length()?;
        let plan = match self.contents.index_is_regular {
            true => without(length, sequence, gone, &index::offset_of),
            false => whole(length, sequence, &left),
        };
        locked.index.rewrite(&environment, &plan)?;
        let length = locked.status.length()?;
        let plan = match self.contents.status_is_regular {
            true => without(length, sequence, gone, &status::offset_of),
            false => store::whole(length, sequence, &left),
        };
        self.contents.index_is_regular = true;
        self.contents.index = locked.index.mark()?;
        let records = self.contents.records.iter().zip(gone);
        let uids = records
            .filter(|(_, gone)| **gone)
            .filter_map(|(record, _)| Uid::new(record.entry.uid));
        job.emit(Change::Expunged(uids.collect()));
        self.contents.records = left;
        self.may_have_waste = true;
        let written = locked.status.rewrite(&environment, &plan);
        // Lines of messages that are gone mean nothing.
        self.contents.status_is_regular = written.is_ok();
        written
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

/// The plan of an index of `length` bytes that is written anew.
pub(super) fn whole(length: u64, sequence: u32, records: &[Record]) -> Plan {
    let mut text = sequence_line(sequence);
    for record in records {
        text.extend(record.entry.to_line().into_bytes());
    }
    let mut plan = Plan::new(length);
    plan.put(&text);
    plan
}
