//! A job: one request as the driver serves it, with its ways to report, to ask and to stop.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::driver::error::{Error, Result};
use crate::mail::change::Change;
use crate::mail::text::Foreign;

/// Where a job's reports go. The backend implements it; tests do too.
pub trait Reports: Send + Sync {
    /// A change of the open mailbox.
    fn change(&self, change: Change);
    /// `done` of `total` units of work; called at most ten times a second by [`Job::progress`].
    fn progress(&self, done: u64, total: u64);
    /// Something that the user should know although the job goes on.
    fn notice(&self, notice: Foreign);
}

/// One request being served.
#[derive(Clone)]
pub struct Job {
    reports: Arc<dyn Reports>,
    cancel: CancellationToken,
    last_progress: Arc<std::sync::Mutex<Option<std::time::Instant>>>,
    may_wait: bool,
}

impl Job {
    /// A job that reports to `reports` and stops when `cancel` is cancelled.
    pub fn new(reports: Arc<dyn Reports>, cancel: CancellationToken) -> Self {
        Self {
            reports,
            cancel,
            last_progress: Arc::default(),
            may_wait: true,
        }
    }

    /// The same reports, not to be stopped: for tidying up after a job that was.
    #[must_use]
    pub fn uncancelled(&self) -> Self {
        Self {
            cancel: CancellationToken::new(),
            ..self.clone()
        }
    }

    /// The same job in a hurry: rather than wait for a lock it shall fail with [`Error::Locked`]. For work that nobody asked for.
    #[must_use]
    pub fn hurried(&self) -> Self {
        Self {
            may_wait: false,
            ..self.clone()
        }
    }

    /// Whether the job may wait for a lock that somebody holds.
    pub fn may_wait(&self) -> bool {
        self.may_wait
    }

    /// Fails with [`Error::Cancelled`] once the job shall stop. Called while scanning, reading and waiting; never between the first byte written and the last sync.
    pub fn checkpoint(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    /// The token itself, for drivers that wait on sockets.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Tells how far the work is; forwards at most ten reports a second.
    pub fn progress(&self, done: u64, total: u64) {
        let Ok(mut last) = self.last_progress.lock() else {
            return;
        };
        let due = last.is_none_or(|at| at.elapsed().as_millis() >= 100);
        if due || done == total {
            *last = Some(std::time::Instant::now());
            self.reports.progress(done, total);
        }
    }

    /// Tells of a change.
    pub fn emit(&self, change: Change) {
        self.reports.change(change);
    }

    /// Tells the user something.
    pub fn notice(&self, text: impl Into<String>) {
        self.reports.notice(Foreign::new(text));
    }
}
