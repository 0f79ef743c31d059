//! Orders in which messages are shown (keys of RFC 5256's SORT).

use crate::mail::address::Address;
use crate::mail::base_subject::base_subject;
use crate::mail::envelope::Envelope;
use crate::mail::fold::folded;
use crate::mail::summary::Summary;
use crate::mail::uid::Uid;

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

/// A key and its direction. Ties keep the order of the mailbox; turned round, they are turned round too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// What to sort by.
    pub key: SortKey,
    /// Whether the whole order is turned round.
    pub reverse: bool,
}

/// What one message is sorted by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SortValue {
    /// Seconds or octets.
    Number(i64),
    /// Text in one letter case.
    Text(String),
}

impl Order {
    /// Puts messages, given in the order of the mailbox, in this order.
    pub fn sort(self, mut messages: Vec<(SortValue, Uid)>) -> Vec<Uid> {
        if self.key != SortKey::Arrival {
            messages.sort_by(|one, other| one.0.cmp(&other.0));
        }
        let uids = messages.into_iter().map(|message| message.1);
        if self.reverse {
            uids.rev().collect()
        } else {
            uids.collect()
        }
    }
}

impl SortKey {
    /// Whether the envelope tells what to sort by; else the summary does.
    pub fn needs_envelope(self) -> bool {
        !matches!(self, Self::Arrival | Self::Size)
    }

    /// What a message is sorted by. Without an envelope its texts count as empty.
    pub fn value(self, summary: &Summary, envelope: Option<&Envelope>) -> SortValue {
        let first = |addresses: fn(&Envelope) -> &[Address]| {
            let address = envelope.and_then(|envelope| addresses(envelope).first());
            let mailbox = address.and_then(|address| address.mailbox.as_ref());
            SortValue::Text(
                mailbox.map_or_else(String::new, |text| folded(text.raw()).into_owned()),
            )
        };
        match self {
            Self::Arrival => SortValue::Number(i64::from(summary.uid.get())),
            Self::Date => {
                let sent = envelope.and_then(|envelope| envelope.sent);
                SortValue::Number(sent.unwrap_or(summary.internal_date).seconds)
            }
            Self::From => first(|envelope| &envelope.from),
            Self::To => first(|envelope| &envelope.to),
            Self::Cc => first(|envelope| &envelope.cc),
            Self::Subject => {
                let subject = envelope.and_then(|envelope| envelope.subject.as_ref());
                let base = subject.map(|subject| base_subject(subject.raw()));
                SortValue::Text(base.map_or_else(String::new, |base| folded(&base).into_owned()))
            }
            Self::Size => SortValue::Number(i64::try_from(summary.rfc822_size).unwrap_or(i64::MAX)),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::date::InternalDate;
    use crate::mail::flags::Flags;
    use crate::mail::text::Foreign;

    fn message(uid: u32, subject: &str) -> (Summary, Envelope) {
        let summary = Summary {
            uid: Uid::new(uid).expect("not 0"),
            flags: Flags::default(),
            internal_date: InternalDate {
                seconds: 100 - i64::from(uid),
                offset: 0,
            },
            rfc822_size: 7,
        };
        let envelope = Envelope {
            subject: Some(Foreign::new(subject)),
            ..Envelope::default()
        };
        (summary, envelope)
    }

    fn sorted(key: SortKey, reverse: bool) -> Vec<u32> {
        let messages = [message(1, "Re: b"), message(2, "A"), message(3, "B")];
        let keyed = messages
            .iter()
            .map(|(summary, envelope)| (key.value(summary, Some(envelope)), summary.uid));
        let uids = Order { key, reverse }.sort(keyed.collect());
        uids.into_iter().map(Uid::get).collect()
    }

    #[test]
    fn ties_keep_the_order_of_the_mailbox() {
        for (key, reverse, expected) in [
            (SortKey::Subject, false, [2, 1, 3]),
            (SortKey::Subject, true, [3, 1, 2]),
            (SortKey::Size, false, [1, 2, 3]),
            (SortKey::Date, false, [3, 2, 1]),
            (SortKey::Arrival, true, [3, 2, 1]),
            (SortKey::From, false, [1, 2, 3]),
        ] {
            assert_eq!(sorted(key, reverse), expected, "{key:?} {reverse}");
        }
    }
}
