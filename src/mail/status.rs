//! What is told of a mailbox as a whole: the state of an open one, the STATUS of a closed one.

use std::path::PathBuf;

use crate::mail::flags::{Keyword, SystemFlags};
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidValidity};

/// How a mailbox is, or shall be, opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Flags may change, messages may go.
    ReadWrite,
    /// No file of the user's is written.
    ReadOnly,
}

/// What holds for an open mailbox as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxState {
    /// The driver that serves it: `unix`, `mbx`, `imap` …
    pub driver: &'static str,
    /// Its file or folder; `None` for a mailbox on a server or one that does not exist yet.
    pub path: Option<PathBuf>,
    /// How it is open. May fall to read-only while open.
    pub access: Access,
    /// Why it is read-only although read-write was asked for.
    pub why_read_only: Option<Foreign>,
    /// Its UIDVALIDITY, where the driver has one.
    pub uid_validity: Option<UidValidity>,
    /// The UID that the next message will get, as far as known.
    pub uid_next: Option<Uid>,
    /// Whether UIDs hold beyond this session.
    pub sticky_uids: bool,
    /// The keywords that it defines, in its own order.
    pub keywords: Vec<Keyword>,
    /// The system flags that can be changed for good.
    pub permanent_flags: SystemFlags,
    /// Whether a new keyword can be defined by using it.
    pub new_keywords: bool,
}

/// What STATUS tells without opening a mailbox (RFC 3501, 6.3.10).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxStatus {
    /// The driver that serves it.
    pub driver: &'static str,
    /// How many messages it holds.
    pub messages: u32,
    /// How many of them no session has seen yet.
    pub recent: u32,
    /// How many lack `\Seen`.
    pub unseen: u32,
    /// The UID that the next message will get.
    pub uid_next: Option<Uid>,
    /// Its UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
}
