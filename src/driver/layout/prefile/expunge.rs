//! Removing messages. Whoever is alone moves the others together; while somebody else has the mailbox open they are only
//! hidden, and whoever is alone later reclaims their space.

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

    /// Reclaims the space of hidden messages, where nobody else has the mailbox open. The parse lock is held.
    pub(super) fn reclaim(&mut self, job: &Job) -> Result<()> {
        if self.contents.hidden == 0 || self.opening.access == Access::ReadOnly {
            return Ok(());
        }
        if !locks::alone(&self.place, &mut *self.file)? {
            return Ok(());
        }
        let moved = self.move_together(&[], job);
        locks::share(&self.place, &mut *self.file)?;
        moved
    }

    /// At check and close: reclaims what there is. A lock that somebody holds is not waited for.
    pub(super) fn tidy(&mut self, job: &Job) -> Result<()> {
        if self.contents.hidden == 0 || self.opening.access == Access::ReadOnly {
            return Ok(());
        }
        let lock = match self.lock(&job.hurried()) {
            Ok(lock) => lock,
            Err(Error::Locked { .. }) => return Ok(()),
            Err(refusal) => return Err(refusal),
        };
        self.catch_up(job)?;
        self.reclaim(job)?;
        self.note_stamp()?;
        drop(lock);
        Ok(())
    }

    fn remove(&mut self, doomed: &[usize], job: &Job) -> Result<()> {
        if locks::alone(&self.place, &mut *self.file)? {
            let moved = self.move_together(doomed, job);
            locks::share(&self.place, &mut *self.file)?;
            return moved;
        }
        if doomed.is_empty() {
            return Ok(());
        }
        if !self.format.is_numbered() {
            return Err(waiting::held_by(&waiting::holder_of(&*self.file)));
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
        if let Some(mut memory) = self.memory.take() {
            let kept = memory.keep(self.source(), &self.contents.base, &self.contents.records);
            self.memory = Some(memory);
            kept?;
        }
        Ok(())
    }
}
