//! What a driver promises. One suite, `tests/drivers/contract.rs`, holds every driver to it.
//!
//! Laws for open mailboxes, local and remote:
//! - The first changes of an opening are [`Change::State`](crate::mail::change::Change) and then `Arrived` in
//!   batches, UIDs ascending; new mail later is the same news.
//! - Flags, arrivals and expunges are told as changes, whoever caused them, before the method returns.
//! - After `Expunged(u)`, `u` is never named again.
//! - A cancelled method returns [`Error::Cancelled`](crate::driver::error::Error) soon and leaves the mailbox usable.
//! - No lock is held between calls unless the format demands it.
//! - `uids` and `summary` tell what the changes told so far: the backend keeps no list of its own.
//! - An open mailbox that fails with [`Error::Changed`](crate::driver::error::Error), from whatever method, is lost: the
//!   backend closes it and says why. One whose `poll` fails with `NotThisFormat` (an empty file that somebody filled)
//!   is dropped and opened again by name; the face sees `Reset`. After any other error it stays open.
//! - Dropping an open mailbox, also while a panic unwinds, gives up its locks and writes nothing.

use std::future::{Future, ready};
use std::io::{self, Write};

use crate::driver::characteristics::Characteristics;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::message::Messages;
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::mail::appended::Appended;
use crate::mail::criteria::Criteria;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::identity::Identity;
use crate::mail::name::MailboxName;
use crate::mail::order::Order;
use crate::mail::outline::Outline;
use crate::mail::status::{Access, MailboxStatus};
use crate::mail::structure::{Part, Section};
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};

/// What a driver finds at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// A mailbox in the driver's format.
    Mine,
    /// Nothing yet, but room for a mailbox in any format: a zero-length file.
    Empty,
    /// Nothing at all.
    Missing,
    /// Something else.
    Foreign,
}

/// A driver for mailboxes in the local file system.
pub trait LocalDriver: Send + Sync {
    /// Its row of the table; also carries its name.
    fn characteristics(&self) -> &'static Characteristics;

    /// Looks whether the mailbox at `place` is in this format. Reads as little as it can, changes nothing, not even access times.
    fn probe(&self, place: &Place) -> io::Result<Probe>;

    /// Opens the mailbox. Falls back to read-only, and says why, where writing is not possible. A job in a hurry
    /// ([`Job::may_wait`]) fails with `Locked` instead where somebody else is in the way, and asks nobody to give way.
    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>>;

    /// Counts without opening; changes no file and no access time.
    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus>;

    /// The same of the mailbox alone, without what waits elsewhere to be moved into it.
    fn own_status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        self.status(place, job)
    }

    /// Makes an empty mailbox, with its parent directories.
    fn create(&self, place: &Place, job: &Job) -> Result<()>;

    /// Removes the mailbox with all its messages. Refused while somebody else uses it.
    fn delete(&self, place: &Place, job: &Job) -> Result<()>;

    /// Removes the mailbox if it holds no message, which is looked at under its locks. Refused while somebody else uses it.
    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()>;

    /// Gives the mailbox another place. Refused when something is there, or while somebody else uses it.
    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()>;

    /// Appends all messages or none, durable before it returns.
    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended>;

    /// Writes every message that can be made out of a damaged mailbox into a new one at `to`, which must not be there yet;
    /// durable on return, and gone again on failure. The damaged one is only read, under the locks of a reader, and may
    /// begin with anything.
    fn repair(&self, _from: &Place, _to: &Place, _job: &Job) -> Result<Repaired> {
        Err(Error::Unsupported {
            driver: self.characteristics().driver,
            operation: "repair a mailbox",
        })
    }

    /// Leaves nothing of a mailbox without messages but an empty file: takes out what the format itself keeps there, which
    /// other programs may show as a message. Does nothing where there are messages, and in formats that keep nothing.
    fn leave_empty(&self, _place: &Place, _job: &Job) -> Result<()> {
        Ok(())
    }
}

/// An open local mailbox, owned by one thread.
pub trait LocalMailbox: Send {
    /// The UIDs of all messages that were told of and are still there.
    fn uids(&self) -> UidSet;

    /// What is known of one of them.
    fn summary(&self, uid: Uid) -> Option<Summary>;

    /// Notices what others did to the mailbox, and writes what the format wants written by now. Its job is in a
    /// hurry ([`Job::may_wait`]): where somebody holds a lock it fails with `Locked` and is called again soon.
    fn poll(&mut self, job: &Job) -> Result<()>;

    /// Writes the bytes of one message into `into`. Never sets `\Seen`.
    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()>;

    /// Hands the headers of `uids`, in that order, to `found`; leaves out messages that are gone. A driver does better
    /// than one [`read`](Self::read) after the other where that spares it locks and system calls.
    fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        for &uid in uids {
            job.checkpoint()?;
            let mut header = Vec::new();
            match self.read(uid, Part::Header, &mut header, job) {
                Ok(()) => found(uid, &header),
                Err(Error::NoSuchMessage) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Changes flags. Unknown UIDs are ignored. Keywords added to no message at all are defined where a format has to know
    /// them beforehand, so that appended messages can have them.
    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()>;

    /// Brings every pending flag change to disk.
    fn check(&mut self, job: &Job) -> Result<()>;

    /// Removes the messages that are `\Deleted`, of `uids` where given, else all of them.
    fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()>;

    /// The envelope sender of one message, where the format keeps it.
    fn sender(&mut self, uid: Uid, job: &Job) -> Result<Option<Vec<u8>>>;

    /// Those of a message's flags that a copy of it gets elsewhere: not what means something else here.
    fn copied(&self, flags: SystemFlags) -> SystemFlags {
        flags.only(SystemFlags::SETTABLE)
    }

    /// Checks, gives up all locks and ends. Always releases, also when it fails.
    fn close(self: Box<Self>, job: &Job) -> Result<()>;
}

/// A piece of a message, read from a server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Portion {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether nothing comes behind them.
    pub is_last: bool,
}

/// What shall be copied on a server.
#[derive(Clone, Copy, Debug)]
pub struct CopyWish<'w> {
    /// The messages.
    pub uids: &'w UidSet,
    /// The destination.
    pub to: &'w MailboxName,
    /// Whether it is made when it is missing.
    pub create: bool,
    /// Whether the originals go, where the server does both in one step.
    pub remove: bool,
}

/// What a copy on a server came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopiedThere {
    /// The copies.
    pub appended: Appended,
    /// Whether the originals are gone.
    pub is_moved: bool,
}

/// An open mailbox on a server, served by one task: the same verbs, async.
pub trait RemoteMailbox: Send + 'static {
    /// As [`LocalMailbox::uids`].
    fn uids(&self) -> UidSet;
    /// As [`LocalMailbox::summary`].
    fn summary(&self, uid: Uid) -> Option<Summary>;
    /// By what it is known the next time; `None` where its UIDs do not last.
    fn identity(&self) -> Option<Identity> {
        None
    }
    /// Whether it is the mailbox that was known by this, perhaps under another name.
    fn is(&self, _identity: &Identity) -> bool {
        false
    }
    /// Waits for news and tells them; returns when `job` is cancelled.
    fn idle(&mut self, job: &Job) -> impl Future<Output = Result<()>> + Send;
    /// The bytes of one message from `offset` on, as many as come at once. Never sets `\Seen`.
    fn read(
        &mut self,
        uid: Uid,
        part: Part,
        offset: u64,
        job: &Job,
    ) -> impl Future<Output = Result<Portion>> + Send;
    /// The message without contents that are not read but saved, where the server can take it apart: fewer bytes than all
    /// of a large message.
    fn outline(
        &mut self,
        _uid: Uid,
        _job: &Job,
    ) -> impl Future<Output = Result<Option<Outline>>> + Send {
        ready(Ok(None))
    }
    /// The content of one part as it is stored, from `offset` on, as [`read`](Self::read) gives whole messages. Only of
    /// messages that have an outline.
    fn read_section(
        &mut self,
        _uid: Uid,
        _section: &Section,
        _offset: u64,
        _job: &Job,
    ) -> impl Future<Output = Result<Portion>> + Send {
        ready(Err(Error::NoSuchMessage))
    }
    /// As [`LocalMailbox::headers`], but in any order, and of each header only what an envelope is made of has to be there.
    fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Finds out dates and sizes where they are not known yet, and tells them ([`Change::Measured`](crate::mail::change::Change)).
    /// [`headers`](Self::headers) does so for the messages that it reads.
    fn measure(&mut self, uids: &UidSet, job: &Job) -> impl Future<Output = Result<()>> + Send;
    /// As [`LocalMailbox::store`].
    fn store(
        &mut self,
        uids: &UidSet,
        change: &FlagChange,
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send;
    /// As [`LocalMailbox::expunge`].
    fn expunge(
        &mut self,
        uids: Option<&UidSet>,
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Searches on the server; `None` asks the backend to do it.
    fn search(
        &mut self,
        criteria: &Criteria,
        job: &Job,
    ) -> impl Future<Output = Result<Option<UidSet>>> + Send;
    /// All messages in this order, as the server sorts them; `None` asks the backend to do it.
    fn sort(
        &mut self,
        _order: Order,
        _job: &Job,
    ) -> impl Future<Output = Result<Option<Vec<Uid>>>> + Send {
        ready(Ok(None))
    }
    /// Copies or moves on the server, all or none; `None`, and nothing is done, where the destination is elsewhere.
    fn copy(
        &mut self,
        wish: &CopyWish<'_>,
        job: &Job,
    ) -> impl Future<Output = Result<Option<CopiedThere>>> + Send;
    /// As [`LocalMailbox::check`].
    fn check(&mut self, job: &Job) -> impl Future<Output = Result<()>> + Send;
    /// As [`LocalMailbox::close`].
    fn close(self, job: &Job) -> impl Future<Output = Result<()>> + Send;
}
