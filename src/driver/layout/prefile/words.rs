//! The keywords of a mailbox by their bits. A bit may have no name that can be used: it is kept all the same.

use std::sync::Arc;

use crate::driver::layout::file::record::MOST_KEYWORDS;
use crate::mail::flags::Keyword;

/// The names of the bits, from bit 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words {
    slots: Vec<Option<Keyword>>,
    /// How many of them the file has bits for, where others are kept elsewhere.
    in_file: Option<usize>,
}

impl Words {
    /// These names, of which the first has bit 0. `None` stands for a bit whose name cannot be used.
    pub fn new(slots: Vec<Option<Keyword>>) -> Self {
        Self {
            slots,
            in_file: None,
        }
    }

    /// These names, which are all that the file has bits for; others that are defined are kept elsewhere.
    pub fn in_file(mut slots: Vec<Option<Keyword>>) -> Self {
        slots.truncate(MOST_KEYWORDS);
        Self {
            in_file: Some(slots.len()),
            slots,
        }
    }

    /// The bits that stand in the file.
    pub fn in_file_bits(&self) -> u32 {
        self.in_file.map_or(u32::MAX, |count| (1 << count) - 1)
    }

    /// Each name with its bit's place.
    pub fn slots(&self) -> impl Iterator<Item = (usize, Option<&Keyword>)> {
        let slots = self.slots.iter().take(MOST_KEYWORDS).enumerate();
        slots.map(|(place, slot)| (place, slot.as_ref()))
    }

    /// The names of these bits.
    pub fn names_of(&self, bits: u32) -> Vec<Keyword> {
        let set = self.slots().filter(|(place, _)| bits & (1 << place) != 0);
        set.filter_map(|(_, slot)| slot.cloned()).collect()
    }

    /// The keywords that have a name.
    pub fn names(&self) -> Vec<Keyword> {
        self.slots.iter().flatten().cloned().collect()
    }

    /// How many bits are taken.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no bit is taken.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether one more keyword can be defined.
    pub fn has_room(&self) -> bool {
        self.slots.len() < MOST_KEYWORDS
    }

    /// The bits of those among `keywords` that are known.
    pub fn bits_of(&self, keywords: &[Keyword]) -> u32 {
        let bit = |keyword: &Keyword| {
            let same = |slot: &Option<Keyword>| slot.as_ref() == Some(keyword);
            self.slots.iter().take(MOST_KEYWORDS).position(same)
        };
        keywords
            .iter()
            .filter_map(bit)
            .fold(0, |bits, place| bits | 1 << place)
    }

    /// Whether all of `keywords` are known.
    pub fn know(&self, keywords: &[Keyword]) -> bool {
        self.bits_of(keywords).count_ones() as usize == keywords.len()
    }

    /// Those of `keywords` that have a bit, or can get one, are known from now on; gives the new ones.
    pub fn define(&mut self, keywords: &[Keyword]) -> Vec<Keyword> {
        let mut new = Vec::new();
        for keyword in keywords {
            if self.has_room() && self.bits_of(std::slice::from_ref(keyword)) == 0 {
                self.slots.push(Some(keyword.clone()));
                new.push(keyword.clone());
            }
        }
        new
    }

    /// The keywords from a bit on.
    pub fn behind(&self, bit: usize) -> Vec<Keyword> {
        self.slots.iter().skip(bit).flatten().cloned().collect()
    }

    /// The bits that have a name.
    pub fn named_bits(&self) -> u32 {
        let named = self.slots.iter().take(MOST_KEYWORDS).enumerate();
        named
            .filter(|(_, slot)| slot.is_some())
            .fold(0, |bits, (place, _)| bits | 1 << place)
    }
}

/// Lists of keywords, shared among the messages that have the same ones.
#[derive(Default)]
pub struct Lists {
    known: Vec<(u32, Arc<[Keyword]>)>,
}

/// How many lists are shared.
const MOST_LISTS: usize = 64;

impl Lists {
    /// The keywords of these bits; `None` where there is none.
    pub fn of(&mut self, bits: u32, words: &Words) -> Option<Arc<[Keyword]>> {
        let bits = bits & words.named_bits();
        if bits == 0 {
            return None;
        }
        if let Some(entry) = self.known.iter().find(|entry| entry.0 == bits) {
            return Some(Arc::clone(&entry.1));
        }
        let list: Arc<[Keyword]> = words.names_of(bits).into();
        if self.known.len() < MOST_LISTS {
            self.known.push((bits, Arc::clone(&list)));
        }
        Some(list)
    }
}
