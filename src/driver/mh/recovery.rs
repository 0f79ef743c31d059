//! Finishes changes of programs that are gone: messages that were to come, and such that were to go.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::layout::folder::numbers::{file_of, number, numbers_in};
use crate::driver::layout::folder::pending::{self, Step, Whose, move_file};
use crate::driver::mh::entry::Entry;
use crate::driver::mh::files::content;
use crate::driver::mh::sequence_file::SequenceFile;
use crate::driver::mh::sequences::Sequences;
use crate::driver::place::Place;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;

/// What the name begins with under which a message is written.
pub const NEW: &str = ".mugo-new-";

/// What the name begins with under which a message is kept until it goes for good.
pub fn gone_front(entry: &Entry) -> String {
    content_front(entry.size, entry.digest)
}

fn content_front(size: u64, digest: u64) -> String {
    format!(".mugo-gone-{size:x}-{digest:016x}-")
}

/// Finishes what is noted of a mailbox. Its sequences are locked: nobody works on a note.
pub fn finish(environment: &Environment, place: &Place, file: &mut SequenceFile<'_>) -> Result<()> {
    if !pending::is_there(environment, &place.path) {
        return Ok(());
    }
    for left in pending::left(environment, &place.path, Whose::OfAll)? {
        let mut sequences = file.read()?;
        let mut meant = BTreeSet::new();
        let words = left.steps.iter().filter_map(|step| match step {
            Step::Words(words) => words.split_once(' '),
            _ => None,
        });
        let words: HashMap<&str, &str> = words.collect();
        for step in &left.steps {
            if let Step::Move(from, to) = step {
                let comes = from.as_os_str().as_bytes().starts_with(NEW.as_bytes());
                let is_meant = match comes {
                    true => comes_in(environment, place, (from, to), &words, &mut sequences)?,
                    false => goes(environment, place, (from, to), &mut sequences),
                };
                if is_meant {
                    meant.insert(from.clone());
                }
            }
        }
        file.write(&sequences)?;
        let is_meant = |step: &Step| match step {
            Step::Move(from, _) => meant.contains(from),
            _ => true,
        };
        left.finish(environment, &place.path, &is_meant)?;
    }
    Ok(())
}

/// Says of a message that was to come what its flags are; whether it is still to come. Where another message took its number
/// it gets the next one.
fn comes_in(
    environment: &Environment,
    place: &Place,
    (from, to): (&Path, &Path),
    words: &HashMap<&str, &str>,
    sequences: &mut Sequences,
) -> Result<bool> {
    let files = &*environment.files;
    let failed = Error::io(&place.path);
    let staged = place.path.join(from);
    let Some(meant) = number_of(to).filter(|_| files.link_metadata(&staged).is_ok()) else {
        // It came, or was taken back.
        return Ok(false);
    };
    let words = words.get(meant.to_string().as_str()).copied();
    let is_taken = files.link_metadata(&place.path.join(to)).is_ok();
    let target = match is_taken {
        false => meant,
        true => {
            let numbers = numbers_in(files, &place.path).map_err(&failed)?;
            let last = numbers.last().copied().unwrap_or(0);
            let next = last.checked_add(1);
            next.ok_or(Error::Refused("the mailbox has no numbers left"))?
        }
    };
    let only = Uid::new(target).map(UidSet::one).unwrap_or_default();
    for name in words
        .unwrap_or_default()
        .split(' ')
        .filter(|name| !name.is_empty())
    {
        sequences.add(name, &only);
    }
    if is_taken {
        move_file(files, &staged, &place.path.join(file_of(target))).map_err(&failed)?;
    }
    Ok(!is_taken)
}

/// Takes a message that was to go out of all sequences, if it is still itself.
fn goes(
    environment: &Environment,
    place: &Place,
    (from, to): (&Path, &Path),
    sequences: &mut Sequences,
) -> bool {
    let Some(number) = number_of(from) else {
        return false;
    };
    let mut buffer = Vec::new();
    let found = content(environment, &place.path.join(from), &mut buffer);
    let is_itself = found.is_ok_and(|(size, digest)| {
        let front = content_front(size, digest);
        to.as_os_str().as_bytes().starts_with(front.as_bytes())
    });
    if is_itself {
        let only = Uid::new(number).map(UidSet::one).unwrap_or_default();
        sequences.remove_from_all(&only);
    }
    is_itself
}

fn number_of(name: &Path) -> Option<u32> {
    number(OsStr::as_bytes(name.as_os_str()))
}
