//! Changes of several files that count as one: what shall be done is written down in the state folder first, so that after
//! a crash the next opening does the rest.
//!
//! ```text
//! the process, as a line
//! move FROM TO      names in the mailbox, as hexadecimal digits
//! discard FILE
//! words TEXT        what the format wants to know when it finishes the change
//! end
//! ```
//! A name that is gone by then is passed over. Where names tell a message and its flags, doing the rest later harms nobody;
//! where they tell less, whoever does it says which steps are still meant.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::driver::error::{Error, Result};
use crate::driver::local_file::{is_missing, is_unwritable};
use crate::driver::remembered::table;
use crate::os::environment::{Environment, Process};
use crate::os::files::{FileLayer, OpenMode};
use crate::os::hex::{hex, unhex};
use crate::os::home::private_folder;
use crate::os::process::Life;
use crate::os::replace::replace;
use crate::os::transfer::read_full_at;

/// Something that is done to a file of a mailbox; names are relative to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// It gets another name.
    Move(PathBuf, PathBuf),
    /// It goes. Where it cannot it is nobody's all the same.
    Discard(PathBuf),
    /// Nothing is done: the format reads it when it finishes the change.
    Words(String),
}

/// The largest note, in bytes: some millions of steps.
const LARGEST: usize = 1 << 30;

/// What becomes of a move whose file is not there, or whose new name is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// It is passed over: somebody else was faster.
    PassedOver,
    /// The whole change fails.
    Fails,
}

/// Does all steps or none; durable on return. What is discarded has to come last. The answer says for each step whether it
/// was done.
pub fn carry_out(
    environment: &Environment,
    mailbox: &Path,
    steps: &[Step],
    missing: Missing,
) -> Result<Vec<bool>> {
    let mut part = Part {
        first: &mut || Ok(()),
        may_go: &|_| true,
    };
    carry_out_with(environment, mailbox, steps, missing, &mut part)
}

/// What the format does in a change.
pub struct Part<'p> {
    /// Done once the steps are written down, and before the first of them. Where it fails nothing else is done.
    pub first: &'p mut dyn FnMut() -> Result<()>,
    /// Whether a file is what was meant to be discarded, asked when it has its last name; else it stays there.
    pub may_go: &'p dyn Fn(&Path) -> bool,
}

/// The same, with the format's part in it.
pub fn carry_out_with(
    environment: &Environment,
    mailbox: &Path,
    steps: &[Step],
    missing: Missing,
    part: &mut Part<'_>,
) -> Result<Vec<bool>> {
    let note = match steps {
        [] => return Ok(Vec::new()),
        [_] => None,
        _ => match write_note(environment, mailbox, steps) {
            // There is no place to write it down: a crash may leave a part of it undone.
            Err(Error::Io { source, .. }) if is_unwritable(&source) => None,
            other => Some(other?),
        },
    };
    let mut done = Vec::with_capacity(steps.len());
    let mut outcome = (part.first)();
    if let Err(Error::Pending { .. }) = outcome {
        // What was begun will be finished, and the steps with it.
        return outcome.map(|()| done);
    }
    for step in steps {
        if let (Step::Discard(file), Ok(())) = (step, &outcome)
            && !(part.may_go)(&mailbox.join(file))
        {
            done.push(false);
            continue;
        }
        match outcome.and_then(|()| step.take(environment, mailbox, missing)) {
            Ok(was_there) => {
                outcome = Ok(());
                done.push(was_there);
            }
            Err(refusal) => {
                outcome = Err(refusal);
                break;
            }
        }
    }
    let taken = outcome.is_ok();
    if taken {
        outcome = sync(environment, mailbox, steps);
    }
    let Err(refusal) = outcome else {
        // One that stays names files that are gone.
        let _ = note.map(|note| note.remove(environment));
        return Ok(done);
    };
    if let (true, Some(note)) = (taken, &note) {
        // What is on disk of it nobody knows; with the note it will be all.
        let source = io::Error::other("it is not known to be on disk");
        let path = note.path.clone();
        return Err(Error::Pending { path, source });
    }
    let undone = steps.iter().zip(&done).rev().filter(|entry| *entry.1);
    let undone = undone
        .map(|(step, _)| step.take_back(environment, mailbox))
        .fold(Ok(()), io::Result::and);
    match note {
        None => Err(refusal),
        Some(note) => {
            let path = note.path.clone();
            // A note that came back would have files come that the caller now takes away.
            let removed = undone
                .and_then(|()| note.remove(environment))
                .and_then(|()| environment.files.sync_dir(&notes(environment)));
            match removed {
                Ok(()) => Err(refusal),
                Err(source) => Err(Error::Pending { path, source }),
            }
        }
    }
}

/// The notes that this program works on right now.
static ACTIVE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn active() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    ACTIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A note that this program works on, as long as it lives.
struct Note {
    path: PathBuf,
}

impl Note {
    fn remove(&self, environment: &Environment) -> io::Result<()> {
        match environment.files.remove_file(&self.path) {
            Err(missing) if is_missing(&missing) => Ok(()),
            other => other,
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        active().remove(&self.path);
    }
}

/// After so many seconds a program of which nothing can be known is gone.
const FORGOTTEN: i64 = 24 * 60 * 60;

/// Whether nobody works on a note of this process any more.
fn is_abandoned(environment: &Environment, path: &Path, process: &Process, local: bool) -> bool {
    if *process == environment.process {
        return !active().contains(path);
    }
    match environment.process.sees(process, local) {
        Life::Alive => false,
        Life::Dead => true,
        Life::Unknown => {
            let metadata = environment.files.link_metadata(path);
            let now = (environment.clock)();
            metadata.is_ok_and(|found| now.saturating_sub(found.mtime()) > FORGOTTEN)
        }
    }
}

/// The notes on a mailbox, by this program and others.
fn notes_on(environment: &Environment, mailbox: &Path) -> Vec<PathBuf> {
    let folder = notes(environment);
    let front = front(environment, mailbox);
    let is_note = |name: &&PathBuf| {
        let name = name.as_os_str().as_bytes();
        // What was being written counts for nothing.
        name.starts_with(front.as_bytes()) && !name.ends_with(b".new")
    };
    let names = environment.files.read_dir(&folder).unwrap_or_default();
    let notes = names.iter().filter(is_note);
    notes.map(|name| folder.join(name)).collect()
}

/// Whether anything is noted of a mailbox, by this program or another.
pub fn is_there(environment: &Environment, mailbox: &Path) -> bool {
    !notes_on(environment, mailbox).is_empty()
}

/// Does what programs that are gone have left undone.
pub fn recover(environment: &Environment, mailbox: &Path) -> Result<()> {
    recover_where(environment, mailbox, Whose::OfThoseGone, &|_| Ok(true))
}

/// Whose notes are finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// Of programs that are gone.
    OfThoseGone,
    /// Of all: a lock says that nobody works on one.
    OfAll,
}

/// A change that was left undone.
pub struct Left {
    path: PathBuf,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// What was left undone in a mailbox, by programs that are gone or by all.
pub fn left(environment: &Environment, mailbox: &Path, whose: Whose) -> Result<Vec<Left>> {
    let files = &environment.files;
    let local = files.is_local_disk(&notes(environment)).unwrap_or(false);
    let mut all = Vec::new();
    for path in notes_on(environment, mailbox) {
        let Some((process, steps)) = read_note(environment, &path).map_err(Error::io(&path))?
        else {
            continue;
        };
        if whose == Whose::OfAll || is_abandoned(environment, &path, &process, local) {
            all.push(Left { path, steps });
        }
    }
    Ok(all)
}

impl Left {
    /// Takes the steps, as far as they are still `meant`. Where that cannot be said they stay noted.
    pub fn finish(
        self,
        environment: &Environment,
        mailbox: &Path,
        meant: &dyn Fn(&Step) -> Result<bool>,
    ) -> Result<()> {
        for step in &self.steps {
            if meant(step)? {
                step.take(environment, mailbox, Missing::PassedOver)?;
            }
        }
        sync(environment, mailbox, &self.steps)?;
        match environment.files.remove_file(&self.path) {
            // Another program did the same.
            Err(missing) if is_missing(&missing) => Ok(()),
            other => other.map_err(Error::io(&self.path)),
        }
    }
}

/// Does what was left undone, as far as it is still `meant`.
pub fn recover_where(
    environment: &Environment,
    mailbox: &Path,
    whose: Whose,
    meant: &dyn Fn(&Step) -> Result<bool>,
) -> Result<()> {
    let all = left(environment, mailbox, whose)?;
    all.into_iter()
        .try_for_each(|left| left.finish(environment, mailbox, meant))
}

/// Where the notes are.
fn notes(environment: &Environment) -> PathBuf {
    environment.state.join("pending")
}

/// What the names of all notes on a mailbox begin with.
fn front(environment: &Environment, mailbox: &Path) -> OsString {
    let place = table::place(environment, mailbox);
    let mut front = place.file_name().unwrap_or_default().to_owned();
    front.push(".");
    front
}

fn write_note(environment: &Environment, mailbox: &Path, steps: &[Step]) -> Result<Note> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = front(environment, mailbox);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = &environment.process;
    name.push(format!("{}.{}.{number}", process.pid, process.start));
    let path = notes(environment).join(name);
    let mut text = process.to_line();
    for step in steps {
        text.push_str(&step.to_line());
    }
    text.push_str(END);
    if text.len() > LARGEST {
        return Err(Error::Refused("these are too many messages at once"));
    }
    let files = &*environment.files;
    active().insert(path.clone());
    let note = Note { path };
    let written = private_folder(files, &notes(environment))
        .and_then(|()| replace(files, &note.path, text.as_bytes()));
    if let Err(source) = written {
        let path = note.path.clone();
        // One that is there, on disk or not, will be finished: nothing that it needs may go.
        return Err(match files.link_metadata(&path) {
            Ok(_) => Error::Pending { path, source },
            Err(_) => Error::Io { path, source },
        });
    }
    Ok(note)
}

const END: &str = "end\n";

/// What a note says; `None` where it is not whole.
fn read_note(environment: &Environment, path: &Path) -> io::Result<Option<(Process, Vec<Step>)>> {
    let file = match environment.files.open(path, OpenMode::Read) {
        Err(missing) if is_missing(&missing) => return Ok(None),
        other => other?,
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(LARGEST);
    let mut bytes = vec![0; length.min(LARGEST)];
    let count = read_full_at(&*file, &mut bytes, 0)?;
    bytes.truncate(count);
    Ok(parse_note(&bytes))
}

fn parse_note(bytes: &[u8]) -> Option<(Process, Vec<Step>)> {
    let end = memchr::memchr(b'\n', bytes)? + 1;
    let (line, rest) = bytes.split_at_checked(end)?;
    let process = Process::from_line(line)?;
    let text = std::str::from_utf8(rest).ok()?.strip_suffix(END)?;
    let steps: Option<Vec<Step>> = text.lines().map(Step::from_line).collect();
    Some((process, steps?))
}

/// Waits until the names in the folders that the steps touch are on disk.
fn sync(environment: &Environment, mailbox: &Path, steps: &[Step]) -> Result<()> {
    let mut folders: Vec<&Path> = steps.iter().filter_map(Step::folder).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        let path = mailbox.join(folder);
        environment
            .files
            .sync_dir(&path)
            .map_err(Error::io(&path))?;
    }
    Ok(())
}

/// Gives a file another name, never over one that is there.
pub fn move_file(files: &dyn FileLayer, from: &Path, to: &Path) -> io::Result<()> {
    match files.rename_new(from, to) {
        Err(refusal) if refusal.kind() == io::ErrorKind::Unsupported => {}
        other => return other,
    }
    // A second name is refused where there is one, whoever makes it meanwhile.
    match files.hard_link(from, to) {
        Ok(()) => return files.remove_file(from),
        Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => return Err(taken),
        Err(missing) if is_missing(&missing) => return Err(missing),
        Err(_) => {}
    }
    match files.link_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => files.rename(from, to),
    }
}

impl Step {
    /// Whether it was done.
    fn take(&self, environment: &Environment, mailbox: &Path, missing: Missing) -> Result<bool> {
        let files = &environment.files;
        let (path, outcome) = match self {
            Self::Move(from, to) => {
                let from = mailbox.join(from);
                let outcome = move_file(&**files, &from, &mailbox.join(to));
                (from, outcome)
            }
            Self::Discard(file) => {
                let gone = files.remove_file(&mailbox.join(file));
                return Ok(gone.is_ok());
            }
            Self::Words(_) => return Ok(true),
        };
        let late = |refusal: &io::Error| {
            is_missing(refusal) || refusal.kind() == io::ErrorKind::AlreadyExists
        };
        match outcome {
            Err(refusal) if late(&refusal) && missing == Missing::PassedOver => Ok(false),
            other => other.map(|()| true).map_err(Error::io(&path)),
        }
    }

    fn take_back(&self, environment: &Environment, mailbox: &Path) -> io::Result<()> {
        let Self::Move(from, to) = self else {
            return Ok(());
        };
        let files = &*environment.files;
        match move_file(files, &mailbox.join(to), &mailbox.join(from)) {
            // Whoever gave it another name meanwhile has it.
            Err(missing) if is_missing(&missing) => Ok(()),
            other => other,
        }
    }

    /// The folder in which a name has to be found after a crash.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Move(_, to) => to.parent(),
            Self::Discard(_) | Self::Words(_) => None,
        }
    }

    fn to_line(&self) -> String {
        let name = |path: &Path| hex(path.as_os_str().as_bytes());
        match self {
            Self::Move(from, to) => format!("move {} {}\n", name(from), name(to)),
            Self::Discard(file) => format!("discard {}\n", name(file)),
            Self::Words(text) => format!("words {}\n", hex(text.as_bytes())),
        }
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let verb = words.next()?;
        if verb == "words" {
            let text = String::from_utf8(unhex(words.next()?)?).ok()?;
            return Some(Self::Words(text));
        }
        let mut name = || {
            let bytes = unhex(words.next()?)?;
            let path = PathBuf::from(OsString::from_vec(bytes));
            let mut parts = path.components();
            let parts = (parts.next(), parts.next(), parts.next());
            let inside = matches!(
                parts,
                (
                    Some(Component::Normal(_)),
                    None | Some(Component::Normal(_)),
                    None
                )
            );
            inside.then_some(path)
        };
        match verb {
            "move" => Some(Self::Move(name()?, name()?)),
            "discard" => Some(Self::Discard(name()?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_whole_or_not_at_all() {
        let process = "5 host boot 7\n";
        let steps = [
            Step::Move("tmp/a b\n".into(), "cur/c:2,".into()),
            Step::Words("7 unseen".into()),
            Step::Discard("cur/\u{e9}".into()),
        ];
        let lines: String = steps.iter().map(Step::to_line).collect();
        let text = format!("{process}{lines}{END}");
        let (owner, read) = parse_note(text.as_bytes()).expect("whole");
        assert_eq!((owner.pid, read.as_slice()), (5, &steps[..]));
        for end in 0..text.len() {
            assert_eq!(parse_note(&text.as_bytes()[..end]), None, "{end}");
        }
        for outside in ["../x", "/etc/x", "..", "cur/../x", "cur/..", "cur/x/y", ""] {
            let line = Step::Discard(outside.into()).to_line();
            assert_eq!(Step::from_line(line.trim_end()), None, "{outside}");
        }
    }
}
