//! Flags of a message: the six system flags and keywords (RFC 3501, 2.3.2).

use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;

/// The system flags of one message, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SystemFlags(u8);

impl SystemFlags {
    /// No flag at all.
    pub const NONE: Self = Self(0);
    /// `\Seen`: the message has been read.
    pub const SEEN: Self = Self(0x01);
    /// `\Answered`: it has been answered.
    pub const ANSWERED: Self = Self(0x02);
    /// `\Flagged`: it is important; Pine shows `*`.
    pub const FLAGGED: Self = Self(0x04);
    /// `\Deleted`: it goes at the next expunge.
    pub const DELETED: Self = Self(0x08);
    /// `\Draft`: it is not finished.
    pub const DRAFT: Self = Self(0x10);
    /// `\Recent`: this is the first session to see it. Never set by a caller.
    pub const RECENT: Self = Self(0x20);
    /// The five flags that a caller may change.
    pub const SETTABLE: Self = Self(0x1f);

    /// Every flag with its IMAP name, in the order in which they are listed.
    pub const NAMES: [(Self, &'static str); 6] = [
        (Self::SEEN, "\\Seen"),
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::DRAFT, "\\Draft"),
        (Self::RECENT, "\\Recent"),
    ];

    /// The flag with this IMAP name, in any letter case.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES
            .iter()
            .find(|entry| entry.1.eq_ignore_ascii_case(name));
        found.map(|entry| entry.0)
    }

    /// The flags as bits, for files of this program's own.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// What [`bits`](Self::bits) gave; other bits are dropped.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 0x3f)
    }

    /// Whether all flags of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags that are in both.
    #[must_use]
    pub fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether no flag is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The IMAP names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .iter()
            .filter(move |entry| self.contains(entry.0))
            .map(|entry| entry.1)
    }
}

impl BitOr for SystemFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for SystemFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for SystemFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// A keyword: a flag named by users. 1 to 50 printable ASCII bytes, an IMAP atom without `]`; compared without regard to case.
#[derive(Clone, Debug, Eq)]
pub struct Keyword(Arc<str>);

impl Keyword {
    /// The longest keyword, in bytes.
    pub const MAX_LEN: usize = 50;

    /// Checks and wraps `name`; `None` when it cannot be a keyword.
    pub fn new(name: &str) -> Option<Self> {
        let printable = |byte: u8| byte > b' ' && byte < 0x7f && !b"*%\"\\(){]".contains(&byte);
        let valid = (1..=Self::MAX_LEN).contains(&name.len()) && name.bytes().all(printable);
        valid.then(|| Self(name.into()))
    }

    /// The keyword in the letter case first used.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All flags of one message. Messages with the same keywords share one list, so that a million of them stay small.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// The system flags.
    pub system: SystemFlags,
    /// The keywords, in the order in which the mailbox defines them; `None` stands for none.
    pub keywords: Option<Arc<[Keyword]>>,
}

impl Flags {
    /// Flags without keywords.
    pub fn system(system: SystemFlags) -> Self {
        Self {
            system,
            keywords: None,
        }
    }

    /// Flags with these keywords.
    pub fn new(system: SystemFlags, keywords: Vec<Keyword>) -> Self {
        Self {
            system,
            keywords: (!keywords.is_empty()).then(|| keywords.into()),
        }
    }

    /// The keywords, in the order in which the mailbox defines them.
    pub fn keywords(&self) -> &[Keyword] {
        self.keywords.as_deref().unwrap_or_default()
    }

    /// Whether all of `flags` are set.
    pub fn has(&self, flags: SystemFlags) -> bool {
        self.system.contains(flags)
    }

    /// What a message with these flags has after `change`. `\Recent` is kept as it was.
    #[must_use]
    pub fn changed(&self, change: &FlagChange) -> Self {
        let named = change.flags();
        let settable = named.system.only(SystemFlags::SETTABLE);
        let recent = self.system.only(SystemFlags::RECENT);
        let mut keywords = self.keywords().to_vec();
        let system = match change {
            FlagChange::Set(_) => {
                keywords = named.keywords().to_vec();
                settable | recent
            }
            FlagChange::Add(_) => {
                for keyword in named.keywords() {
                    if !keywords.contains(keyword) {
                        keywords.push(keyword.clone());
                    }
                }
                self.system | settable
            }
            FlagChange::Remove(_) => {
                keywords.retain(|keyword| !named.keywords().contains(keyword));
                self.system.without(settable)
            }
        };
        Self::new(system, keywords)
    }
}

/// A change of flags, as IMAP's STORE names them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FlagChange {
    /// Exactly these flags and keywords from now on.
    Set(Flags),
    /// These too.
    Add(Flags),
    /// No longer these.
    Remove(Flags),
}

impl FlagChange {
    /// The flags that the change names.
    pub fn flags(&self) -> &Flags {
        match self {
            Self::Set(flags) | Self::Add(flags) | Self::Remove(flags) => flags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_atoms_of_at_most_fifty_bytes() {
        assert_eq!(Keyword::new("Work"), Keyword::new("wORK"));
        for bad in ["", "a b", "a]", "\\Seen", "caf\u{e9}", &"x".repeat(51)] {
            assert!(Keyword::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_change_never_touches_recent() {
        let work = Keyword::new("work").expect("valid");
        let old = Flags::system(SystemFlags::RECENT | SystemFlags::SEEN);
        let set = FlagChange::Set(Flags::new(SystemFlags::FLAGGED, vec![work.clone()]));
        let new = old.changed(&set);
        assert_eq!(new.system, SystemFlags::RECENT | SystemFlags::FLAGGED);
        let remove = FlagChange::Remove(Flags::new(SystemFlags::RECENT, vec![work]));
        assert_eq!(new.changed(&remove), Flags::system(new.system));
    }
}
