//! Directories that are mailboxes: which format they are in, and which names in them are no mailboxes.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::driver::layout::folder::numbers::{file_of, numbers_in};
use crate::driver::maildir::folder::{self, FOLDERS};
use crate::driver::mh::{folder as mh, profile};
use crate::driver::mix::manage as mix;
use crate::driver::mix::names::{INDEX, META, STATUS};
use crate::driver::mx::index_file::path_of;
use crate::driver::mx::manage as mx;
use crate::os::environment::Environment;

/// The format of a mailbox that is a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Directory {
    /// Maildir.
    Maildir,
    /// MH.
    Mh,
    /// mix.
    Mix,
    /// mx.
    Mx,
}

/// Whether there is a mailbox at a path.
type Test = fn(&Environment, &Path) -> io::Result<bool>;

impl Directory {
    /// The format of the mailbox at `path`; `None` where there is no directory that is one, or it cannot be looked at.
    pub fn at(environment: &Environment, path: &Path) -> Option<Self> {
        let tests: [(Self, Test); 4] = [
            (Self::Mix, mix::is_mailbox),
            (Self::Mx, mx::is_mailbox),
            (Self::Maildir, folder::is_mailbox),
            (Self::Mh, mh::is_mailbox),
        ];
        let mut tests = tests.into_iter();
        let found = tests.find(|(_, test)| test(environment, path).unwrap_or(false));
        found.map(|(format, _)| format)
    }

    /// Whether a directory of this name in a mailbox belongs to it, and is none that could be a mailbox below it.
    pub fn is_inner(self, name: &Path) -> bool {
        match self {
            Self::Maildir => FOLDERS.iter().any(|own| name == Path::new(own)),
            Self::Mh => mh::is_own(name.as_os_str().as_bytes()),
            Self::Mix => mix::is_own(name.as_os_str().as_bytes()),
            Self::Mx => mx::is_own(name.as_os_str().as_bytes()),
        }
    }

    /// What tells of changes in the mailbox at `path`.
    pub fn watched(self, path: &Path) -> Vec<PathBuf> {
        match self {
            Self::Maildir => ["cur", "new"].map(|folder| path.join(folder)).to_vec(),
            Self::Mh => vec![path.to_owned(), path.join(profile::SEQUENCES)],
            Self::Mix => [META, INDEX, STATUS].map(|name| path.join(name)).to_vec(),
            Self::Mx => vec![path.to_owned(), path_of(path)],
        }
    }

    /// The files in which the mailbox at `path` keeps its messages, as far as they can be listed.
    pub fn mail_files(self, environment: &Environment, path: &Path) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = match self {
            Self::Maildir => {
                let all = folder::list(environment, path).unwrap_or_default();
                all.iter().map(|found| found.path(path)).collect()
            }
            Self::Mix => mix::mail_files(&*environment.files, path),
            Self::Mh | Self::Mx => {
                let numbers = numbers_in(&*environment.files, path).unwrap_or_default();
                let paths = numbers.into_iter().map(|uid| path.join(file_of(uid)));
                paths.collect()
            }
        };
        let is_plain = |path: &PathBuf| {
            let metadata = environment.files.link_metadata(path);
            metadata.is_ok_and(|found| found.is_file())
        };
        all.retain(is_plain);
        all
    }

    /// Whether mail is there that no program has seen, as far as that can be told at a glance.
    pub fn has_new(self, environment: &Environment, path: &Path) -> bool {
        match self {
            Self::Maildir => {
                let new = environment.files.read_dir(&path.join("new"));
                new.is_ok_and(|names| !names.is_empty())
            }
            Self::Mh => mh::has_unseen(environment, path),
            Self::Mix | Self::Mx => false,
        }
    }
}
