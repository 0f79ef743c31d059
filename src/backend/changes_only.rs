//! Reports of work that nobody asked for: what the mailbox notices meanwhile is told, and nothing else.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::backend::outlet::Outlet;
use crate::driver::job::{Job, Reports};
use crate::mail::change::Change;
use crate::mail::text::Foreign;

/// Passes changes on: a mailbox says each of them only once, whatever it was asked.
pub struct ChangesOnly(Outlet);

impl ChangesOnly {
    /// A job that stops when `ending` is cancelled.
    pub fn job(outlet: &Outlet, ending: &CancellationToken) -> Job {
        let reports: Arc<dyn Reports> = Arc::new(Self(outlet.clone()));
        Job::new(reports, ending.clone())
    }
}

impl Reports for ChangesOnly {
    fn change(&self, change: Change) {
        self.0.change(change);
    }

    fn progress(&self, _done: u64, _total: u64) {}

    fn notice(&self, _notice: Foreign) {}
}
