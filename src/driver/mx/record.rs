//! What is known of a message.

/// A message, in 40 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub(super) uid: u32,
    pub(super) keywords: u32,
    pub(super) flags: u16,
    pub(super) recent: bool,
    pub(super) size: u64,
    pub(super) date: i64,
}
