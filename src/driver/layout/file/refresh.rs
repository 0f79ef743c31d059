//! Noticing what other programs did to an open mailbox, and writing what is pending.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Locked, Look, Stamp};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::contents::{Contents, Difference};
use crate::driver::layout::file::mailbox::FileMailbox;
use crate::driver::layout::file::news::{self, Teller};
use crate::driver::layout::file::opener::{self, Manners, Opener};
use crate::driver::layout::file::record::{Marks, Record};
use crate::driver::layout::file::rewrite::{self, Wish};
use crate::mail::change::Change;
use crate::mail::date::InternalDate;
use crate::mail::flags::SystemFlags;
use crate::mail::status::Access;
use crate::os::files::MailFile;
use crate::os::journal::redo::Journal;

/// How often, and for how long at least, a file is looked for in vain before it counts as gone.
const LOOKS: u32 = 3;
const ABSENCE: Duration = Duration::from_secs(2);

impl FileMailbox {
    /// Takes in what others changed, if they did.
    pub(super) fn refresh(&mut self, job: &Job) -> Result<()> {
        let metadata = match self.environment.files.metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(missing) if missing.kind() == ErrorKind::NotFound => return self.bear_absence(),
            Err(refusal) => return Err(Error::io(&self.path)(refusal)),
        };
        self.missing = None;
        if !metadata.is_file() {
            return Err(Error::Changed("something else has its name now"));
        }
        let now = Stamp::of(&metadata);
        let is_known = now == self.stamp && now.length == self.contents.length;
        if self.is_vouched_for(job) && is_known && !self.outdated {
            return Ok(());
        }
        let locked = self.lock(job)?;
        self.outdated = false;
        let before = self.take_in(&locked, job)?;
        self.adopt(locked, &before)
    }

    /// Whether what was seen is good enough for `job`: what a glance saw is for those who are content with a glance.
    pub(super) fn is_vouched_for(&self, job: &Job) -> bool {
        !self.glanced || job.glances() || !job.may_wait()
    }

    /// A file that is being replaced may be gone for a moment: it is lost only after several looks.
    fn bear_absence(&mut self) -> Result<()> {
        let (since, looks) = self.missing.unwrap_or_else(|| (Instant::now(), 0));
        self.missing = Some((since, looks + 1));
        if looks + 1 >= LOOKS && since.elapsed() >= ABSENCE {
            return Err(Error::Changed("it is no longer there"));
        }
        Ok(())
    }

    /// Locks the file as the mailbox is open; goes on read-only where another file has its name now, whose opener lock
    /// cannot be had.
    fn lock(&mut self, job: &Job) -> Result<Locked> {
        if self.opening.access == Access::ReadOnly {
            let locked = access::lock_to_look(&self.environment, &self.path, Look::Guarded, job)?;
            self.glanced = locked.without.is_some();
            return Ok(locked);
        }
        let locked = access::lock_to_change(&self.environment, &self.path, job)?;
        if let Some(lock) = self.opener.take() {
            let whose = (self.path.as_path(), Manners::Ask);
            let held = Opener::Held(lock);
            match opener::follow(&self.environment, held, &*locked.file, whose, job) {
                Ok(Opener::Held(lock)) => self.opener = Some(lock),
                Ok(Opener::InUse(by)) => {
                    self.fall(format!("{} has it open", by.raw()), job);
                    self.opening.locked_by = Some(by);
                }
                Ok(Opener::Refused(why)) => self.fall(why, job),
                Err(refusal) => self.fall(refusal.to_string(), job),
            }
        }
        Ok(locked)
    }

    /// Keeps the file of `locked` as the open one, with its times set.
    fn adopt(&mut self, mut locked: Locked, before: &Metadata) -> Result<()> {
        let settled = self
            .opening
            .settle(&self.environment, &self.path, &mut locked, before);
        self.file = locked.unlock();
        self.stamp = settled?;
        Ok(())
    }

    /// Reads what is new in the locked file: its tail, where it only grew, else all of it. Tells what the file was like.
    fn take_in(&mut self, locked: &Locked, job: &Job) -> Result<Metadata> {
        let metadata = locked.file.metadata().map_err(Error::io(&self.path))?;
        let path = self.path.clone();
        let source = Source {
            file: &*locked.file,
            path: &path,
        };
        let same_file = (metadata.dev(), metadata.ino()) == self.stamp.file;
        let writing = self.opening.access == Access::ReadWrite;
        let grown = metadata.len() > self.contents.length;
        let untouched = match self.contents.records.last() {
            Some(last) => source.still_there(self.contents.framing, last)?,
            None => self.contents.base.pseudo.is_some(),
        };
        if same_file && writing && grown && untouched {
            match self.contents.read_on(source, metadata.len(), job) {
                Ok(Some(known)) => {
                    self.tell_arrived(known, job);
                    self.heed_damage(job);
                    return Ok(metadata);
                }
                Ok(None) | Err(Error::Damaged { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let metadata = self.read_again(locked, job)?;
        self.heed_damage(job);
        Ok(metadata)
    }

    fn read_again(&mut self, locked: &Locked, job: &Job) -> Result<Metadata> {
        let newest = self.contents.base.uid_validity.saturating_add(1);
        let validity = self.environment.fresh_uid_validity().max(newest);
        let source = Source {
            file: &*locked.file,
            path: &self.path,
        };
        let before = locked.file.metadata().map_err(Error::io(&self.path))?;
        let read = Contents::read(
            source,
            self.contents.framing,
            before.len(),
            validity,
            job,
            &mut |_, _| {},
        );
        if !locked.steady(&before) {
            return Err(access::unsteady());
        }
        let mut contents = match read {
            Err(Error::Damaged { .. }) => {
                return Err(Error::Changed("it no longer holds mail in this format"));
            }
            other => other?,
        };
        let difference = contents.follow(&self.contents);
        let earlier = std::mem::replace(&mut self.contents, contents);
        let Difference::Followed { gone, flags, known } = difference else {
            job.emit(Change::Reset);
            self.resets += 1;
            self.opening.validity = validity;
            if earlier
                .records
                .iter()
                .any(|it| it.marks.has(Marks::CHANGED))
            {
                job.notice("the mailbox was rewritten: changes of flags not saved yet are lost");
            }
            let mut teller = Teller::new(&self.opening, &self.path, job);
            for record in &self.contents.records {
                teller.add(&self.contents.base, record);
            }
            teller.finish(&self.contents.base);
            return Ok(before);
        };
        let gone = gone.iter().filter_map(|&place| earlier.records.get(place));
        news::tell_expunged(gone.map(|record| record.uid), job);
        news::tell_flags(&self.contents, &flags, job);
        self.tell_arrived(known, job);
        Ok(before)
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

    /// Writes what is pending; with `expunge`, also removes the deleted messages among those.
    pub(super) fn write(&mut self, expunge: Option<&BTreeSet<u32>>, job: &Job) -> Result<()> {
        if self.opening.access == Access::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let resets = self.resets;
        let mut locked = self.lock(job)?;
        let mut before = locked.file.metadata().map_err(Error::io(&self.path))?;
        let stamp = Stamp::of(&before);
        if stamp != self.stamp || stamp.length != self.contents.length {
            before = self.take_in(&locked, job)?;
        }
        let refusal = match self.opening.access {
            Access::ReadOnly => Some(Error::ReadOnly),
            // The numbers are those of other messages now.
            Access::ReadWrite if expunge.is_some() && self.resets != resets => Some(
                Error::Refused("the messages were numbered anew; look again"),
            ),
            Access::ReadWrite => None,
        };
        if let Some(refusal) = refusal {
            self.adopt(locked, &before)?;
            return Err(refusal);
        }
        let doomed = |record: &Record| {
            record.system.contains(SystemFlags::DELETED)
                && expunge.is_some_and(|known| known.contains(&record.uid))
        };
        let gone = self.contents.records.iter().filter(|record| doomed(record));
        let gone: Vec<u32> = gone.map(|record| record.uid).collect();
        if gone.is_empty() && !self.contents.is_dirty() {
            self.stored = None;
            return self.adopt(locked, &before);
        }
        let mut complete = false;
        while !complete {
            complete = self.write_round(&mut *locked.file, &doomed, job)?;
        }
        self.stored = None;
        news::tell_expunged(gone.into_iter(), job);
        self.adopt(locked, &before)
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
            owner: &self.environment.owner(),
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
            Journal::of(&self.environment, self.contents.framing.name)
                .rewrite(&self.path, file, &planned.plan, &mut progress)
                .map_err(|refusal| access::journal_error(&self.path, refusal))?;
        }
        self.contents = planned.contents;
        Ok(planned.complete)
    }
}
