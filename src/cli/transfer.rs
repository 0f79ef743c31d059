//! `transfer`: a whole mailbox into another one, of any format.

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
struct TransferRecord {
    messages: u64,
}

/// Transfers every message and prints how many there were.
pub fn transfer(
    client: &mut Client,
    output: &mut Output,
    source: &OsStr,
    destination: &OsStr,
) -> Result<(), Failure> {
    let request = Request::Transfer {
        from: mailbox_name(source)?,
        to: mailbox_name(destination)?,
    };
    client.request(request, &mut |heard| {
        let Heard::Piece(Piece::Appended(appended)) = heard else {
            return Ok(());
        };
        let record = TransferRecord {
            messages: appended.count,
        };
        output.record(&record, |record| Printable::own(messages(record.messages)))
    })
}
