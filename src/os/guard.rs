//! The files this program already holds a lock on, by device and inode: the table in front of the kernel locks.
//!
//! `flock` on two descriptors of one process excludes them from each other, so a second opening would
//! wait for the first for ever. The table answers at once: "open in this program".

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

/// Which file, whatever its name: device and inode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

impl FileId {
    /// The file that `metadata` describes.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// The table. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct Guards {
    held: Arc<Mutex<BTreeSet<FileId>>>,
}

impl Guards {
    /// Enters a file; `None` when it is held already. The entry goes when the guard is dropped.
    pub fn enter(&self, file: FileId) -> Option<Guard> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(file).then(|| Guard {
            table: self.clone(),
            file,
        })
    }

    /// Whether this program holds the file.
    pub fn holds(&self, file: FileId) -> bool {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&file)
    }
}

/// One entry of the table, for as long as it lives.
#[derive(Debug)]
pub struct Guard {
    table: Guards,
    file: FileId,
}

impl Guard {
    /// The file that is held.
    pub fn file(&self) -> FileId {
        self.file
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.table
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_once_until_its_guard_goes() {
        let table = Guards::default();
        let file = FileId {
            device: 1,
            inode: 2,
        };
        let guard = table.enter(file);
        assert!(guard.is_some());
        assert!(table.clone().enter(file).is_none());
        assert!(
            table
                .enter(FileId {
                    device: 2,
                    inode: 2
                })
                .is_some()
        );
        drop(guard);
        assert!(!table.holds(file));
        assert!(table.enter(file).is_some());
    }
}
