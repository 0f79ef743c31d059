//! `append`: one message from a file or standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;
use tempfile::SpooledTempFile;
use tokio::sync::oneshot::{Receiver, channel};

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

/// How much of standard input is kept in memory before a scratch file is used, in bytes.
const IN_MEMORY: usize = 1 << 20;

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
    let to = mailbox_name(mailbox)?;
    let submission = Submission {
        flags,
        internal_date,
        source: source(client, file)?,
    };
    let request = Request::Append(to, vec![submission]);
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

fn source(client: &mut Client, file: Option<&Path>) -> Result<Box<dyn Read + Send>, Failure> {
    let Some(path) = file else {
        let name = || Foreign::new("standard input");
        let gathered = client.wait_for(gather(io::stdin()))?;
        return Ok(Box::new(
            gathered.map_err(|error| Failure::Input(name(), error))?,
        ));
    };
    let refused = |error| Failure::Input(Foreign::new(path.to_string_lossy()), error);
    let file = File::open(path).map_err(refused)?;
    if file.metadata().map_err(refused)?.is_dir() {
        return Err(refused(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(file))
}

/// Reads to the end on a thread of its own: a person may type for long, and a signal must end that at any time.
fn gather(mut from: impl Read + Send + 'static) -> Receiver<io::Result<SpooledTempFile>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut spool = tempfile::spooled_tempfile(IN_MEMORY);
        let copied = io::copy(&mut from, &mut spool);
        let gathered = copied.and_then(|_| spool.rewind()).map(|()| spool);
        // nobody waits any longer where a signal came first
        let _ = sender.send(gathered);
    });
    receiver
}
