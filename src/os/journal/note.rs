//! A note that a mailbox file is being appended to: how long it was before. It is on disk before the first new byte.
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
}

impl Note {
    /// Notes that `file`, which is `length` bytes long, is going to be appended to.
    pub fn make(environment: &Environment, file: &dyn MailFile, length: u64) -> io::Result<Self> {
        let path = path_of(environment, file)?;
        let files = environment.files.as_ref();
        private_folder(files, path.parent().unwrap_or(Path::new(".")))?;
        replace(files, &path, format!("{length}\n").as_bytes())?;
        Ok(Self { path, length })
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
        let mut text = [0; 24];
        let count = read_full_at(&*found, &mut text, 0)?;
        let text = text.get(..count).unwrap_or_default();
        let digits = std::str::from_utf8(text).unwrap_or_default();
        let length = digits.trim_end().parse().unwrap_or(u64::MAX);
        Ok(Some(Self { path, length }))
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
