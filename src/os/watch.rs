//! Notices at once when a mailbox is changed, by inotify, so that new mail shows without waiting for the next timed look.
//!
//! Watched are the file (or folder) itself, for what is written into it, and the folders above its name and above where
//! the name leads, for files that come, go or take its name, and for its dot lock to go. One thread serves all watches
//! of a program and ends with the last one. It sleeps until something happens, and between two rounds of telling, so
//! that a flood of changes wakes nobody more than five times a second. Nothing here is needed: where the system refuses
//! a watch (there is a limit for each user) or does not know of changes (another machine's), timed looks find them.

use std::path::Path;
use std::sync::Arc;

/// What is done when something has changed. Must not block.
pub type Bell = Arc<dyn Fn() + Send + Sync>;

/// The watches of one program.
#[derive(Clone, Default)]
pub struct Watcher {
    #[cfg(target_os = "linux")]
    shared: Arc<linux::Shared>,
}

/// A watch, for as long as it lives.
pub struct Watch {
    #[cfg(target_os = "linux")]
    _kept: linux::Kept,
}

#[cfg(target_os = "linux")]
impl Watcher {
    /// Rings `bell` whenever the mailbox at `path` may have changed. `None` where that cannot be watched.
    pub fn watch(&self, path: &Path, bell: Bell) -> Option<Watch> {
        let _kept = linux::watch(&self.shared, path, bell)?;
        Some(Watch { _kept })
    }
}

#[cfg(not(target_os = "linux"))]
impl Watcher {
    /// There is no inotify on this system.
    pub fn watch(&self, _path: &Path, _bell: Bell) -> Option<Watch> {
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::ffi::{OsStr, OsString};
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::thread;
    use std::time::Duration;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;

    type Bell = Arc<dyn Fn() + Send + Sync>;

    /// What the thread is called.
    const THREAD_NAME: &str = "mugo-watch";
    /// Between two rounds of telling.
    const PAUSE: Duration = Duration::from_millis(200);
    /// Room for the events of one reading, in bytes.
    const BUFFER: usize = 16 << 10;

    const CONTENT: WatchFlags = WatchFlags::MODIFY
        .union(WatchFlags::CLOSE_WRITE)
        .union(WatchFlags::MOVE_SELF)
        .union(WatchFlags::DELETE_SELF)
        .union(NAMES);
    const NAMES: WatchFlags = WatchFlags::CREATE
        .union(WatchFlags::DELETE)
        .union(WatchFlags::MOVED_FROM)
        .union(WatchFlags::MOVED_TO)
        .union(WatchFlags::MASK_ADD);

    /// What the thread and those who have something watched share; nothing while nothing is watched.
    #[derive(Default)]
    pub(super) struct Shared(Mutex<Option<Table>>);

    struct Table {
        inotify: Arc<OwnedFd>,
        entries: BTreeMap<u64, Entry>,
        last: u64,
    }

    struct Entry {
        path: PathBuf,
        /// The watch of the file itself; it may have been made anew.
        file: Option<i32>,
        /// The watches of folders, with the name that counts in each.
        folders: Vec<(i32, OsString)>,
        bell: Bell,
    }

    /// An entry in the table. Dropped, it is taken out.
    pub(super) struct Kept {
        shared: Arc<Shared>,
        number: u64,
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let mut table = self.shared.lock();
            if let Some(table) = table.as_mut() {
                table.take_out(self.number);
            }
        }
    }

    impl Shared {
        fn lock(&self) -> MutexGuard<'_, Option<Table>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    pub(super) fn watch(shared: &Arc<Shared>, path: &Path, bell: Bell) -> Option<Kept> {
        let mut guard = shared.lock();
        let is_new = guard.is_none();
        if is_new {
            let inotify = Arc::new(inotify::init(CreateFlags::CLOEXEC).ok()?);
            *guard = Some(Table {
                inotify,
                entries: BTreeMap::new(),
                last: 0,
            });
        }
        let table = guard.as_mut()?;
        let entered = table.enter(path, bell);
        if !is_new {
            return entered.map(|number| kept(shared, number));
        }
        let inotify = Arc::clone(&table.inotify);
        let serving = Arc::clone(shared);
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned());
        // Without a watch there would be no event that ends the thread.
        let served = entered.filter(|_| thread.spawn(move || serve(&serving, &inotify)).is_ok());
        if served.is_none() {
            *guard = None;
        }
        served.map(|number| kept(shared, number))
    }

    fn kept(shared: &Arc<Shared>, number: u64) -> Kept {
        Kept {
            shared: Arc::clone(shared),
            number,
        }
    }

    impl Table {
        /// Watches `path`; its number, where anything of it can be watched.
        fn enter(&mut self, path: &Path, bell: Bell) -> Option<u64> {
            let leads_to = path.canonicalize().ok();
            let mut folders = Vec::new();
            for path in [Some(path), leads_to.as_deref()].into_iter().flatten() {
                let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
                    continue;
                };
                let flags = NAMES | WatchFlags::ONLYDIR;
                if let Ok(watch) = inotify::add_watch(&self.inotify, folder, flags) {
                    folders.push((watch, name.to_owned()));
                }
            }
            folders.dedup();
            let file = inotify::add_watch(&self.inotify, path, CONTENT).ok();
            if file.is_none() && folders.is_empty() {
                return None;
            }
            self.last += 1;
            let entry = Entry {
                path: path.to_owned(),
                file,
                folders,
                bell,
            };
            self.entries.insert(self.last, entry);
            Some(self.last)
        }

        /// Takes an entry out, with the watches that no other one needs. That wakes the thread.
        fn take_out(&mut self, number: u64) {
            let Some(gone) = self.entries.remove(&number) else {
                return;
            };
            let watches: Vec<i32> = gone.watches().collect();
            for watch in watches {
                self.give_up(watch);
            }
        }

        fn give_up(&self, watch: i32) {
            let mut needed = self.entries.values().flat_map(Entry::watches);
            if !needed.any(|other| other == watch) {
                // Fails where it ended by itself, with its file.
                let _ = inotify::remove_watch(&self.inotify, watch);
            }
        }

        /// Those who have to be told of an event.
        fn concerned(&mut self, event: &inotify::Event<'_>) -> Vec<u64> {
            let all = event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            let name = event
                .file_name()
                .map(|name| OsStr::from_bytes(name.to_bytes()));
            let mut found = Vec::new();
            let mut renamed = Vec::new();
            for (number, entry) in &self.entries {
                let named = name.is_some_and(|name| entry.counts(event.wd(), name));
                if all || named || entry.file == Some(event.wd()) {
                    found.push(*number);
                }
                if all || named {
                    renamed.push(*number);
                }
            }
            for number in renamed {
                self.follow(number);
            }
            found
        }

        /// Watches the file that has the name now.
        fn follow(&mut self, number: u64) {
            let Some(entry) = self.entries.get_mut(&number) else {
                return;
            };
            let now = inotify::add_watch(&self.inotify, &entry.path, CONTENT).ok();
            let before = std::mem::replace(&mut entry.file, now);
            if let Some(before) = before.filter(|before| Some(*before) != now) {
                self.give_up(before);
            }
        }
    }

    impl Entry {
        fn watches(&self) -> impl Iterator<Item = i32> {
            let folders = self.folders.iter().map(|(watch, _)| *watch);
            folders.chain(self.file)
        }

        /// Whether something that happens to `name` in a folder happens to the mailbox or to its dot lock.
        fn counts(&self, folder: i32, name: &OsStr) -> bool {
            self.folders.iter().any(|(watch, own)| {
                let rest = name.as_bytes().strip_prefix(own.as_bytes());
                *watch == folder && matches!(rest, Some(b"" | b".lock"))
            })
        }
    }

    fn serve(shared: &Shared, inotify: &OwnedFd) {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(inotify, &mut buffer);
        while let Some(bells) = round(shared, &mut reader) {
            for bell in bells {
                bell();
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits for events; the bells that they ring, each once. `None` when nothing is watched any more.
    fn round(shared: &Shared, reader: &mut Reader<'_, &OwnedFd>) -> Option<Vec<Bell>> {
        let mut found = Vec::new();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(_) => {
                    *shared.lock() = None;
                    return None;
                }
            };
            found.extend(shared.lock().as_mut()?.concerned(&event));
            if reader.is_buffer_empty() {
                break;
            }
        }
        let mut table = shared.lock();
        if table.as_ref()?.entries.is_empty() {
            *table = None;
            return None;
        }
        found.sort_unstable();
        found.dedup();
        let entries = &table.as_ref()?.entries;
        let bells = found.iter().filter_map(|number| entries.get(number));
        Some(bells.map(|entry| Arc::clone(&entry.bell)).collect())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
