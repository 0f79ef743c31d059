//! New members of sequences, collected before they are added: sequences may be long.

use std::collections::HashMap;

use crate::driver::mh::sequences::Sequences;
use crate::mail::uid::{Uid, UidSet};

/// Numbers for sequences, in the order in which these came up.
#[derive(Default)]
pub struct Members {
    order: Vec<String>,
    numbers: HashMap<String, Vec<u32>>,
}

impl Members {
    /// Notes that a message is in a sequence.
    pub fn put(&mut self, name: &str, number: u32) {
        if !self.numbers.contains_key(name) {
            self.order.push(name.to_owned());
        }
        self.numbers
            .entry(name.to_owned())
            .or_default()
            .push(number);
    }

    /// Puts all into their sequences.
    pub fn add_to(&self, sequences: &mut Sequences) {
        for name in &self.order {
            let numbers = self.numbers.get(name).map(Vec::as_slice);
            sequences.add(name, &set_of(numbers.unwrap_or_default()));
        }
    }
}

/// Numbers as a set.
pub fn set_of(numbers: &[u32]) -> UidSet {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.into_iter().filter_map(Uid::new).collect()
}
