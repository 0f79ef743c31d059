//! What came of copying a whole mailbox: what was compared after the copy was read again, and what differs.

use crate::mail::date::InternalDate;
use crate::mail::flags::{Keyword, SystemFlags};
use crate::mail::uid::Uid;

/// The receipt of a transfer. Counts are of messages.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Receipt {
    /// The source's format.
    pub from_format: &'static str,
    /// The target's format.
    pub to_format: &'static str,
    /// How many messages were sent.
    pub messages: u64,
    /// Their size with CRLF line ends, in bytes.
    pub bytes: u64,
    /// How many have exactly the bytes that were sent.
    pub same_content: u64,
    /// How many have the same system flags.
    pub same_flags: u64,
    /// How many have the same keywords.
    pub same_keywords: u64,
    /// How many have the same internal date.
    pub same_dates: u64,
    /// How many have the UID that they had.
    pub same_uids: u64,
    /// What differs, in the order of messages; at most [`Receipt::MOST`].
    pub differences: Vec<Difference>,
    /// How many differences there are.
    pub different: u64,
    /// How many of them no limit explains.
    pub unexplained: u64,
    /// What the formats cannot hold and these messages had.
    pub limits: Vec<Limit>,
}

impl Receipt {
    /// How many differences are listed.
    pub const MOST: usize = 10_000;

    /// Whether every message arrived as it was sent; UIDs aside.
    pub fn is_exact(&self) -> bool {
        self.different == 0
    }

    /// Notes a difference, and the limit that explains it.
    pub fn note(&mut self, difference: Difference, limit: Option<Limit>) {
        self.different += 1;
        match limit {
            Some(limit) => self.limit(limit),
            None => self.unexplained += 1,
        }
        if self.differences.len() < Self::MOST {
            self.differences.push(difference);
        }
    }

    /// Notes a limit, once.
    pub fn limit(&mut self, limit: Limit) {
        if !self.limits.contains(&limit) {
            self.limits.push(limit);
        }
    }
}

/// One way in which one message differs from what was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Its number in the source.
    pub msgno: u64,
    /// Its UID there.
    pub source_uid: Uid,
    /// Its UID in the target, where it is there.
    pub uid: Option<Uid>,
    /// What differs.
    pub what: What,
    /// Whether the format explains it.
    pub expected: bool,
}

/// What differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// The message is not in the target.
    Missing,
    /// The bytes.
    Content,
    /// The system flags: sent, found.
    Flags(SystemFlags, SystemFlags),
    /// The keywords: sent, found.
    Keywords(Vec<Keyword>, Vec<Keyword>),
    /// The internal date: sent, found.
    Date(InternalDate, InternalDate),
}

impl What {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Content => "content",
            Self::Flags(..) => "flags",
            Self::Keywords(..) => "keywords",
            Self::Date(..) => "date",
        }
    }
}

/// Something that a format cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Of what: `keywords`, `content`, `UIDs`, `date`.
    pub of: &'static str,
    /// How far it goes.
    pub how: &'static str,
}
