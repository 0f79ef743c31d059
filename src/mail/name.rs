//! Names of mailboxes.

use crate::mail::text::Foreign;

/// The name of a mailbox, as a user types it, known to be well formed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MailboxName {
    raw: Box<[u8]>,
}
impl MailboxName {
    /// The bytes as typed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }
    /// For messages and screens.
    pub fn to_foreign(&self) -> Foreign {
        Foreign::new(String::from_utf8_lossy(&self.raw))
    }
}
