//! Telling what is in a mailbox, in batches, while it is still being read.

use std::path::Path;

use crate::driver::job::Job;
use crate::driver::layout::prefile::contents::Contents;
use crate::driver::layout::prefile::format::Format;
use crate::driver::layout::prefile::record::{Base, Record, Shares};
use crate::mail::change::Change;
use crate::mail::flags::SystemFlags;
use crate::mail::status::{Access, MailboxState};
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet, UidValidity};

/// What is the same in every state that an opening tells.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The format.
    pub format: &'static Format,
    /// How the mailbox is open now.
    pub access: Access,
    /// Why not for writing although that was asked for.
    pub why_read_only: Option<String>,
    /// Who keeps it from being open for writing.
    pub locked_by: Option<Foreign>,
    /// Where the damage is that was told already.
    pub damage_told: Option<u64>,
    /// Whether UIDs hold beyond the session.
    pub sticky: bool,
}

impl Opening {
    /// Goes on read-only.
    pub fn fall(&mut self, why: String) {
        self.access = Access::ReadOnly;
        self.why_read_only = Some(why);
    }

    /// The state of the mailbox.
    pub fn state(&self, base: &Base, path: &Path) -> MailboxState {
        let writable = self.access == Access::ReadWrite;
        MailboxState {
            driver: self.format.driver,
            path: Some(path.to_owned()),
            access: self.access,
            why_read_only: self.why_read_only.as_deref().map(Foreign::new),
            uid_validity: UidValidity::new(base.uid_validity),
            uid_next: Uid::new(base.last_uid.saturating_add(1)),
            sticky_uids: self.sticky,
            keywords: base.words.names(),
            permanent_flags: if writable {
                SystemFlags::SETTABLE
            } else {
                SystemFlags::NONE
            },
            new_keywords: writable && self.sticky && base.words.has_room(),
        }
    }
}

/// Tells arrivals in batches, the state first.
pub struct Teller<'a> {
    opening: &'a Opening,
    path: &'a Path,
    job: &'a Job,
    shares: Shares,
    batch: Vec<Summary>,
    told: Option<MailboxState>,
}

const BATCH: usize = 500;

impl<'a> Teller<'a> {
    /// A teller that has told nothing yet.
    pub fn new(opening: &'a Opening, path: &'a Path, job: &'a Job) -> Self {
        Self {
            opening,
            path,
            job,
            shares: Shares::default(),
            batch: Vec::new(),
            told: None,
        }
    }

    /// Takes in one message.
    pub fn add(&mut self, base: &Base, record: &Record) {
        if self.told.is_none() {
            self.state(base);
        }
        self.batch.extend(self.shares.summary(record, base));
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    /// Tells the rest, and the state once more if it is another one by now.
    pub fn finish(mut self, base: &Base) {
        if self.told.is_none() {
            self.state(base);
        }
        self.flush();
        if self.told.as_ref() != Some(&self.opening.state(base, self.path)) {
            self.state(base);
        }
    }

    /// Whether anything was told yet.
    pub fn has_told(&self) -> bool {
        self.told.is_some()
    }

    fn state(&mut self, base: &Base) {
        let state = self.opening.state(base, self.path);
        self.told = Some(state.clone());
        self.job.emit(Change::State(Box::new(state)));
    }

    fn flush(&mut self) {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            self.job.emit(Change::Arrived(batch));
        }
    }
}

/// Tells that messages are gone.
pub fn tell_expunged(uids: impl Iterator<Item = u32>, job: &Job) {
    let set: UidSet = uids.filter_map(Uid::new).collect();
    if !set.is_empty() {
        job.emit(Change::Expunged(set));
    }
}

/// Tells the flags of the messages at some places.
pub fn tell_flags(contents: &Contents, places: &[usize], job: &Job) {
    let mut shares = Shares::default();
    let flags = places.iter().filter_map(|&place| {
        let record = contents.records.get(place)?;
        Some((Uid::new(record.uid)?, shares.flags(record, &contents.base)))
    });
    let flags: Vec<_> = flags.collect();
    if !flags.is_empty() {
        job.emit(Change::Flags(flags));
    }
}
