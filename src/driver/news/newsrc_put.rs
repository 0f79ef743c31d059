//! Puts a new `.newsrc` in the place of the old one, in one step.
//!
//! Both change places, and what stood there is looked at then: where that is another than was read they change back. All
//! of it is done under the dot lock, so what is left of a killed program can have but one name. `.newsrc.old` is a copy:
//! a program that is reading the old file, and then writes its own copy of it, must not meet itself.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::pending::move_file;
use crate::driver::layout::folder::whole_file::read_whole;
use crate::driver::local_file::is_missing;
use crate::driver::news::newsrc::Newsrc;
use crate::driver::news::newsrc_found::{LARGEST, old_path};
use crate::driver::news::steady::DOUBT;
use crate::os::environment::Environment;
use crate::os::files::FileLayer;
use crate::os::replace::write_beside;

/// A file that is locked, to be replaced.
pub(super) struct Place<'a> {
    files: &'a dyn FileLayer,
    path: &'a Path,
    job: &'a Job,
    /// The new file, and after the change the old one.
    beside: PathBuf,
    /// The copy of the old one, before it has its name.
    copy: PathBuf,
}

/// What came of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Put {
    Done,
    /// Somebody wrote to it meanwhile: that is what stands there.
    Changed,
}

/// Permission bits of a file that was not there before.
const PRIVATE: u32 = 0o600;
/// So many files of others are kept.
const MOST_KEPT: u32 = 1000;

impl<'a> Place<'a> {
    pub(super) fn new(environment: &'a Environment, path: &'a Path, job: &'a Job) -> Self {
        Self {
            files: &*environment.files,
            path,
            job,
            beside: named(path, ".mugo"),
            copy: named(path, ".old.mugo"),
        }
    }

    /// Removes what a killed program left. Only what is nowhere else is kept.
    pub(super) fn clear(&self) -> Result<()> {
        if self.files.link_metadata(&self.copy).is_ok() {
            let _ = self.files.remove_file(&self.copy);
        }
        let left = match self.content(&self.beside) {
            Err(missing) if is_missing(&missing) => return Ok(()),
            other => other.ok(),
        };
        let now = self.content(self.path).ok();
        let old = self.content(&old_path(self.path)).ok();
        // The two are the same only before the change: then it is a new file that was not put there.
        let known = left.is_some() && (left == now || left == old || now == old);
        let cleared = match known {
            true => self.files.remove_file(&self.beside),
            false => self.keep(),
        };
        cleared.map_err(Error::io(&self.beside))
    }

    /// Puts the new file in the place of the old one.
    pub(super) fn put(&self, old: Option<&Newsrc>, new: &Newsrc) -> io::Result<Put> {
        let mode = match self.files.metadata(self.path) {
            Ok(metadata) => metadata.mode() & 0o777,
            Err(_) => PRIVATE,
        };
        let put = match (self.prepare(mode, old, new), old) {
            (Err(refusal), _) => Err(refusal),
            (Ok(()), None) => self.put_first(),
            (Ok(()), Some(old)) => match self.files.exchange(&self.beside, self.path) {
                Ok(()) => return self.judge(old, new),
                Err(refusal) if refusal.kind() == io::ErrorKind::Unsupported => self.put_over(old),
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => self.put_first(),
                Err(refusal) => Err(refusal),
            },
        };
        match put {
            Ok(Put::Done) => self.sync().map(|()| Put::Done),
            other => {
                // The new file has not been anywhere else.
                let _ = self.files.remove_file(&self.beside);
                other
            }
        }
    }

    fn prepare(&self, mode: u32, old: Option<&Newsrc>, new: &Newsrc) -> io::Result<()> {
        if let Some(old) = old {
            let written = write_beside(self.files, &self.copy, mode, old.bytes());
            let named = written.and_then(|()| self.files.rename(&self.copy, &old_path(self.path)));
            if let Err(refusal) = named {
                let _ = self.files.remove_file(&self.copy);
                return Err(refusal);
            }
        }
        write_beside(self.files, &self.beside, mode, new.bytes())
    }

    /// The files have changed places: it holds if the old one is what was read.
    fn judge(&self, old: &Newsrc, new: &Newsrc) -> io::Result<Put> {
        if !old.is_ended() {
            // Somebody who has just emptied it would be taken for nobody.
            sleep(DOUBT);
        }
        match self.content(&self.beside) {
            Ok(replaced) if replaced == *old => {
                let synced = self.sync();
                // It has a copy. One that stays is removed the next time.
                let _ = self.files.remove_file(&self.beside);
                synced.map(|()| Put::Done)
            }
            other => {
                self.put_back(new)?;
                other.map(|_| Put::Changed)
            }
        }
    }

    /// Somebody may still write to the old file: it gets its name again.
    fn put_back(&self, new: &Newsrc) -> io::Result<()> {
        match self.files.exchange(&self.beside, self.path) {
            Ok(()) if self.content(&self.beside).is_ok_and(|it| it == *new) => {
                let _ = self.files.remove_file(&self.beside);
                self.sync()
            }
            Ok(()) => self.keep(),
            Err(refusal) => self.keep().and(Err(refusal)),
        }
    }

    /// There was no file.
    fn put_first(&self) -> io::Result<Put> {
        match move_file(self.files, &self.beside, self.path) {
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => Ok(Put::Changed),
            other => other.map(|()| Put::Done),
        }
    }

    /// Where two names cannot change places: what is written there in the last moment is lost.
    fn put_over(&self, old: &Newsrc) -> io::Result<Put> {
        if self.content(self.path)? != *old {
            return Ok(Put::Changed);
        }
        let put = self.files.rename(&self.beside, self.path);
        put.map(|()| Put::Done)
    }

    /// Gives what another newsreader wrote a name of its own, and tells it.
    fn keep(&self) -> io::Result<()> {
        for number in 0..MOST_KEPT {
            let name = match number {
                0 => named(self.path, ".kept"),
                _ => named(self.path, &format!(".kept.{number}")),
            };
            match move_file(self.files, &self.beside, &name) {
                Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
                Err(refusal) => {
                    self.tell_kept(&self.beside);
                    return Err(refusal);
                }
                Ok(()) => {
                    self.tell_kept(&name);
                    return Ok(());
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn tell_kept(&self, name: &Path) {
        self.job.notice(format!(
            "another program wrote to {} at the same time; what stood there is kept in {}",
            self.path.display(),
            name.display()
        ));
    }

    fn content(&self, path: &Path) -> io::Result<Newsrc> {
        read_whole(self.files, path, LARGEST).map(|(bytes, _)| Newsrc::new(bytes))
    }

    fn sync(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        self.files.sync_dir(folder)
    }
}

fn named(path: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(what);
    name.into()
}
