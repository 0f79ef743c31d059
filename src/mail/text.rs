//! Text that somebody else wrote, and the one way in which it becomes printable.
//!
//! Mail, server answers, file names and the environment are hostile: they may hold terminal escapes,
//! bidirectional overrides, or thousands of combining marks. Such text is a [`Foreign`], which cannot be
//! displayed. [`Foreign::field`] and [`Foreign::line`] turn it into a [`Printable`], which can.

/// Text from mail, servers, files or the environment. Has no `Display`: it must become [`Printable`] first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Foreign(Box<str>);

/// Text that is safe to draw or print.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Printable {
    text: String,
}

impl Foreign {
    /// Wraps text that was decoded already.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into_boxed_str())
    }

    /// The text as it came, for comparing, searching and storing; never for drawing.
    pub fn raw(&self) -> &str {
        &self.0
    }
}
impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}
impl Printable {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
