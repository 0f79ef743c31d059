//! What an append or a copy came to (the APPENDUID and COPYUID of RFC 4315).

use crate::mail::uid::{Uid, UidValidity};

/// What an append came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Appended {
    /// The destination's UIDVALIDITY, where the driver has sticky UIDs.
    pub uid_validity: Option<UidValidity>,
    /// The new UIDs in the order of the messages; empty where the driver cannot know them.
    pub uids: Vec<Uid>,
    /// How many messages were appended.
    pub count: u64,
}
