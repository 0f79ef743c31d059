//! Mailbox formats as people ask about them: the rows of c-client's characteristics table, and one mailbox's own facts.

use std::path::PathBuf;

use crate::mail::status::MailboxStatus;
use crate::mail::text::Foreign;

/// A format: one row of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    /// Its name, as in `#driver.NAME/`.
    pub name: &'static str,
    /// What it can do, in the table's order.
    pub abilities: Vec<FormatAbility>,
    /// Speed, relative among the formats.
    pub performance: &'static str,
    /// How mail lies on disk.
    pub layout: &'static str,
    /// Whether new mailboxes can be made in it.
    pub can_be_made: bool,
}

/// One cell of the row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormatAbility {
    /// The column's head, `CA`.
    pub head: &'static str,
    /// What it stands for, in words.
    pub words: &'static str,
    /// How far it goes.
    pub degree: Degree,
}

/// How far an ability goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Degree {
    /// Not at all.
    No,
    /// In part; the text says how far.
    Limited(&'static str),
    /// Wholly.
    Yes,
}

impl Degree {
    /// `no`, `limited` or `yes`.
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Limited(_) => "limited",
            Self::Yes => "yes",
        }
    }

    /// How far it goes, where that needs a sentence.
    pub fn limit(self) -> Option<&'static str> {
        match self {
            Self::Limited(how) => Some(how),
            _ => None,
        }
    }
}

/// What can be told of one mailbox without opening it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// Its name.
    pub name: Foreign,
    /// Its format.
    pub format: Format,
    /// Its file or folder; `None` for an INBOX that is not there yet.
    pub path: Option<PathBuf>,
    /// Bytes on disk.
    pub size: u64,
    /// Its counts.
    pub status: MailboxStatus,
    /// Why it would open read-only; `None` where it would not.
    pub why_read_only: Option<Foreign>,
    /// Who has it open, as far as that can be seen: this program, other processes.
    pub openers: Vec<Foreign>,
}
