//! The messages of an open mailbox by their numbers, which move up when one goes: the only place where numbers are kept.
//!
//! In blocks of at most 1024, so that taking one out of a million moves the rest of its block alone.

use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};

/// The most messages of one block.
const BLOCK: usize = 1024;

/// Messages, UIDs ascending, by their numbers from 1.
#[derive(Debug, Default)]
pub struct Sequence {
    blocks: Vec<Vec<Summary>>,
    length: usize,
}

impl Sequence {
    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.length = 0;
    }

    /// The last UID; 0 where there is no message.
    pub fn last_uid(&self) -> u32 {
        let last = self.blocks.last().and_then(|block| block.last());
        last.map_or(0, |summary| summary.uid.get())
    }

    /// Adds a message at the end, if its UID is the highest; `false` if it is not.
    pub fn push(&mut self, summary: Summary) -> bool {
        if summary.uid.get() <= self.last_uid() {
            return false;
        }
        match self.blocks.last_mut().filter(|block| block.len() < BLOCK) {
            Some(block) => block.push(summary),
            None => self.blocks.push(vec![summary]),
        }
        self.length += 1;
        true
    }

    /// The message with this number.
    pub fn at(&mut self, number: u32) -> Option<&mut Summary> {
        let (block, place) = self.place(number)?;
        self.blocks.get_mut(block)?.get_mut(place)
    }

    /// Takes the message with this number out.
    pub fn remove(&mut self, number: u32) -> Option<Summary> {
        let (block, place) = self.place(number)?;
        let messages = self.blocks.get_mut(block)?;
        let gone = messages.remove(place);
        if messages.is_empty() {
            self.blocks.remove(block);
        }
        self.length -= 1;
        Some(gone)
    }

    /// Takes the messages with these UIDs out; tells which of them were there.
    pub fn remove_all(&mut self, uids: &UidSet) -> UidSet {
        let mut gone = UidSet::new();
        for block in &mut self.blocks {
            block.retain(|summary| {
                let goes = uids.contains(summary.uid);
                if goes {
                    gone.insert(summary.uid);
                }
                !goes
            });
        }
        self.blocks.retain(|block| !block.is_empty());
        self.length = self.blocks.iter().map(Vec::len).sum();
        gone
    }

    /// The message with this UID.
    pub fn message(&self, uid: Uid) -> Option<&Summary> {
        let block = self.blocks.get(self.block_of(uid)?)?;
        let place = block.binary_search_by_key(&uid, |summary| summary.uid);
        block.get(place.ok()?)
    }

    /// The same, to be changed.
    pub fn message_mut(&mut self, uid: Uid) -> Option<&mut Summary> {
        let block = self.block_of(uid)?;
        let block = self.blocks.get_mut(block)?;
        let place = block.binary_search_by_key(&uid, |summary| summary.uid);
        block.get_mut(place.ok()?)
    }

    /// The number of the message with this UID.
    pub fn number(&self, uid: Uid) -> Option<u32> {
        let block = self.block_of(uid)?;
        let before: usize = self.blocks.iter().take(block).map(Vec::len).sum();
        let messages = self.blocks.get(block)?;
        let place = messages.binary_search_by_key(&uid, |summary| summary.uid);
        u32::try_from(before + place.ok()? + 1).ok()
    }

    /// All messages, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Summary> {
        self.blocks.iter().flatten()
    }

    /// All UIDs.
    pub fn uids(&self) -> UidSet {
        self.iter().map(|summary| summary.uid).collect()
    }

    fn block_of(&self, uid: Uid) -> Option<usize> {
        let ends_before = |block: &Vec<Summary>| block.last().is_some_and(|last| last.uid < uid);
        let block = self.blocks.partition_point(ends_before);
        (block < self.blocks.len()).then_some(block)
    }

    fn place(&self, number: u32) -> Option<(usize, usize)> {
        let mut rest = (number as usize).checked_sub(1)?;
        for (place, block) in self.blocks.iter().enumerate() {
            if rest < block.len() {
                return Some((place, rest));
            }
            rest -= block.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};

    use super::*;
    use crate::mail::date::InternalDate;
    use crate::mail::flags::Flags;

    fn summary(uid: u32) -> Summary {
        Summary {
            uid: Uid::new(uid).expect("not 0"),
            flags: Flags::default(),
            internal_date: InternalDate::EPOCH,
            rfc822_size: 0,
        }
    }

    proptest! {
        #[test]
        fn numbers_move_up_when_messages_go(gone in vec(1_u32..3100, 0..60), vanished in vec(1_u32..9999, 0..9)) {
            let mut sequence = Sequence::default();
            let mut model: Vec<u32> = (1..=3000).map(|it| it * 3).collect();
            for &uid in &model {
                assert!(sequence.push(summary(uid)));
            }
            for number in gone {
                let there = (number as usize) <= model.len();
                let removed = sequence.remove(number).map(|it| it.uid.get());
                prop_assert_eq!(removed, there.then(|| model.remove(number as usize - 1)));
            }
            let set: UidSet = vanished.iter().filter_map(|&uid| Uid::new(uid)).collect();
            let found = sequence.remove_all(&set);
            let before = model.len();
            model.retain(|uid| !vanished.contains(uid));
            prop_assert_eq!(found.len() as usize, before - model.len());
            let left: Vec<u32> = sequence.iter().map(|it| it.uid.get()).collect();
            prop_assert_eq!(&left, &model);
            prop_assert_eq!(sequence.len(), model.len());
            for (index, &uid) in model.iter().enumerate().step_by(97) {
                let number = index as u32 + 1;
                let uid = Uid::new(uid).expect("not 0");
                prop_assert_eq!(sequence.number(uid), Some(number));
                prop_assert_eq!(sequence.at(number).map(|it| it.uid), Some(uid));
                prop_assert_eq!(sequence.message(uid).map(|it| it.uid), Some(uid));
            }
            prop_assert_eq!(sequence.number(Uid::FIRST), None);
        }
    }

    #[test]
    fn only_higher_uids_come_behind() {
        let mut sequence = Sequence::default();
        assert!(
            sequence.push(summary(5)) && !sequence.push(summary(5)) && !sequence.push(summary(4))
        );
        assert!(
            sequence.at(0).is_none() && sequence.at(2).is_none() && sequence.remove(2).is_none()
        );
        assert_eq!(sequence.last_uid(), 5);
    }
}
