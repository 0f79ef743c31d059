//! Questions of the backend that are not answered yet.

use crate::backend::request::Ticket;
use crate::mail::question::{About, LockHeld, Question, QuestionNumber};
use crate::mail::text::Printable;

/// A question of a request under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asking {
    /// The request.
    pub ticket: Ticket,
    /// What it wants to know, with the facts told last.
    pub question: Question,
    /// Whether the user said that he waits: what is waited for is told, and no key is asked for.
    pub waits: bool,
}

impl Asking {
    /// Whether it is this question.
    pub fn is(&self, ticket: Ticket, number: QuestionNumber) -> bool {
        self.ticket == ticket && self.question.number == number
    }

    /// What is the matter.
    pub fn words(&self) -> Printable {
        let About::Locked(LockHeld {
            mailbox, by, since, ..
        }) = &self.question.about;
        Printable::concat(&[
            mailbox.field(),
            Printable::own(" is locked by "),
            by.field(),
            Printable::own(format!(" for {} s", since.as_secs())),
        ])
    }

    /// Whether there is something to choose beside waiting and giving up, for which no question is needed.
    pub fn has_a_choice(&self) -> bool {
        let About::Locked(held) = &self.question.about;
        held.may_read
    }
}
