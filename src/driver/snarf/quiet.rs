//! Reports of mailboxes that no face has open: their changes are nobody's news.

use std::sync::{Arc, Mutex, PoisonError};

use crate::driver::job::{Job, Reports};
use crate::mail::change::Change;
use crate::mail::status::{Access, MailboxState};
use crate::mail::text::Foreign;
use crate::mail::uid::UidValidity;

/// What a mailbox told of itself while it was served in silence.
#[derive(Default)]
pub struct Overheard {
    state: Mutex<Option<MailboxState>>,
}

impl Overheard {
    /// A job that stops with `job`, and tells only this.
    pub fn job(self: &Arc<Self>, job: &Job) -> Job {
        let reports: Arc<dyn Reports> = Arc::clone(self) as Arc<dyn Reports>;
        Job::new(reports, job.cancelled().clone())
    }

    /// Whether the mailbox can be written; if not, why, where it told that.
    pub fn writable(&self) -> Result<(), Option<Foreign>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            Some(state) if state.access == Access::ReadOnly => Err(state.why_read_only.clone()),
            _ => Ok(()),
        }
    }

    /// The UIDVALIDITY that it told.
    pub fn uid_validity(&self) -> Option<UidValidity> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().and_then(|state| state.uid_validity)
    }
}

impl Reports for Overheard {
    fn change(&self, change: Change) {
        if let Change::State(state) = change {
            *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(*state);
        }
    }

    fn progress(&self, _done: u64, _total: u64) {}

    fn notice(&self, _notice: Foreign) {}
}

/// Passes on what the user has to know, and nothing else.
pub struct NoticesOnly(Job);

impl NoticesOnly {
    /// A job that stops with `job` and passes its notices on to it.
    pub fn of(job: &Job) -> Job {
        Job::new(Arc::new(Self(job.clone())), job.cancelled().clone())
    }
}

impl Reports for NoticesOnly {
    fn change(&self, _change: Change) {}

    fn progress(&self, _done: u64, _total: u64) {}

    fn notice(&self, notice: Foreign) {
        self.0.notice(notice.raw());
    }
}
