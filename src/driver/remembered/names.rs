//! Keywords that a file has no bit for: which bit they have in a table, and which among the mailbox's keywords.

use crate::driver::layout::file::record::MOST_KEYWORDS;
use crate::driver::layout::prefile::words::Words;
use crate::mail::flags::Keyword;

/// The keywords of a mailbox, and those that its table keeps.
pub struct Names {
    words: Words,
    /// For each bit of the table the keyword's bit in memory.
    places: Vec<u32>,
}

impl Names {
    /// The keywords in the file, and behind them those that are `kept` in the table, as far as there is room. One that
    /// the settings gave a bit meanwhile has that.
    pub fn new(in_file: &Words, kept: &[Keyword]) -> Self {
        let mut words = in_file.clone();
        words.define(kept);
        let places = kept
            .iter()
            .map(|word| words.bits_of(std::slice::from_ref(word)));
        Self {
            places: places.collect(),
            words,
        }
    }

    /// The same with what was defined in `words` since.
    pub fn of(words: &Words, before: Self) -> Self {
        let mut names = Self {
            places: before.places,
            words: words.clone(),
        };
        for (place, word) in words.slots() {
            let bit = 1 << place;
            let is_new = words.in_file_bits() & bit == 0 && !names.places.contains(&bit);
            if word.is_some() && is_new && names.places.len() < MOST_KEYWORDS {
                names.places.push(bit);
            }
        }
        names
    }

    /// All keywords of the mailbox.
    pub fn words(&self) -> Words {
        self.words.clone()
    }

    /// The keywords that the table keeps, by their bits there.
    pub fn kept(&self) -> Vec<Keyword> {
        let name = |bit: &u32| self.words.names_of(*bit).into_iter().next();
        self.places.iter().filter_map(name).collect()
    }

    /// A message's bits in memory for those in the table.
    pub fn bits_of_state(&self, state: u32) -> u32 {
        let set = self.places.iter().enumerate();
        let set = set.filter(|(bit, _)| state & (1 << bit) != 0);
        set.fold(0, |bits, (_, place)| bits | place)
    }

    /// A message's bits in the table for those in memory.
    pub fn state_of_bits(&self, bits: u32) -> u32 {
        let set = self.places.iter().enumerate();
        let set = set.filter(|(_, place)| bits & **place != 0);
        set.fold(0, |state, (bit, _)| state | 1 << bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(names: &[&str]) -> Vec<Keyword> {
        names.iter().filter_map(|name| Keyword::new(name)).collect()
    }

    #[test]
    fn bits_go_to_the_table_and_back_also_when_the_settings_name_more() {
        let in_file = Words::in_file(words(&["Work", "Later"]).into_iter().map(Some).collect());
        let mut all = Names::new(&in_file, &[]).words();
        all.define(&words(&["urgent", "x"]));
        let names = Names::of(&all, Names::new(&in_file, &[]));
        assert_eq!(names.kept(), words(&["urgent", "x"]));
        assert_eq!(names.state_of_bits(0b1010), 0b10);
        assert_eq!(names.bits_of_state(0b10), 0b1000);
        // Now `x` has a bit in the file, the third.
        let in_file = Words::in_file(
            words(&["Work", "Later", "x"])
                .into_iter()
                .map(Some)
                .collect(),
        );
        let names = Names::new(&in_file, &names.kept());
        assert_eq!(names.bits_of_state(0b10), 0b100);
        assert_eq!(names.state_of_bits(0b100), 0b10);
        assert_eq!(names.kept(), words(&["urgent", "x"]));
    }
}
