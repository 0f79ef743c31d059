//! The line in front of each message in a data file: `:msg:uid:date:size:`.

use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::content::Source;
use crate::driver::mix::fields::{Fields, without_end};
use crate::driver::mix::index::Entry;
use crate::driver::mix::names::data_file;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::read_full_at;

/// What it begins with.
const FRONT: &[u8] = b":msg:";
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
    let names_it = || {
        let mut fields = Fields::behind(FRONT, without_end(line))?;
        let uid = fields.number()?;
        let _date = fields.next_field()?;
        Some((uid, fields.number()?) == (entry.uid, entry.size) && line.ends_with(b"\n"))
    };
    match names_it() {
        Some(true) => Ok(()),
        _ => Err(Error::Damaged {
            offset: u64::from(entry.position),
            what: "the message is not where the index says",
        }),
    }
}

/// Whether each message is where its entry says.
pub fn are_all_there(environment: &Environment, mailbox: &Path, all: &[Entry]) -> Result<bool> {
    let mut open: Option<(u32, Box<dyn MailFile>)> = None;
    for entry in all {
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
