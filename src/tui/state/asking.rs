//! Questions of the backend that are not answered yet.

use crate::backend::request::Ticket;
use crate::mail::question::{About, LockHeld, Question, QuestionNumber};
use crate::mail::text::{Foreign, Printable};

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

/// Of what a server said to a wrong password, in columns: the question itself must have room.
const LONGEST_REFUSAL: usize = 30;

impl Asking {
    /// Whether it is this question.
    pub fn is(&self, ticket: Ticket, number: QuestionNumber) -> bool {
        self.ticket == ticket && self.question.number == number
    }

    /// What is the matter.
    pub fn words(&self) -> Printable {
        match &self.question.about {
            About::Locked(LockHeld {
                mailbox, by, since, ..
            }) => Printable::concat(&[
                mailbox.field(),
                Printable::own(" is locked by "),
                by.field(),
                Printable::own(format!(" for {} s", since.as_secs())),
            ]),
            About::Password(wanted) => {
                let refused = wanted.refused.as_ref().map(|said| {
                    let said = Foreign::new(said.raw().trim_end_matches('.'));
                    let said = said.field().cut_marked(LONGEST_REFUSAL);
                    let before = Printable::own(" (not the last one: ");
                    Printable::concat(&[before, said, Printable::own(")")])
                });
                Printable::concat(&[
                    Printable::own("Password of "),
                    wanted.user.field(),
                    Printable::own(" on "),
                    wanted.host.field(),
                    refused.unwrap_or_default(),
                ])
            }
            About::Certificate(shown) => Printable::concat(&[
                Printable::own("The certificate of "),
                shown.host.field(),
                Printable::own(match shown.has_changed {
                    true => " is not the one that you accepted: ",
                    false => " cannot be trusted: ",
                }),
                Foreign::new(shown.why.as_str()).field(),
                Printable::own(format!(". SHA-256 {}", shown.fingerprint)),
            ]),
        }
    }

    /// Whether there is something to choose beside waiting and giving up, for which no question is needed.
    pub fn has_a_choice(&self) -> bool {
        match &self.question.about {
            About::Locked(held) => held.may_read,
            About::Password(_) | About::Certificate(_) => true,
        }
    }
}
