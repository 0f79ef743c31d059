//! What can go wrong in a journalled change, and what a recovery comes to.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a journalled change did not succeed.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file is not as long as the plan believes, so the plan is for another content. Nothing was changed.
    #[error("the mailbox changed: it has {found} bytes where {expected} were expected")]
    Changed {
        /// Length the plan was made for.
        expected: u64,
        /// Length found.
        found: u64,
    },
    /// The plan keeps ranges out of order or beyond the end. Nothing was changed.
    #[error("the plan of the rewrite is impossible: {0}")]
    BadPlan(&'static str),
    /// The plan itself takes more room than a journal may: work in rounds. Nothing was changed.
    #[error("the plan of the rewrite takes {cost} bytes of at most {limit}")]
    TooCostly {
        /// Bytes the plan takes.
        cost: usize,
        /// Bytes it may take.
        limit: usize,
    },
    /// An earlier change of this file was interrupted: recover first. Nothing was changed.
    #[error("an earlier change of this mailbox was interrupted, see {}", .journal.display())]
    Unrecovered {
        /// The journal of the earlier change.
        journal: PathBuf,
    },
    /// The change failed before it began. Nothing was changed.
    #[error("nothing was changed, {} failed", .path.display())]
    Untouched {
        /// The file that refused.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The change failed on its way: the mailbox is torn until the journal was used by a recovery.
    #[error("the change is unfinished and pending in {}", .journal.display())]
    Pending {
        /// The journal that holds the rest.
        journal: PathBuf,
        /// Why it stopped.
        source: io::Error,
    },
    /// The journal could not be read or used now; it is kept. Trying again may help.
    #[error("the journal {} could not be used", .journal.display())]
    Recovery {
        /// The journal.
        journal: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What a recovery found and did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recovered {
    /// No journal.
    Nothing,
    /// The interrupted change is complete now.
    Finished,
    /// The interrupted change had not begun or was taken back: the content is the old one.
    RolledBack,
    /// The mailbox is not what the journal was made for, or the journal is damaged. Nothing was applied,
    /// the journal was put aside and is kept.
    Conflict {
        /// Where the journal is kept now.
        journal: PathBuf,
        /// What does not fit.
        why: &'static str,
    },
}
