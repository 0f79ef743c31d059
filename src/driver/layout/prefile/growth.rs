//! Appending so that at every moment every program can read the file, whatever stops this one.
//!
//! The file grows by *covers*, messages that are no mail: hidden ones, where the format can hide, else deleted ones, each
//! put there by one write. Then one cover is laid over all of them, the new messages are written below it, and when they
//! are on disk the cover's line is overwritten by that of the first message. A note tells how long the file was before, so
//! that what a crash left is cut off.

use std::io::{self, Read};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::format::{Format, State};
use crate::driver::layout::prefile::line::{self, Status, write_status};
use crate::driver::layout::prefile::record::Record;
use crate::driver::layout::prefile::scan::Scan;
use crate::driver::place::Place;
use crate::os::environment::Environment;
use crate::os::files::MailFile;
use crate::os::journal::note::Note;
use crate::os::transfer::{read_full_at, write_all_at};

/// New messages in file form.
pub struct Load<'a> {
    /// The line of the first one.
    pub first_line: Vec<u8>,
    /// What follows it.
    pub rest: &'a mut dyn Read,
    /// Bytes of all.
    pub length: u64,
    /// What has to be overwritten before: offset and bytes. May be done although the append is not.
    pub before: Option<(u64, Vec<u8>)>,
}

/// Appends all of a load or nothing, durable on return. The parse lock is held.
pub fn append(
    environment: &Environment,
    format: &Format,
    place: &Place,
    file: &mut dyn MailFile,
    load: Load<'_>,
    job: &Job,
) -> Result<()> {
    let failed = Error::io(&place.path);
    let start = file.metadata().map_err(&failed)?.len();
    let end = start.checked_add(load.length);
    let end = end.filter(|end| i64::try_from(*end).is_ok());
    let end = end.ok_or(Error::Refused("the mailbox would be too long"))?;
    let width = load.first_line.len();
    let cover = cover(format, width, load.length)
        .ok_or(Error::Refused("too many messages for one append"))?;
    let note = Note::make(environment, file, (start, end), &load.first_line);
    let note = note.map_err(noted(environment))?;
    let written = fill(format, file, (start, end), (&cover, load), job);
    let Err(source) = written else {
        // When it stays the next opening sees that there is nothing to cut off.
        let _ = note.remove(environment);
        return Ok(());
    };
    let undone = file.set_len(start).and_then(|()| file.sync());
    let path = note.path().to_owned();
    match undone.and_then(|()| note.remove(environment)) {
        Ok(()) => Err(failed(source)),
        Err(_) => Err(Error::Pending { path, source }),
    }
}

fn fill(
    format: &Format,
    file: &mut dyn MailFile,
    (start, end): (u64, u64),
    (cover, load): (&[u8], Load<'_>),
    job: &Job,
) -> io::Result<()> {
    match file.reserve(end) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        other => other?,
    }
    if let Some((offset, bytes)) = load.before {
        write_all_at(file, &bytes, offset)?;
    }
    grow(format, file, (start, end), cover.len())?;
    write_all_at(file, cover, start)?;
    let mut at = start + cover.len() as u64;
    let mut chunk = Vec::with_capacity(CHUNK);
    while at < end {
        chunk.clear();
        let most = (end - at).min(CHUNK as u64);
        (&mut *load.rest).take(most).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write_all_at(file, &chunk, at)?;
        at += chunk.len() as u64;
        job.progress(at - start, end - start);
    }
    file.sync()?;
    write_all_at(file, &load.first_line, start)?;
    file.sync()
}

/// Extends the file by covers. Each ends where a page does, so that no write of one is cut in two by a kill.
fn grow(
    format: &Format,
    file: &mut dyn MailFile,
    (start, end): (u64, u64),
    width: usize,
) -> io::Result<()> {
    let mut at = start;
    while at < end {
        let mut next = (at / PAGE + 1) * PAGE;
        if next - at < SMALLEST {
            next += PAGE;
        }
        if next >= end || end - next < SMALLEST {
            next = end;
        }
        let mut bytes = cover(format, width, next - at).ok_or(io::ErrorKind::InvalidInput)?;
        bytes.resize(usize::try_from(next - at).unwrap_or(usize::MAX), 0);
        write_all_at(file, &bytes, at)?;
        at = next;
    }
    Ok(())
}

/// The line of a cover of `length` bytes, the line included, which has `width`. `None` where its size has no room.
fn cover(format: &Format, width: usize, length: u64) -> Option<Vec<u8>> {
    let size = length.checked_sub(width as u64).filter(|size| *size > 0)?;
    let flags = line::SEEN | line::DELETED | line::OLD;
    let flags = match format.state {
        State::Numbered => flags | line::HIDDEN,
        State::Bare => flags,
    };
    let status = Status {
        flags,
        ..Status::default()
    };
    let mut behind = write_status(format, status);
    behind.extend(format.line_end());
    DATES.iter().find_map(|date| {
        let digits = width.checked_sub(date.len() + behind.len() + 2)?;
        let mut line = format!("{date},{size:0digits$};").into_bytes();
        line.extend(&behind);
        (line.len() == width).then_some(line)
    })
}

/// The dates of covers: without a zone, which no message's date lacks. The second gives room for sizes of 16 digits.
const DATES: [&str; 2] = [" 1-Jan-1970 00:00:00", " 1-Jan-1970"];
const PAGE: u64 = 4096;
/// The fewest bytes that make a cover.
const SMALLEST: u64 = line::LONGEST as u64 + 1;
const CHUNK: usize = 256 * 1024;

/// Sees to an append that was interrupted: cuts off what is no mail. `alone` tells, when asked, whether nobody else has
/// the mailbox open. The parse lock is held.
pub fn recover(
    environment: &Environment,
    format: &'static Format,
    place: &Place,
    file: &mut dyn MailFile,
    alone: &mut dyn FnMut(&mut dyn MailFile) -> Result<bool>,
    job: &Job,
) -> Result<()> {
    let failed = Error::io(&place.path);
    let Some(note) = Note::find(environment, file).map_err(&failed)? else {
        return Ok(());
    };
    let length = file.metadata().map_err(&failed)?.len();
    let source = Source {
        file: &*file,
        path: &place.path,
    };
    match tail(format, source, (&note, length), job)? {
        Tail::Mail => {}
        // Others may have read as far as the covers reach: these stay until they are gone.
        Tail::Covers if !alone(file)? => return Ok(()),
        Tail::Covers | Tail::Torn => {
            let cut = file.set_len(note.length).and_then(|()| file.sync());
            cut.map_err(&failed)?;
        }
        Tail::Begun => {
            let written = write_all_at(file, &note.line, note.length).and_then(|()| file.sync());
            written.map_err(&failed)?;
        }
    }
    note.remove(environment).map_err(noted(environment))
}

/// The error of a note, which is in the state folder and not beside the mailbox.
fn noted(environment: &Environment) -> impl Fn(io::Error) -> Error + '_ {
    Error::io(&environment.state)
}

/// What is behind the length of a note.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Mail, or nothing, or what cannot be judged: nothing is cut off.
    Mail,
    /// Only covers.
    Covers,
    /// Covers that were being written.
    Torn,
    /// All of the new mail, with the first line written in part. That line was begun when the rest was on disk.
    Begun,
}

fn tail(
    format: &'static Format,
    source: Source<'_>,
    (note, length): (&Note, u64),
    job: &Job,
) -> Result<Tail> {
    let start = note.length;
    if length <= start || !is_boundary(format, source, start, job)? {
        return Ok(Tail::Mail);
    }
    let mut scan = Scan::new(format, source, start, length, job).of_lines();
    match first_line(format, source, note)? {
        Line::Cover => {}
        Line::Begun => return Ok(Tail::Begun),
        Line::Other => return Ok(Tail::Mail),
    }
    loop {
        match scan.next_message() {
            Ok(Some(record)) if is_cover(format, source, &record)? => {}
            Ok(Some(_)) => return Ok(Tail::Mail),
            Ok(None) => return Ok(Tail::Covers),
            // What others wrote behind the covers is not ours to judge.
            Err(Error::Damaged { offset, .. }) if offset >= note.end => return Ok(Tail::Mail),
            Err(Error::Damaged { .. }) => return Ok(Tail::Torn),
            Err(refusal) => return Err(refusal),
        }
    }
}

/// What stands where the first line of the new mail is to be.
enum Line {
    /// A cover, or part of one: the mail was not there yet.
    Cover,
    /// The line, over a part of the cover's.
    Begun,
    /// The whole line, perhaps with other flags by now, another one, or none at all.
    Other,
}

fn first_line(format: &Format, source: Source<'_>, note: &Note) -> Result<Line> {
    let width = note.line.len();
    let Some(cover) = cover(format, width, note.end.saturating_sub(note.length)) else {
        return Ok(Line::Other);
    };
    let mut found = vec![0; width];
    let count = read_full_at(source.file, &mut found, note.length);
    found.truncate(count.map_err(Error::io(source.path))?);
    // A kill or a power cut leaves a line in two parts at most.
    let parts = |one: &[u8], other: &[u8]| {
        let whole =
            |cut| found.get(..cut) == one.get(..cut) && found.get(cut..) == other.get(cut..);
        (0..=width).any(whole)
    };
    Ok(if found == note.line {
        Line::Other
    } else if found == cover {
        Line::Cover
    } else if parts(&note.line, &cover) || parts(&cover, &note.line) {
        Line::Begun
    } else if is_dated_as_cover(&found) || is_torn_cover(&found, &cover) {
        Line::Cover
    } else {
        Line::Other
    })
}

/// Whether messages follow each other up to `offset`, and one ends there.
fn is_boundary(
    format: &'static Format,
    source: Source<'_>,
    offset: u64,
    job: &Job,
) -> Result<bool> {
    let mut scan = Scan::new(format, source, format.front(), offset, job).of_lines();
    loop {
        match scan.next_message() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(scan.offset() == offset),
            Err(Error::Damaged { .. }) => return Ok(false),
            Err(refusal) => return Err(refusal),
        }
    }
}

/// Whether these bytes are NULs or those of some cover, as a power cut leaves a line that was being written.
fn is_torn_cover(found: &[u8], cover: &[u8]) -> bool {
    let alike = |(is, was): (&u8, &u8)| {
        *is == 0 || is == was || (is.is_ascii_digit() && was.is_ascii_digit())
    };
    found.len() <= cover.len() && found.iter().zip(cover).all(alike)
}

/// Whether a line begins as those of covers do.
fn is_dated_as_cover(line: &[u8]) -> bool {
    DATES.iter().any(|date| {
        let rest = line.strip_prefix(date.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b","))
    })
}

fn is_cover(format: &Format, source: Source<'_>, record: &Record) -> Result<bool> {
    let mut bytes = [0; 24];
    let count = read_full_at(source.file, &mut bytes, record.offset);
    let count = count.map_err(Error::io(source.path))?;
    let bytes = bytes.get(..count).unwrap_or_default();
    Ok(is_dated_as_cover(bytes)
        && (record.is_hidden() || (!format.is_numbered() && record.is_deleted())))
}
