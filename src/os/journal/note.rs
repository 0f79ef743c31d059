//! A note that a mailbox file is being appended to: how long it was before, and the line that will make mail of what is
//! behind that length. It is on disk before the first new byte.
//!
//! For formats in which an unfinished append can be told from mail by its bytes, so that no byte needs to be journalled.
//! Whoever finds a note looks behind that length, and cuts off there what is no mail yet.

use std::io;
use std::path::{Path, PathBuf};

use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::home::private_folder;
use crate::os::journal::header::Identity;
use crate::os::journal::store::Store;
use crate::os::replace::replace;
use crate::os::transfer::read_full_at;

/// The note of one mailbox file.
pub struct Note {
    path: PathBuf,
    /// How long the file was before the append, in bytes.
    pub length: u64,
    /// How long it is to be after it.
    pub end: u64,
    /// What is written last, at that length; empty where it is not known.
    pub line: Vec<u8>,
}

/// The longest line that a note keeps, in bytes.
const LONGEST: usize = 128;

impl Note {
    /// Notes that `file`, which is `length` bytes long, is going to be appended to up to `end`, and that `line` is written last.
    pub fn make(
        environment: &Environment,
        file: &dyn MailFile,
        (length, end): (u64, u64),
        line: &[u8],
    ) -> io::Result<Self> {
        let path = path_of(environment, file)?;
        let files = environment.files.as_ref();
        private_folder(files, path.parent().unwrap_or(Path::new(".")))?;
        let line = line.get(..line.len().min(LONGEST)).unwrap_or_default();
        let mut text = format!("{length} {end}\n").into_bytes();
        text.extend_from_slice(line);
        replace(files, &path, &text)?;
        let line = line.to_vec();
        Ok(Self {
            path,
            length,
            end,
            line,
        })
    }

    /// The note that an interrupted append of `file` left. One that cannot be understood counts as made for a file
    /// so long that nothing is behind it.
    pub fn find(environment: &Environment, file: &dyn MailFile) -> io::Result<Option<Self>> {
        let path = path_of(environment, file)?;
        let found = match environment.files.open(&path, OpenMode::ReadWriteNoFollow) {
            Ok(found) => found,
            Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(refusal) => return Err(refusal),
        };
        let mut text = [0; 48 + LONGEST];
        let count = read_full_at(&*found, &mut text, 0)?;
        let text = text.get(..count).unwrap_or_default();
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        let (digits, line) = text.split_at(end);
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        let numbers = digits.split_once(' ');
        let number = |text: &str| text.parse::<u64>().ok();
        let numbers = numbers.and_then(|(length, end)| Some((number(length)?, number(end)?)));
        let (length, end) = numbers.unwrap_or((u64::MAX, u64::MAX));
        let line = line.strip_prefix(b"\n").unwrap_or_default().to_vec();
        Ok(Some(Self {
            path,
            length,
            end,
            line,
        }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the note: the append is complete, or taken back.
    pub fn remove(self, environment: &Environment) -> io::Result<()> {
        environment.files.remove_file(&self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        environment.files.sync_dir(folder)
    }
}

fn path_of(environment: &Environment, file: &dyn MailFile) -> io::Result<PathBuf> {
    let identity = Identity::of(&file.metadata()?);
    let journal = Store::new(environment).path_of(identity);
    Ok(journal.with_extension("append"))
}
