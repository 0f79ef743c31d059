//! What came of repairing a damaged mailbox.

/// What of a damaged mailbox is not in its repaired copy.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Repaired {
    /// How many messages the copy holds.
    pub messages: u64,
    /// Ranges of the damaged file that belong to no message: offset and length, in bytes, ascending.
    pub left_out: Vec<(u64, u64)>,
}
