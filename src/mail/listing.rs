//! What LIST and LSUB tell of mailboxes (RFC 3501, 7.2.2; attributes of RFC 5258).

use crate::mail::name::MailboxName;
use crate::mail::text::Foreign;

/// One mailbox or directory that a LIST found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListEntry {
    /// Its full name, as it can be opened.
    pub name: MailboxName,
    /// What parts its levels; `None` for a flat name.
    pub delimiter: Option<char>,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
    /// What it is about, where somebody says so.
    pub description: Option<Foreign>,
}

/// What an empty pattern asks for: the part of a reference in front of the first level (RFC 3501, 6.3.8). It need not be a
/// name that can be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    /// The part itself; often empty.
    pub name: Foreign,
    /// What parts the levels of names below it.
    pub delimiter: char,
}

/// An attribute of a listed name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attribute {
    /// Nothing can live below it.
    NoInferiors,
    /// It cannot be opened, only looked into.
    NoSelect,
    /// Mail arrived since it was last read.
    Marked,
    /// No mail arrived since.
    Unmarked,
    /// Something lives below it.
    HasChildren,
    /// Nothing lives below it yet.
    HasNoChildren,
    /// It is there for this use (RFC 6154).
    Use(SpecialUse),
}

/// What a server keeps a mailbox for (RFC 6154, 2; RFC 8457, 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpecialUse {
    /// All messages of the user.
    All,
    /// Messages put aside for good.
    Archive,
    /// Messages that are being written.
    Drafts,
    /// All messages that are marked.
    Flagged,
    /// All messages that matter.
    Important,
    /// What nobody wanted.
    Junk,
    /// Copies of sent messages.
    Sent,
    /// What is to be removed.
    Trash,
}

impl SpecialUse {
    /// Each of them.
    pub const ALL: [Self; 8] = [
        Self::All,
        Self::Archive,
        Self::Drafts,
        Self::Flagged,
        Self::Important,
        Self::Junk,
        Self::Sent,
        Self::Trash,
    ];

    /// The IMAP name, `\\Sent`.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Important => "\\Important",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
}

impl Attribute {
    /// The IMAP name, `\NoInferiors`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoInferiors => "\\NoInferiors",
            Self::NoSelect => "\\NoSelect",
            Self::Marked => "\\Marked",
            Self::Unmarked => "\\Unmarked",
            Self::HasChildren => "\\HasChildren",
            Self::HasNoChildren => "\\HasNoChildren",
            Self::Use(special) => special.name(),
        }
    }
}

/// Whether `name` matches `pattern`: `*` stands for anything, `%` for anything without `delimiter`; all else is literal.
///
/// Takes time proportional to the product of the lengths at worst, whatever the wildcards.
pub fn matches(pattern: &[u8], name: &[u8], delimiter: Option<u8>) -> bool {
    let mut reached = Reached::new(name);
    for &symbol in pattern {
        reached.step(symbol, delimiter);
    }
    reached.is_at_end()
}

/// Whether a name that begins with `directory`, and is longer, can match `pattern`. The directory comes with its delimiter.
pub fn could_match_below(pattern: &[u8], directory: &[u8], delimiter: Option<u8>) -> bool {
    let mut reached = Reached::new(directory);
    for &symbol in pattern {
        if reached.is_at_end() {
            return true;
        }
        reached.step(symbol, delimiter);
    }
    reached.is_at_end() && pattern.last() == Some(&b'*')
}

/// The places of a name up to which the symbols of a pattern, as far as they were taken, can match.
struct Reached<'a> {
    name: &'a [u8],
    places: Vec<bool>,
}

impl<'a> Reached<'a> {
    fn new(name: &'a [u8]) -> Self {
        let mut places = vec![false; name.len() + 1];
        places[0] = true;
        Self { name, places }
    }

    fn is_at_end(&self) -> bool {
        self.places[self.name.len()]
    }

    /// Takes one symbol of the pattern.
    fn step(&mut self, symbol: u8, delimiter: Option<u8>) {
        let passes = |byte| match symbol {
            b'*' => true,
            b'%' => Some(byte) != delimiter,
            literal => byte == literal,
        };
        let literal = !b"*%".contains(&symbol);
        let mut before = self.places[0];
        self.places[0] &= !literal;
        for (place, &byte) in self.name.iter().enumerate() {
            let here = self.places[place + 1];
            let from = if literal { before } else { self.places[place] };
            self.places[place + 1] = (here && !literal) || (from && passes(byte));
            before = here;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{could_match_below, matches};

    #[test]
    fn percent_stops_at_the_delimiter_and_star_does_not() {
        for (pattern, name, expected) in [
            ("*", "a/b", true),
            ("%", "a/b", false),
            ("%/b", "a/b", true),
            ("a*b", "a/x/b", true),
            ("a%b", "a/b", false),
            ("", "", true),
            ("", "a", false),
            ("%%%%%%%%%%b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            let found = matches(pattern.as_bytes(), name.as_bytes(), Some(b'/'));
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_walk_goes_only_where_names_can_match() {
        for (pattern, directory, expected) in [
            ("*", "a/b/", true),
            ("%", "a/", false),
            ("%/%", "a/", true),
            ("%/%", "a/b/", false),
            ("a/", "a/", false),
            ("a/*", "a/", true),
            ("b*", "a/", false),
            ("a%c/x", "abc/", true),
            ("a*x", "a/b/", true),
        ] {
            let found = could_match_below(pattern.as_bytes(), directory.as_bytes(), Some(b'/'));
            assert_eq!(found, expected, "{pattern} {directory}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_walk_misses_nothing(pattern in "[ab/*%]{0,6}", name in "[ab]{1,2}(/[ab]{1,2}){0,2}") {
            if matches(pattern.as_bytes(), name.as_bytes(), Some(b'/')) {
                for (slash, _) in name.match_indices('/') {
                    let directory = &name.as_bytes()[..=slash];
                    let found = could_match_below(pattern.as_bytes(), directory, Some(b'/'));
                    proptest::prop_assert!(found, "{} {}", pattern, name);
                }
            }
        }
    }
}
