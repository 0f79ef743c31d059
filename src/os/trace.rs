//! A file into which what is said to servers, and by them, is written for who looks for a fault.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustix::fs::OFlags;

/// A trace. Clones write into the same file.
#[derive(Clone)]
pub struct Trace {
    file: Arc<Mutex<File>>,
    connections: Arc<AtomicU32>,
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

impl Eq for Trace {}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

impl Trace {
    /// Writes into this file, behind what is in it. It is made private, and no symbolic link is followed.
    pub fn into_file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
        let file = options.open(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
            connections: Arc::default(),
        })
    }

    /// The number of a new connection.
    pub fn connection(&self) -> u32 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Writes one line with the time in front. One that cannot be written is lost: a trace must not stop anything.
    pub fn line(&self, text: &str) {
        let now = Timestamp::now().strftime("%H:%M:%S%.3f");
        let line = format!("{now} {text}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _lost = file.write_all(line.as_bytes());
    }
}
