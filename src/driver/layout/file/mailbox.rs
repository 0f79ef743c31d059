//! An open mailbox of the traditional formats: what it keeps, and its verbs.
//!
//! Between calls only the opener lock is held. Flags change in memory and are written at the next poll a second later,
//! at check, expunge and close. `\Recent` lasts for the opening; a writing one leaves `O` behind for all messages.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Locked, Stamp};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::contents::Contents;
use crate::driver::layout::file::news::{self, Opening, Teller};
use crate::driver::layout::file::opener::{self, Manners, Opener};
use crate::driver::layout::file::record::{Marks, Shares};
use crate::driver::place::Place;
use crate::mail::change::Change;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile};
use crate::os::name_lock::NameLock;

/// An open mailbox.
pub struct FileMailbox {
    pub(super) environment: Arc<Environment>,
    pub(super) path: PathBuf,
    pub(super) opening: Opening,
    pub(super) opener: Option<NameLock>,
    pub(super) file: Box<dyn MailFile>,
    pub(super) contents: Contents,
    pub(super) stamp: Stamp,
    /// When flags were changed that are not written yet.
    pub(super) stored: Option<Instant>,
    kisses: u64,
}

/// How long flags may stay unwritten.
const LAZINESS: Duration = Duration::from_secs(1);

impl FileMailbox {
    /// Opens a mailbox that is known to be in the format of `driver`, and tells what is in it.
    pub fn open(
        environment: &Arc<Environment>,
        driver: &'static str,
        place: &Place,
        access: Access,
        job: &Job,
    ) -> Result<Self> {
        let kisses = environment.kisses.load(Ordering::Relaxed);
        let now = (environment.clock)();
        let mut opening = Opening {
            driver,
            access: Access::ReadOnly,
            why_read_only: None,
            validity: u32::try_from(now).unwrap_or(1).max(1),
        };
        let mut opener = None;
        if access == Access::ReadWrite {
            opening.access = Access::ReadWrite;
            match ask_to_write(environment, place, job)? {
                Opener::Held(lock) => opener = Some(lock),
                Opener::Refused(why) => opening.fall(why),
            }
        }
        let locked = lock_to_open(environment, place, &mut opening, job)?;
        if opening.access == Access::ReadOnly {
            opener = None;
        }
        let mut mailbox = Self {
            environment: Arc::clone(environment),
            path: place.path.clone(),
            opening,
            opener,
            file: locked.unlock(),
            contents: Contents::default(),
            stamp: Stamp::default(),
            stored: None,
            kisses,
        };
        mailbox.read_all(job)?;
        Ok(mailbox)
    }

    /// The file with its path.
    pub(super) fn source(&self) -> Source<'_> {
        Source {
            file: &*self.file,
            path: &self.path,
        }
    }

    pub(super) fn tell_state(&self, job: &Job) {
        let state = self.opening.state(&self.contents.base, &self.path);
        job.emit(Change::State(Box::new(state)));
    }

    /// Goes on read-only, for a reason that is told.
    pub(super) fn fall(&mut self, why: String, job: &Job) {
        self.opening.fall(why);
        self.opener = None;
        self.tell_state(job);
    }

    /// Notes the file as it is now, so that later changes are noticed.
    pub(super) fn note(&mut self) -> Result<()> {
        let metadata = self.file.metadata().map_err(Error::io(&self.path))?;
        self.stamp = Stamp::of(&metadata);
        Ok(())
    }

    /// Gives the mailbox up when another program asked for it.
    fn heed_kiss(&mut self, job: &Job) -> Result<()> {
        let kisses = self.environment.kisses.load(Ordering::Relaxed);
        if kisses == self.kisses {
            return Ok(());
        }
        self.kisses = kisses;
        if self.opener.is_some() {
            let written = self.write(None, job);
            self.fall("another program asked for it".to_owned(), job);
            written?;
        }
        Ok(())
    }

    fn read_unlocked(
        &mut self,
        uid: Uid,
        part: Part,
        into: &mut dyn Write,
        job: &Job,
    ) -> Result<()> {
        let place = self.find(uid, job)?;
        let Some(record) = self.contents.records.get(place).copied() else {
            return Err(Error::NoSuchMessage);
        };
        self.source().read(&record, part, into, job)
    }

    /// Refuses a change to a mailbox that is open read-only, and tells why where that was not asked for.
    fn writable(&self, job: &Job) -> Result<()> {
        if self.opening.access == Access::ReadWrite {
            return Ok(());
        }
        if let Some(why) = &self.opening.why_read_only {
            job.notice(format!("read-only: {why}"));
        }
        Err(Error::ReadOnly)
    }

    /// Puts new flags on one message in memory; whether they are others than before.
    fn put_flags(&mut self, place: usize, change: &FlagChange) -> bool {
        let Some(record) = self.contents.records.get_mut(place) else {
            return false;
        };
        let named = change.flags();
        let bits = self.contents.base.define(named.keywords());
        let system = named.system.only(SystemFlags::SETTABLE);
        let recent = record.system.only(SystemFlags::RECENT);
        let (system, keywords) = match change {
            FlagChange::Set(_) => (system | recent, bits),
            FlagChange::Add(_) => (record.system | system, record.keywords | bits),
            FlagChange::Remove(_) => (record.system.without(system), record.keywords & !bits),
        };
        if (record.system, record.keywords) == (system, keywords) {
            return false;
        }
        (record.system, record.keywords) = (system, keywords);
        record.marks.set(Marks::CHANGED);
        true
    }
}

impl Opening {
    fn fall(&mut self, why: String) {
        self.access = Access::ReadOnly;
        self.why_read_only = Some(why);
    }
}

fn ask_to_write(environment: &Environment, place: &Place, job: &Job) -> Result<Opener> {
    if environment.read_only {
        let why = "nothing may be written in this session";
        return Ok(Opener::Refused(why.to_owned()));
    }
    opener::ask(environment, &place.path, Manners::Ask, job)
}

/// Locks the file for its first reading; as a writer does where possible, else for looking only.
fn lock_to_open(
    environment: &Environment,
    place: &Place,
    opening: &mut Opening,
    job: &Job,
) -> Result<Locked> {
    if opening.access == Access::ReadWrite {
        match access::lock_to_change(environment, &place.path, job) {
            Ok(locked) => return Ok(locked),
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(Error::Locked { by }) => opening.fall(format!("locked by {}", by.raw())),
            Err(Error::Io { source, .. }) => {
                opening.fall(format!("it cannot be locked: {source}"));
            }
            Err(refusal) => opening.fall(refusal.to_string()),
        }
    }
    access::lock_to_look(environment, &place.path, job)
}

impl LocalMailbox for FileMailbox {
    fn poll(&mut self, job: &Job) -> Result<()> {
        self.heed_kiss(job)?;
        self.refresh(job)?;
        if self.stored.is_some_and(|at| at.elapsed() >= LAZINESS) {
            self.write(None, job)?;
        }
        Ok(())
    }

    fn uids(&self) -> UidSet {
        let uids = self.contents.records.iter();
        uids.filter_map(|record| Uid::new(record.uid)).collect()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        let place = self.contents.place_of(uid.get())?;
        let record = self.contents.records.get(place)?;
        Shares::default().summary(record, &self.contents.base)
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        if self.opening.access == Access::ReadWrite {
            return self.read_unlocked(uid, part, into, job);
        }
        // Somebody else may write: not while this is read.
        access::flock(
            &self.environment,
            &self.path,
            &mut *self.file,
            Flock::Shared,
            job,
        )?;
        let read = self.read_unlocked(uid, part, into, job);
        // Fails only for files that cannot be locked, which are not locked then.
        let _ = self.file.unlock();
        read
    }

    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        self.writable(job)?;
        let keywords = self.contents.base.keywords.len();
        let mut changed = Vec::new();
        for (first, last) in uids.ranges() {
            let records = &self.contents.records;
            let start = records.partition_point(|record| record.uid < first.get());
            let end = records.partition_point(|record| record.uid <= last.get());
            for place in start..end {
                if self.put_flags(place, change) {
                    changed.extend(self.contents.records.get(place).map(|record| record.uid));
                }
            }
        }
        if self.contents.base.keywords.len() != keywords {
            self.tell_state(job);
        }
        let known = &self.contents.base.keywords;
        if change
            .flags()
            .keywords()
            .iter()
            .any(|word| !known.contains(word))
        {
            job.notice("a mailbox has room for 30 keywords; the others were not set");
        }
        if !changed.is_empty() {
            self.stored.get_or_insert_with(Instant::now);
        }
        news::tell_flags(&self.contents, &changed, job);
        Ok(())
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        self.heed_kiss(job)?;
        self.refresh(job)?;
        if self.opening.access == Access::ReadWrite {
            self.write(None, job)?;
        }
        Ok(())
    }

    fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.writable(job)?;
        let chosen =
            |uid: u32| uids.is_none_or(|uids| Uid::new(uid).is_some_and(|uid| uids.contains(uid)));
        self.write(Some(&chosen), job)
    }

    fn sender(&mut self, uid: Uid, job: &Job) -> Result<Option<Vec<u8>>> {
        let place = self.find(uid, job)?;
        let Some(record) = self.contents.records.get(place) else {
            return Err(Error::NoSuchMessage);
        };
        self.source().sender(record)
    }

    fn close(mut self: Box<Self>, job: &Job) -> Result<()> {
        let written = if self.opening.access == Access::ReadWrite && self.contents.is_dirty() {
            self.write(None, job)
        } else {
            Ok(())
        };
        let released = match self.opener.take() {
            Some(lock) => lock.release().map_err(Error::io(&self.path)),
            None => Ok(()),
        };
        written.and(released)
    }
}

impl FileMailbox {
    /// Reads the whole file and tells all of it.
    pub(super) fn read_all(&mut self, job: &Job) -> Result<()> {
        let before = self.file.metadata().map_err(Error::io(&self.path))?;
        let mut teller = Teller::new(&self.opening, &self.path, job);
        let contents = Contents::read(
            Source {
                file: &*self.file,
                path: &self.path,
            },
            before.len(),
            self.opening.validity,
            job,
            &mut |base, record| teller.add(base, record),
        )?;
        teller.finish(&contents.base);
        self.contents = contents;
        match self.opening.access {
            Access::ReadWrite => access::mark_as_read(&mut *self.file, (self.environment.clock)()),
            Access::ReadOnly => access::restore_times(&mut *self.file, &before),
        }
        self.note()
    }
}
