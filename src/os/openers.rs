//! Who else has a file open: asked of `/proc`, which tells only of processes that this user may look into.
//!
//! A program that keeps its mailbox by the name lock alone is seen by that. Nothing is locked, opened or changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::os::environment::Environment;

/// The processes that have the mailbox file at `path`, or its name lock, open: `alpine (process 4711)`. Ourselves are left out.
pub fn openers(environment: &Environment, path: &Path) -> Vec<String> {
    let Ok(mailbox) = fs::metadata(path) else {
        return Vec::new();
    };
    let lock = format!(".{:x}.{:x}", mailbox.dev(), mailbox.ino());
    let lock = fs::metadata(environment.lock_dir.join(lock));
    let mut wanted = vec![(mailbox.dev(), mailbox.ino())];
    wanted.extend(lock.map(|lock| (lock.dev(), lock.ino())));
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = processes.flatten().filter_map(|entry| {
        let name = entry.file_name();
        name.to_str()?.parse::<u32>().ok()
    });
    let mut ids: Vec<u32> = ids
        .filter(|&id| id != environment.process.pid && has_open(id, &wanted))
        .collect();
    ids.sort_unstable();
    ids.into_iter().map(named).collect()
}

fn has_open(id: u32, wanted: &[(u64, u64)]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{id}/fd")) else {
        return false;
    };
    files
        .flatten()
        .filter_map(|file| fs::metadata(file.path()).ok())
        .any(|file| wanted.contains(&(file.dev(), file.ino())))
}

fn named(id: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
    match name.trim_end() {
        "" => format!("process {id}"),
        name => format!("{name} (process {id})"),
    }
}
