//! Finishes changes of programs that are gone: messages that were to come, and such that were to go.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::access::{self, TRIES};
use crate::driver::layout::folder::numbers::{file_of, number, numbers_in};
use crate::driver::layout::folder::pending::{self, Step, Whose, move_file};
use crate::driver::layout::folder::staged::NEW;
use crate::driver::mh::entry::Entry;
use crate::driver::mh::files::content;
use crate::driver::mh::members::{Members, set_of};
use crate::driver::mh::sequence_file::SequenceFile;
use crate::driver::place::Place;
use crate::os::environment::Environment;

/// Nothing can be put behind the last message.
pub const NO_NUMBERS_LEFT: Error = Error::Refused("the mailbox has no numbers left");

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
        let taken = left.steps.iter().filter_map(|step| match step {
            Step::Move(_, to) => number_of(to),
            _ => None,
        });
        let mut plan = Plan {
            highest: taken.max().unwrap_or(0),
            ..Plan::default()
        };
        let words = left.steps.iter().filter_map(|step| match step {
            Step::Words(words) => words.split_once(' '),
            _ => None,
        });
        let words: HashMap<&str, &str> = words.collect();
        for step in &left.steps {
            match step {
                Step::Move(from, to) if from.as_os_str().as_bytes().starts_with(NEW.as_bytes()) => {
                    plan.comes_in(environment, place, (from, to), &words)?;
                }
                Step::Move(from, to) => plan.goes(environment, place, (from, to)),
                Step::Discard(_) | Step::Words(_) => {}
            }
        }
        sequences.remove_from_all(&set_of(&plan.forgotten));
        plan.members.add_to(&mut sequences);
        file.write(&sequences)?;
        let files = &*environment.files;
        for (staged, number) in &plan.elsewhere {
            let to = place.path.join(file_of(*number));
            move_file(files, staged, &to).map_err(Error::io(&to))?;
        }
        let is_meant = |step: &Step| match step {
            Step::Move(from, _) => Ok(plan.meant.contains(from)),
            Step::Discard(apart) => may_go(environment, place, apart),
            Step::Words(_) => Ok(true),
        };
        left.finish(environment, &place.path, &is_meant)?;
    }
    Ok(())
}

/// What is still to be done of a change.
#[derive(Default)]
struct Plan {
    /// The files that get the names that were meant.
    meant: BTreeSet<PathBuf>,
    /// New messages whose numbers were taken, with the ones that they get.
    elsewhere: Vec<(PathBuf, u32)>,
    /// The numbers of which nothing holds that was said before.
    forgotten: Vec<u32>,
    /// The sequences of new messages.
    members: Members,
    /// The highest number that the change itself takes.
    highest: u32,
    /// The highest number that is taken, once that was looked up.
    last: Option<u32>,
}

impl Plan {
    /// A message that was to come, if it has not come: where another one took its number it gets the next one.
    fn comes_in(
        &mut self,
        environment: &Environment,
        place: &Place,
        (from, to): (&Path, &Path),
        words: &HashMap<&str, &str>,
    ) -> Result<()> {
        let files = &*environment.files;
        let staged = place.path.join(from);
        let Some(meant) = number_of(to).filter(|_| files.link_metadata(&staged).is_ok()) else {
            // It came, or was taken back.
            return Ok(());
        };
        let number = match files.link_metadata(&place.path.join(to)) {
            Err(_) => {
                self.meant.insert(from.to_owned());
                meant
            }
            Ok(_) => {
                let number = self.next(environment, place)?;
                self.elsewhere.push((staged, number));
                number
            }
        };
        self.forgotten.push(number);
        let names = words.get(meant.to_string().as_str()).copied();
        for name in names
            .unwrap_or_default()
            .split(' ')
            .filter(|name| !name.is_empty())
        {
            self.members.put(name, number);
        }
        Ok(())
    }

    /// The next number that is free, also behind those that are to come.
    fn next(&mut self, environment: &Environment, place: &Place) -> Result<u32> {
        let last = match self.last {
            Some(last) => last,
            None => {
                let numbers = numbers_in(&*environment.files, &place.path);
                let numbers = numbers.map_err(Error::io(&place.path))?;
                numbers.last().copied().unwrap_or(0).max(self.highest)
            }
        };
        let next = last.checked_add(1);
        self.last = next;
        next.ok_or(NO_NUMBERS_LEFT)
    }

    /// A message that was to go leaves all sequences, if it is still itself.
    fn goes(&mut self, environment: &Environment, place: &Place, (from, to): (&Path, &Path)) {
        let found = number_of(from).filter(|_| is_called_by_content(environment, place, from, to));
        if let Some(number) = found {
            self.forgotten.push(number);
            self.meant.insert(from.to_owned());
        }
    }
}

/// Whether the content of a file is the one that the name `called` tells.
fn is_called_by_content(
    environment: &Environment,
    place: &Place,
    file: &Path,
    called: &Path,
) -> bool {
    let found = content(
        environment,
        &place.path.join(file),
        u64::MAX,
        &mut Vec::new(),
    );
    found.is_ok_and(|(size, digest)| {
        let front = content_front(size, digest);
        called.as_os_str().as_bytes().starts_with(front.as_bytes())
    })
}

/// Whether what was put apart is what was meant to go. Another message gets a number again.
fn may_go(environment: &Environment, place: &Place, apart: &Path) -> Result<bool> {
    let path = place.path.join(apart);
    let is_gone = environment.files.link_metadata(&path).is_err();
    if is_gone || is_called_by_content(environment, place, apart, apart) {
        return Ok(true);
    }
    come_back(environment, place, &path, None)?;
    Ok(false)
}

/// Gives a message that was not to go its `old` number again, or the next one that is free.
pub fn come_back(
    environment: &Environment,
    place: &Place,
    apart: &Path,
    old: Option<u32>,
) -> Result<()> {
    let files = &*environment.files;
    let mut number = old;
    for _ in 0..TRIES {
        let to = match number {
            Some(number) => number,
            None => {
                let numbers = numbers_in(files, &place.path).map_err(Error::io(&place.path))?;
                let next = numbers.last().copied().unwrap_or(0).checked_add(1);
                next.ok_or(NO_NUMBERS_LEFT)?
            }
        };
        match move_file(files, apart, &place.path.join(file_of(to))) {
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => number = None,
            other => return other.map_err(Error::io(apart)),
        }
    }
    Err(access::unsteady())
}

fn number_of(name: &Path) -> Option<u32> {
    number(OsStr::as_bytes(name.as_os_str()))
}
