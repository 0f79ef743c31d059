//! What LIST and LSUB tell of mailboxes (RFC 3501, 7.2.2; attributes of RFC 5258).

use crate::mail::name::MailboxName;

/// One mailbox or directory that a LIST found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListEntry {
    /// Its full name, as it can be opened.
    pub name: MailboxName,
    /// What parts its levels; `None` for a flat name.
    pub delimiter: Option<char>,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
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
        }
    }
}

/// Whether `name` matches `pattern`: `*` stands for anything, `%` for anything without `delimiter`; all else is literal.
///
/// Takes time proportional to the product of the lengths at worst, whatever the wildcards.
pub fn matches(pattern: &[u8], name: &[u8], delimiter: Option<u8>) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for &symbol in pattern {
        match symbol {
            b'*' => spread(&mut reached, |_| true, name),
            b'%' => spread(&mut reached, |byte| Some(byte) != delimiter, name),
            literal => {
                for place in (0..name.len()).rev() {
                    reached[place + 1] = reached[place] && name[place] == literal;
                }
                reached[0] = false;
            }
        }
    }
    reached[name.len()]
}

fn spread(reached: &mut [bool], passes: impl Fn(u8) -> bool, name: &[u8]) {
    for (place, &byte) in name.iter().enumerate() {
        reached[place + 1] |= reached[place] && passes(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

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
}
