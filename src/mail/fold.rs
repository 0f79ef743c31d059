//! Letter case does not count when mail is searched and sorted: text in one case, and the search for a piece of it.

use std::borrow::Cow;

use memchr::memmem::Finder;

/// `text` with all differences of letter case taken out: `STRASSE` and `Straße` come out alike.
///
/// Upper case first, then lower: that brings together letters with two lower-case forms. Proper case folding
/// differs for a handful of letters of Cherokee.
pub fn folded(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        let upper = text.chars().flat_map(char::to_uppercase);
        return Cow::Owned(upper.flat_map(char::to_lowercase).collect());
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
}

/// Text to be looked for, made ready once. Empty text is in everything.
#[derive(Clone, Debug)]
pub struct Needle {
    text: String,
    finder: Finder<'static>,
}

impl Needle {
    /// Makes `text` ready.
    pub fn new(text: &str) -> Self {
        let finder = Finder::new(folded(text).as_bytes()).into_owned();
        Self {
            text: text.to_owned(),
            finder,
        }
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `text` holds it. Takes time proportional to the length of `text`.
    pub fn is_in(&self, text: &str) -> bool {
        self.finder.find(folded(text).as_bytes()).is_some()
    }
}

impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.finder.needle() == other.finder.needle()
    }
}

impl Eq for Needle {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_does_not_count() {
        for (needle, text, expected) in [
            ("smith", "John SMITH", true),
            ("STRASSE", "Hauptstraße 5", true),
            ("ΟΔΟΣ", "οδος", true),
            ("é", "CAFÉ", true),
            ("e", "CAFÉ", false),
            ("", "", true),
            ("ab", "a b", false),
        ] {
            assert_eq!(Needle::new(needle).is_in(text), expected, "{needle} {text}");
        }
    }
}
