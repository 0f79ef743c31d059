//! The line in front of each message in a data file: `:msg:uid:date:size:`.

use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::mix::fields::{Fields, without_end};
use crate::driver::mix::index::Entry;
use crate::driver::mix::names::data_file;
use crate::mail::date::InternalDate;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::read_full_at;

/// What it begins with.
pub const FRONT: &[u8] = b":msg:";
/// A line that is longer is none.
const LONGEST: usize = 1024;

/// Makes sure that a message is where its entry says.
pub fn require_line(source: Source<'_>, entry: &Entry) -> Result<()> {
    let mut line = [0; LONGEST];
    let room = line.get_mut(..usize::from(entry.line)).unwrap_or_default();
    let count = read_full_at(source.file, room, u64::from(entry.position));
    let count = count.map_err(Error::io(source.path))?;
    require_front(room.get(..count).unwrap_or_default(), entry)
}

/// Makes sure that this is the line in front of a message.
pub fn require_front(line: &[u8], entry: &Entry) -> Result<()> {
    match parse(line) {
        Some((uid, _, size)) if (uid, size) == (entry.uid, entry.size) => Ok(()),
        _ => Err(Error::Damaged {
            offset: u64::from(entry.position),
            what: "the message is not where the index says",
        }),
    }
}

/// The UID, date and size of a message from the line in front of it, its end included.
fn parse(line: &[u8]) -> Option<(u32, &[u8], u32)> {
    let whole = Some(line).filter(|line| line.ends_with(b"\n"))?;
    let mut fields = Fields::behind(FRONT, without_end(whole))?;
    Some((fields.number()?, fields.next_field()?, fields.number()?))
}

/// The message whose front is the first line of `bytes`, which are those at `position` of data file `file`.
pub fn entry_at(bytes: &[u8], file: u32, position: u64) -> Option<Entry> {
    let line = bytes.get(..=memchr::memchr(b'\n', bytes)?)?;
    let (uid, date, size) = parse(line).filter(|front| front.0 > 0)?;
    let mut entry = Entry::new(uid, InternalDate::from_compact(date)?, size, 0);
    entry.file = file;
    entry.position = u32::try_from(position).ok()?;
    entry.line = u16::try_from(line.len()).ok()?;
    Some(entry)
}

/// Whether each message is where its entry says.
pub fn are_all_there(
    environment: &Environment,
    mailbox: &Path,
    all: &[Entry],
    job: &Job,
) -> Result<bool> {
    let mut open: Option<(u32, Box<dyn MailFile>)> = None;
    for entry in all {
        job.checkpoint()?;
        let path = mailbox.join(data_file(entry.file));
        let file = match open.take() {
            Some((number, file)) if number == entry.file => file,
            _ => match environment.files.open(&path, OpenMode::Read) {
                Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(false),
                other => other.map_err(Error::io(&path))?,
            },
        };
        let file = &*open.insert((entry.file, file)).1;
        match require_line(Source { file, path: &path }, entry) {
            Err(Error::Damaged { .. }) => return Ok(false),
            other => other?,
        }
    }
    Ok(true)
}
