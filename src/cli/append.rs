//! `append`: one message from a file or standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use jiff::fmt::temporal::Pieces;
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
    date.or_else(|| parse_rfc_3339(text))
        .ok_or(Failure::Argument(
            "the date cannot be read: write it as in 12-Jan-2026 10:00:00 +0100; nothing was appended",
        ))
}

/// The form in which `show` prints dates.
fn parse_rfc_3339(text: &str) -> Option<InternalDate> {
    let pieces = Pieces::parse(text).ok()?;
    let offset = pieces.to_numeric_offset()?;
    let moment = offset
        .to_timestamp(pieces.date().to_datetime(pieces.time()?))
        .ok()?;
    let date = InternalDate {
        seconds: moment.as_second(),
        offset: i16::try_from(offset.seconds() / 60).ok()?,
    };
    (1970..=2097).contains(&date.fields().year).then_some(date)
}

fn source(client: &mut Client, file: Option<&Path>) -> Result<Box<dyn Read + Send>, Failure> {
    let Some(path) = file else {
        let name = || Foreign::new("standard input");
        let gathered = client.wait_for(aside(|| gather(io::stdin())))?;
        return Ok(Box::new(
            gathered.map_err(|error| Failure::Input(name(), error))?,
        ));
    };
    let refused = |error| Failure::Input(Foreign::new(path.to_string_lossy()), error);
    let path = path.to_owned();
    let opened = client.wait_for(aside(move || open(&path)))?;
    opened.map_err(refused)
}

/// Opens the file; what may keep us waiting, as a pipe does, is gathered first.
fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let file = File::open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if kind.is_file() {
        return Ok(Box::new(file));
    }
    Ok(Box::new(gather(file)?))
}

/// Reads to the end.
fn gather(mut from: impl Read) -> io::Result<SpooledTempFile> {
    let mut spool = tempfile::spooled_tempfile(IN_MEMORY);
    io::copy(&mut from, &mut spool)?;
    spool.rewind()?;
    Ok(spool)
}

/// Works on a thread of its own: a person may type for long, and a signal must end that at any time.
fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Receiver<io::Result<T>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        // nobody waits any longer where a signal came first
        let _ = sender.send(work());
    });
    receiver
}
