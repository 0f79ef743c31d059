//! Names of mailboxes: the whole grammar, as a type that cannot hold a malformed name.
//!
//! A name is bytes, not text: file names are. What a name begins with decides what it is (see [`NameKind`]).
//! Checks that hold everywhere are made here; what the mode forbids besides (black box, anonymous, restricted)
//! is found out when the name is resolved. Local names have at most 256 bytes, names on servers at most 1000.

use crate::mail::server::{Server, ServerError};
use crate::mail::switches::{Service, Switch};
use crate::mail::text::Foreign;

/// The name of a mailbox, as a user types it, known to be well formed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MailboxName {
    raw: Box<[u8]>,
    kind: NameKind,
}

/// What a name stands for. Paths are as typed, without what the variant says already.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NameKind {
    /// `INBOX`, in any letter case.
    Inbox,
    /// `x`: below the mail home. The path is the name itself.
    Relative,
    /// `/x`: an absolute path, or in a black box a user and a path. The path is the name itself.
    Absolute,
    /// `~/x`: below the mail home.
    Home(Box<[u8]>),
    /// `~user/x`: below the home of another user.
    User {
        /// Whose home.
        user: Box<[u8]>,
        /// The path below it; may be empty.
        rest: Box<[u8]>,
    },
    /// `#ftp/x`.
    Ftp(Box<[u8]>),
    /// `#public/x`.
    Public(Box<[u8]>),
    /// `#shared/x`.
    Shared(Box<[u8]>),
    /// `#mh/x`.
    Mh(Box<[u8]>),
    /// `#mhinbox`.
    MhInbox,
    /// `#news.group`.
    News(Box<[u8]>),
    /// `#driver.FORMAT/name`: a mailbox in a format, to be created or appended to.
    Driver {
        /// The format, in lower case.
        format: Box<str>,
        /// The mailbox.
        name: Box<MailboxName>,
    },
    /// `#move+from+to`: a mailbox into which another one is emptied.
    Move {
        /// The mailbox that is emptied.
        from: Box<MailboxName>,
        /// The mailbox that is opened.
        to: Box<MailboxName>,
    },
    /// `#pop{server}to`: the same with a POP3 server.
    Pop {
        /// The server.
        server: Box<Server>,
        /// The mailbox that is opened.
        to: Box<MailboxName>,
    },
    /// `{server}mailbox`.
    Remote {
        /// The server.
        server: Box<Server>,
        /// The mailbox there; `INBOX` where the name says none.
        mailbox: Box<[u8]>,
    },
}

/// Why bytes are not a mailbox name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// There is no name.
    #[error("the name is empty")]
    Empty,
    /// CR, LF or NUL are in it.
    #[error("byte {place} is a line end or NUL, which no name can hold")]
    ControlByte {
        /// Where, counted from 1.
        place: usize,
    },
    /// It is too long.
    #[error("the name has {length} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The `{…}` part is wrong.
    #[error("the server part is wrong: {0}")]
    Server(#[from] ServerError),
    /// A name that begins with `#` but with no known word.
    #[error(
        "a name that begins with # must begin with one of {}",
        MailboxName::NAMESPACES
    )]
    UnknownNamespace,
    /// `..`, `//` or `/~` in a name that begins with `#`.
    #[error("{0} is forbidden in a name that begins with #")]
    ForbiddenPart(&'static str),
    /// A namespace's name without anything behind it, or `~` alone.
    #[error("something must follow {0}")]
    Incomplete(&'static str),
    /// A newsgroup cannot be called so.
    #[error("a newsgroup's name holds no /")]
    NotAGroup,
    /// The format of `#driver.FORMAT/` is missing or not followed by `/`, `\` or `:`.
    #[error("a format is written as in #driver.unix/name")]
    BadFormat,
    /// A special name stands where only a plain one may.
    #[error("{0} cannot be combined with this kind of name")]
    Nested(&'static str),
    /// `#move` without a separator that stands twice.
    #[error("a move is written as in #move+from+to, with any character for +")]
    BadMove,
    /// `#pop{…}` names a server that is not POP3, or is anonymous or read-only.
    #[error("#pop needs a POP3 server, neither anonymous nor read-only")]
    BadPop,
}

impl MailboxName {
    /// The longest local name, in bytes.
    pub const MAX_LOCAL: usize = 256;
    /// The longest name of a mailbox on a server, in bytes.
    pub const MAX_REMOTE: usize = 1000;
    /// The longest name with all its parts, in bytes.
    pub const MAX_LEN: usize = 2 * (Server::MAX_LEN + 2 + Self::MAX_REMOTE) + 8;

    const NAMESPACES: &'static str =
        "#mh/, #mhinbox, #news., #ftp/, #public/, #shared/, #driver., #move, #pop{";

    /// Reads a name.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        if bytes.is_empty() {
            return Err(NameError::Empty);
        }
        if bytes.len() > Self::MAX_LEN {
            return Err(too_long(bytes, Self::MAX_LEN));
        }
        if let Some(place) = bytes.iter().position(|byte| b"\r\n\0".contains(byte)) {
            return Err(NameError::ControlByte { place: place + 1 });
        }
        let kind = read_kind(bytes)?;
        Ok(Self {
            raw: bytes.into(),
            kind,
        })
    }

    /// `INBOX`.
    pub fn inbox() -> Self {
        Self {
            raw: (*b"INBOX").into(),
            kind: NameKind::Inbox,
        }
    }

    /// The name of `mailbox` on `server`.
    pub fn remote(server: &Server, mailbox: &[u8]) -> Result<Self, NameError> {
        let mut bytes = server.to_string().into_bytes();
        bytes.extend_from_slice(mailbox);
        Self::parse(&bytes)
    }

    /// The bytes as typed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// For messages and screens.
    pub fn to_foreign(&self) -> Foreign {
        Foreign::new(String::from_utf8_lossy(&self.raw))
    }

    /// What the name stands for.
    pub fn kind(&self) -> &NameKind {
        &self.kind
    }

    /// The name that asks for a mailbox in this format, `#driver.FORMAT/name`; only for names without one.
    pub fn in_format(&self, format: &str) -> Result<Self, NameError> {
        Self::parse(&[b"#driver.", format.as_bytes(), b"/", self.as_bytes()].concat())
    }

    /// The name without the format that it asks for.
    #[must_use]
    pub fn without_format(&self) -> Self {
        match &self.kind {
            NameKind::Driver { name, .. } => (**name).clone(),
            _ => self.clone(),
        }
    }

    /// Whether this is the user's own `INBOX`.
    pub fn is_inbox(&self) -> bool {
        self.kind == NameKind::Inbox
    }

    /// Whether the mailbox is on a server.
    pub fn is_remote(&self) -> bool {
        matches!(self.kind, NameKind::Remote { .. })
    }

    /// The first of `..`, `//`, `/~` that `bytes` hold: parts by which a path can leave the place that was meant.
    pub fn escaping_part(bytes: &[u8]) -> Option<&'static str> {
        let holds = |part: &&str| bytes.windows(2).any(|pair| pair == part.as_bytes());
        ["..", "//", "/~"].into_iter().find(holds)
    }
}

fn read_kind(bytes: &[u8]) -> Result<NameKind, NameError> {
    match bytes.first() {
        Some(b'{') => read_remote(bytes),
        Some(b'#') => read_namespace(bytes),
        _ if bytes.len() > MailboxName::MAX_LOCAL => Err(too_long(bytes, MailboxName::MAX_LOCAL)),
        Some(b'~') => read_home(bytes),
        Some(b'/') => Ok(NameKind::Absolute),
        _ if bytes.eq_ignore_ascii_case(b"INBOX") => Ok(NameKind::Inbox),
        _ => Ok(NameKind::Relative),
    }
}

fn read_home(bytes: &[u8]) -> Result<NameKind, NameError> {
    let after = bytes.strip_prefix(b"~").unwrap_or(bytes);
    match after.iter().position(|&byte| byte == b'/') {
        _ if after.is_empty() => Err(NameError::Incomplete("~")),
        Some(0) => Ok(NameKind::Home(after.split_at(1).1.into())),
        Some(slash) => {
            let (user, rest) = after.split_at(slash);
            let rest = rest.strip_prefix(b"/").unwrap_or(rest).into();
            Ok(NameKind::User {
                user: user.into(),
                rest,
            })
        }
        None => Ok(NameKind::User {
            user: after.into(),
            rest: [].into(),
        }),
    }
}

fn read_remote(bytes: &[u8]) -> Result<NameKind, NameError> {
    let (server, mailbox) = split_server(bytes, Service::Imap)?;
    let mailbox = if mailbox.is_empty() {
        b"INBOX"
    } else {
        mailbox
    };
    if mailbox.len() > MailboxName::MAX_REMOTE {
        return Err(too_long(mailbox, MailboxName::MAX_REMOTE));
    }
    Ok(NameKind::Remote {
        server: Box::new(server),
        mailbox: mailbox.into(),
    })
}

/// Reads `{…}` at the front of `bytes`; the first closing brace ends it, wherever it stands.
fn split_server(bytes: &[u8], service: Service) -> Result<(Server, &[u8]), ServerError> {
    let inside = bytes.strip_prefix(b"{").ok_or(ServerError::Unclosed)?;
    let end = inside
        .iter()
        .position(|&byte| byte == b'}')
        .ok_or(ServerError::Unclosed)?;
    let (text, rest) = inside.split_at(end);
    Ok((
        Server::parse(text, service)?,
        rest.strip_prefix(b"}").unwrap_or(rest),
    ))
}

fn read_namespace(bytes: &[u8]) -> Result<NameKind, NameError> {
    if let Some(rest) = strip_word(bytes, b"#driver.") {
        return read_driver(rest);
    }
    if let Some(rest) = strip_word(bytes, b"#move") {
        return read_move(rest);
    }
    if let Some(rest) = strip_word(bytes, b"#pop").filter(|rest| rest.starts_with(b"{")) {
        return read_pop(rest);
    }
    if bytes.len() > MailboxName::MAX_LOCAL {
        return Err(too_long(bytes, MailboxName::MAX_LOCAL));
    }
    if let Some(part) = MailboxName::escaping_part(bytes) {
        return Err(NameError::ForbiddenPart(part));
    }
    if bytes.eq_ignore_ascii_case(b"#mhinbox") {
        return Ok(NameKind::MhInbox);
    }
    if let Some(group) = bytes.strip_prefix(b"#news.") {
        return read_news(group);
    }
    if let Some(rest) = strip_word(bytes, b"#mh/") {
        return if rest.is_empty() {
            Err(NameError::Incomplete("#mh/"))
        } else {
            Ok(NameKind::Mh(rest.into()))
        };
    }
    if let Some(rest) = strip_word(bytes, b"#ftp/") {
        return Ok(NameKind::Ftp(rest.into()));
    }
    if let Some(rest) = strip_word(bytes, b"#public/") {
        return Ok(NameKind::Public(rest.into()));
    }
    let shared = strip_word(bytes, b"#shared/").map(|rest| NameKind::Shared(rest.into()));
    shared.ok_or(NameError::UnknownNamespace)
}

fn read_news(group: &[u8]) -> Result<NameKind, NameError> {
    match group {
        [] => Err(NameError::Incomplete("#news.")),
        _ if group.contains(&b'/') => Err(NameError::NotAGroup),
        _ => Ok(NameKind::News(group.into())),
    }
}

fn read_driver(rest: &[u8]) -> Result<NameKind, NameError> {
    let end = rest
        .iter()
        .position(|byte| b"/\\:".contains(byte))
        .ok_or(NameError::BadFormat)?;
    let (format, rest) = rest.split_at(end);
    let format = std::str::from_utf8(format).map_err(|_| NameError::BadFormat)?;
    if format.is_empty() || !format.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(NameError::BadFormat);
    }
    let name = plain(rest.split_at(1).1, "#driver.")?;
    if matches!(name.kind, NameKind::Remote { .. } | NameKind::News(_)) {
        return Err(NameError::Nested("#driver."));
    }
    Ok(NameKind::Driver {
        format: format.to_ascii_lowercase().into(),
        name: Box::new(name),
    })
}

fn read_move(rest: &[u8]) -> Result<NameKind, NameError> {
    let (&separator, rest) = rest.split_first().ok_or(NameError::BadMove)?;
    let middle = rest
        .iter()
        .position(|&byte| byte == separator)
        .ok_or(NameError::BadMove)?;
    let (from, to) = rest.split_at(middle);
    let from = Box::new(plain(from, "#move")?);
    let to = Box::new(plain(to.split_at(1).1, "#move")?);
    Ok(NameKind::Move { from, to })
}

fn read_pop(rest: &[u8]) -> Result<NameKind, NameError> {
    let (server, to) = split_server(rest, Service::Pop3)?;
    let refused = server.has(Switch::Anonymous) || server.has(Switch::ReadOnly);
    if refused || *server.service() != Service::Pop3 {
        return Err(NameError::BadPop);
    }
    let to = Box::new(plain(to, "#pop")?);
    Ok(NameKind::Pop {
        server: Box::new(server),
        to,
    })
}

/// Reads a name inside another one, which may not hold a third: so reading never goes deeper than this.
fn plain(bytes: &[u8], outer: &'static str) -> Result<MailboxName, NameError> {
    let wraps = [&b"#driver."[..], b"#move", b"#pop{"];
    if wraps.iter().any(|word| strip_word(bytes, word).is_some()) {
        return Err(NameError::Nested(outer));
    }
    MailboxName::parse(bytes)
}

/// What follows `word`, which is in lower case and may be typed in any.
fn strip_word<'a>(bytes: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(word.len())?;
    front.eq_ignore_ascii_case(word).then_some(rest)
}

fn too_long(bytes: &[u8], limit: usize) -> NameError {
    NameError::TooLong {
        length: bytes.len(),
        limit,
    }
}

#[cfg(test)]
mod tests;
