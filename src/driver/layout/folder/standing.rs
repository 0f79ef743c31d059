//! How an open mailbox stands: whether it may be changed, why not, and what was told of it.

use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::mail::change::Change;
use crate::mail::flags::{Keyword, SystemFlags};
use crate::mail::reason::in_words;
use crate::mail::status::{Access, MailboxState};
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;

/// How an open mailbox stands.
pub struct Standing {
    driver: &'static str,
    access: Access,
    why_read_only: Option<String>,
    told: Option<MailboxState>,
}

/// What the format says of an open mailbox.
pub struct Facts<'f> {
    /// Its directory.
    pub path: &'f Path,
    /// Its UIDVALIDITY; 0 where it has none yet.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// Whether UIDs hold beyond this session.
    pub sticky_uids: bool,
    /// The keywords that it defines, and whether there is room for another.
    pub keywords: (Vec<Keyword>, bool),
}

impl Standing {
    /// A mailbox that is opened for this `access`; where nothing may be written it is read-only at once.
    pub fn new(environment: &Environment, driver: &'static str, access: Access) -> Self {
        let mut standing = Self {
            driver,
            access,
            why_read_only: None,
            told: None,
        };
        if environment.read_only && access == Access::ReadWrite {
            standing.fall("nothing may be written in this session".to_owned());
        }
        standing
    }

    /// Whether it may be changed.
    pub fn may_write(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// Why it may not, where that was not asked for.
    pub fn why_read_only(&self) -> Option<&str> {
        self.why_read_only.as_deref()
    }

    /// Makes it read-only, for a reason that is told with the next state.
    pub fn fall(&mut self, why: String) {
        self.access = Access::ReadOnly;
        self.why_read_only = Some(why);
    }

    /// Refuses a change to a mailbox that is read-only, and tells why where that was not asked for.
    pub fn require_writable(&self, job: &Job) -> Result<()> {
        if self.may_write() {
            return Ok(());
        }
        if let Some(why) = &self.why_read_only {
            job.notice(format!("read-only: {why}"));
        }
        Err(Error::ReadOnly)
    }

    /// Whether a state was told.
    pub fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// Has the state told again, be it another one or not.
    pub fn forget_told(&mut self) {
        self.told = None;
    }

    /// Tells the state where it is another one than was told.
    pub fn tell(&mut self, facts: Facts<'_>, job: &Job) {
        let writable = self.may_write();
        let (keywords, has_room) = facts.keywords;
        let state = MailboxState {
            driver: self.driver,
            path: Some(facts.path.to_owned()),
            access: self.access,
            why_read_only: self.why_read_only.as_deref().map(Foreign::new),
            uid_validity: UidValidity::new(facts.uid_validity),
            uid_next: Uid::new(facts.last_uid.saturating_add(1)),
            sticky_uids: facts.sticky_uids,
            keywords,
            permanent_flags: match writable {
                true => SystemFlags::SETTABLE,
                false => SystemFlags::NONE,
            },
            new_keywords: writable && has_room,
        };
        if self.told.as_ref() != Some(&state) {
            self.told = Some(state.clone());
            job.emit(Change::State(Box::new(state)));
        }
    }
}

/// Why a mailbox cannot be changed, by what refused it.
pub fn why_not(refusal: &Error) -> String {
    match refusal {
        Error::Locked { by } => format!("{} has locked it", by.raw()),
        Error::Io { source, .. } => format!("it may not be written: {}", in_words(source)),
        other => other.to_string(),
    }
}
