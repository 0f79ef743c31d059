//! Why a command failed: one sentence for people, one object for scripts, one exit status for the shell.

use std::io;

use crate::backend::error::{Error, io_line};
use crate::mail::name::NameError;
use crate::mail::text::{Foreign, Printable};

/// Exit status of wrong usage.
pub const USAGE: u8 = 2;

/// Why a command did not do what it should.
#[derive(Debug)]
pub enum Failure {
    /// The backend's reason.
    Backend(Error),
    /// The mailbox's name is malformed.
    Name(NameError),
    /// An argument makes no sense; the text is our own and quotes nothing.
    Argument(&'static str),
    /// The criteria of a search make no sense.
    Criteria(Foreign),
    /// A number names no message of the mailbox: the number, how many messages there are.
    BeyondMailbox(u32, usize),
    /// There is no message with this UID.
    NoSuchUid(u32),
    /// A file of the user's cannot be read.
    Input(Foreign, io::Error),
    /// The mailbox closed by itself.
    Closed(Foreign),
    /// Standard output cannot be written.
    Output(io::Error),
    /// Whoever read our output has enough; not an error.
    ReaderGone,
    /// A signal asked us to stop.
    Interrupted(i32),
}

impl Failure {
    /// The exit status that tells of this.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Backend(error) => error.exit_code(),
            Self::Argument(_) | Self::Criteria(_) => USAGE,
            Self::ReaderGone => 0,
            Self::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(1),
            Self::Input(_, error) if error.kind() == io::ErrorKind::PermissionDenied => 77,
            _ => 1,
        }
    }

    /// What happened, on one line, without the mailbox's name; `None` where nothing is to be said.
    pub fn sentence(&self) -> Option<Printable> {
        let text = match self {
            Self::ReaderGone | Self::Interrupted(_) => return None,
            Self::Backend(error) => error.to_string(),
            Self::Name(error) => error.to_string(),
            Self::Argument(what) => (*what).to_owned(),
            Self::Criteria(why) => format!("not search criteria: {}", why.raw()),
            Self::BeyondMailbox(number, 0) => {
                format!("there is no message {number}: the mailbox is empty")
            }
            Self::BeyondMailbox(number, count) => {
                format!("there is no message {number}: the last one is {count}")
            }
            Self::NoSuchUid(uid) => format!("there is no message with UID {uid}"),
            Self::Input(name, error) => {
                format!("{}: {}; nothing was changed", name.raw(), io_line(error))
            }
            Self::Closed(why) => format!("closed: {}", why.raw()),
            Self::Output(error) => format!("cannot write the output: {}", io_line(error)),
        };
        Some(Foreign::new(text).line())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Backend(error)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

impl From<io::Error> for Failure {
    /// For errors of writing to standard output; other files have [`Failure::Input`].
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::Output(error)
        }
    }
}
