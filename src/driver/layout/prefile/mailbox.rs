//! An open mailbox of these formats: what it keeps, and its verbs.
//!
//! The share lock is held as long as it is open, so no message moves meanwhile unless this program moves it. Every change
//! is on disk before its method returns.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Stamp, TRIES};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::contents::{Contents, Reading};
use crate::driver::layout::prefile::format::Format;
use crate::driver::layout::prefile::locks;
use crate::driver::layout::prefile::memory::Memory;
use crate::driver::layout::prefile::news::{Opening, Teller};
use crate::driver::layout::prefile::record::Shares;
use crate::driver::local_file;
use crate::driver::network;
use crate::driver::place::Place;
use crate::driver::waiting::{self, Offer};
use crate::mail::change::Change;
use crate::mail::flags::FlagChange;
use crate::mail::reason::in_words;
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::name_lock::NameLock;

/// An open mailbox.
pub struct PrefileMailbox {
    pub(super) environment: Arc<Environment>,
    pub(super) format: &'static Format,
    pub(super) place: Place,
    pub(super) opening: Opening,
    pub(super) file: Box<dyn MailFile>,
    pub(super) contents: Contents,
    pub(super) memory: Option<Box<dyn Memory>>,
    /// Whether messages wait to be removed until nobody else has the mailbox open.
    pub(super) puts_off: bool,
    pub(super) stamp: Stamp,
    /// Whether the file may have changed once more under the same stamp, within one tick of the kernel's clock.
    pub(super) racy: bool,
    /// Since when the file is not to be seen, and how many polls have found it so.
    pub(super) missing: Option<(Instant, u32)>,
}

impl PrefileMailbox {
    /// Opens a mailbox that is known to be in this format, and tells what is in it. `memory` stands in for what the
    /// format does not keep in its file.
    pub fn open(
        environment: &Arc<Environment>,
        format: &'static Format,
        place: &Place,
        (access, memory): (Access, Option<Box<dyn Memory>>),
        job: &Job,
    ) -> Result<Self> {
        let remembers = memory.as_ref().is_some_and(|memory| memory.is_sticky());
        let mut opening = Opening {
            format,
            access,
            why_read_only: None,
            locked_by: None,
            damage_told: None,
            sticky: format.is_numbered() || remembers,
        };
        let (file, lock) = lock_to_open(environment, place, &mut opening, job)?;
        let mut mailbox = Self {
            environment: Arc::clone(environment),
            format,
            place: place.clone(),
            opening,
            file,
            contents: Contents::default(),
            memory,
            puts_off: false,
            stamp: Stamp::default(),
            racy: false,
            missing: None,
        };
        mailbox.first_reading(lock.is_some(), job)?;
        if mailbox.opening.access == Access::ReadWrite {
            mailbox.settle(job)?;
            mailbox.reclaim_if_possible(job)?;
        }
        mailbox.note_stamp()?;
        Ok(mailbox)
    }

    /// The file with its path.
    pub(super) fn source(&self) -> Source<'_> {
        Source {
            file: &*self.file,
            path: &self.place.path,
        }
    }

    pub(super) fn tell_state(&self, job: &Job) {
        let state = self.opening.state(&self.contents.base, &self.place.path);
        job.emit(Change::State(Box::new(state)));
    }

    /// Reads everything and tells it.
    fn first_reading(&mut self, locked: bool, job: &Job) -> Result<()> {
        let before = self.file.metadata().map_err(Error::io(&self.place.path))?;
        let mut memory = self.memory.take();
        let read = self.read_steadily(memory.as_deref_mut(), locked, job);
        self.memory = memory;
        self.contents = read?;
        let writes = self.opening.access == Access::ReadWrite;
        self.puts_off = writes && self.contents.records.iter().any(|record| record.put_off);
        self.heed_damage(job);
        if self.opening.access == Access::ReadOnly {
            access::restore_times(&mut *self.file, &before);
        }
        Ok(())
    }

    /// Reads and tells, where no lock keeps writers away, until nobody wrote meanwhile.
    fn read_steadily(
        &self,
        memory: Option<&mut (dyn Memory + 'static)>,
        locked: bool,
        job: &Job,
    ) -> Result<Contents> {
        let failed = Error::io(&self.place.path);
        for _ in 0..TRIES {
            let before = self.file.metadata().map_err(&failed)?;
            let mut teller = Teller::new(&self.opening, &self.place.path, job);
            let reading = self.reading(job);
            let read = Contents::read(reading, before.len(), &mut |base, record| {
                teller.add(base, record);
            });
            let after = self.file.metadata().map_err(&failed)?;
            if locked || Stamp::of(&after) == Stamp::of(&before) {
                let mut contents = read?;
                if !self.format.is_numbered() {
                    let access = match locked {
                        true => self.opening.access,
                        false => Access::ReadOnly,
                    };
                    number_elsewhere(reading, memory, (&mut contents, 0), access)?;
                    for record in &contents.records {
                        teller.add(&contents.base, record);
                    }
                }
                teller.finish(&contents.base);
                return Ok(contents);
            }
            if teller.has_told() {
                job.emit(Change::Reset);
            }
            job.checkpoint()?;
            std::thread::sleep(waiting::PAUSE);
        }
        Err(access::unsteady())
    }

    pub(super) fn reading<'a>(&'a self, job: &'a Job) -> Reading<'a> {
        Reading {
            format: self.format,
            source: self.source(),
            validity: self.environment.fresh_uid_validity(),
            job,
            counts: true,
        }
    }

    /// Numbers the records of `contents` from place `known` on, where the file has no UIDs. The parse lock is held, unless
    /// the mailbox is only looked at.
    pub(super) fn number(
        &mut self,
        contents: &mut Contents,
        known: usize,
        job: &Job,
    ) -> Result<()> {
        let mut memory = self.memory.take();
        let found = (contents, known);
        let access = self.opening.access;
        let numbered = number_elsewhere(self.reading(job), memory.as_deref_mut(), found, access);
        self.memory = memory;
        numbered
    }

    /// A damaged mailbox is only looked at.
    pub(super) fn heed_damage(&mut self, job: &Job) {
        if self.contents.is_renumbered() {
            job.notice("the UIDs in the mailbox made no sense; all messages are numbered anew");
        }
        let Some((offset, what)) = self.contents.damaged else {
            return;
        };
        if self.opening.damage_told.replace(offset) == Some(offset) {
            return;
        }
        let why = format!("damaged at byte {offset}: {what}");
        if self.opening.access == Access::ReadWrite {
            self.opening.fall(why);
            self.tell_state(job);
        } else {
            job.notice(why);
        }
    }

    /// Refuses a change to a mailbox that is open read-only, and tells why where that was not asked for.
    pub(super) fn writable(&self, job: &Job) -> Result<()> {
        if self.opening.access == Access::ReadWrite {
            return Ok(());
        }
        if let Some(by) = self.opening.locked_by.clone() {
            return Err(Error::Locked { by });
        }
        if let Some(why) = &self.opening.why_read_only {
            job.notice(format!("read-only: {why}"));
        }
        Err(Error::ReadOnly)
    }
}

/// Numbers the records from place `known` on where the file has no UIDs: as `memory` knows them, else one after the other.
pub(super) fn number_elsewhere(
    reading: Reading<'_>,
    memory: Option<&mut (dyn Memory + '_)>,
    (contents, known): (&mut Contents, usize),
    access: Access,
) -> Result<()> {
    if reading.format.is_numbered() {
        return Ok(());
    }
    // Of a damaged mailbox not all messages are known, so what is remembered of the others has to stay.
    let access = match contents.damaged {
        Some(_) => Access::ReadOnly,
        None => access,
    };
    let Contents { base, records, .. } = contents;
    if let Some(memory) = memory {
        memory.number(reading.source, base, (records, known), access)?;
        tell_trouble(memory, reading.job);
        return Ok(());
    }
    for record in records.iter_mut().skip(known) {
        base.last_uid = base.last_uid.saturating_add(1);
        record.uid = base.last_uid;
    }
    Ok(())
}

/// Tells that something is remembered for this session only.
pub(super) fn tell_trouble(memory: &mut (dyn Memory + '_), job: &Job) {
    if let Some(why) = memory.trouble() {
        let why = why.with_reason();
        job.notice(format!(
            "UIDs, and keywords without a bit in the file, hold for this session only: {why}"
        ));
    }
}

/// Locks the file for its first reading: to be written where that is wished and possible, else to be looked at.
fn lock_to_open(
    environment: &Environment,
    place: &Place,
    opening: &mut Opening,
    job: &Job,
) -> Result<(Box<dyn MailFile>, Option<NameLock>)> {
    if opening.access == Access::ReadWrite && environment.read_only {
        opening.fall("nothing may be written in this session".to_owned());
    }
    if opening.access == Access::ReadWrite {
        match lock_to_write(environment, opening.format, place, Offer::ReadOnly, job) {
            Ok((file, lock)) => return Ok((file, Some(lock))),
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(Error::Locked { by }) => give_way(opening, by),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(local_file::no_access(place, source));
            }
            Err(Error::Io { path, source }) if path != place.path => {
                let (path, why) = (path.display(), in_words(&source));
                opening.fall(format!("it cannot be locked: {path}: {why}"));
            }
            Err(Error::Io { source, .. }) => {
                opening.fall(format!("it may not be written: {}", in_words(&source)));
            }
            Err(Error::Refused(why)) => opening.fall(why.to_owned()),
            Err(refusal) => opening.fall(refusal.to_string()),
        }
    }
    let looked = locks::recover_to_look(environment, opening.format, place, job)
        .and_then(|()| locks::open_shared(environment, place, OpenMode::Read, job));
    let file = looked.map_err(|refusal| match refusal {
        Error::Io { source, .. } => local_file::no_access(place, source),
        other => other,
    })?;
    if environment.read_only || opening.why_read_only.is_some() {
        return Ok((file, None));
    }
    match locks::parse_lock(environment, place, &*file, Offer::Nothing, &job.glancing()) {
        Ok(lock) => Ok((file, Some(lock))),
        Err(Error::Cancelled) => Err(Error::Cancelled),
        // What is read without the lock counts when nobody wrote meanwhile.
        Err(_) => Ok((file, None)),
    }
}

fn give_way(opening: &mut Opening, by: Foreign) {
    opening.fall(format!("{} has locked it", by.raw()));
    opening.locked_by = Some(by);
}

/// Opens the file with its share lock and takes the parse lock; an interrupted change is completed.
pub(super) fn lock_to_write(
    environment: &Environment,
    format: &'static Format,
    place: &Place,
    offer: Offer,
    job: &Job,
) -> Result<(Box<dyn MailFile>, NameLock)> {
    if environment.read_only {
        return Err(Error::ReadOnly);
    }
    if let Some(why) = network::forbids_writing(environment, &place.path) {
        return Err(Error::Refused(why));
    }
    let mut file = locks::open_shared(environment, place, OpenMode::ReadWrite, job)?;
    let lock = locks::parse_lock(environment, place, &*file, offer, job)?;
    locks::recover(environment, format, place, &mut *file, job)?;
    Ok((file, lock))
}

impl LocalMailbox for PrefileMailbox {
    fn uids(&self) -> UidSet {
        let uids = self.contents.records.iter();
        uids.filter_map(|record| Uid::new(record.uid)).collect()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        let place = self.contents.place_of(uid.get())?;
        let record = self.contents.records.get(place)?;
        Shares::default().summary(record, &self.contents.base)
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        self.refresh(job)
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        self.read_part(uid, part, into, job)
    }

    fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        self.read_headers(uids, found, job)
    }

    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        self.store_flags(uids, change, job)
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        self.refresh(job)?;
        self.tidy(job)
    }

    fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.expunge_messages(uids, job)
    }

    fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn close(mut self: Box<Self>, job: &Job) -> Result<()> {
        self.tidy(&job.hurried())
    }
}
