//! What can go wrong in a driver.

use std::io;
use std::path::{Path, PathBuf};

use crate::driver::server_error::ServerError;
use crate::mail::reason::in_words;
use crate::mail::text::Foreign;
use crate::os::environment::Environment;

/// The result of a driver's operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation failed. Each says what is known; a face adds what was kept and what to do next.
///
/// What others wrote (paths, names of lock holders) is in the fields and not in the text, which is safe to print.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such mailbox; `can_create` tells whether creating it would help.
    #[error("no such mailbox")]
    NoSuchMailbox {
        /// The file that is not there.
        path: PathBuf,
        /// Whether the name could be created.
        can_create: bool,
    },
    /// Something has this name already.
    #[error("something with this name exists already")]
    AlreadyExists(PathBuf),
    /// The file is not in the driver's format.
    #[error("not a mailbox of the {driver} driver: {why}")]
    NotThisFormat {
        /// The driver that was asked.
        driver: &'static str,
        /// Why it is not.
        why: &'static str,
    },
    /// The mailbox breaks its format.
    #[error("damaged at byte {offset}: {what}")]
    Damaged {
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The file changed under an open mailbox in a way that cannot be followed.
    #[error("the mailbox was changed by another program: {0}")]
    Changed(&'static str),
    /// Somebody else uses the mailbox.
    #[error("the mailbox is in use by somebody else")]
    Locked {
        /// Who, as far as known.
        by: Foreign,
    },
    /// The mailbox is open read-only, or may not be written.
    #[error("the mailbox is read-only")]
    ReadOnly,
    /// The message is no longer there.
    #[error("the message is no longer there")]
    NoSuchMessage,
    /// The driver cannot do this.
    #[error("the {driver} driver cannot {operation}")]
    Unsupported {
        /// The driver.
        driver: &'static str,
        /// What was asked of it.
        operation: &'static str,
    },
    /// The request is not acceptable.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The request was cancelled; nothing was changed by it that its changes did not tell.
    #[error("cancelled")]
    Cancelled,
    /// The change is unfinished: the next opening of the mailbox finishes it or takes it back.
    #[error("the change is unfinished; the next opening finishes it or takes it back")]
    Pending {
        /// What holds the rest of it.
        path: PathBuf,
        /// Why it stopped.
        source: io::Error,
    },
    /// A server, or the way to it, failed.
    #[error("{0}")]
    Server(#[from] ServerError),
    /// The operating system refused.
    #[error("the operating system refused")]
    Io {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
}

impl Error {
    /// The error with what the operating system says, for notices.
    pub fn with_reason(&self) -> String {
        match self {
            Self::Io { path, source } | Self::Pending { path, source } => {
                format!("{}: {}", path.display(), in_words(source))
            }
            other => other.to_string(),
        }
    }

    /// Names the file of an operating system's error; to be handed to `map_err`.
    pub fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Fails where no file of the user's may be written at all (`--read-only`).
pub fn writable(environment: &Environment) -> Result<()> {
    match environment.read_only {
        true => Err(Error::ReadOnly),
        false => Ok(()),
    }
}
