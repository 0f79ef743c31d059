//! Changes of several files that count as one: what shall be done is written down in the state folder first, so that after
//! a crash the next opening does the rest.
//!
//! ```text
//! the process, as a line
//! move FROM TO      names in the mailbox, as hexadecimal digits
//! discard FILE
//! end
//! ```
//! Names tell a message and its flags, so doing the rest later harms nobody: a name that is gone by then is passed over.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::driver::error::{Error, Result};
use crate::driver::maildir::folder::is_missing;
use crate::driver::maildir::uid_log;
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
}

const LARGEST: usize = 256 << 20;

/// Does all steps or none; durable on return. What is discarded has to come last. A file that is not there is passed over: the
/// answer says for each step whether it was done.
pub fn carry_out(environment: &Environment, mailbox: &Path, steps: &[Step]) -> Result<Vec<bool>> {
    let note = match steps {
        [] => return Ok(Vec::new()),
        [_] => None,
        _ => match write_note(environment, mailbox, steps) {
            // There is no place to write it down: a crash may leave a part of it undone.
            Err(Error::Io { source, .. }) if uid_log::is_unwritable(&source) => None,
            other => Some(other?),
        },
    };
    let mut done = Vec::with_capacity(steps.len());
    for step in steps {
        match step.take(environment, mailbox) {
            Ok(was_there) => done.push(was_there),
            Err(refusal) => {
                let undone = steps.iter().zip(&done).rev().filter(|entry| *entry.1);
                let undone = undone
                    .map(|(step, _)| step.take_back(environment, mailbox))
                    .fold(Ok(()), io::Result::and);
                let undone = undone.and_then(|()| remove_note(environment, note.as_deref()));
                return Err(unfinished(note, undone, refusal));
            }
        }
    }
    if let Err(refusal) = sync(environment, mailbox, steps) {
        // What is on disk of it nobody knows; with the note it will be all.
        let not_now = Err(io::Error::other("it is not known to be on disk"));
        return Err(unfinished(note, not_now, refusal));
    }
    // One that stays names files that are gone.
    let _ = remove_note(environment, note.as_deref());
    Ok(done)
}

/// The error of a change that was not done: it is undone as far as that went, or will be finished.
fn unfinished(note: Option<PathBuf>, undone: io::Result<()>, refusal: Error) -> Error {
    match (note, undone) {
        (Some(path), Err(source)) => Error::Pending { path, source },
        _ => refusal,
    }
}

fn remove_note(environment: &Environment, note: Option<&Path>) -> io::Result<()> {
    note.map_or(Ok(()), |note| environment.files.remove_file(note))
}

/// Does what programs that are gone have left undone.
pub fn recover(environment: &Environment, mailbox: &Path) -> Result<()> {
    let log = uid_log::place(environment, mailbox);
    let folder = uid_log::folder(environment);
    let Ok(names) = environment.files.read_dir(&folder) else {
        return Ok(());
    };
    let mut front = log.file_name().unwrap_or_default().as_bytes().to_vec();
    front.extend(NOTE);
    for name in names {
        let own = name.file_name().unwrap_or_default();
        if !own.as_bytes().starts_with(&front) {
            continue;
        }
        let path = folder.join(own);
        let Some((process, steps)) = read_note(environment, &path).map_err(Error::io(&path))?
        else {
            continue;
        };
        let local = environment.files.is_local_disk(&folder).unwrap_or(false);
        if environment.process.sees(&process, local) != Life::Dead {
            continue;
        }
        for step in &steps {
            match step.take(environment, mailbox) {
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
                other => drop(other?),
            }
        }
        sync(environment, mailbox, &steps)?;
        let gone = environment.files.remove_file(&path);
        gone.map_err(Error::io(&path))?;
    }
    Ok(())
}

const NOTE: &[u8] = b".pending.";

fn write_note(environment: &Environment, mailbox: &Path, steps: &[Step]) -> Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut path = uid_log::place(environment, mailbox).into_os_string();
    path.push(OsStr::from_bytes(NOTE));
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = &environment.process;
    path.push(format!("{}.{}.{number}", process.pid, process.start));
    let path = PathBuf::from(path);
    let mut text = process.to_line();
    for step in steps {
        text.push_str(&step.to_line());
    }
    text.push_str(END);
    let files = &*environment.files;
    private_folder(files, &uid_log::folder(environment))
        .and_then(|()| replace(files, &path, text.as_bytes()))
        .map_err(Error::io(&path))?;
    Ok(path)
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
fn move_file(files: &dyn FileLayer, from: &Path, to: &Path) -> io::Result<()> {
    match files.rename_new(from, to) {
        Err(refusal) if refusal.kind() == io::ErrorKind::Unsupported => {}
        other => return other,
    }
    match files.link_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => files.rename(from, to),
    }
}

impl Step {
    /// Whether the file was there.
    fn take(&self, environment: &Environment, mailbox: &Path) -> Result<bool> {
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
        };
        match outcome {
            Err(missing) if is_missing(&missing) => Ok(false),
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
            Self::Discard(_) => None,
        }
    }

    fn to_line(&self) -> String {
        let name = |path: &Path| hex(path.as_os_str().as_bytes());
        match self {
            Self::Move(from, to) => format!("move {} {}\n", name(from), name(to)),
            Self::Discard(file) => format!("discard {}\n", name(file)),
        }
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let verb = words.next()?;
        let mut name = || {
            let bytes = unhex(words.next()?)?;
            let path = PathBuf::from(std::ffi::OsString::from_vec(bytes));
            let mut parts = path.components();
            let parts = (parts.next(), parts.next(), parts.next());
            let inside = matches!(
                parts,
                (Some(Component::Normal(_)), Some(Component::Normal(_)), None)
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
            Step::Discard("cur/\u{e9}".into()),
        ];
        let lines: String = steps.iter().map(Step::to_line).collect();
        let text = format!("{process}{lines}{END}");
        let (owner, read) = parse_note(text.as_bytes()).expect("whole");
        assert_eq!((owner.pid, read.as_slice()), (5, &steps[..]));
        for end in 0..text.len() {
            assert_eq!(parse_note(&text.as_bytes()[..end]), None, "{end}");
        }
        for outside in ["../x", "/etc/x", "x", "cur/../x", "cur/..", "cur/x/y", ""] {
            let line = Step::Discard(outside.into()).to_line();
            assert_eq!(Step::from_line(line.trim_end()), None, "{outside}");
        }
    }
}
