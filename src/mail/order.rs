//! Orders in which messages are shown (keys of RFC 5256's SORT).

/// What to sort by first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SortKey {
    /// The order of the mailbox itself.
    Arrival,
    /// The date of sending; the internal date where it is missing.
    Date,
    /// The first From address's mailbox.
    From,
    /// The base subject.
    Subject,
    /// Octets.
    Size,
    /// The first To address's mailbox.
    To,
    /// The first Cc address's mailbox.
    Cc,
}

/// A key and its direction. Ties keep the order of the mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// What to sort by.
    pub key: SortKey,
    /// Whether the whole order is turned round.
    pub reverse: bool,
}

impl SortKey {
    /// Every key with the word for it in settings and on the command line.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::Arrival, "arrival"),
        (Self::Date, "date"),
        (Self::From, "from"),
        (Self::Subject, "subject"),
        (Self::Size, "size"),
        (Self::To, "to"),
        (Self::Cc, "cc"),
    ];

    /// The key with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|entry| entry.1 == name)
            .map(|entry| entry.0)
    }

    /// The word for the key.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|entry| entry.0 == self)
            .map_or("arrival", |entry| entry.1)
    }
}
