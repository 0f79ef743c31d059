//! Why a request failed, and the exit status that stands for it.
//!
//! `Display` gives one printable line: what happened, then, after a semicolon, what was kept or what to do.

use std::io;
use std::path::Path;

use crate::driver::error::Error as DriverError;
use crate::driver::server_error::ServerError;
use crate::mail::name::NameError;
use crate::mail::reason::in_words;
use crate::mail::text::Foreign;

/// The result of a request.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver's reason.
    #[error("{}", driver_line(.0))]
    Driver(#[source] DriverError),
    /// The name is malformed.
    #[error("not a mailbox name: {0}")]
    Name(#[from] NameError),
    /// The name is well formed, but may not be used here.
    #[error("{what} {why}")]
    Forbidden {
        /// The kind of name, as the start of a sentence.
        what: &'static str,
        /// What stands against it, as its end.
        why: &'static str,
    },
    /// The name is known, but its driver comes with a later version of Mugo.
    #[error("this version of Mugo has no driver for {namespace} yet")]
    NotYet {
        /// What the name begins with.
        namespace: &'static str,
    },
    /// There is no such user on this machine, so no home to look into.
    #[error("there is no user {} on this machine", shown(.0))]
    NoSuchUser(Foreign),
    /// `#driver.FORMAT/` names a format that Mugo does not know.
    #[error(
        "there is no format {}; there are {known}; nothing was changed",
        shown(named)
    )]
    UnknownFormat {
        /// What it was called.
        named: Foreign,
        /// Those that there are.
        known: String,
    },
    /// A mailbox of this name cannot be made.
    #[error("a mailbox of this name cannot be made: {0}")]
    BadNewName(&'static str),
    /// The pattern of a LIST has more wildcards than a walk can be asked for.
    #[error("a pattern may hold at most {0} wildcards")]
    TooManyWildcards(usize),
    /// The name is subscribed already.
    #[error("{} is subscribed already", shown(.0))]
    Subscribed(Foreign),
    /// The name is not subscribed.
    #[error("{} is not subscribed", shown(.0))]
    NotSubscribed(Foreign),
    /// Somebody cancelled the request.
    #[error("cancelled; nothing was changed that was not shown")]
    Cancelled,
    /// The mailbox is not, or no longer, open.
    #[error("the mailbox is not open")]
    NotOpen,
    /// The id names an open mailbox already.
    #[error("this mailbox is open already")]
    AlreadyOpen,
    /// The mailbox is open in this very program, which forbids the request.
    #[error("{} is open here; close it first", shown(.0))]
    OpenHere(Foreign),
    /// The program runs with `--read-only`.
    #[error("Mugo runs read-only; nothing was changed")]
    ReadOnlyRun,
    /// No such message, or it is gone.
    #[error("there is no such message, or it was expunged")]
    NoSuchMessage,
    /// The message has no such part.
    #[error("the message has no part {0}")]
    NoSuchPart(String),
    /// A message to be appended has no byte at all.
    #[error("the message is empty; nothing was appended")]
    EmptyMessage,
    /// A message to be appended could not be read.
    #[error("cannot read the message: {}; nothing was appended", io_line(.0))]
    Source(#[source] io::Error),
    /// Not the mailbox that was asked, but the one that should take its messages failed: its name, and why.
    #[error("{}: {}", shown(.0), .1)]
    Destination(Foreign, #[source] Box<Error>),
    /// A transfer: some messages did not arrive as they were sent, and their format does not explain it.
    #[error("{count} differences that the format does not explain; {}", after_difference(*gone))]
    NotTheSame {
        /// How many.
        count: u64,
        /// Whether the mailbox that was made for them is gone again.
        gone: bool,
    },
    /// A transfer: the copies are durable, but they could not be compared with what was sent.
    #[error("the messages were copied, but not compared with the originals: {0}")]
    NotCompared(#[source] Box<Error>),
    /// A move: the copies are durable, the originals are still there.
    #[error("the copies were made, but the originals stay: {0}")]
    NotRemoved(#[source] Box<Error>),
    /// The operating system refused something that belongs to no driver: a thread, a scratch file.
    #[error("{what}: {}", io_line(source))]
    System {
        /// What was tried.
        what: &'static str,
        /// Its reason.
        #[source]
        source: io::Error,
    },
    /// The request is not possible for this mailbox or in this program yet.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A programming error was caught; it ended what it happened in, nothing else.
    #[error("a programming error was caught: {}; please report it", shown(.0))]
    Panicked(Foreign),
    /// The backend ended before the request did.
    #[error("Mugo is ending; the request was not begun or not completed")]
    Ending,
}

impl Error {
    /// Whether the mailbox does not exist and creating it would help.
    pub fn can_create(&self) -> bool {
        match self {
            Self::Destination(_, error) => error.can_create(),
            Self::Driver(DriverError::NoSuchMailbox { can_create, .. }) => *can_create,
            _ => false,
        }
    }

    /// The same, told of the mailbox that should take messages.
    #[must_use]
    pub fn of_destination(self, name: Foreign) -> Self {
        match self {
            Self::Cancelled | Self::Ending | Self::Panicked(_) | Self::Destination(..) => self,
            error => Self::Destination(name, Box::new(error)),
        }
    }

    /// Whether what failed may yet come to be, at the next opening of the destination.
    pub fn may_yet_be(&self) -> bool {
        match self {
            Self::Panicked(_)
            | Self::Driver(
                DriverError::Pending { .. } | DriverError::Server(ServerError::Unsure),
            ) => true,
            Self::Destination(_, error) => error.may_yet_be(),
            _ => false,
        }
    }

    /// The exit status: 65 malformed, 75 try again later, 77 not permitted, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Driver(error) => driver_code(error),
            Self::Source(error) | Self::System { source: error, .. } => io_code(error),
            Self::Ending => 75,
            Self::NotRemoved(error) | Self::NotCompared(error) | Self::Destination(_, error) => {
                error.exit_code()
            }
            Self::Forbidden { .. } => 77,
            _ => 1,
        }
    }
}

impl From<DriverError> for Error {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Cancelled => Self::Cancelled,
            DriverError::NoSuchMessage => Self::NoSuchMessage,
            other => Self::Driver(other),
        }
    }
}

fn driver_code(error: &DriverError) -> u8 {
    match error {
        DriverError::NotThisFormat { .. } | DriverError::Damaged { .. } => 65,
        DriverError::Locked { .. } | DriverError::Changed(_) => 75,
        DriverError::ReadOnly => 77,
        DriverError::Server(error) => server_code(error),
        DriverError::Io { source, .. } | DriverError::Pending { source, .. } => io_code(source),
        _ => 1,
    }
}

fn server_code(error: &ServerError) -> u8 {
    match error {
        ServerError::Unreachable { .. }
        | ServerError::TryLater(_)
        | ServerError::Lost(_)
        | ServerError::Bye(_)
        | ServerError::Silent(_) => 75,
        ServerError::Unsafe(_)
        | ServerError::Certificate { .. }
        | ServerError::Login { .. }
        | ServerError::NoWayIn(_)
        | ServerError::Forbidden(_) => 77,
        ServerError::Protocol(_) => 65,
        ServerError::Refused(_)
        | ServerError::NoRoom(_)
        | ServerError::Unable(_)
        | ServerError::Unsure => 1,
    }
}

fn io_code(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => 77,
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => 75,
        _ => 1,
    }
}

fn driver_line(error: &DriverError) -> String {
    match error {
        DriverError::NoSuchMailbox { path, can_create } => {
            let hint = if *can_create {
                "; it can be created"
            } else {
                ""
            };
            format!("no such mailbox: {}{hint}", path_line(path))
        }
        DriverError::AlreadyExists(path) => {
            format!("{} exists already; nothing was changed", path_line(path))
        }
        // Nobody asks for this driver, which takes what no other one wants: its name would say nothing.
        DriverError::NotThisFormat {
            driver: "dummy",
            why,
        } => format!("this is not a mailbox: {why}; it was left as it is"),
        DriverError::NotThisFormat { driver, why } => {
            format!("not a mailbox in {driver} format: {why}")
        }
        DriverError::Damaged { offset, what } => {
            format!("the mailbox is damaged at byte {offset}: {what}; it was left as it is")
        }
        DriverError::Changed(what) => {
            format!("the mailbox changed under Mugo: {what}; open it again")
        }
        DriverError::Locked { by } => {
            format!("the mailbox is in use by {}; try again later", shown(by))
        }
        DriverError::ReadOnly => "the mailbox is read-only; nothing was changed".to_owned(),
        DriverError::NoSuchMessage => "there is no such message, or it was expunged".to_owned(),
        DriverError::Unsupported { driver, operation } => {
            format!("mailboxes in {driver} format cannot {operation}")
        }
        DriverError::Refused(why) => format!("refused: {why}"),
        DriverError::Server(error) => server_line(error),
        DriverError::Cancelled => "cancelled".to_owned(),
        DriverError::Pending { path, source } => format!(
            "{}: {}; the change is unfinished, and the next opening of the mailbox finishes it or takes it back: \
             do not repeat it before",
            path_line(path),
            io_line(source)
        ),
        DriverError::Io { path, source } if source.kind() == io::ErrorKind::DirectoryNotEmpty => {
            let path = path_line(path);
            format!("{path} holds mailboxes or files; delete them first; nothing was deleted")
        }
        DriverError::Io { path, source } => format!("{}: {}", path_line(path), io_line(source)),
    }
}

fn server_line(error: &ServerError) -> String {
    let said = |text: &Foreign| match text.is_empty() {
        true => "it gave no reason".to_owned(),
        false => format!("it says: {}", shown(text)),
    };
    match error {
        ServerError::Unreachable { host, why } => {
            format!(
                "no connection to {}: {}",
                shown(host),
                shown(&Foreign::new(why.as_str()))
            )
        }
        ServerError::Unsafe(why) => format!("no safe connection: {why}; no password was sent"),
        ServerError::Certificate {
            host,
            why,
            fingerprint,
        } => format!(
            "the certificate of {} cannot be trusted: {}; no password was sent; its SHA-256 fingerprint is {fingerprint}",
            shown(host),
            shown(&Foreign::new(why.as_str()))
        ),
        ServerError::Login { user, said: text } => {
            format!("the server does not let {} in; {}", shown(user), said(text))
        }
        ServerError::NoWayIn(why) => format!("cannot log in: {why}"),
        ServerError::TryLater(text) => {
            format!("the server is busy; {}; try again later", said(text))
        }
        ServerError::Refused(text) => format!("the server refused; {}", said(text)),
        ServerError::NoRoom(text) => format!("the server has no room for it; {}", said(text)),
        ServerError::Forbidden(text) => format!("the server does not allow it; {}", said(text)),
        ServerError::Lost(why) => {
            let why = shown(&Foreign::new(why.as_str()));
            format!("the connection to the server was lost: {why}")
        }
        ServerError::Bye(text) => format!("the server ended the connection; {}", said(text)),
        ServerError::Silent(seconds) => {
            format!("the server said nothing for {seconds} s; the connection was given up")
        }
        ServerError::Unsure => {
            "it was sent whole, but nobody heard whether the server did it; look there before you repeat it"
                .to_owned()
        }
        ServerError::Protocol(what) => {
            format!(
                "the server broke the rules of the protocol: {what}; the connection was given up"
            )
        }
        ServerError::Unable(what) => format!("this server cannot {what}; nothing was changed"),
    }
}

fn after_difference(gone: bool) -> &'static str {
    if gone {
        "the new mailbox was removed again"
    } else {
        "the copies stay, and so do the originals"
    }
}

fn path_line(path: &Path) -> String {
    shown(&Foreign::new(path.to_string_lossy()))
}

/// The system's reason in words, without its number.
pub fn io_line(error: &io::Error) -> String {
    shown(&Foreign::new(in_words(error)))
}

fn shown(text: &Foreign) -> String {
    text.field().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(kind: io::ErrorKind) -> DriverError {
        DriverError::Io {
            path: "/home/b\u{1b}[31m/x".into(),
            source: kind.into(),
        }
    }

    #[test]
    fn exit_codes_tell_what_a_script_can_do() {
        let damaged = DriverError::Damaged {
            offset: 7,
            what: "a hole",
        };
        let locked = DriverError::Locked {
            by: Foreign::new("process 7"),
        };
        for (error, code) in [
            (Error::from(damaged), 65),
            (locked.into(), 75),
            (DriverError::ReadOnly.into(), 77),
            (io(io::ErrorKind::PermissionDenied).into(), 77),
            (io(io::ErrorKind::StorageFull).into(), 1),
            (DriverError::NoSuchMessage.into(), 1),
            (Error::ReadOnlyRun, 1),
            (
                Error::NotRemoved(Box::new(DriverError::ReadOnly.into())),
                77,
            ),
        ] {
            assert_eq!(error.exit_code(), code, "{error}");
        }
    }

    #[test]
    fn every_line_is_one_printable_line() {
        for error in [
            Error::from(io(io::ErrorKind::Other)),
            Error::OpenHere(Foreign::new("a\nb\u{202e}c")),
            Error::Panicked(Foreign::new("line\r\nline")),
        ] {
            let text = error.to_string();
            assert!(
                !text.contains(['\n', '\r', '\u{1b}', '\u{202e}']),
                "{text:?}"
            );
        }
        assert!(matches!(DriverError::Cancelled.into(), Error::Cancelled));
    }
}
