//! Files of messages that are to come: written under names that nobody reads, and on disk before they get others.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::driver::error::{Error, Result};
use crate::driver::layout::folder::pending;
use crate::driver::place::Place;
use crate::os::environment::Environment;
use crate::os::files::{FileLayer, MailFile, OpenMode};

/// What the names of such files begin with, in mailboxes that keep them beside the messages.
pub const NEW: &str = ".mugo-new-";

/// A name that no other message of this or another program has.
pub fn new_name(environment: &Environment) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = &environment.process;
    PathBuf::from(format!("{NEW}{}-{}-{number}", process.pid, process.start))
}

/// Files of messages that are to come. Dropped, those that nobody needs are removed.
pub struct Staged<'a> {
    files: &'a dyn FileLayer,
    place: &'a Place,
    /// Their names, in the mailbox.
    names: Vec<PathBuf>,
}

impl<'a> Staged<'a> {
    /// None yet.
    pub fn new(environment: &'a Environment, place: &'a Place) -> Self {
        Self {
            files: &*environment.files,
            place,
            names: Vec::new(),
        }
    }

    /// Makes one more, and has `write` put into it what belongs there; its bytes are on disk on return.
    pub fn write<T>(
        &mut self,
        name: PathBuf,
        write: impl FnOnce(&mut dyn MailFile) -> io::Result<T>,
    ) -> Result<T> {
        let path = self.place.path.join(&name);
        let failed = Error::io(&path);
        let mode = self.place.protection.file;
        let file = self.files.open(&path, OpenMode::CreateNew(mode));
        let mut file = file.map_err(&failed)?;
        self.names.push(name);
        let written = file.set_mode(mode).and_then(|()| write(&mut *file));
        let written = written.and_then(|written| file.sync().map(|()| written));
        written.map_err(&failed)
    }

    /// Their names, in the order in which they were written.
    pub fn names(&self) -> &[PathBuf] {
        &self.names
    }

    /// Leaves the files where they are after a change that gives them other names: unless it was taken back they have
    /// them, or it will be finished and needs them.
    pub fn leave_after<T>(&mut self, change: &Result<T>) {
        if matches!(change, Ok(_) | Err(Error::Pending { .. })) {
            self.names.clear();
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        for name in &self.names {
            // One that stays is seen by nobody, and removed some day.
            let _ = self.files.remove_file(&self.place.path.join(name));
        }
    }
}

/// Removes files that killed programs left in a mailbox long ago, under names of messages that never came, unless something
/// is noted of it.
pub fn clear_leftovers(environment: &Environment, mailbox: &Path) {
    const LEFT_OVER: i64 = 36 * 60 * 60;
    if pending::is_there(environment, mailbox) {
        // A note that could not be finished may need them.
        return;
    }
    let Ok(names) = environment.files.read_dir(mailbox) else {
        return;
    };
    let now = (environment.clock)();
    for name in names {
        if !name.as_os_str().as_bytes().starts_with(NEW.as_bytes()) {
            continue;
        }
        let path = mailbox.join(name);
        let old = environment
            .files
            .link_metadata(&path)
            .is_ok_and(|found| found.is_file() && now.saturating_sub(found.ctime()) > LEFT_OVER);
        if old {
            // It will be tried again.
            let _ = environment.files.remove_file(&path);
        }
    }
}
