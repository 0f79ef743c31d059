//! Noticing what other programs did to an open mailbox, and writing what is pending.

use std::os::unix::fs::MetadataExt;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Stamp};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::contents::{Contents, Difference};
use crate::driver::layout::file::mailbox::FileMailbox;
use crate::driver::layout::file::news::{self, Teller};
use crate::driver::layout::file::record::Record;
use crate::driver::layout::file::rewrite::{self, Wish};
use crate::mail::change::Change;
use crate::mail::date::InternalDate;
use crate::mail::flags::SystemFlags;
use crate::mail::status::Access;
use crate::mail::uid::Uid;
use crate::os::files::MailFile;
use crate::os::journal::redo::Journal;

impl FileMailbox {
    /// Takes in what others changed, if they did.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        let metadata = self.environment.files.metadata(&self.path);
        let metadata = metadata.map_err(|_| Error::Changed("it is no longer there"))?;
        if !metadata.is_file() {
            return Err(Error::Changed("something else has its name now"));
        }
        if Stamp::of(&metadata) == self.stamp && metadata.len() == self.contents.length {
            return Ok(());
        }
        let locked = match self.opening.access {
            Access::ReadWrite => access::lock_to_change(&self.environment, &self.path, job)?,
            Access::ReadOnly => access::lock_to_look(&self.environment, &self.path, job)?,
        };
        self.take_in(&*locked.file, job)?;
        self.adopt(locked.unlock())
    }

    /// Keeps `file` as the open one, with its times set.
    fn adopt(&mut self, mut file: Box<dyn MailFile>) -> Result<()> {
        if self.opening.access == Access::ReadWrite {
            access::mark_as_read(&mut *file, (self.environment.clock)());
        }
        self.file = file;
        self.note()
    }

    /// Reads what is new in the locked `file`: its tail, where it only grew, else all of it.
    fn take_in(&mut self, file: &dyn MailFile, job: &Job) -> Result<()> {
        let metadata = file.metadata().map_err(Error::io(&self.path))?;
        let path = self.path.clone();
        let source = Source { file, path: &path };
        let same_file = (metadata.dev(), metadata.ino()) == self.stamp.file;
        let writing = self.opening.access == Access::ReadWrite;
        let grown = metadata.len() > self.contents.length;
        let untouched = match self.contents.records.last() {
            Some(last) => source.still_there(last)?,
            None => self.contents.base.pseudo.is_some(),
        };
        if same_file && writing && grown && untouched {
            let mut contents = self.contents.clone();
            match contents.read_on(source, metadata.len(), job) {
                Ok(Some(known)) => {
                    self.contents = contents;
                    self.tell_arrived(known, job);
                    return Ok(());
                }
                Ok(None) | Err(Error::Damaged { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        self.read_again(source, metadata.len(), job)
    }

    fn read_again(&mut self, source: Source<'_>, length: u64, job: &Job) -> Result<()> {
        let now = (self.environment.clock)();
        let newest = self.contents.base.uid_validity.saturating_add(1);
        let validity = u32::try_from(now).unwrap_or(1).max(newest);
        let read = Contents::read(source, length, validity, job, &mut |_, _| {});
        let mut contents = match read {
            Err(Error::Damaged { .. }) => {
                return Err(Error::Changed("it no longer holds mail in this format"));
            }
            other => other?,
        };
        let earlier = std::mem::take(&mut self.contents);
        let difference = contents.follow(&earlier);
        self.contents = contents;
        let Difference::Followed { gone, flags, known } = difference else {
            job.emit(Change::Reset);
            self.opening.validity = validity;
            let mut teller = Teller::new(&self.opening, &self.path, job);
            for record in &self.contents.records {
                teller.add(&self.contents.base, record);
            }
            teller.finish(&self.contents.base);
            return Ok(());
        };
        let gone = gone.iter().filter_map(|&place| earlier.records.get(place));
        news::tell_expunged(gone.map(|record| record.uid), job);
        news::tell_flags(&self.contents, &flags, job);
        self.tell_arrived(known, job);
        Ok(())
    }

    /// Tells the messages from a place on, with the state, which they change.
    fn tell_arrived(&self, known: usize, job: &Job) {
        let new = self.contents.records.get(known..).unwrap_or_default();
        if new.is_empty() {
            return;
        }
        let mut teller = Teller::new(&self.opening, &self.path, job);
        for record in new {
            teller.add(&self.contents.base, record);
        }
        teller.finish(&self.contents.base);
    }

    /// Where a message is, after making sure that it is still there.
    pub(super) fn find(&mut self, uid: Uid, job: &Job) -> Result<usize> {
        let place = self.contents.place_of(uid.get());
        let place = place.ok_or(Error::NoSuchMessage)?;
        let metadata = self.environment.files.metadata(&self.path);
        let same = metadata.is_ok_and(|metadata| Stamp::of(&metadata) == self.stamp);
        if !same {
            let record = self.contents.records.get(place).copied();
            let there =
                record.is_some_and(|record| matches!(self.source().still_there(&record), Ok(true)));
            if self.opening.access == Access::ReadOnly || !there {
                self.refresh(job)?;
            }
        }
        self.contents
            .place_of(uid.get())
            .ok_or(Error::NoSuchMessage)
    }

    /// Writes what is pending; with `expunge`, also removes the deleted messages that it chooses.
    pub(super) fn write(&mut self, expunge: Option<&dyn Fn(u32) -> bool>, job: &Job) -> Result<()> {
        let mut locked = access::lock_to_change(&self.environment, &self.path, job)?;
        let stamp = Stamp::of(&locked.file.metadata().map_err(Error::io(&self.path))?);
        if stamp != self.stamp || stamp.length != self.contents.length {
            self.take_in(&*locked.file, job)?;
        }
        let doomed = |record: &Record| {
            record.system.contains(SystemFlags::DELETED)
                && expunge.is_some_and(|chosen| chosen(record.uid))
        };
        let any_doomed = self.contents.records.iter().any(doomed);
        if !any_doomed && !self.contents.is_dirty() {
            self.stored = None;
            return self.adopt(locked.unlock());
        }
        let gone: Vec<u32> = {
            let records = self.contents.records.iter();
            records
                .filter(|record| doomed(record))
                .map(|record| record.uid)
                .collect()
        };
        let mut complete = false;
        while !complete {
            complete = self.write_round(&mut *locked.file, &doomed, job)?;
        }
        self.stored = None;
        news::tell_expunged(gone.into_iter(), job);
        self.adopt(locked.unlock())
    }

    /// One rewrite; `false` when another has to follow.
    fn write_round(
        &mut self,
        file: &mut dyn MailFile,
        doomed: &dyn Fn(&Record) -> bool,
        job: &Job,
    ) -> Result<bool> {
        let wish = Wish {
            remove: doomed,
            keep_new: false,
            host: &self.environment.process.host,
            now: InternalDate::in_zone((self.environment.clock)(), &jiff::tz::TimeZone::system()),
        };
        let source = Source {
            file,
            path: &self.path,
        };
        let planned = rewrite::plan(source, &self.contents, &wish, job)?;
        if !planned.is_idle() {
            let mut progress = |done, total| job.progress(done, total);
            Journal::new(&self.environment)
                .rewrite(&self.path, file, &planned.plan, &mut progress)
                .map_err(|refusal| access::journal_error(&self.path, refusal))?;
        }
        self.contents = planned.contents;
        Ok(planned.complete)
    }
}
