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
use crate::driver::layout::prefile::locks::open_shared;
use crate::driver::layout::prefile::record::system_of;
use crate::driver::layout::prefile::words::{Lists, Words};
use crate::driver::mix::contents::{Contents, Record};
use crate::driver::mix::locked::{Locked, share_of};
use crate::driver::mix::manage::require;
use crate::driver::mix::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::mail::change::Change;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::reason::in_words;
use crate::mail::status::{Access, MailboxState};
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};

/// An open mailbox.
pub struct Mix {
    pub(super) environment: Arc<Environment>,
    pub(super) place: Place,
    pub(super) access: Access,
    why_read_only: Option<String>,
    /// `.mixmeta` with its shared lock.
    pub(super) share: Box<dyn MailFile>,
    pub(super) contents: Contents,
    pub(super) lists: Lists,
    pub(super) uid_validity: u32,
    pub(super) last_uid: u32,
    /// The highest UID that was told.
    pub(super) told_uid: u32,
    pub(super) told: Option<MailboxState>,
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
        let (share, why_read_only) = open_share(environment, place, access, job)?;
        let is_read_only = access == Access::ReadOnly || why_read_only.is_some();
        let mut mailbox = Self {
            environment: Arc::clone(environment),
            place: place.clone(),
            access: if is_read_only {
                Access::ReadOnly
            } else {
                Access::ReadWrite
            },
            why_read_only,
            share,
            contents: Contents::default(),
            lists: Lists::default(),
            uid_validity: 0,
            last_uid: 0,
            told_uid: 0,
            told: None,
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
        if self.access == Access::ReadWrite {
            let why = match Locked::to_change(&self.environment, &self.place, job) {
                Ok(locked) => return Ok(locked),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(Error::Locked { by }) if !job.may_wait() => return Err(Error::Locked { by }),
                Err(refusal) => why_not(&refusal),
            };
            self.fall(why);
        }
        Locked::to_look(&self.environment, &self.place, job)
    }

    /// The lock for a verb, of the mailbox that was opened.
    pub(super) fn lock(&self, job: &Job) -> Result<Locked> {
        self.stamps_now()?;
        match self.access {
            Access::ReadWrite => Locked::to_change(&self.environment, &self.place, job),
            Access::ReadOnly => Locked::to_look(&self.environment, &self.place, job),
        }
    }

    pub(super) fn fall(&mut self, why: String) {
        self.access = Access::ReadOnly;
        self.why_read_only = Some(why);
    }

    fn state(&self) -> MailboxState {
        let writable = self.access == Access::ReadWrite;
        let words = self.words();
        MailboxState {
            driver: CHARACTERISTICS.driver,
            path: Some(self.place.path.clone()),
            access: self.access,
            why_read_only: self.why_read_only.as_deref().map(Foreign::new),
            uid_validity: UidValidity::new(self.uid_validity),
            uid_next: Uid::new(self.last_uid.saturating_add(1)),
            sticky_uids: true,
            keywords: words.names(),
            permanent_flags: if writable {
                SystemFlags::SETTABLE
            } else {
                SystemFlags::NONE
            },
            new_keywords: writable && words.has_room(),
        }
    }

    /// Tells the state where it is another one than was told.
    pub(super) fn tell_state(&mut self, job: &Job) {
        let state = self.state();
        if self.told.as_ref() != Some(&state) {
            self.told = Some(state.clone());
            job.emit(Change::State(Box::new(state)));
        }
    }

    pub(super) fn words(&self) -> &Words {
        &self.contents.meta.words
    }

    /// Refuses a change to a mailbox that is open read-only, and tells why where that was not asked for.
    pub(super) fn writable(&self, job: &Job) -> Result<()> {
        if self.access == Access::ReadWrite {
            return Ok(());
        }
        if let Some(why) = &self.why_read_only {
            job.notice(format!("read-only: {why}"));
        }
        Err(Error::ReadOnly)
    }
}

/// Takes the lock that says that the mailbox is open; with why it can only be read, where that was not asked for.
fn open_share(
    environment: &Environment,
    place: &Place,
    access: Access,
    job: &Job,
) -> Result<(Box<dyn MailFile>, Option<String>)> {
    let meta = share_of(place);
    let mut why = None;
    if access == Access::ReadWrite && environment.read_only {
        why = Some("nothing may be written in this session".to_owned());
    } else if access == Access::ReadWrite {
        match open_shared(environment, &meta, OpenMode::ReadWrite, job) {
            Err(refusal @ Error::Io { .. }) => why = Some(why_not(&refusal)),
            other => return other.map(|share| (share, None)),
        }
    }
    let share = open_shared(environment, &meta, OpenMode::Read, job)?;
    Ok((share, why))
}

/// Why a mailbox cannot be written.
fn why_not(refusal: &Error) -> String {
    match refusal {
        Error::Locked { by } => format!("{} has locked it", by.raw()),
        Error::Io { source, .. } => format!("it may not be written: {}", in_words(source)),
        other => other.to_string(),
    }
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
