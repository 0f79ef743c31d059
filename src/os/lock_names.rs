//! The files around a dot lock: the lock `<path>.lock`, the helper `<path>.lock.<time>.<pid>.<thread>.<host>` from which it
//! is linked, and what a killed program leaves of those.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

use crate::os::environment::{Environment, Process};
use crate::os::files::{FileLayer, OpenMode};
use crate::os::process::{Life, age};
use crate::os::transfer::read_full_at;

/// Bytes of a lock file that are read: no process is named by more.
const LONGEST_NAME: usize = 512;

/// The dot lock of a mailbox.
pub fn lock_of(mailbox: &Path) -> PathBuf {
    let mut path = mailbox.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// A name beside `lock` that no other thread of any program has now.
pub fn helper_of(environment: &Environment, lock: &Path) -> PathBuf {
    let mut helper = lock.as_os_str().to_owned();
    // Two threads of one program may want the same lock in the same second.
    let thread = format!("{:?}", thread::current().id());
    let thread = thread.trim_matches(|letter: char| !letter.is_ascii_digit());
    let Process { pid, .. } = &environment.process;
    let host = host(environment);
    let time = (environment.clock)();
    helper.push(format!(".{time}.{pid}.{thread}.{host}"));
    helper.into()
}

fn host(environment: &Environment) -> String {
    environment.process.host.replace('/', "_")
}

/// What a lock file holds, as far as it can be a name of a process.
pub fn lock_text(files: &dyn FileLayer, path: &Path) -> Option<Vec<u8>> {
    let file = files.open(path, OpenMode::Read).ok()?;
    let mut text = vec![0; LONGEST_NAME];
    let length = read_full_at(file.as_ref(), &mut text, 0).ok()?;
    text.truncate(length);
    Some(text)
}

/// Removes the helpers that killed programs of this user on this machine left beside the lock of `mailbox`. Fails only
/// where the folder cannot be read; what cannot be told to be abandoned stays.
pub fn clean(environment: &Environment, mailbox: &Path) -> io::Result<()> {
    let files = environment.files.as_ref();
    let (Some(folder), Some(name)) = (mailbox.parent(), mailbox.file_name()) else {
        return Ok(());
    };
    if environment.read_only || !files.is_local_disk(folder)? {
        return Ok(());
    }
    let lock = lock_of(Path::new(name));
    for entry in files.read_dir(folder)? {
        let rest = entry.as_os_str().as_encoded_bytes();
        let Some(rest) = rest.strip_prefix(lock.as_os_str().as_encoded_bytes()) else {
            continue;
        };
        let path = folder.join(&entry);
        if pid_in(environment, rest).is_some_and(|pid| is_abandoned(environment, &path, pid)) {
            // Somebody else may have done so just now.
            let _ = files.remove_file(&path);
        }
    }
    Ok(())
}

/// The process id in the rest of a helper's name, where it is one of ours on this machine.
fn pid_in(environment: &Environment, rest: &[u8]) -> Option<u32> {
    let rest = std::str::from_utf8(rest).ok()?.strip_prefix('.')?;
    let mut words = rest.splitn(4, '.');
    let _time: i64 = words.next()?.parse().ok()?;
    let pid = words.next()?.parse().ok()?;
    let _thread: u64 = words.next()?.parse().ok()?;
    (words.next()? == host(environment)).then_some(pid)
}

/// Whether the one who made a helper is dead. It names its process, unless that was killed before; then only the number
/// in its name is known, which tells something where this program sees all processes, and the file must be old.
fn is_abandoned(environment: &Environment, path: &Path, pid: u32) -> bool {
    let files = environment.files.as_ref();
    let Ok(found) = files.link_metadata(path) else {
        return false;
    };
    if !found.is_file() || found.uid() != environment.user.uid {
        return false;
    }
    let text = lock_text(files, path).unwrap_or_default();
    if let Some(process) = Process::from_line(&text) {
        return environment.process.sees(&process, true) == Life::Dead;
    }
    let old = (environment.clock)().saturating_sub(found.ctime());
    let timeout = i64::try_from(environment.dot_lock_timeout.as_secs()).unwrap_or(i64::MAX);
    text.is_empty() && environment.booted.is_some() && old >= timeout && age(pid).is_none()
}
