//! How an account on a server stands.

use crate::mail::text::Foreign;

/// An account stands otherwise than before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountNews {
    /// The host, as names of mailboxes have it.
    pub host: String,
    /// The user there.
    pub user: String,
    /// How it stands now.
    pub standing: Standing,
}

/// How an account stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// A connection is being made.
    Connecting,
    /// The user is logged in.
    Connected,
    /// No connection could be made, or it was lost, for this reason.
    Away(Foreign),
}
