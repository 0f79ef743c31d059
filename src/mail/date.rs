//! The internal date: when a message arrived in its mailbox (RFC 3501, 2.3.3).

/// A moment with the zone in which it was written down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InternalDate {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// Offset of local time from UTC, in minutes; east is positive.
    pub offset: i16,
}
