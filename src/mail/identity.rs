//! By what a mailbox on a server, and the messages in it, are known from one session to the next.

use crate::mail::name::MailboxName;
use crate::mail::uid::UidValidity;

/// A mailbox whose UIDs mean the same messages as long as its UIDVALIDITY is this one (RFC 9051, section 2.3.1.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Its name.
    pub name: MailboxName,
    /// Whose it is: the name need not say so.
    pub user: String,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
}
