//! What the backend tells a face.

use crate::backend::error::Result;
use crate::backend::lent::Lent;
use crate::backend::request::{MailboxId, Ticket};
use crate::mail::account::AccountNews;
use crate::mail::appended::Appended;
use crate::mail::change::Change;
use crate::mail::envelope::Envelope;
use crate::mail::format::About;
use crate::mail::listing::{ListEntry, Root};
use crate::mail::name::MailboxName;
use crate::mail::question::{Question, QuestionNumber};
use crate::mail::receipt::Receipt;
use crate::mail::status::MailboxStatus;
use crate::mail::structure::BodyStructure;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};
use crate::mime::document::Document;

/// One thing that happened. All events that a request caused come before its `Finished`.
#[derive(Debug)]
pub enum Event {
    /// News of an open mailbox, whoever caused it.
    Change(MailboxId, Change),
    /// Content that answers a request.
    Piece(Ticket, Piece),
    /// `done` of `total` units of a request's work.
    Progress(Ticket, u64, u64),
    /// Something that the user should know; `None` where it belongs to no open mailbox.
    Notice(Option<MailboxId>, Foreign),
    /// An account on a server stands otherwise than before.
    Account(AccountNews),
    /// The request wants to know something, or has new facts to a question with the same number. Answered with
    /// [`Backend::answer`](crate::backend::backend::Backend::answer); unless it says otherwise, nobody has to.
    Question(Ticket, Question),
    /// The question needs no answer any more.
    Withdrawn(Ticket, QuestionNumber),
    /// The request is over, and with it all its questions.
    Finished(Ticket, Result<()>),
}

/// Content that answers a request.
#[derive(Debug)]
pub enum Piece {
    /// Envelopes that were asked for.
    Envelopes(Lent<(Uid, Envelope)>),
    /// Structures that were asked for.
    Structures(Vec<(Uid, BodyStructure)>),
    /// A message as a reader sees it.
    View(Uid, Box<Document>),
    /// Bytes, in order.
    Bytes(Vec<u8>),
    /// Messages that were found, in the order that was asked for.
    Found(Vec<Uid>),
    /// Names that were found.
    Listed(Vec<ListEntry>),
    /// The root that an empty pattern asked for.
    Root(Root),
    /// Counts of a closed mailbox.
    Status(MailboxStatus),
    /// How many messages of mailboxes were not read.
    Unseen(Vec<(MailboxName, u32)>),
    /// What an append or transfer came to.
    Appended(Appended),
    /// What a copy came to: source UIDs, and where they went.
    Copied(UidSet, Appended),
    /// What a transfer came to, compared message by message.
    Receipt(Box<Receipt>),
    /// A mailbox and its format.
    About(Box<About>),
    /// One finding of the doctor.
    Finding(Finding),
    /// What was said to servers and by them, one after the other, and how many lines there were in all.
    Traced(Vec<Foreign>, u64),
}

/// One thing that the doctor looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What was looked at, one word or two.
    pub check: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: Foreign,
}
