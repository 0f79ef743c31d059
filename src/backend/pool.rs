//! Short jobs that need no open mailbox, on at most four threads.
//!
//! Two jobs that name the same mailbox run in the order in which they were asked for, so that a face may ask to create and to
//! append at once. Background jobs (counting) run one after another, and only when nothing else waits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::mail::name::MailboxName;

/// How soon a job runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Urgency {
    /// Somebody waits for it.
    Now,
    /// One at a time, when nothing urgent waits.
    Background,
    /// The same, beside those that need no server.
    Elsewhere,
}

/// What a job does. It answers for itself, also when it panics.
pub type Work = Box<dyn FnOnce() + Send>;

/// The threads and what waits for them.
#[derive(Default)]
pub struct Pool {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    running: Vec<(u64, Urgency, Vec<MailboxName>)>,
    next: u64,
    threads: usize,
    idle: usize,
    ended: bool,
}

struct Waiting {
    urgency: Urgency,
    names: Vec<MailboxName>,
    work: Work,
}

impl Pool {
    /// How many jobs run at once.
    pub const THREADS: usize = 4;

    /// Runs `work` once no earlier job concerns one of `names`. Fails when no thread can be started.
    pub fn run(
        self: &Arc<Self>,
        urgency: Urgency,
        names: Vec<MailboxName>,
        work: Work,
    ) -> std::io::Result<()> {
        let mut state = self.lock();
        state.waiting.push_back(Waiting {
            urgency,
            names,
            work,
        });
        if state.idle == 0 && state.threads < Self::THREADS {
            let pool = Arc::clone(self);
            let spawned = thread::Builder::new()
                .name(THREAD_NAME.to_owned())
                .spawn(move || pool.serve());
            match spawned {
                Ok(_detached) => state.threads += 1,
                Err(refusal) if state.threads == 0 => {
                    state.waiting.pop_back();
                    return Err(refusal);
                }
                Err(_others_will_do_it) => {}
            }
        }
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Whether a job that concerns `name` waits or runs.
    pub fn concerns(&self, name: &MailboxName) -> bool {
        let state = self.lock();
        let waits = state
            .waiting
            .iter()
            .any(|waiting| waiting.names.contains(name));
        waits || state.running.iter().any(|running| running.2.contains(name))
    }

    /// Drops what waits and waits for what runs; `false` when `patience` was over first.
    pub fn end(&self, patience: Duration) -> bool {
        let mut state = self.lock();
        state.ended = true;
        let dropped = std::mem::take(&mut state.waiting);
        drop(state);
        drop(dropped);
        self.changed.notify_all();
        let busy = |state: &mut State| !state.running.is_empty();
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), patience, busy)
            .unwrap_or_else(PoisonError::into_inner);
        !waited.1.timed_out()
    }

    fn serve(&self) {
        while let Some((number, work)) = self.next() {
            // The job tells of its panic itself; here it must only not take the thread with it.
            let _told = catch_unwind(AssertUnwindSafe(work));
            self.lock().running.retain(|running| running.0 != number);
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<(u64, Work)> {
        let mut state = self.lock();
        loop {
            if state.ended {
                state.threads -= 1;
                return None;
            }
            if let Some(waiting) = state.eligible() {
                let number = state.next;
                state.next += 1;
                state.running.push((number, waiting.urgency, waiting.names));
                return Some((number, waiting.work));
            }
            state.idle += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the threads of the pool are called.
pub const THREAD_NAME: &str = "mugo-job";

impl State {
    /// The first job that may run now.
    fn eligible(&mut self) -> Option<Waiting> {
        let one_by_one = |urgency| {
            let is_busy = self.running.iter().any(|running| running.1 == urgency);
            (!is_busy).then(|| self.first(urgency)).flatten()
        };
        let place = self
            .first(Urgency::Now)
            .or_else(|| one_by_one(Urgency::Background))
            .or_else(|| one_by_one(Urgency::Elsewhere))?;
        self.waiting.remove(place)
    }

    fn first(&self, urgency: Urgency) -> Option<usize> {
        let mut earlier: Vec<&MailboxName> = Vec::new();
        for (place, waiting) in self.waiting.iter().enumerate() {
            let taken = |name: &MailboxName| {
                earlier.contains(&name) || self.running.iter().any(|run| run.2.contains(name))
            };
            if waiting.urgency == urgency && !waiting.names.iter().any(taken) {
                return Some(place);
            }
            earlier.extend(&waiting.names);
        }
        None
    }
}
