//! The letter box of one request, into which the user's answers come. Nothing here blocks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::mail::question::{Answer, QuestionNumber, Reply};

/// The letter box of one request. Those who ask open slots in it, whoever hears the user puts answers in.
#[derive(Default)]
pub struct Answers {
    state: Mutex<Slots>,
    filled: Notify,
}

#[derive(Default)]
struct Slots {
    last: u32,
    open: BTreeMap<QuestionNumber, Option<Reply>>,
}

impl Answers {
    /// Puts an answer in. One to a question that is over is dropped.
    pub fn put(&self, answer: Answer) {
        if let Some(slot) = self.lock().open.get_mut(&answer.number) {
            *slot = Some(answer.reply);
        }
        self.filled.notify_waiters();
    }

    /// Opens the slot of a new question.
    pub fn begin(&self) -> QuestionNumber {
        let mut slots = self.lock();
        slots.last = slots.last.wrapping_add(1);
        let number = QuestionNumber(slots.last);
        slots.open.insert(number, None);
        number
    }

    /// The answer, if one came since the last look.
    pub fn take(&self, number: QuestionNumber) -> Option<Reply> {
        self.lock().open.get_mut(&number).and_then(Option::take)
    }

    /// Ends when the next answer to any question comes.
    pub fn filled(&self) -> Notified<'_> {
        self.filled.notified()
    }

    /// The question is over.
    pub fn end(&self, number: QuestionNumber) {
        self.lock().open.remove(&number);
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
