//! Text that somebody else wrote, and the one way in which it becomes printable.
//!
//! Mail, server answers, file names and the environment are hostile: they may hold terminal escapes,
//! bidirectional overrides, or thousands of combining marks. Such text is a [`Foreign`], which cannot be
//! displayed. [`Foreign::field`] and [`Foreign::line`] turn it into a [`Printable`], which can.

use crate::mail::visible::{Tabs, make_visible};

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

pub use crate::mail::characters::must_escape;
pub use crate::mail::printable::Printable;

/// Text from mail, servers, files or the environment. Has no `Display`: it must become [`Printable`] first.
///
/// Copies of it, and [parts](Self::part), share the text.
#[derive(Clone, Default)]
pub struct Foreign {
    text: Arc<str>,
    range: Range<usize>,
}

impl Foreign {
    /// Wraps text that was decoded already.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let range = 0..text.len();
        Self { text, range }
    }

    /// A part of this text, which is not copied; what is no part of it is.
    pub fn part(&self, part: &str) -> Self {
        let start = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        let range = start.map(|start| start..start + part.len());
        // What lies where this text lies is a part of it.
        match range.filter(|range| self.text.get(range.clone()).is_some()) {
            Some(range) => Self {
                text: Arc::clone(&self.text),
                range,
            },
            None => Self::new(part),
        }
    }

    /// Its length in bytes. Costs no look at the text.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The text as it came, for comparing, searching and storing; never for drawing.
    pub fn raw(&self) -> &str {
        self.text.get(self.range.clone()).unwrap_or_default()
    }

    /// Makes a name, an address, a subject printable: one line, tabs become blanks, its order isolated.
    pub fn field(&self) -> Printable {
        Printable::from_visible(make_visible(self.raw(), Tabs::Blank, &[])).isolated()
    }

    /// Makes a line of text printable: tabs run to columns of 8, its order isolated.
    pub fn line(&self) -> Printable {
        Printable::from_visible(make_visible(self.raw(), Tabs::Stops, &[])).isolated()
    }

    /// A field that is going to be cut into rows: not isolated yet, see [`Printable::isolated`].
    pub fn open_field(&self) -> Printable {
        Printable::from_visible(make_visible(self.raw(), Tabs::Blank, &[]))
    }

    /// A line that is going to be cut into rows: not isolated yet (see [`Printable::isolated`]), with the
    /// whereabouts of `places`, which are byte offsets in this text, ascending.
    pub fn open_line(&self, places: &[usize]) -> (Printable, Vec<usize>) {
        let mut visible = make_visible(self.raw(), Tabs::Stops, places);
        let places = std::mem::take(&mut visible.places);
        (Printable::from_visible(visible), places)
    }
}

impl PartialEq for Foreign {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for Foreign {}

impl PartialOrd for Foreign {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Foreign {
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw().cmp(other.raw())
    }
}

impl Hash for Foreign {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw().hash(state);
    }
}

impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_the_text_and_equal_copies() {
        let whole = Foreign::new("Subject: Zo\u{eb}");
        let part = whole.part(&whole.raw()[9..]);
        assert!(Arc::ptr_eq(&whole.text, &part.text));
        assert_eq!(part, Foreign::new("Zo\u{eb}"));
        let other = String::from("Zo\u{eb}");
        assert_eq!(whole.part(&other), part);
        assert_eq!(whole.part(""), Foreign::default());
    }
}
