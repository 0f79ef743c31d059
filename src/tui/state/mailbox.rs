//! The open mailbox as the index shows it.
//!
//! With a million messages no key press may walk through them: rows are found by binary search in mailbox order,
//! or through a map where the index is sorted otherwise.

use std::collections::{HashMap, HashSet};

use crate::backend::event::Finding;
use crate::backend::request::MailboxId;
use crate::mail::change::Change;
use crate::mail::envelope::Envelope;
use crate::mail::flags::SystemFlags;
use crate::mail::message_list::MessageList;
use crate::mail::name::MailboxName;
use crate::mail::order::{Order, SortKey};
use crate::mail::status::Access;
use crate::mail::summary::Summary;
use crate::mail::uid::Uid;

/// How many envelopes are kept.
const ENVELOPES: usize = 4000;

/// An open mailbox.
#[derive(Debug)]
pub struct OpenMailbox {
    /// Names this opening.
    pub id: MailboxId,
    /// The mailbox's name.
    pub name: MailboxName,
    /// Its messages.
    pub list: MessageList,
    /// Whether all messages have been told.
    pub loaded: bool,
    /// Whether opening failed.
    pub failed: bool,
    /// The order of the index.
    pub order: Order,
    /// The message under the cursor.
    pub cursor: Option<Uid>,
    /// The first row that is visible.
    pub top: usize,
    /// Messages whose envelopes are asked for, or cannot be had.
    pub asked: HashSet<Uid>,
    /// How many messages Mugo expunged since opening.
    pub removed: u64,
    /// What the doctor found, where there is no mail to show.
    pub findings: Vec<Finding>,
    /// The first line shown of what is said where there is no mail.
    pub findings_top: usize,
    unseen: usize,
    deleted: usize,
    /// The order of the index, where it is not the order of the mailbox.
    sorted: Option<Sorted>,
    envelopes: HashMap<Uid, Envelope>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tally {
    Leave,
    /// So many messages were there before the change.
    Enter {
        known: usize,
    },
}

#[derive(Debug)]
struct Sorted {
    uids: Vec<Uid>,
    rows: HashMap<Uid, usize>,
}

impl Sorted {
    fn new(uids: Vec<Uid>) -> Self {
        let rows = uids.iter().enumerate().map(|(row, uid)| (*uid, row));
        Self {
            rows: rows.collect(),
            uids,
        }
    }
}

impl OpenMailbox {
    /// A mailbox that is being opened.
    pub fn new(id: MailboxId, name: MailboxName, order: Order) -> Self {
        Self {
            id,
            name,
            list: MessageList::new(),
            loaded: false,
            failed: false,
            order,
            cursor: None,
            top: 0,
            asked: HashSet::new(),
            removed: 0,
            findings: Vec::new(),
            findings_top: 0,
            unseen: 0,
            deleted: 0,
            sorted: None,
            envelopes: HashMap::new(),
        }
    }

    /// How many rows the index has.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether the mailbox has no message but something to say about that.
    pub fn says_why_empty(&self) -> bool {
        self.is_empty() && !self.findings.is_empty()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The message in `row`.
    pub fn uid_at(&self, row: usize) -> Option<Uid> {
        if let Some(sorted) = &self.sorted {
            return sorted.uids.get(row).copied();
        }
        let place = if self.order.reverse {
            self.len().checked_sub(row + 1)?
        } else {
            row
        };
        self.list.messages().get(place).map(|summary| summary.uid)
    }

    /// The row of a message.
    pub fn row_of(&self, uid: Uid) -> Option<usize> {
        if let Some(sorted) = &self.sorted {
            return sorted.rows.get(&uid).copied();
        }
        let place = self.list.index_of(uid)?;
        Some(if self.order.reverse {
            self.len() - 1 - place
        } else {
            place
        })
    }

    /// The row of the cursor.
    pub fn cursor_row(&self) -> Option<usize> {
        self.cursor.and_then(|uid| self.row_of(uid))
    }

    /// The message under the cursor.
    pub fn current(&self) -> Option<&Summary> {
        self.cursor.and_then(|uid| self.list.message(uid))
    }

    /// Puts the cursor on `row`, or on the last one where there are fewer.
    pub fn move_to(&mut self, row: usize) {
        let last = self.len().saturating_sub(1);
        self.cursor = self.uid_at(row.min(last));
    }

    /// The envelope of a message, where it is there.
    pub fn envelope(&self, uid: Uid) -> Option<&Envelope> {
        self.envelopes.get(&uid)
    }

    /// Keeps envelopes that came.
    pub fn keep_envelopes(&mut self, envelopes: Vec<(Uid, Envelope)>) {
        if self.envelopes.len() + envelopes.len() > ENVELOPES {
            let near = self.top.saturating_sub(ENVELOPES / 4)..self.top + ENVELOPES / 4;
            let mut kept = std::mem::take(&mut self.envelopes);
            kept.retain(|uid, _| self.row_of(*uid).is_some_and(|row| near.contains(&row)));
            self.envelopes = kept;
        }
        for (uid, envelope) in envelopes {
            self.asked.remove(&uid);
            self.envelopes.insert(uid, envelope);
        }
    }

    /// Takes in a change; `ours` tells whether Mugo was asked for it. The cursor keeps its message, or goes to the next
    /// one that is left.
    pub fn apply(&mut self, change: &Change, ours: bool) {
        let row = self.cursor_row();
        let heir = match change {
            Change::Expunged(gone) => {
                self.removed += if ours { gone.len() } else { 0 };
                row.and_then(|row| {
                    let after = (row..self.len()).filter_map(|row| self.uid_at(row));
                    let mut left = after.filter(|uid| !gone.contains(*uid));
                    left.next()
                })
            }
            _ => None,
        };
        let known = self.list.len();
        self.tally(change, Tally::Leave);
        self.list.apply(change);
        self.tally(change, Tally::Enter { known });
        match change {
            Change::Expunged(gone) => {
                if let Some(sorted) = self.sorted.take() {
                    let left = sorted.uids.into_iter().filter(|uid| !gone.contains(*uid));
                    self.sorted = Some(Sorted::new(left.collect()));
                }
                self.envelopes.retain(|uid, _| !gone.contains(*uid));
                self.asked.retain(|uid| !gone.contains(*uid));
                if row.is_some() {
                    self.cursor = heir.or_else(|| self.uid_at(self.len().checked_sub(1)?));
                }
            }
            Change::Arrived(summaries) => {
                if let Some(sorted) = &mut self.sorted {
                    for summary in summaries {
                        sorted.rows.insert(summary.uid, sorted.uids.len());
                        sorted.uids.push(summary.uid);
                    }
                }
            }
            Change::Reset => {
                self.sorted = None;
                self.envelopes.clear();
                self.asked.clear();
                self.cursor = None;
                self.top = 0;
            }
            _ => {}
        }
    }

    /// Shows the messages in `order`, which `uids` are in; messages that it lacks come last.
    pub fn sort(&mut self, order: Order, uids: Vec<Uid>) {
        self.order = order;
        if order.key == SortKey::Arrival {
            self.sorted = None;
            return;
        }
        let mut sorted = Sorted::new(uids);
        sorted.uids.retain(|uid| self.list.index_of(*uid).is_some());
        for summary in self.list.messages() {
            if !sorted.rows.contains_key(&summary.uid) {
                sorted.uids.push(summary.uid);
            }
        }
        self.sorted = Some(Sorted::new(sorted.uids));
    }

    /// The first row at or after `from` whose message is neither deleted nor old: new, or important where `important`.
    pub fn next_interesting(&self, from: usize, important: bool) -> Option<usize> {
        let interesting = |summary: &Summary| {
            let flags = &summary.flags;
            let wanted =
                !flags.has(SystemFlags::SEEN) || important && flags.has(SystemFlags::FLAGGED);
            wanted && !flags.has(SystemFlags::DELETED)
        };
        (from..self.len()).find(|&row| {
            let uid = self.uid_at(row);
            uid.and_then(|uid| self.list.message(uid))
                .is_some_and(interesting)
        })
    }

    /// How many messages have not been read.
    pub fn unseen(&self) -> usize {
        self.unseen
    }

    /// How many messages are marked as deleted.
    pub fn deleted(&self) -> usize {
        self.deleted
    }

    /// Keeps the two counts: what a change names leaves them before it and enters them after it.
    fn tally(&mut self, change: &Change, tally: Tally) {
        let (mut unseen, mut deleted) = (0, 0);
        let mut count = |summary: Option<&Summary>| {
            if let Some(summary) = summary {
                unseen += usize::from(!summary.flags.has(SystemFlags::SEEN));
                deleted += usize::from(summary.flags.has(SystemFlags::DELETED));
            }
        };
        match change {
            Change::Arrived(_) => {
                if let Tally::Enter { known } = tally {
                    let new = self.list.messages().get(known..).unwrap_or_default();
                    new.iter().for_each(|summary| count(Some(summary)));
                }
            }
            Change::Flags(flags) => {
                for (uid, _) in flags {
                    count(self.list.message(*uid));
                }
            }
            Change::Measured(new) => {
                for summary in new {
                    count(self.list.message(summary.uid));
                }
            }
            Change::Expunged(gone) if tally == Tally::Leave => {
                let named = |summary: &&Summary| gone.contains(summary.uid);
                for summary in self.list.messages().iter().filter(named) {
                    count(Some(summary));
                }
            }
            Change::Reset => (self.unseen, self.deleted) = (0, 0),
            _ => {}
        }
        if tally == Tally::Leave {
            self.unseen = self.unseen.saturating_sub(unseen);
            self.deleted = self.deleted.saturating_sub(deleted);
        } else {
            self.unseen += unseen;
            self.deleted += deleted;
        }
    }

    /// Whether nothing can be changed.
    pub fn is_read_only(&self) -> bool {
        let state = self.list.state();
        state.is_some_and(|state| state.access == Access::ReadOnly)
    }

    /// Whether it is a newsgroup.
    pub fn is_news(&self) -> bool {
        let state = self.list.state();
        state.is_some_and(|state| state.driver == "news")
    }

    /// Whether the mailbox can still be used.
    pub fn is_open(&self) -> bool {
        !self.failed && self.list.closed().is_none()
    }
}
