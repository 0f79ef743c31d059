//! From where to where mail is moved, and what that came to.

use crate::driver::contract::LocalDriver;
use crate::driver::error::Result;
use crate::driver::place::Place;
use crate::mail::flags::Keyword;

/// One of the two mailboxes.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// Its driver.
    pub driver: &'a dyn LocalDriver,
    /// Its place.
    pub place: &'a Place,
}

/// What becomes of messages that are marked as deleted in the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deleted {
    /// They are moved, and stay marked.
    Moved,
    /// They stay where they are.
    Left,
}

/// From where to where.
#[derive(Clone, Copy)]
pub struct Route<'a> {
    /// The source.
    pub from: End<'a>,
    /// The destination. It may be open elsewhere in this program.
    pub to: End<'a>,
    /// What becomes of deleted messages.
    pub deleted: Deleted,
    /// Whether a source without any message is left as an empty file, without data of the mailbox's own.
    pub leave_empty: bool,
}

/// What a move came to. It may have come to something and failed then.
#[derive(Debug)]
pub struct Snarfed {
    /// How many messages are in the destination now.
    pub moved: u64,
    /// How many messages that an earlier move had copied were removed from the source.
    pub settled: u64,
    /// How it ended.
    pub ended: Result<()>,
}

/// Who has the destination open meanwhile, and has to do his part.
pub trait Host {
    /// A batch with these keywords comes next: whoever has the destination open lets them be known there, because
    /// nobody else can define any then.
    fn expect(&mut self, _keywords: &[Keyword]) {}

    /// A batch is durable in the destination.
    fn arrived(&mut self) {}
}

/// Nobody has the destination open.
pub struct NoHost;

impl Host for NoHost {}
