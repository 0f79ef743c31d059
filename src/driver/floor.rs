//! Where copies begin in a mailbox: what stood there before the first one was made is none of them.

use crate::mail::status::MailboxStatus;
use crate::mail::uid::{Uid, UidValidity};

/// A mailbox before the first copy. Whatever is a copy has no lower UID, and no lower place: messages are only added behind
/// the others, and only move forward.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Floor {
    /// Its UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
    /// The UID that the first copy gets at least.
    pub uid_next: Option<Uid>,
    /// How many messages there were.
    pub messages: u32,
}

impl Floor {
    /// The floor of a mailbox in this state.
    pub fn of(status: &MailboxStatus) -> Self {
        Self {
            uid_validity: status.uid_validity,
            uid_next: status.uid_next,
            messages: status.messages,
        }
    }

    /// Which of the `uids` of all messages, ascending, can be copies, when the mailbox has this UIDVALIDITY now.
    pub fn above(&self, uids: impl Iterator<Item = Uid>, now: Option<UidValidity>) -> Vec<Uid> {
        let same_uids = self.uid_validity.is_some() && now == self.uid_validity;
        match self.uid_next.filter(|_| same_uids) {
            Some(first) => uids.filter(|uid| *uid >= first).collect(),
            None => uids.skip(self.messages as usize).collect(),
        }
    }

    /// The floor as text, for records: UIDVALIDITY, UIDNEXT, messages; 0 where unknown.
    pub fn to_text(&self) -> String {
        let validity = self.uid_validity.map_or(0, UidValidity::get);
        let next = self.uid_next.map_or(0, Uid::get);
        format!("{validity} {next} {}", self.messages)
    }

    /// Reads what [`to_text`](Self::to_text) wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(|number| number.parse::<u32>().ok());
        let floor = Self {
            uid_validity: UidValidity::new(numbers.next()??),
            uid_next: Uid::new(numbers.next()??),
            messages: numbers.next()??,
        };
        numbers.next().is_none().then_some(floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_no_copy() {
        let uids = || [3, 5, 8, 9].into_iter().filter_map(Uid::new);
        let floor = Floor {
            uid_validity: UidValidity::new(7),
            uid_next: Uid::new(8),
            messages: 3,
        };
        let numbers = |now| {
            let above = floor.above(uids(), UidValidity::new(now));
            above.into_iter().map(Uid::get).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7), [8, 9]);
        assert_eq!(numbers(8), [9]);
        assert_eq!(Floor::from_text(&floor.to_text()), Some(floor));
        for wrong in ["", "7 8", "7 8 3 1", "7 x 3"] {
            assert_eq!(Floor::from_text(wrong), None, "{wrong}");
        }
    }
}
