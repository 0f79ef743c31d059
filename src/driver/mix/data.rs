//! Writing data files: new messages go behind the others in the current one until it is large, then into a new one.

use std::path::{Path, PathBuf};

use crate::driver::error::{Error, Result};
use crate::driver::mix::index::Entry;
use crate::driver::mix::names::data_file;
use crate::driver::place::Place;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::write_all_at;

/// A file is full when one more message would make it larger.
const FULL: u64 = 1 << 20;
/// How many numbers are tried for a new file.
const TRIES: u32 = 1000;

/// New messages on their way into data files. Dropped before [`keep`](Self::keep) it leaves the files as they were.
pub struct Writer<'e> {
    environment: &'e Environment,
    place: &'e Place,
    /// The number of the current file.
    pub current: u32,
    /// Where the last message ends that the index has in the file that was the current one.
    end: u64,
    /// Whether `.mixmeta` may name the current file by now.
    is_named: bool,
    /// The files that were written to, and their old lengths; the last is the current one.
    written: Vec<Written>,
}

struct Written {
    path: PathBuf,
    file: Box<dyn MailFile>,
    /// `None` where it was made here.
    before: Option<u64>,
    length: u64,
}

impl<'e> Writer<'e> {
    /// Begins behind what is in the data file of this number, in which the last message ends at `end`. The index is locked.
    pub fn begin(environment: &'e Environment, place: &'e Place, current: u32, end: u64) -> Self {
        Self {
            environment,
            place,
            current,
            end,
            is_named: false,
            written: Vec::new(),
        }
    }

    /// Makes room for a message, writes the line in front of it, and notes in `entry` where it is.
    pub fn front(&mut self, entry: &mut Entry) -> Result<()> {
        if self.written.is_empty() {
            self.open_current()?;
        }
        let front = |entry: &Entry| entry.front().into_bytes();
        let wanted = front(entry).len() as u64 + u64::from(entry.size);
        let last = self.written.last();
        if last.is_none_or(|it| it.length > 0 && it.length + wanted > FULL) {
            let now = u32::try_from((self.environment.clock)()).unwrap_or(0);
            let first = now.max(self.current.saturating_add(1));
            let (number, path, file) = create(self.environment, self.place, first)?;
            self.add(path, file, None);
            self.current = number;
        }
        let length = self.written.last().map_or(0, |it| it.length);
        let line = front(entry);
        entry.file = self.current;
        entry.position = u32::try_from(length).map_err(|_| TOO_LARGE)?;
        entry.line = line.len() as u16;
        self.write(&line)
    }

    fn open_current(&mut self) -> Result<()> {
        let path = self.place.path.join(data_file(self.current));
        let failed = Error::io(&path);
        let file = match self
            .environment
            .files
            .open(&path, OpenMode::ReadWriteNoFollow)
        {
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(&failed)?,
        };
        let found = file.metadata().map_err(&failed)?;
        if !found.is_file() {
            return Err(Error::Refused("its data file is not a plain file"));
        }
        // In a file that was cut off new bytes would become a part of an old message.
        if found.len() >= self.end {
            self.add(path.clone(), file, Some(found.len()));
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, file: Box<dyn MailFile>, before: Option<u64>) {
        self.written.push(Written {
            path,
            file,
            before,
            length: before.unwrap_or(0),
        });
    }

    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(last) = self.written.last_mut() else {
            return Ok(());
        };
        write_all_at(&mut *last.file, bytes, last.length).map_err(Error::io(&last.path))?;
        last.length += bytes.len() as u64;
        Ok(())
    }

    /// Waits until all is on disk.
    pub fn sync(&mut self) -> Result<()> {
        for written in &mut self.written {
            written.file.sync().map_err(Error::io(&written.path))?;
        }
        if self.written.iter().any(|written| written.before.is_none()) {
            let folder = &self.place.path;
            let synced = self.environment.files.sync_dir(folder);
            synced.map_err(Error::io(folder))?;
        }
        Ok(())
    }

    /// From now on `.mixmeta` may name the current file: it stays, whatever happens. c-client would make it anew, with a mode
    /// that keeps everybody out.
    pub fn name_current(&mut self) {
        self.is_named = true;
    }

    /// The index knows the messages now.
    pub fn keep(mut self) {
        self.written.clear();
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        let last = self.written.len().saturating_sub(1);
        for (place, written) in self.written.iter_mut().enumerate() {
            let is_named = self.is_named && place == last;
            // Bytes that stay belong to no message, and are reclaimed some day.
            let _ = match written.before {
                Some(length) => written.file.set_len(length),
                None if is_named => written.file.set_len(0),
                None => self.environment.files.remove_file(&written.path),
            };
        }
    }
}

const TOO_LARGE: Error = Error::Refused("the message is too large for this format");

/// Makes a data file with a number from `first` on; with a lower one where there is none left.
fn create(
    environment: &Environment,
    place: &Place,
    first: u32,
) -> Result<(u32, PathBuf, Box<dyn MailFile>)> {
    let numbers = (first..=first.saturating_add(TRIES)).chain((1..first).rev());
    create_one_of(environment, place, numbers)
}

/// Makes a data file with the first of these numbers that is free.
pub fn create_one_of(
    environment: &Environment,
    place: &Place,
    numbers: impl Iterator<Item = u32>,
) -> Result<(u32, PathBuf, Box<dyn MailFile>)> {
    let mode = place.protection.file;
    for number in numbers {
        let path = place.path.join(data_file(number));
        match environment.files.open(&path, OpenMode::CreateNew(mode)) {
            Err(taken) if taken.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(refusal) => return Err(Error::io(&path)(refusal)),
            Ok(mut file) => {
                if let Err(refusal) = file.set_mode(mode) {
                    remove(environment, &path);
                    return Err(Error::io(&path)(refusal));
                }
                return Ok((number, path, file));
            }
        }
    }
    Err(Error::Refused("there is no number left for a data file"))
}

/// Removes a file; one that stays holds no message.
pub fn remove(environment: &Environment, path: &Path) {
    let _ = environment.files.remove_file(path);
}
