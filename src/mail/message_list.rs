//! The list of an open mailbox's messages: the one fold of [`Change`]s, used by both faces.

use crate::mail::change::{Change, Why};
use crate::mail::status::MailboxState;
use crate::mail::summary::Summary;
use crate::mail::uid::{MsgNo, Uid, UidSet};

/// What a face knows of an open mailbox. Ordered by UID, which is the order of the mailbox.
#[derive(Clone, Debug, Default)]
pub struct MessageList {
    state: Option<MailboxState>,
    messages: Vec<Summary>,
    closed: Option<Why>,
}

impl MessageList {
    /// The list of a mailbox of which nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one change. Changes that name unknown UIDs are ignored: the driver is the truth.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::State(state) => self.state = Some((**state).clone()),
            Change::Arrived(summaries) => self.arrived(summaries),
            Change::Flags(flags) => {
                for (uid, flags) in flags {
                    if let Some(row) = self.index_of(*uid) {
                        self.messages[row].flags = flags.clone();
                    }
                }
            }
            Change::Measured(summaries) => {
                for summary in summaries {
                    if let Some(row) = self.index_of(summary.uid) {
                        self.messages[row] = summary.clone();
                    }
                }
            }
            Change::Expunged(uids) => self.messages.retain(|summary| !uids.contains(summary.uid)),
            Change::Reset => self.messages.clear(),
            Change::Closed(why) => self.closed = Some(why.clone()),
        }
    }

    /// The state of the mailbox, once the first change has come.
    pub fn state(&self) -> Option<&MailboxState> {
        self.state.as_ref()
    }

    /// Why the mailbox is closed; `None` while it is open.
    pub fn closed(&self) -> Option<&Why> {
        self.closed.as_ref()
    }

    /// All messages in the mailbox's own order.
    pub fn messages(&self) -> &[Summary] {
        &self.messages
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The message with this UID.
    pub fn message(&self, uid: Uid) -> Option<&Summary> {
        self.index_of(uid).map(|row| &self.messages[row])
    }

    /// Where the message with this UID stands, counted from 0.
    pub fn index_of(&self, uid: Uid) -> Option<usize> {
        self.messages
            .binary_search_by_key(&uid, |summary| summary.uid)
            .ok()
    }

    /// The message number of this UID.
    pub fn msgno(&self, uid: Uid) -> Option<MsgNo> {
        self.index_of(uid).and_then(MsgNo::from_index)
    }

    /// The UIDs of the messages at these places, counted from 1, bounds included.
    pub fn uids_at(&self, ranges: &[(u32, u32)]) -> UidSet {
        let mut set = UidSet::new();
        for &(first, last) in ranges {
            let start = (first.max(1) as usize - 1).min(self.messages.len());
            let end = (last as usize).min(self.messages.len()).max(start);
            for summary in &self.messages[start..end] {
                set.insert(summary.uid);
            }
        }
        set
    }

    fn arrived(&mut self, summaries: &[Summary]) {
        for summary in summaries {
            if self
                .messages
                .last()
                .is_none_or(|last| last.uid < summary.uid)
            {
                self.messages.push(summary.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::date::InternalDate;
    use crate::mail::flags::{Flags, SystemFlags};

    fn summary(uid: u32) -> Summary {
        Summary {
            uid: Uid::new(uid).expect("not 0"),
            flags: Flags::default(),
            internal_date: InternalDate {
                seconds: 0,
                offset: 0,
            },
            rfc822_size: 10,
        }
    }

    #[test]
    fn changes_fold_into_rows() {
        let mut list = MessageList::new();
        list.apply(&Change::Arrived(vec![summary(3), summary(5), summary(9)]));
        let five = Uid::new(5).expect("not 0");
        list.apply(&Change::Flags(vec![(
            five,
            Flags::system(SystemFlags::SEEN),
        )]));
        assert!(
            list.message(five)
                .is_some_and(|found| found.flags.has(SystemFlags::SEEN))
        );
        list.apply(&Change::Expunged(UidSet::one(Uid::new(3).expect("not 0"))));
        assert_eq!(list.msgno(five), MsgNo::new(1));
        assert_eq!(list.uids_at(&[(2, 7)]).to_string(), "9");
        list.apply(&Change::Reset);
        assert!(list.is_empty());
    }
}
