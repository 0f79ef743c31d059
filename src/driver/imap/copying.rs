//! Copies that stay on their server: whether they can, and what they came to.

use std::path::PathBuf;

use crate::driver::error::Error;
use crate::driver::imap::account::is_same;
use crate::driver::imap::session::refused;
use crate::mail::appended::Appended;
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::server::Server;
use crate::mail::uid::{UidSet, UidValidity};
use crate::wire::imap::response::uid_set;
use crate::wire::imap::status::{Code, Status};

/// The mailbox that a name means on this server; `None` where it means one elsewhere.
pub fn same_server<'n>(server: &Server, name: &'n MailboxName) -> Option<&'n [u8]> {
    match name.kind() {
        NameKind::Remote {
            server: other,
            mailbox,
        } if is_same(server, other) => Some(mailbox),
        _ => None,
    }
}

/// What a copy came to, by what the server says of it (COPYUID of RFC 4315).
pub fn copied(code: Option<&Code>, wanted: &UidSet) -> Appended {
    let count = wanted.len();
    let unknown = Appended {
        uid_validity: None,
        uids: Vec::new(),
        count,
    };
    let Some(Code::CopyUid(validity, from, to)) = code else {
        return unknown;
    };
    let sets = (uid_set(from.as_bytes()), uid_set(to.as_bytes()));
    let (Some(from), Some(to)) = sets else {
        return unknown;
    };
    // Sets of other sizes say nothing of which went where.
    if from.len() != to.len() || from.len() != wanted.len() || to.len() > MOST {
        return unknown;
    }
    Appended {
        uid_validity: UidValidity::new(*validity),
        uids: to.iter().collect(),
        count,
    }
}

/// No command copies more messages.
const MOST: u64 = 10_000_000;

/// Why messages did not come to their destination; servers before IMAP4 say apart that it has to be made.
pub fn no_destination(name: &MailboxName, status: &Status, is_advised: bool) -> Error {
    match &status.code {
        _ if is_advised => missing(name),
        Some(Code::TryCreate | Code::NonExistent) => missing(name),
        _ => refused(status),
    }
}

fn missing(name: &MailboxName) -> Error {
    Error::NoSuchMailbox {
        path: PathBuf::from(String::from_utf8_lossy(name.as_bytes()).into_owned()),
        can_create: true,
    }
}
