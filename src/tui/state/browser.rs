//! The files of a directory, one of which answers a question.

use std::path::{Path, PathBuf};

use crate::mail::text::{Foreign, Printable};
use crate::present::sizes::narrow;

/// A file or directory as the browser shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileEntry {
    /// Its name.
    pub name: PathBuf,
    /// What it is.
    pub kind: FileKind,
}

/// What stands in a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// The directory above.
    Parent,
    /// The directory that is shown: chosen, a new file goes there.
    Here,
    /// A directory to look into.
    Directory,
    /// A file, with its size in bytes.
    File(u64),
}

/// The browser.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The directory.
    pub directory: PathBuf,
    /// What is in it.
    pub entries: Vec<FileEntry>,
    /// The entry under the cursor.
    pub cursor: usize,
    /// The first row that is visible.
    pub top: usize,
}

impl Browser {
    /// The browser in a directory, files by name behind the ways out and the directories.
    pub fn new(directory: &Path, mut found: Vec<FileEntry>) -> Self {
        found.sort_by_cached_key(|entry| {
            let is_file = matches!(entry.kind, FileKind::File(_));
            (is_file, entry.name.to_string_lossy().to_lowercase())
        });
        let special = |name: &str, kind| FileEntry {
            name: name.into(),
            kind,
        };
        let parent = special("..", FileKind::Parent);
        let mut entries = vec![parent, special(".", FileKind::Here)];
        entries.extend(found);
        Self {
            directory: directory.to_owned(),
            entries,
            cursor: 0,
            top: 0,
        }
    }

    /// The entry under the cursor.
    pub fn current(&self) -> Option<&FileEntry> {
        self.entries.get(self.cursor)
    }
}

impl FileEntry {
    /// Its line: the name, and behind it what it is.
    pub fn line(&self, width: usize) -> Printable {
        let what = match self.kind {
            FileKind::Parent => "(parent dir)".to_owned(),
            FileKind::Here => "(this dir)".to_owned(),
            FileKind::Directory => "(dir)".to_owned(),
            FileKind::File(size) => narrow(size),
        };
        let name = Foreign::new(self.name.to_string_lossy()).field();
        let room = width.saturating_sub(BEHIND).clamp(1, LONGEST);
        let what = Printable::own(format!("  {what}"));
        Printable::concat([&name.fit(room), &what])
    }
}

/// How much of a name is shown, and how much room is left behind it, in columns.
const LONGEST: usize = 60;
const BEHIND: usize = 14;
