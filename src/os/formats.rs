//! What the user wants of the formats of local mailboxes: which are used, which new mailboxes get, and their keywords.

/// The user's choice among formats, which are named as their drivers are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Formats {
    /// Formats that are not used, neither found nor made.
    pub disabled: Vec<String>,
    /// The format of new mailboxes whose name asks for none.
    pub new: FormatChoice,
    /// The format that an empty file takes with its first message.
    pub empty: FormatChoice,
    /// The keywords of formats that keep only numbered bits, in the order of the bits.
    pub keywords: Vec<String>,
    /// Whether formats that know only kernel locks are written on network file systems, where those protect nobody.
    pub nfs_writes: bool,
}

/// A format, or how to find it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FormatChoice {
    /// This one.
    Named(String),
    /// The one that INBOX has; the traditional one while INBOX is empty.
    SameAsInbox,
    /// None: it is refused.
    Refused,
}

impl FormatChoice {
    /// The traditional format, which every mail program reads.
    pub const USUAL: &'static str = "unix";
}

impl Default for Formats {
    fn default() -> Self {
        let usual = || FormatChoice::Named(FormatChoice::USUAL.to_owned());
        Self {
            disabled: Vec::new(),
            new: usual(),
            empty: usual(),
            keywords: Vec::new(),
            nfs_writes: false,
        }
    }
}
