//! An open mailbox in mix format: what it keeps, and its verbs.
//!
//! `.mixmeta` stays locked, shared, for as long as the mailbox is open: meanwhile nobody moves data. Index and status are
//! locked within a verb only. Every change is on disk before its method returns.

use std::io::Write;
use std::sync::Arc;

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::standing::{Facts, Standing, why_not};
use crate::driver::layout::prefile::locks::open_shared;
use crate::driver::layout::prefile::record::system_of;
use crate::driver::layout::prefile::words::{Lists, Words};
use crate::driver::mix::contents::{Contents, Record};
use crate::driver::mix::locked::{Locked, share_of};
use crate::driver::mix::manage::require;
use crate::driver::mix::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};

/// An open mailbox.
pub struct Mix {
    pub(super) environment: Arc<Environment>,
    pub(super) place: Place,
    pub(super) standing: Standing,
    /// `.mixmeta` with its shared lock.
    pub(super) share: Box<dyn MailFile>,
    pub(super) contents: Contents,
    pub(super) lists: Lists,
    pub(super) uid_validity: u32,
    pub(super) last_uid: u32,
    /// The highest UID that was told.
    pub(super) told_uid: u32,
    pub(super) damage_told: bool,
    pub(super) trouble_told: bool,
    /// The small files as they were looked at last, from outside.
    pub(super) stamps: [Stamp; 3],
    /// Whether one of them may have changed once more under the same stamp.
    pub(super) racy: bool,
    /// Whether a write failed, so that what the files say may be another thing than is known.
    pub(super) stale: bool,
    /// Whether data files may hold bytes of messages that are gone.
    pub(super) may_have_waste: bool,
    /// The data file that was read last.
    pub(super) data: Option<(u32, Box<dyn MailFile>)>,
}

impl Mix {
    /// Opens a mailbox, and tells what is in it.
    pub fn open(
        environment: &Arc<Environment>,
        place: &Place,
        access: Access,
        job: &Job,
    ) -> Result<Self> {
        require(environment, place)?;
        let mut standing = Standing::new(environment, CHARACTERISTICS.driver, access);
        let share = open_share(environment, place, &mut standing, job)?;
        let mut mailbox = Self {
            environment: Arc::clone(environment),
            place: place.clone(),
            standing,
            share,
            contents: Contents::default(),
            lists: Lists::default(),
            uid_validity: 0,
            last_uid: 0,
            told_uid: 0,
            damage_told: false,
            trouble_told: false,
            stamps: Default::default(),
            racy: true,
            stale: false,
            may_have_waste: true,
            data: None,
        };
        let mut locked = mailbox.lock_to_open(job)?;
        mailbox.catch_up(&mut locked, job)?;
        let reclaimed = mailbox.reclaim_if_possible(&mut locked, job);
        mailbox.end(&locked, reclaimed)?;
        Ok(mailbox)
    }

    /// The lock for the first look: to change things where that is wished and possible.
    fn lock_to_open(&mut self, job: &Job) -> Result<Locked> {
        if self.standing.may_write() {
            let why = match Locked::to_change(&self.environment, &self.place, job) {
                Ok(locked) => return Ok(locked),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(Error::Locked { by }) if !job.may_wait() => return Err(Error::Locked { by }),
                Err(refusal) => why_not(&refusal),
            };
            self.standing.fall(why);
        }
        Locked::to_look(&self.environment, &self.place, job)
    }

    /// The lock for a verb, of the mailbox that was opened.
    pub(super) fn lock(&self, job: &Job) -> Result<Locked> {
        self.stamps_now()?;
        match self.standing.may_write() {
            true => Locked::to_change(&self.environment, &self.place, job),
            false => Locked::to_look(&self.environment, &self.place, job),
        }
    }

    /// Tells the state where it is another one than was told.
    pub(super) fn tell_state(&mut self, job: &Job) {
        let words = self.words();
        let facts = Facts {
            path: &self.place.path,
            uid_validity: self.uid_validity,
            last_uid: self.last_uid,
            sticky_uids: true,
            keywords: (words.names(), words.has_room()),
        };
        self.standing.tell(facts, job);
    }

    pub(super) fn words(&self) -> &Words {
        &self.contents.meta.words
    }
}

/// Takes the lock that says that the mailbox is open. Where it cannot be one of a writer the mailbox falls to read-only.
fn open_share(
    environment: &Environment,
    place: &Place,
    standing: &mut Standing,
    job: &Job,
) -> Result<Box<dyn MailFile>> {
    let meta = share_of(place);
    if standing.may_write() {
        match open_shared(environment, &meta, OpenMode::ReadWrite, job) {
            Err(refusal @ Error::Io { .. }) => standing.fall(why_not(&refusal)),
            other => return other,
        }
    }
    open_shared(environment, &meta, OpenMode::Read, job)
}

/// The flags of a message.
pub(super) fn flags_of(record: &Record, lists: &mut Lists, words: &Words) -> Flags {
    let recent = match record.recent {
        true => SystemFlags::RECENT,
        false => SystemFlags::NONE,
    };
    Flags {
        system: system_of(record.state.flags) | recent,
        keywords: lists.of(record.state.keywords, words),
    }
}

/// What is told of a message.
pub(super) fn summary_of(record: &Record, lists: &mut Lists, words: &Words) -> Option<Summary> {
    Some(Summary {
        uid: Uid::new(record.entry.uid)?,
        flags: flags_of(record, lists, words),
        internal_date: record.entry.date(),
        rfc822_size: u64::from(record.entry.size),
    })
}

impl LocalMailbox for Mix {
    fn uids(&self) -> UidSet {
        let uids = self.contents.records.iter();
        uids.filter_map(|record| Uid::new(record.entry.uid))
            .collect()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        let record = self.record(uid).ok()?;
        summary_of(&record, &mut Lists::default(), self.words())
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        self.look(job)
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
