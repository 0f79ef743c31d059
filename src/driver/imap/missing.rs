//! Whether a mailbox is missing: servers before RFC 5530 refuse without saying why, and are asked.

use std::path::PathBuf;

use crate::driver::error::{Error, Result};
use crate::driver::imap::session::{Session, Sink, refused};
use crate::driver::job::Job;
use crate::mail::name::MailboxName;
use crate::wire::imap::level::Level;
use crate::wire::imap::response::Data;
use crate::wire::imap::status::{Code, Kind, Status};

/// A mailbox on the server of some connections.
#[derive(Clone, Copy)]
pub struct Named<'n> {
    /// Its whole name.
    pub name: &'n MailboxName,
    /// Its name there, as the user has it.
    pub mailbox: &'n [u8],
}

impl Named<'_> {
    fn path(self) -> PathBuf {
        PathBuf::from(String::from_utf8_lossy(self.name.as_bytes()).into_owned())
    }

    fn missing(self) -> Error {
        Error::NoSuchMailbox {
            path: self.path(),
            can_create: !self.mailbox.eq_ignore_ascii_case(b"INBOX"),
        }
    }
}

/// Fails where the server refused, with what that means for this mailbox.
pub async fn answered(
    session: &mut Session,
    status: Status,
    named: Named<'_>,
    job: &Job,
) -> Result<Status> {
    match (status.kind, &status.code) {
        (Kind::Ok, _) => Ok(status),
        (_, Some(Code::NonExistent | Code::TryCreate)) => Err(named.missing()),
        (_, Some(Code::AlreadyExists)) => Err(Error::AlreadyExists(named.path())),
        (Kind::No, None) if session.is_creation_advised => Err(named.missing()),
        (Kind::No, None) if is_missing(session, named, job).await? => Err(named.missing()),
        _ => Err(refused(&status)),
    }
}

/// Whether the server lists no mailbox of this name.
async fn is_missing(session: &mut Session, named: Named<'_>, job: &Job) -> Result<bool> {
    if session.style.level < Level::Imap4 || !session.is_usable() {
        return Ok(false);
    }
    let mut found = Found(false);
    // Wildcards in a name would find others.
    if named.mailbox.iter().any(|byte| b"*%".contains(byte)) {
        return Ok(false);
    }
    let name = session.name_of(named.mailbox).into_owned();
    let command = session.command("LIST").quoted(b"").string(&name);
    let status = session.run(command, &mut found, job).await?;
    Ok(status.kind == Kind::Ok && !found.0)
}

struct Found(bool);

impl Sink for Found {
    fn data(&mut self, data: Data<'_>) {
        if let Data::List(listed) = data {
            let gone = |it: &String| it.eq_ignore_ascii_case("\\NonExistent");
            self.0 |= !listed.attributes.iter().any(gone);
        }
    }
}
