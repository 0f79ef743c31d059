//! `doctor`: what Mugo found on this machine, and what is wrong with it; and the repair of a damaged mailbox.

use std::ffi::OsStr;

use serde::Serialize;

use crate::backend::event::{Finding, Piece};
use crate::backend::request::Request;
use crate::cli::client::{Client, Heard};
use crate::cli::failure::Failure;
use crate::cli::open::mailbox_name;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::mail::text::Printable;

#[derive(Serialize)]
struct FindingRecord<'f> {
    check: &'f str,
    ok: bool,
    detail: &'f str,
}

/// Prints what `main` found, then what the backend finds.
pub fn doctor(client: &mut Client, output: &mut Output, setup: &Setup) -> Result<(), Failure> {
    for finding in &setup.findings {
        print(output, finding)?;
    }
    client.request(Request::Doctor, &mut |heard| match heard {
        Heard::Piece(Piece::Finding(finding)) => print(output, &finding),
        _ => Ok(()),
    })
}

/// Has a damaged mailbox repaired and prints what came of it.
pub fn repair(
    client: &mut Client,
    output: &mut Output,
    mailbox: &OsStr,
    format: Option<String>,
) -> Result<(), Failure> {
    let name = mailbox_name(mailbox)?;
    client.request(Request::Repair { name, format }, &mut |heard| match heard {
        Heard::Piece(Piece::Finding(finding)) => print(output, &finding),
        _ => Ok(()),
    })
}

fn print(output: &mut Output, finding: &Finding) -> Result<(), Failure> {
    let record = FindingRecord {
        check: finding.check,
        ok: finding.ok,
        detail: finding.detail.raw(),
    };
    output.record(&record, |record| {
        let mark = if record.ok { "ok " } else { "!! " };
        let check = Printable::own(format!("{mark} {}: ", record.check));
        Printable::concat([&check, &finding.detail.line()])
    })
}
