//! What is known of every message of an open mailbox without reading it.

use crate::mail::date::InternalDate;
use crate::mail::flags::Flags;
use crate::mail::uid::Uid;

/// One message, in about 50 bytes: mailboxes hold a million of these.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Names the message.
    pub uid: Uid,
    /// Its flags and keywords.
    pub flags: Flags,
    /// When it arrived in this mailbox.
    pub internal_date: InternalDate,
    /// Octets with CRLF line ends (RFC822.SIZE of RFC 3501); 0 where neither they nor the date are known yet.
    pub rfc822_size: u64,
}

impl Summary {
    /// Whether date and size are known. Servers are asked for those of messages that are looked at, not of a million.
    pub fn is_measured(&self) -> bool {
        self.rfc822_size > 0
    }
}
