//! `append`: one message from a file or standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::{Request, Submission};
use crate::cli::client::{Client, Heard};
use crate::cli::failure::Failure;
use crate::cli::flag::parse_flags;
use crate::cli::open::mailbox_name;
use crate::cli::output::Output;
use crate::mail::date::InternalDate;
use crate::mail::flags::Flags;
use crate::mail::text::Foreign;

#[derive(Serialize)]
struct AppendRecord {
    uid_validity: Option<u32>,
    uid: Option<u32>,
}

/// Appends the message in `file`, or the one on standard input.
pub fn append(
    client: &mut Client,
    output: &mut Output,
    mailbox: &OsStr,
    file: Option<&Path>,
    (flags, date): (Option<&str>, Option<&str>),
) -> Result<(), Failure> {
    let flags = flags.map_or(Ok(Flags::default()), |words| {
        parse_flags(words.split_ascii_whitespace())
    })?;
    let internal_date = date.map(parse_date).transpose()?;
    let submission = Submission {
        flags,
        internal_date,
        source: source(file)?,
    };
    let request = Request::Append(mailbox_name(mailbox)?, vec![submission]);
    client.request(request, &mut |heard| {
        let Heard::Piece(Piece::Appended(appended)) = heard else {
            return Ok(());
        };
        output.record_only(&AppendRecord {
            uid_validity: appended.uid_validity.map(|validity| validity.get()),
            uid: appended.uids.first().map(|uid| uid.get()),
        })
    })
}

fn parse_date(text: &str) -> Result<InternalDate, Failure> {
    let date = InternalDate::parse(text.as_bytes(), &TimeZone::system());
    date.ok_or(Failure::Argument(
        "the date cannot be read: write it as in 12-Jan-2026 10:00:00 +0100",
    ))
}

fn source(file: Option<&Path>) -> Result<Box<dyn Read + Send>, Failure> {
    let Some(path) = file else {
        return Ok(Box::new(io::stdin()));
    };
    let refused = |error| Failure::Input(Foreign::new(path.to_string_lossy()), error);
    let file = File::open(path).map_err(refused)?;
    if file.metadata().map_err(refused)?.is_dir() {
        return Err(refused(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(file))
}
