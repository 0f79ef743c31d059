//! `search`: messages that match IMAP's search criteria.

use std::ffi::{OsStr, OsString};

use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::Ask;
use crate::cli::client::{Client, Heard, OpenMailbox};
use crate::cli::failure::Failure;
use crate::cli::open::with_mailbox;
use crate::cli::output::Output;
use crate::mail::criteria::Criteria;
use crate::mail::criteria_parser::CriteriaError;
use crate::mail::status::Access;
use crate::mail::text::{Foreign, Printable};
use crate::mail::uid::Uid;

#[derive(Serialize)]
struct FoundRecord {
    msgno: u32,
    uid: u32,
}

/// Prints number and UID of each message that matches.
pub fn search(
    client: &mut Client,
    output: &mut Output,
    mailbox: &OsStr,
    words: &[OsString],
) -> Result<(), Failure> {
    let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
    let criteria = criteria(&words)?;
    with_mailbox(client, mailbox, Access::ReadOnly, |client, mailbox| {
        for uid in find(client, mailbox, Ask::Search(criteria))? {
            let Some(msgno) = mailbox.list.msgno(uid) else {
                continue;
            };
            let record = FoundRecord {
                msgno: msgno.get(),
                uid: uid.get(),
            };
            output.record(&record, |record| Printable::own(record.msgno.to_string()))?;
        }
        Ok(())
    })
}

/// Reads criteria from the words of the command line.
pub fn criteria(words: &[&OsStr]) -> Result<Criteria, Failure> {
    let words: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
    let words = words.ok_or(Failure::Argument("search criteria must be UTF-8 text"))?;
    let refused = |error: CriteriaError| Failure::Criteria(Foreign::new(error.to_string()));
    Criteria::parse(&words.join(" ")).map_err(refused)
}

/// The UIDs that answer a search or a sort.
pub fn find(client: &mut Client, mailbox: &mut OpenMailbox, ask: Ask) -> Result<Vec<Uid>, Failure> {
    let mut found = Vec::new();
    client.ask(mailbox, ask, &mut |heard| {
        if let Heard::Piece(Piece::Found(uids)) = heard {
            found.extend(uids);
        }
        Ok(())
    })?;
    Ok(found)
}
