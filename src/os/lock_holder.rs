//! Who holds a lock: the process and its program, as far as the kernel and the lock file tell.
//!
//! `/proc/locks` has a line for each kernel lock: `1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF`, with the id of the
//! process that took it and the device (hexadecimal) and inode of the file. Lines with `->` are of those who wait.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use crate::os::environment::Process;
use crate::os::guard::FileId;
use crate::os::process::age;

/// Who holds a lock. What is not known is absent; the program's name is what that program calls itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Holder {
    /// Its process id.
    pub pid: Option<u32>,
    /// Its program.
    pub program: Option<String>,
    /// Its machine, where that is another one.
    pub host: Option<String>,
    /// How long it has held the lock.
    pub held: Option<Duration>,
}

impl Holder {
    /// A process of this machine.
    pub fn with_pid(pid: u32) -> Self {
        Self {
            pid: Some(pid),
            program: program(pid),
            ..Self::default()
        }
    }

    /// A process that signed its lock; `me` is this one.
    pub fn signed(process: &Process, me: &Process) -> Self {
        if process.host == me.host && process.boot == me.boot {
            return Self::with_pid(process.pid);
        }
        Self {
            pid: Some(process.pid),
            host: Some(process.host.clone()).filter(|host| *host != me.host),
            ..Self::default()
        }
    }

    /// The holder of the kernel lock that keeps others off the file of `metadata`: another program, where one has such a lock.
    pub fn of_kernel_lock(metadata: &Metadata) -> Self {
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        let file = FileId::of(metadata);
        let inodes = locks.lines().filter_map(lock);
        let inodes = inodes.filter(|it| it.1 == metadata.ino());
        // On file systems with volumes the kernel tells another device than `stat` does.
        let mut all = inodes.filter(|it| it.0 == Some(file.device) || has_open(it.2, file));
        let first = all.next();
        let is_me = |it: &(_, _, u32)| it.2 == std::process::id();
        let found = match first.filter(is_me) {
            Some(mine) => all.find(|it| !is_me(it)).or(Some(mine)),
            None => first,
        };
        // Whoever took it may have ended, and left it to his children.
        let found = found.filter(|it| age(it.2).is_some());
        found.map_or_else(Self::default, |it| Self::with_pid(it.2))
    }

    /// Whether it is this program itself.
    pub fn is_me(&self) -> bool {
        self.pid == Some(std::process::id()) && self.host.is_none()
    }

    /// The holder in words, `pine (pid 123)`. Its parts are as foreign as file names are.
    pub fn to_words(&self) -> String {
        match (&self.program, self.pid, &self.host) {
            _ if self.is_me() => "this program".to_owned(),
            (Some(program), Some(pid), _) => format!("{program} (pid {pid})"),
            (None, Some(pid), Some(host)) => format!("process {pid} on {host}"),
            (None, Some(pid), None) => format!("process {pid}"),
            (_, None, _) => "another program".to_owned(),
        }
    }
}

/// Device, inode and process of a lock that is held; `None` for other lines. The kernel does not tell processes of
/// other name spaces.
fn lock(line: &str) -> Option<(Option<u64>, u64, u32)> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let is_flock = words.next()? == "FLOCK";
    let pid: u32 = words.nth(2)?.parse().ok().filter(|pid| *pid > 0)?;
    let mut file = words.next()?.split(':');
    let mut number = || u32::from_str_radix(file.next()?, 16).ok();
    let device = number().zip(number());
    let device = device.map(|(major, minor)| rustix::fs::makedev(major, minor));
    let inode = file.next()?.parse().ok()?;
    is_flock.then_some((device, inode, pid))
}

/// Whether a process has a file open; `false` for processes of other users, which do not tell.
pub fn has_open(pid: u32, file: FileId) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let mut opened = descriptors.filter_map(|entry| fs::metadata(entry.ok()?.path()).ok());
    opened.any(|metadata| FileId::of(&metadata) == file)
}

/// What the program of a process calls itself.
fn program(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    let name = String::from_utf8_lossy(&name);
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn reads_the_kernels_lines() {
        let held = "1: FLOCK  ADVISORY  WRITE 1234 fe:01:10010644 0 EOF";
        let device = rustix::fs::makedev(0xfe, 1);
        assert_eq!(lock(held), Some((Some(device), 10_010_644, 1234)));
        for other in [
            "1: -> FLOCK  ADVISORY  WRITE 1234 fe:01:10010644 0 EOF",
            "2: POSIX  ADVISORY  WRITE 1234 fe:01:10010644 0 EOF",
            "3: FLOCK  ADVISORY  WRITE 0 fe:01:10010644 0 EOF",
            "4: FLOCK",
            "",
        ] {
            assert_eq!(lock(other), None, "{other}");
        }
    }

    #[test]
    fn finds_who_holds_a_lock() -> std::io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let metadata = file.as_file().metadata()?;
        assert_eq!(Holder::of_kernel_lock(&metadata), Holder::default());
        let other = File::open(file.path())?;
        other.lock()?;
        let holder = Holder::of_kernel_lock(&metadata);
        assert_eq!(holder.pid, Some(std::process::id()));
        assert!(holder.program.is_some());
        assert_eq!(holder.to_words(), "this program");
        assert!(has_open(std::process::id(), FileId::of(&metadata)));
        Ok(())
    }
}
