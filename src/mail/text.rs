//! Text that somebody else wrote, and the one way in which it becomes printable.
//!
//! Mail, server answers, file names and the environment are hostile: they may hold terminal escapes,
//! bidirectional overrides, or thousands of combining marks. Such text is a [`Foreign`], which cannot be
//! displayed. [`Foreign::field`] and [`Foreign::line`] turn it into a [`Printable`], which can.

use crate::mail::visible::{Tabs, make_visible};

pub use crate::mail::characters::must_escape;
pub use crate::mail::printable::Printable;

/// Text from mail, servers, files or the environment. Has no `Display`: it must become [`Printable`] first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Foreign(Box<str>);

impl Foreign {
    /// Wraps text that was decoded already.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into_boxed_str())
    }

    /// The text as it came, for comparing, searching and storing; never for drawing.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Makes a name, an address, a subject printable: one line, tabs become blanks, its order isolated.
    pub fn field(&self) -> Printable {
        Printable::from_visible(make_visible(&self.0, Tabs::Blank, &[])).isolated()
    }

    /// Makes a line of text printable: tabs run to columns of 8, its order isolated.
    pub fn line(&self) -> Printable {
        Printable::from_visible(make_visible(&self.0, Tabs::Stops, &[])).isolated()
    }

    /// A field that is going to be cut into rows: not isolated yet, see [`Printable::isolated`].
    pub fn open_field(&self) -> Printable {
        Printable::from_visible(make_visible(&self.0, Tabs::Blank, &[]))
    }

    /// A line that is going to be cut into rows: not isolated yet (see [`Printable::isolated`]), with the
    /// whereabouts of `places`, which are byte offsets in this text, ascending.
    pub fn open_line(&self, places: &[usize]) -> (Printable, Vec<usize>) {
        let mut visible = make_visible(&self.0, Tabs::Stops, places);
        let places = std::mem::take(&mut visible.places);
        (Printable::from_visible(visible), places)
    }
}

impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}
