//! Keeps dot locks young while they are held: a lock older than five minutes is taken for abandoned by other programs, and
//! the rewrite of a very large mailbox on a slow disk takes longer.
//!
//! One thread serves all locks of the program. It starts with the first lock and sleeps while there is none.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::os::files::{FileLayer, OpenMode};
use crate::os::guard::FileId;
use crate::os::transfer::write_all_at;

/// A lock file that is to be kept young.
pub struct Held {
    /// The way to it.
    pub files: Arc<dyn FileLayer>,
    /// Its name.
    pub path: PathBuf,
    /// Which file; one that came in its place is left alone.
    pub file: FileId,
    /// What it holds. Written again, it takes the time of the file server.
    pub text: Vec<u8>,
}

/// Keeps a lock young until it is dropped.
pub struct Kept {
    number: u64,
    slot: Slot,
}

/// A lock until it is given back. Its own mutex: a file system that hangs shall delay nobody else.
type Slot = Arc<Mutex<Option<Held>>>;

struct Keeper {
    held: Mutex<Table>,
    changed: Condvar,
}

struct Table {
    locks: BTreeMap<u64, Entry>,
    next: u64,
    runs: bool,
}

struct Entry {
    slot: Slot,
    every: Duration,
    due: Instant,
}

static KEEPER: Keeper = Keeper {
    held: Mutex::new(Table {
        locks: BTreeMap::new(),
        next: 0,
        runs: false,
    }),
    changed: Condvar::new(),
};

/// Keeps this lock young, renewing it every so often.
pub fn keep(lock: Held, every: Duration) -> Kept {
    let mut table = KEEPER.table();
    let number = table.next;
    table.next += 1;
    let due = Instant::now() + every;
    let slot: Slot = Arc::new(Mutex::new(Some(lock)));
    let entry = Entry {
        slot: Arc::clone(&slot),
        every,
        due,
    };
    table.locks.insert(number, entry);
    if !table.runs {
        let spawned = thread::Builder::new()
            .name("mugo-locks".to_owned())
            .spawn(|| KEEPER.run());
        // Without it a lock lasts as long as those of other programs.
        table.runs = spawned.is_ok();
    }
    KEEPER.changed.notify_one();
    Kept { number, slot }
}

impl Drop for Kept {
    fn drop(&mut self) {
        KEEPER.table().locks.remove(&self.number);
        // Waits for a renewal that is under way: none comes after this.
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Keeper {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut table = self.table();
        loop {
            let now = Instant::now();
            let mut due: Vec<Slot> = Vec::new();
            for entry in table.locks.values_mut().filter(|entry| entry.due <= now) {
                entry.due = now + entry.every;
                due.push(Arc::clone(&entry.slot));
            }
            if !due.is_empty() {
                drop(table);
                due.iter().for_each(renew_in);
                table = self.table();
            }
            let next = table.locks.values().map(|entry| entry.due).min();
            table = match next {
                None => self
                    .changed
                    .wait(table)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let left = due.saturating_duration_since(Instant::now());
                    self.changed
                        .wait_timeout(table, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}

fn renew_in(slot: &Slot) {
    let lock = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(lock) = &*lock {
        // Failing now, it may succeed the next time.
        let _ = renew(lock);
    }
}

fn renew(lock: &Held) -> io::Result<()> {
    let mut file = lock.files.open(&lock.path, OpenMode::ReadWriteNoFollow)?;
    let found = file.metadata()?;
    if FileId::of(&found) != lock.file {
        return Ok(());
    }
    if lock.text.is_empty() {
        file.set_len(0)
    } else {
        write_all_at(file.as_mut(), &lock.text, 0)
    }
}
