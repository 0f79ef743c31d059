//! Directories that are mailboxes: which format they are in, and which names in them are no mailboxes.

use std::path::{Path, PathBuf};

use crate::driver::maildir::folder::{self, FOLDERS};
use crate::os::environment::Environment;

/// The format of a mailbox that is a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Directory {
    /// Maildir.
    Maildir,
}

impl Directory {
    /// The format of the mailbox at `path`; `None` where there is no directory that is one, or it cannot be looked at.
    pub fn at(environment: &Environment, path: &Path) -> Option<Self> {
        let is_maildir = folder::is_mailbox(environment, path).unwrap_or(false);
        is_maildir.then_some(Self::Maildir)
    }

    /// Whether a directory of this name in a mailbox belongs to it, and is none that could be a mailbox below it.
    pub fn is_inner(self, name: &Path) -> bool {
        match self {
            Self::Maildir => FOLDERS.iter().any(|own| name == Path::new(own)),
        }
    }

    /// What tells of changes in the mailbox at `path`.
    pub fn watched(self, path: &Path) -> Vec<PathBuf> {
        match self {
            Self::Maildir => ["cur", "new"].map(|folder| path.join(folder)).to_vec(),
        }
    }

    /// The files in which the mailbox at `path` keeps its messages, as far as they can be listed.
    pub fn mail_files(self, environment: &Environment, path: &Path) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = match self {
            Self::Maildir => {
                let all = folder::list(environment, path).unwrap_or_default();
                all.iter().map(|found| found.path(path)).collect()
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
        }
    }
}
