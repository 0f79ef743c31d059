//! Keywords that a file has no bit for: which bit they have in a table, and which among the mailbox's keywords.

use crate::driver::layout::file::record::MOST_KEYWORDS;
use crate::driver::layout::prefile::words::Words;
use crate::mail::flags::Keyword;

/// The keywords of a mailbox, and those that its table keeps.
pub struct Names {
    words: Words,
    /// For each bit of the table the keyword and its bit in memory; no bit where there is no room for it.
    kept: Vec<(Keyword, u32)>,
}

impl Names {
    /// The keywords of the mailbox as they are known, with those that are `kept` in the table: these go by their names,
    /// whatever bits they had. One that the settings gave a bit in the file meanwhile has that.
    pub fn new(words: &Words, kept: &[Keyword]) -> Self {
        let mut words = words.clone();
        words.define(kept);
        let mut all: Vec<Keyword> = kept.to_vec();
        let more = words
            .slots()
            .filter(|(place, _)| words.in_file_bits() & (1 << place) == 0);
        for (_, word) in more {
            let word = word.filter(|word| !all.contains(word) && all.len() < MOST_KEYWORDS);
            all.extend(word.cloned());
        }
        let bit = |word: &Keyword| words.bits_of(std::slice::from_ref(word));
        let kept: Vec<(Keyword, u32)> = all
            .into_iter()
            .map(|word| (word.clone(), bit(&word)))
            .collect();
        Self { words, kept }
    }

    /// All keywords of the mailbox.
    pub fn words(&self) -> Words {
        self.words.clone()
    }

    /// The keywords that the table keeps, by their bits there.
    pub fn kept(&self) -> Vec<Keyword> {
        self.kept.iter().map(|(word, _)| word.clone()).collect()
    }

    /// A message's bits in memory for those in the table.
    pub fn bits_of_state(&self, state: u32) -> u32 {
        let set = self.kept.iter().enumerate();
        let set = set.filter(|(bit, _)| state & (1 << bit) != 0);
        set.fold(0, |bits, (_, (_, place))| bits | place)
    }

    /// A message's bits in the table for those in memory; those that have no bit in memory stay as they are in `before`.
    pub fn state_of_bits(&self, bits: u32, before: u32) -> u32 {
        let set = self
            .kept
            .iter()
            .enumerate()
            .filter(|(bit, (_, place))| match place {
                0 => before & (1 << bit) != 0,
                place => bits & place != 0,
            });
        set.fold(0, |state, (bit, _)| state | 1 << bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(names: &[&str]) -> Vec<Keyword> {
        names.iter().filter_map(|name| Keyword::new(name)).collect()
    }

    fn in_file(names: &[&str]) -> Words {
        Words::in_file(words(names).into_iter().map(Some).collect())
    }

    #[test]
    fn bits_go_to_the_table_and_back_also_when_the_settings_name_more() {
        let mut all = Names::new(&in_file(&["Work", "Later"]), &[]).words();
        all.define(&words(&["urgent", "x"]));
        let names = Names::new(&all, &[]);
        assert_eq!(names.kept(), words(&["urgent", "x"]));
        assert_eq!(names.state_of_bits(0b1010, 0), 0b10);
        assert_eq!(names.bits_of_state(0b10), 0b1000);
        // Now `x` has a bit in the file, the third; it is kept here too until it is taken away.
        let names = Names::new(&in_file(&["Work", "Later", "x"]), &names.kept());
        assert_eq!(names.bits_of_state(0b10), 0b100);
        assert_eq!(names.state_of_bits(0b100, 0), 0b10);
        assert_eq!(names.kept(), words(&["urgent", "x"]));
    }

    #[test]
    fn what_has_no_room_stays_as_it_is() {
        let many: Vec<String> = (0..29).map(|number| format!("k{number}")).collect();
        let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
        many[3] = "c";
        let names = Names::new(&in_file(&many), &words(&["a", "b", "c"]));
        assert_eq!(names.kept(), words(&["a", "b", "c"]));
        assert_eq!(names.bits_of_state(0b110), 1 << 3);
        assert_eq!(names.state_of_bits((1 << 3) | (1 << 29), 0b010), 0b111);
    }
}
