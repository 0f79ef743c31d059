//! `status`: counts of a mailbox that stays closed.

use std::ffi::OsStr;

use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::Request;
use crate::cli::client::{Client, Heard};
use crate::cli::failure::Failure;
use crate::cli::open::mailbox_name;
use crate::cli::output::{Output, messages};
use crate::mail::text::Printable;

#[derive(Serialize)]
struct StatusRecord {
    name: String,
    driver: &'static str,
    messages: u32,
    recent: u32,
    unseen: u32,
    uid_next: Option<u32>,
    uid_validity: Option<u32>,
}

/// Prints the counts of one mailbox.
pub fn status(client: &mut Client, output: &mut Output, mailbox: &OsStr) -> Result<(), Failure> {
    let name = mailbox_name(mailbox)?;
    let shown = name.to_foreign();
    client.request(Request::Status(name), &mut |heard| {
        let Heard::Piece(Piece::Status(status)) = heard else {
            return Ok(());
        };
        let record = StatusRecord {
            name: shown.raw().to_owned(),
            driver: status.driver,
            messages: status.messages,
            recent: status.recent,
            unseen: status.unseen,
            uid_next: status.uid_next.map(|uid| uid.get()),
            uid_validity: status.uid_validity.map(|validity| validity.get()),
        };
        output.record(&record, |record| {
            let counts = format!(
                ": {}, {} unseen, {} recent ({})",
                messages(u64::from(record.messages)),
                record.unseen,
                record.recent,
                record.driver
            );
            Printable::concat([&shown.field(), &Printable::own(counts)])
        })
    })
}
