//! What a server says it can do (RFC 3501, 7.2.1), and the level of IMAP that follows from it.

use std::collections::BTreeSet;

use crate::wire::imap::level::Level;

/// The words of a CAPABILITY answer, in upper case. Each new list replaces the old one whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Capabilities {
    words: BTreeSet<String>,
}

impl Capabilities {
    /// Reads the words behind `CAPABILITY`.
    pub fn parse(text: &[u8]) -> Self {
        let words = text.split(|byte| b" \t\r\n".contains(byte));
        let word = |word: &[u8]| String::from_utf8_lossy(word).to_ascii_uppercase();
        let words = words.filter(|word| !word.is_empty()).take(MOST).map(word);
        Self {
            words: words.collect(),
        }
    }

    /// Whether this word is among them.
    pub fn has(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// Whether none was told.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// What follows this prefix in the words that begin with it: the mechanisms of `AUTH=`.
    pub fn after<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let words = self.words.iter();
        words.filter_map(move |word| word.strip_prefix(prefix))
    }

    /// Takes words out that shall not be used.
    pub fn disable(&mut self, words: &[String]) {
        self.words
            .retain(|word| !words.iter().any(|it| it.eq_ignore_ascii_case(word)));
    }

    /// The level of the protocol that they speak of; [`Level::Imap2bis`] where nothing was told.
    pub fn level(&self) -> Level {
        let levels = [
            ("IMAP4REV2", Level::Imap4rev2),
            ("IMAP4REV1", Level::Imap4rev1),
            ("IMAP4", Level::Imap4),
            ("IMAP2BIS", Level::Imap2bis),
            ("IMAP2", Level::Imap2),
        ];
        // One that speaks both is asked in the older of the two, which every feature of ours knows.
        let both = self.has("IMAP4REV1").then_some(Level::Imap4rev1);
        let first = levels.iter().find(|level| self.has(level.0));
        both.or(first.map(|level| level.1))
            .unwrap_or(Level::Imap2bis)
    }
}

/// More words than these are not kept.
const MOST: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_give_a_level_and_mechanisms() {
        for (text, level) in [
            ("IMAP4rev1 IDLE", Level::Imap4rev1),
            ("imap4REV2 idle", Level::Imap4rev2),
            ("IMAP4rev2 IMAP4rev1", Level::Imap4rev1),
            ("IMAP4 IMAP4rev1", Level::Imap4rev1),
            ("IMAP4", Level::Imap4),
            ("IMAP2", Level::Imap2),
            ("", Level::Imap2bis),
        ] {
            assert_eq!(
                Capabilities::parse(text.as_bytes()).level(),
                level,
                "{text}"
            );
        }
        let mut some = Capabilities::parse(b"AUTH=plain AUTH=SCRAM-SHA-1  IDLE\tX");
        let mechanisms: Vec<&str> = some.after("AUTH=").collect();
        assert_eq!(mechanisms, ["PLAIN", "SCRAM-SHA-1"]);
        some.disable(&["idle".to_owned()]);
        assert!(!some.has("IDLE") && some.has("X"));
    }
}
