//! A job: one request as the driver serves it, with its ways to report, to ask and to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

use crate::driver::answers::Answers;
use crate::driver::error::{Error, Result};
use crate::mail::account::AccountNews;
use crate::mail::change::Change;
use crate::mail::question::{About, Question, QuestionNumber, Reply};
use crate::mail::text::Foreign;

/// Where a job's reports go. The backend implements it; tests do too.
pub trait Reports: Send + Sync {
    /// A change of the open mailbox.
    fn change(&self, change: Change);
    /// `done` of `total` units of work; called at most ten times a second by [`Job::progress`].
    fn progress(&self, done: u64, total: u64);
    /// Something that the user should know although the job goes on.
    fn notice(&self, notice: Foreign);
    /// An account on a server stands otherwise than before.
    fn account(&self, _news: AccountNews) {}
    /// A question to the user, or new facts of one that was asked already.
    fn question(&self, _question: Question) {}
    /// The answer to a question is not needed any more.
    fn withdrawn(&self, _number: QuestionNumber) {}
}

/// Reports all but progress.
struct NoProgress(Arc<dyn Reports>);

impl Reports for NoProgress {
    fn change(&self, change: Change) {
        self.0.change(change);
    }

    fn progress(&self, _done: u64, _total: u64) {}

    fn notice(&self, notice: Foreign) {
        self.0.notice(notice);
    }

    fn account(&self, news: AccountNews) {
        self.0.account(news);
    }

    fn question(&self, question: Question) {
        self.0.question(question);
    }

    fn withdrawn(&self, number: QuestionNumber) {
        self.0.withdrawn(number);
    }
}

/// Reports notices and questions only.
struct NoChanges(Arc<dyn Reports>);

impl Reports for NoChanges {
    fn change(&self, _change: Change) {}

    fn progress(&self, _done: u64, _total: u64) {}

    fn notice(&self, notice: Foreign) {
        self.0.notice(notice);
    }

    fn account(&self, news: AccountNews) {
        self.0.account(news);
    }

    fn question(&self, question: Question) {
        self.0.question(question);
    }

    fn withdrawn(&self, number: QuestionNumber) {
        self.0.withdrawn(number);
    }
}

/// One request being served.
#[derive(Clone)]
pub struct Job {
    reports: Arc<dyn Reports>,
    cancel: CancellationToken,
    last_progress: Arc<std::sync::Mutex<Option<std::time::Instant>>>,
    may_wait: bool,
    answers: Option<Arc<Answers>>,
    glances: Arc<AtomicBool>,
}

impl Job {
    /// A job that reports to `reports` and stops when `cancel` is cancelled.
    pub fn new(reports: Arc<dyn Reports>, cancel: CancellationToken) -> Self {
        Self {
            reports,
            cancel,
            last_progress: Arc::default(),
            may_wait: true,
            answers: None,
            glances: Arc::default(),
        }
    }

    /// The same job with somebody to ask, who answers into `answers`.
    #[must_use]
    pub fn answered_by(self, answers: Option<Arc<Answers>>) -> Self {
        Self { answers, ..self }
    }

    /// Asks the user something; `None` where nobody is there to be asked.
    pub fn ask(&self, about: About) -> Option<OpenQuestion> {
        let answers = Arc::clone(self.answers.as_ref()?);
        let cancel = self.cancel.clone();
        Some(OpenQuestion::new(
            Arc::clone(&self.reports),
            answers,
            cancel,
            about,
        ))
    }

    /// The same job, content with what is there: a look at a mailbox that somebody has locked is not put off.
    #[must_use]
    pub fn glancing(&self) -> Self {
        Self {
            glances: Arc::new(AtomicBool::new(true)),
            ..self.clone()
        }
    }

    /// The same job, which waits for locks even where it would rather glance.
    #[must_use]
    pub fn unhurried_by_glance(&self) -> Self {
        Self {
            glances: Arc::default(),
            ..self.clone()
        }
    }

    /// Whether the job looks at what is there rather than wait for a lock.
    pub fn glances(&self) -> bool {
        self.glances.load(Ordering::Relaxed)
    }

    /// From now on this job and its clones look at what is there: the user does not want to wait any longer.
    pub fn settle_for_a_glance(&self) {
        self.glances.store(true, Ordering::Relaxed);
    }

    /// The same job, whose progress is not shown: for parts of work that counts in other units.
    #[must_use]
    pub fn without_progress(&self) -> Self {
        Self {
            reports: Arc::new(NoProgress(Arc::clone(&self.reports))),
            ..self.clone()
        }
    }

    /// The same job, which tells of no changes: for a mailbox that is opened beside the user's.
    #[must_use]
    pub fn without_changes(&self) -> Self {
        Self {
            reports: Arc::new(NoChanges(Arc::clone(&self.reports))),
            ..self.clone()
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

    /// The same job, stopped by another token.
    #[must_use]
    pub fn stopped_by(&self, cancel: CancellationToken) -> Self {
        Self {
            cancel,
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

    /// Tells how an account on a server stands.
    pub fn account(&self, news: AccountNews) {
        self.reports.account(news);
    }

    /// Tells the user something.
    pub fn notice(&self, text: impl Into<Arc<str>>) {
        self.reports.notice(Foreign::new(text));
    }
}

/// A question that was asked. A blocking driver looks for the answer between two tries ([`OpenQuestion::reply`]), an async one
/// awaits it ([`OpenQuestion::answered`]). Dropped, the question is withdrawn.
pub struct OpenQuestion {
    reports: Arc<dyn Reports>,
    answers: Arc<Answers>,
    cancel: CancellationToken,
    number: QuestionNumber,
}

impl OpenQuestion {
    fn new(
        reports: Arc<dyn Reports>,
        answers: Arc<Answers>,
        cancel: CancellationToken,
        about: About,
    ) -> Self {
        let number = answers.begin();
        let asked = Self {
            reports,
            answers,
            cancel,
            number,
        };
        asked.again(about);
        asked
    }

    /// Tells new facts of the same question.
    pub fn again(&self, about: About) {
        let number = self.number;
        self.reports.question(Question { number, about });
    }

    /// The answer, if one came since the last look.
    pub fn reply(&self) -> Option<Reply> {
        self.answers.take(self.number)
    }

    /// Waits for the answer; fails when the job is cancelled.
    pub async fn answered(&self) -> Result<Reply> {
        loop {
            let filled = self.answers.filled();
            tokio::pin!(filled);
            filled.as_mut().enable();
            if let Some(reply) = self.reply() {
                return Ok(reply);
            }
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(Error::Cancelled),
                () = filled => {}
            }
        }
    }
}

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        self.answers.end(self.number);
        self.reports.withdrawn(self.number);
    }
}
