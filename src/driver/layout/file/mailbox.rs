//! An open mailbox of the traditional formats: what it keeps, and its verbs.
//!
//! Between calls only the opener lock is held. Flags change in memory and are written at the next poll a second later,
//! at check, expunge and close. `\Recent` lasts for the opening; a writing one leaves `O` behind for all messages.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Locked, Look, Stamp, TRIES};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::contents::Contents;
use crate::driver::layout::file::format::Format;
use crate::driver::layout::file::manage::hidden_words;
use crate::driver::layout::file::news::{self, Opening, Teller};
use crate::driver::layout::file::opener::{self, Manners, Opener};
use crate::driver::layout::file::record::{Base, Marks, Record, Shares};
use crate::driver::place::Place;
use crate::driver::waiting::{self, Offer};
use crate::mail::change::Change;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::reason::in_words;
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;
use crate::os::files::MailFile;
use crate::os::lock_names;
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
    /// How often all UIDs became void.
    pub(super) resets: u64,
    /// Since when the file is not to be seen, and how many polls have found it so.
    pub(super) missing: Option<(Instant, u32)>,
    /// Whether the last look did without a lock that somebody held: what was seen is not vouched for.
    pub(super) glanced: bool,
    /// Whether what is known is to be read anew, whatever the file's times say.
    pub(super) outdated: bool,
    kisses: u64,
    /// Since when another program asks for the mailbox.
    kissed: Option<Instant>,
    /// Where the damage is that was told already.
    damage_told: Option<u64>,
    hidden_told: Option<u64>,
}

/// How long flags may stay unwritten.
const LAZINESS: Duration = Duration::from_secs(1);
/// How long another program that asks for the mailbox is kept waiting while flags cannot be written. It waits 15 seconds.
const GRACE: Duration = Duration::from_secs(10);

impl FileMailbox {
    /// Opens a mailbox that is known to be in this format, and tells what is in it.
    pub fn open(
        environment: &Arc<Environment>,
        format: &Format,
        place: &Place,
        access: Access,
        job: &Job,
    ) -> Result<Self> {
        let kisses = environment.kisses.load(Ordering::Relaxed);
        let mut opening = Opening {
            driver: format.driver(),
            framing: format.framing,
            access: Access::ReadOnly,
            why_read_only: None,
            locked_by: None,
            validity: environment.fresh_uid_validity(),
        };
        let mut opener = None;
        let manners = if job.may_wait() {
            Manners::Ask
        } else {
            Manners::Silent
        };
        if access == Access::ReadWrite {
            opening.access = Access::ReadWrite;
            match ask_to_write(environment, place, manners, job)? {
                Opener::Held(lock) => opener = Some(lock),
                Opener::InUse(by) if !job.may_wait() => return Err(Error::Locked { by }),
                Opener::InUse(by) => opening.give_way(by, "has it open"),
                Opener::Refused(why) => opening.fall(why),
            }
        }
        if opening.access == Access::ReadWrite {
            // What is left over is in nobody's way.
            let _ = lock_names::clean(environment, &place.path);
        }
        let mut locked = lock_to_open(environment, place, &mut opening, job)?;
        locked.tell_of_glance(job);
        if let (Access::ReadWrite, Some(lock)) = (opening.access, opener.take()) {
            let whose = (place.path.as_path(), manners);
            match opener::follow(environment, Opener::Held(lock), &*locked.file, whose, job)? {
                Opener::Held(lock) => opener = Some(lock),
                Opener::InUse(by) => opening.give_way(by, "has it open"),
                Opener::Refused(why) => opening.fall(why),
            }
        }
        let (contents, stamp) = first_reading(environment, place, &opening, &mut locked, job)?;
        let mut mailbox = Self {
            environment: Arc::clone(environment),
            path: place.path.clone(),
            opening,
            opener,
            glanced: locked.without.is_some(),
            file: locked.unlock(),
            contents,
            stamp,
            stored: None,
            resets: 0,
            missing: None,
            outdated: false,
            kisses,
            kissed: None,
            damage_told: None,
            hidden_told: None,
        };
        mailbox.heed_damage(job);
        Ok(mailbox)
    }

    /// A damaged mailbox is only looked at. One in which a message is hidden is told.
    pub(super) fn heed_damage(&mut self, job: &Job) {
        if self.contents.hidden != self.hidden_told {
            self.hidden_told = self.contents.hidden;
            if let Some(offset) = self.hidden_told {
                job.notice(hidden_words(offset));
            }
        }
        let Some((offset, what)) = self.contents.damaged else {
            return;
        };
        if self.damage_told.replace(offset) == Some(offset) {
            return;
        }
        let why = format!("damaged at byte {offset}: {what}");
        if self.opening.access == Access::ReadWrite {
            self.fall(why, job);
        } else {
            job.notice(why);
        }
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

    /// Goes on read-only, for a reason that is told. Flags that could not be written are given up: the next look at the
    /// file shows what is in it.
    pub(super) fn fall(&mut self, why: String, job: &Job) {
        self.opening.fall(why);
        self.opener = None;
        self.kissed = None;
        self.stored = None;
        let mut dropped = false;
        for record in &mut self.contents.records {
            dropped |= record.marks.has(Marks::CHANGED);
            record.marks.clear(Marks::CHANGED);
        }
        if dropped {
            self.outdated = true;
            job.notice("changes of flags that were not saved yet are lost");
        }
        self.tell_state(job);
    }

    /// Gives the mailbox up when another program asked for it, once what is pending is written.
    fn heed_kiss(&mut self, job: &Job) -> Result<()> {
        let kisses = self.environment.kisses.load(Ordering::Relaxed);
        if kisses != self.kisses && self.opener.is_some() {
            self.kissed.get_or_insert_with(Instant::now);
        }
        self.kisses = kisses;
        let Some(since) = self.kissed else {
            return Ok(());
        };
        let written = self.write(None, job);
        if written.is_err() && since.elapsed() < GRACE {
            return written;
        }
        if self.opening.access == Access::ReadWrite {
            self.fall("another program asked for it".to_owned(), job);
        }
        written
    }

    /// Refuses a change to a mailbox that is open read-only, and tells why where that was not asked for.
    fn writable(&self, job: &Job) -> Result<()> {
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
    /// Sets the times of a locked file that was read, and tells the stamp that it has then: before it is unlocked, so
    /// that no change by others is taken for ours.
    pub(super) fn settle(
        &self,
        environment: &Environment,
        path: &Path,
        locked: &mut Locked,
        before: &Metadata,
    ) -> Result<Stamp> {
        match self.access {
            Access::ReadWrite => access::mark_as_read(&mut *locked.file, (environment.clock)()),
            Access::ReadOnly => access::restore_times(&mut *locked.file, before),
        }
        let metadata = locked.file.metadata().map_err(Error::io(path))?;
        Ok(Stamp::of(&metadata))
    }

    fn fall(&mut self, why: String) {
        self.access = Access::ReadOnly;
        self.why_read_only = Some(why);
    }

    /// Falls to read-only because of somebody who `has` it.
    pub(super) fn give_way(&mut self, by: Foreign, has: &str) {
        self.fall(format!("{} {has}", by.raw()));
        self.locked_by = Some(by);
    }
}

fn ask_to_write(
    environment: &Environment,
    place: &Place,
    manners: Manners,
    job: &Job,
) -> Result<Opener> {
    if environment.read_only {
        let why = "nothing may be written in this session";
        return Ok(Opener::Refused(why.to_owned()));
    }
    opener::ask(environment, &place.path, manners, job)
}

/// Locks the file for its first reading; as a writer does where possible, else for looking only.
fn lock_to_open(
    environment: &Environment,
    place: &Place,
    opening: &mut Opening,
    job: &Job,
) -> Result<Locked> {
    if opening.access == Access::ReadWrite {
        match access::lock_with_offer(environment, &place.path, Offer::ReadOnly, job) {
            Ok(locked) => return Ok(locked),
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(Error::Locked { by }) if !job.may_wait() => return Err(Error::Locked { by }),
            Err(Error::Locked { by }) => {
                opening.give_way(by, "has locked it");
                // It was waited for long enough.
                job.settle_for_a_glance();
            }
            Err(Error::Io { source, .. }) => {
                opening.fall(format!("it cannot be locked: {}", in_words(&source)));
            }
            Err(refusal) => opening.fall(refusal.to_string()),
        }
    }
    access::lock_to_look(environment, &place.path, Look::Guarded, job)
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
        self.writable(job)?;
        let keywords = self.contents.base.keywords.len();
        let mut changed = Vec::new();
        if uids.is_empty() && matches!(change, FlagChange::Add(_)) {
            self.contents.base.define(change.flags().keywords());
        }
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
        let chosen = |record: &&Record| {
            uids.is_none_or(|uids| Uid::new(record.uid).is_some_and(|uid| uids.contains(uid)))
        };
        // What is hidden in a message goes with it only where the message itself was named.
        let stays = |record: &Record| uids.is_none() && record.marks.has(Marks::HIDES);
        let mut deleted = self.contents.records.iter();
        if deleted.any(|it| stays(it) && it.system.contains(SystemFlags::DELETED)) {
            job.notice("a deleted message stays, because NULs in it hide another one");
        }
        // Only what was told before: mail that comes with the flag was never seen by the user.
        let known = self.contents.records.iter().filter(chosen);
        let known = known.filter(|record| !stays(record));
        let known: BTreeSet<u32> = known.map(|record| record.uid).collect();
        self.write(Some(&known), job)
    }

    fn sender(&mut self, uid: Uid, job: &Job) -> Result<Option<Vec<u8>>> {
        self.read_sender(uid, job)
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

/// Reads the whole locked file, tells all of it, sets its times; with the stamp that it has then.
fn first_reading(
    environment: &Environment,
    place: &Place,
    opening: &Opening,
    locked: &mut Locked,
    job: &Job,
) -> Result<(Contents, Stamp)> {
    let path = &place.path;
    for _ in 0..TRIES {
        let before = locked.file.metadata().map_err(Error::io(path))?;
        let mut teller = Teller::new(opening, path, job);
        let source = Source {
            file: &*locked.file,
            path,
        };
        let mut found = |base: &Base, record: &Record| teller.add(base, record);
        let read = Contents::read(
            source,
            opening.framing,
            before.len(),
            opening.validity,
            job,
            &mut found,
        );
        if locked.steady(&before) {
            let contents = read?;
            teller.finish(&contents.base);
            let stamp = opening.settle(environment, path, locked, &before)?;
            return Ok((contents, stamp));
        }
        if teller.has_told() {
            job.emit(Change::Reset);
        }
        job.checkpoint()?;
        std::thread::sleep(waiting::PAUSE);
    }
    Err(access::unsteady())
}
