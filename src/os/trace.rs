//! What is said to servers, and by them, for who looks for a fault: the last lines are kept in memory, and all of them are
//! written into a file where that is wanted.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Zoned;
use rustix::fs::OFlags;

/// So many lines are kept in memory.
const KEPT: usize = 1000;

/// A trace. Clones tell of the same connections.
#[derive(Clone, Default)]
pub struct Trace {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    file: Option<Mutex<File>>,
    recent: Mutex<Recent>,
    connections: AtomicU32,
}

/// The last lines.
#[derive(Default)]
struct Recent {
    lines: VecDeque<String>,
    /// How many lines there were in all.
    count: u64,
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Trace {}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

impl Trace {
    /// Writes into this file too, behind what is in it. It is made private, and no symbolic link is followed.
    pub fn into_file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
        let file = options.open(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        let shared = Shared {
            file: Some(Mutex::new(file)),
            ..Shared::default()
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Whether every line goes into a file.
    pub fn is_written(&self) -> bool {
        self.shared.file.is_some()
    }

    /// The number of a new connection.
    pub fn connection(&self) -> u32 {
        self.shared.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes in one line, with the time in front. One that cannot be written is lost: a trace must not stop anything.
    pub fn line(&self, text: &str) {
        let now = Zoned::now().strftime("%H:%M:%S%.3f").to_string();
        let line = format!("{now} {text}\n");
        if let Some(file) = &self.shared.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _lost = file.write_all(line.as_bytes());
        }
        let recent = &self.shared.recent;
        let mut recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.lines.len() == KEPT {
            recent.lines.pop_front();
        }
        recent.lines.push_back(line);
        recent.count += 1;
    }

    /// The lines behind the first so many, as far as they are still kept, and how many there were in all.
    pub fn since(&self, seen: u64) -> (Vec<String>, u64) {
        let recent = &self.shared.recent;
        let recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
        let new = usize::try_from(recent.count.saturating_sub(seen)).unwrap_or(usize::MAX);
        let old = recent.lines.len().saturating_sub(new);
        let lines = recent.lines.iter().skip(old).cloned();
        (lines.collect(), recent.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let trace = Trace::default();
        let number = |line: &String| line.trim_end().rsplit(' ').next().map(str::to_owned);
        for count in 0..KEPT + 10 {
            trace.line(&count.to_string());
        }
        let (lines, seen) = trace.since(0);
        assert_eq!((lines.len(), seen), (KEPT, (KEPT + 10) as u64));
        assert_eq!(lines.first().and_then(number), Some("10".to_owned()));
        assert_eq!(trace.since(seen), (Vec::new(), seen));
        trace.line("x");
        let (lines, more) = trace.since(seen);
        assert_eq!((lines.len(), more), (1, seen + 1));
        assert!(lines.iter().all(|line| line.ends_with(" x\n")));
    }
}
