//! What can go wrong in a driver.

use std::io;
use std::path::PathBuf;

use crate::mail::text::Foreign;

/// The result of a driver's operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation failed. Each says what is known; a face adds what was kept and what to do next.
#[derive(Debug)]
pub enum Error {
    /// There is no such mailbox; `can_create` tells whether creating it would help.
    NoSuchMailbox {
        /// The file that is not there.
        path: PathBuf,
        /// Whether the name could be created.
        can_create: bool,
    },
    /// Something has this name already.
    AlreadyExists(PathBuf),
    /// The file is not in the driver's format.
    NotThisFormat {
        /// The driver that was asked.
        driver: &'static str,
        /// Why it is not.
        why: &'static str,
    },
    /// The mailbox breaks its format.
    Damaged {
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The file changed under an open mailbox in a way that cannot be followed.
    Changed(&'static str),
    /// Somebody else uses the mailbox.
    Locked {
        /// Who, as far as known.
        by: Foreign,
    },
    /// The mailbox is open read-only, or may not be written.
    ReadOnly,
    /// The message is no longer there.
    NoSuchMessage,
    /// The driver cannot do this.
    Unsupported {
        /// The driver.
        driver: &'static str,
        /// What was asked of it.
        operation: &'static str,
    },
    /// The request is not acceptable.
    Refused(&'static str),
    /// The request was cancelled; nothing was changed by it that its changes did not tell.
    Cancelled,
    /// The operating system refused.
    Io {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
}
