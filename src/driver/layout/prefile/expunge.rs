//! Removing messages. Whoever is alone moves the others together. While somebody else has the mailbox open they are only
//! hidden, and whoever is alone later reclaims their space; where the format cannot hide, that is put off altogether.
//!
//! To move all messages for the space of a few costs more than the space is worth: in a large mailbox few bytes stay hidden,
//! until there are more of them.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::journal_error;
use crate::driver::layout::prefile::line::{self, HIDDEN};
use crate::driver::layout::prefile::locks;
use crate::driver::layout::prefile::mailbox::PrefileMailbox;
use crate::driver::layout::prefile::patches::Patches;
use crate::driver::waiting;
use crate::mail::status::Access;
use crate::mail::uid::{Uid, UidSet};
use crate::os::journal::plan::Plan;
use crate::os::journal::redo::Journal;

/// Of a file so much may stay hidden: one part of this many, but no more than [`FEW`] bytes.
const SHARE: u64 = 16;
const FEW: u64 = 64 << 20;
/// In a file of so few bytes nothing stays hidden.
const SMALL: u64 = 4 << 20;

impl PrefileMailbox {
    /// Removes the messages that are deleted, of `uids` where given: those that were told before, and are still deleted.
    pub(super) fn expunge_messages(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.writable(job)?;
        let chosen = |uid: u32| match uids {
            Some(uids) => Uid::new(uid).is_some_and(|uid| uids.contains(uid)),
            None => true,
        };
        let newest = self.contents.records.last().map_or(0, |record| record.uid);
        let validity = self.contents.base.uid_validity;
        let lock = self.lock(job)?;
        self.racy = false;
        self.take_in(job)?;
        self.settle(job)?;
        self.writable(job)?;
        if self.contents.base.uid_validity != validity {
            return Err(Error::Refused(
                "the messages were numbered anew; look again",
            ));
        }
        let records = self.contents.records.iter().enumerate();
        let doomed: Vec<usize> = records
            .filter(|(_, it)| it.is_deleted() && it.uid <= newest && chosen(it.uid))
            .map(|(place, _)| place)
            .collect();
        if !doomed.is_empty() || self.contents.hidden > 0 {
            self.remove(&doomed, job)?;
        }
        self.note_stamp()?;
        drop(lock);
        Ok(())
    }

    /// Whether the space of hidden messages, and of those at these places, is worth moving the others.
    fn is_worth_moving(&self, doomed: &[usize]) -> bool {
        let records = &self.contents.records;
        let leaving = doomed.iter().filter_map(|&at| records.get(at));
        let leaving: u64 = leaving.map(|it| it.end() - it.offset).sum();
        let waste = self.contents.hidden + leaving;
        let length = self.contents.length;
        let is_small = !self.format.is_numbered() || length <= SMALL;
        is_small || waste > FEW || waste >= length / SHARE
    }

    /// Reclaims the space of hidden messages, and removes those for which that was put off, where nobody else has the
    /// mailbox open. The parse lock is held.
    pub(super) fn reclaim(&mut self, job: &Job) -> Result<()> {
        if !self.has_waste() {
            return Ok(());
        }
        if !self.is_worth_moving(&[]) || !locks::alone(&self.place, &mut *self.file)? {
            return Ok(());
        }
        let records = self.contents.records.iter().enumerate();
        let doomed = records.filter(|(_, it)| it.put_off && it.is_deleted());
        let doomed: Vec<usize> = doomed.map(|(place, _)| place).collect();
        let moved = self.move_together(&doomed, job);
        locks::share(&self.place, &mut *self.file)?;
        moved
    }

    /// The same where nobody asked for it: that it cannot be done is told, and no reason not to read mail.
    pub(super) fn reclaim_if_possible(&mut self, job: &Job) -> Result<()> {
        match self.reclaim(job) {
            Err(refusal @ (Error::Cancelled | Error::Changed(_))) => Err(refusal),
            Err(refusal) => {
                let why = refusal.with_reason();
                job.notice(format!(
                    "expunged messages cannot be removed for now: {why}"
                ));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Removes the messages for which that was put off, if nobody else has the mailbox open by now.
    pub(super) fn retry_put_off(&mut self, job: &Job) -> Result<()> {
        if !self.puts_off {
            return Ok(());
        }
        let lock = self.lock(job)?;
        let is_alone = locks::alone(&self.place, &mut *self.file)?;
        if is_alone {
            locks::share(&self.place, &mut *self.file)?;
            self.take_in(job)?;
            self.reclaim_if_possible(job)?;
            self.note_stamp()?;
        }
        drop(lock);
        Ok(())
    }

    /// Whether there is something to remove that could not be removed while others had the mailbox open.
    pub(super) fn has_waste(&self) -> bool {
        let mut records = self.contents.records.iter();
        self.opening.access == Access::ReadWrite
            && (self.contents.hidden > 0 || records.any(|it| it.put_off && it.is_deleted()))
    }

    /// At check and close: reclaims what there is. A lock that somebody holds is not waited for.
    pub(super) fn tidy(&mut self, job: &Job) -> Result<()> {
        if !self.has_waste() {
            return Ok(());
        }
        let lock = match self.lock(&job.hurried()) {
            Ok(lock) => lock,
            Err(Error::Locked { .. }) => return Ok(()),
            Err(refusal) => return Err(refusal),
        };
        self.catch_up(job)?;
        self.reclaim_if_possible(job)?;
        if self.puts_off {
            // What was put off holds for the file as it is now.
            self.keep_in_memory(job)?;
        }
        self.note_stamp()?;
        drop(lock);
        Ok(())
    }

    fn remove(&mut self, doomed: &[usize], job: &Job) -> Result<()> {
        if self.is_worth_moving(doomed) && locks::alone(&self.place, &mut *self.file)? {
            let moved = self.move_together(doomed, job);
            locks::share(&self.place, &mut *self.file)?;
            return moved;
        }
        if doomed.is_empty() {
            return Ok(());
        }
        if !self.format.is_numbered() {
            return self.put_off(doomed, job);
        }
        let mut patches = Patches::default();
        for record in doomed
            .iter()
            .filter_map(|&at| self.contents.records.get(at))
        {
            let mut status = record.status();
            status.flags |= HIDDEN;
            let text = line::write_status(self.format, status);
            patches.put(record.state_offset(self.format), text);
        }
        self.sign()?;
        patches.write(&self.environment, &self.place.path, &mut *self.file)?;
        self.mark_as_read();
        self.forget(doomed, job);
        Ok(())
    }

    /// Notes that messages go as soon as nobody else has the mailbox open. Without a memory they cannot.
    fn put_off(&mut self, doomed: &[usize], job: &Job) -> Result<()> {
        let holder = waiting::holder_of(&*self.file);
        if self.memory.is_none() {
            return Err(waiting::held_by(&holder));
        }
        for &place in doomed {
            if let Some(record) = self.contents.records.get_mut(place) {
                record.put_off = true;
            }
        }
        self.puts_off = true;
        self.keep_in_memory(job)?;
        // So that others see it.
        self.mark_as_read();
        let who = holder.to_words();
        let stay = match doomed.len() {
            1 => "1 deleted message stays".to_owned(),
            count => format!("{count} deleted messages stay"),
        };
        job.notice(format!(
            "{stay} until nobody else has the mailbox open; now {who} has"
        ));
        Ok(())
    }

    /// Moves the messages that stay over the others, and cuts the file. Nobody else has the mailbox open.
    fn move_together(&mut self, doomed: &[usize], job: &Job) -> Result<()> {
        job.checkpoint()?;
        let mut plan = Plan::new(self.contents.length);
        plan.keep(0, self.format.front());
        let mut leaving = doomed.iter().copied().peekable();
        let mut offsets = Vec::with_capacity(self.contents.records.len());
        for (place, record) in self.contents.records.iter().enumerate() {
            if leaving.next_if_eq(&place).is_some() {
                continue;
            }
            offsets.push(plan.new_length());
            plan.keep(record.offset, record.end() - record.offset);
        }
        self.all_is_known(doomed, plan.new_length())?;
        let path = self.place.path.clone();
        let mut progress = |done, total| job.progress(done, total);
        Journal::of(&self.environment, self.format.driver)
            .rewrite(&path, &mut *self.file, &plan, &mut progress)
            .map_err(|refusal| journal_error(&path, refusal))?;
        self.mark_as_read();
        self.forget(doomed, job);
        for (record, offset) in self.contents.records.iter_mut().zip(offsets) {
            record.offset = offset;
        }
        self.contents.hidden = 0;
        self.contents.length = plan.new_length();
        self.puts_off = false;
        self.keep_in_memory(job)
    }

    /// Refuses to move anything where a byte of the file belongs to no message that is known: what is not known would be
    /// cut out. `stays` bytes are kept.
    fn all_is_known(&self, doomed: &[usize], stays: u64) -> Result<()> {
        let records = &self.contents.records;
        let leaving = doomed.iter().filter_map(|&at| records.get(at));
        let leaving: u64 = leaving.map(|it| it.end() - it.offset).sum();
        if stays + leaving + self.contents.hidden == self.contents.length {
            return Ok(());
        }
        Err(Error::Changed("its messages are not all known"))
    }
}
