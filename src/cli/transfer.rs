//! `transfer`: a whole mailbox into another one, of any format, and the receipt for it.

use std::ffi::OsStr;

use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::Request;
use crate::cli::client::{Client, Heard};
use crate::cli::failure::Failure;
use crate::cli::open::{mailbox_name, new_name};
use crate::cli::output::Output;
use crate::mail::receipt::Receipt;
use crate::present::receipt::{receipt_lines, sent_and_found};

#[derive(Serialize)]
struct DifferenceRecord {
    difference: &'static str,
    msgno: u64,
    source_uid: u32,
    uid: Option<u32>,
    sent: Option<String>,
    found: Option<String>,
    expected: bool,
}

#[derive(Serialize)]
struct LimitRecord {
    of: &'static str,
    how: &'static str,
}

#[derive(Serialize)]
struct ReceiptRecord {
    messages: u64,
    bytes: u64,
    source_format: &'static str,
    format: &'static str,
    same_content: u64,
    same_flags: u64,
    same_keywords: u64,
    same_dates: u64,
    same_uids: u64,
    different: u64,
    unexplained: u64,
    limits: Vec<LimitRecord>,
}

/// Transfers every message and prints the receipt: with JSON an object for each difference, then one for all.
pub fn transfer(
    client: &mut Client,
    output: &mut Output,
    source: &OsStr,
    (destination, format): (&OsStr, Option<&str>),
) -> Result<(), Failure> {
    let request = Request::Transfer {
        from: mailbox_name(source)?,
        to: new_name(destination, format)?,
    };
    client.request(request, &mut |heard| match heard {
        Heard::Piece(Piece::Receipt(receipt)) => print(output, &receipt),
        _ => Ok(()),
    })
}

fn print(output: &mut Output, receipt: &Receipt) -> Result<(), Failure> {
    if !output.is_json() {
        let width = usize::from(output.width());
        return output.lines(&receipt_lines(receipt, width));
    }
    for difference in &receipt.differences {
        let (sent, found) = sent_and_found(&difference.what).unzip();
        output.record_only(&DifferenceRecord {
            difference: difference.what.word(),
            msgno: difference.msgno,
            source_uid: difference.source_uid.get(),
            uid: difference.uid.map(|uid| uid.get()),
            sent,
            found,
            expected: difference.expected,
        })?;
    }
    let limit = |limit: &crate::mail::receipt::Limit| LimitRecord {
        of: limit.of,
        how: limit.how,
    };
    output.record_only(&ReceiptRecord {
        messages: receipt.messages,
        bytes: receipt.bytes,
        source_format: receipt.from_format,
        format: receipt.to_format,
        same_content: receipt.same_content,
        same_flags: receipt.same_flags,
        same_keywords: receipt.same_keywords,
        same_dates: receipt.same_dates,
        same_uids: receipt.same_uids,
        different: receipt.different,
        unexplained: receipt.unexplained,
        limits: receipt.limits.iter().map(limit).collect(),
    })
}
