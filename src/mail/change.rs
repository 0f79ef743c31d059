//! What happens to an open mailbox, whoever caused it.

use crate::mail::flags::Flags;
use crate::mail::status::MailboxState;
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};

/// A piece of news about an open mailbox. State reaches a face only this way, never as the answer to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// What holds for the mailbox as a whole; always the first change after opening, and again when it changes.
    State(Box<MailboxState>),
    /// Messages that joined at the end, UIDs ascending. Opening is arrival: in batches of about 500.
    Arrived(Vec<Summary>),
    /// New flags of messages, whoever set them.
    Flags(Vec<(Uid, Flags)>),
    /// What was not known of messages before: their dates and sizes; and their flags as they are.
    Measured(Vec<Summary>),
    /// Messages that are gone. Their UIDs are never named again.
    Expunged(UidSet),
    /// All UIDs are void: forget every message. `State` and `Arrived` follow.
    Reset,
    /// The mailbox is no longer open; nothing follows.
    Closed(Why),
}

/// Why a mailbox was closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// Somebody asked for it.
    Asked,
    /// It cannot be used any longer; the text says what happened and what was kept.
    Failed(Foreign),
}
