//! The name of a process that another one can check later, on this machine or another.
//!
//! A process id alone is reused; with host, boot and start time it is not. The boot carries the process id
//! name space behind a `+`, because two containers see the same boot but not each other's processes.

use std::fs;
use std::io;
use std::time::UNIX_EPOCH;

use rustix::process::Signal;

use crate::os::environment::Process;

/// What is known about another process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// It runs.
    Alive,
    /// It has ended.
    Dead,
    /// It belongs to another machine or container, where this one cannot look.
    Unknown,
}

impl Process {
    /// This process. Fails when `/proc` is not mounted.
    pub fn current() -> io::Result<Self> {
        let pid = std::process::id();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let space: String = space
            .to_string_lossy()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        Ok(Self {
            pid,
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            boot: format!("{}+{space}", boot.trim()),
            start: start_time(pid)?.ok_or(io::ErrorKind::NotFound)?,
        })
    }

    /// Whether `other` still runs, as far as this process can tell. `local` says that its name was found where this
    /// machine alone writes: elsewhere another machine may have the same host name (`localhost`, `debian`).
    pub fn sees(&self, other: &Self, local: bool) -> Life {
        if self.host != other.host {
            return Life::Unknown;
        }
        let here = self.boot.split_once('+').unwrap_or((&self.boot, ""));
        let there = other.boot.split_once('+').unwrap_or((&other.boot, ""));
        if here.0 != there.0 {
            return if local { Life::Dead } else { Life::Unknown };
        }
        if here.1 != there.1 {
            return Life::Unknown;
        }
        match start_time(other.pid) {
            Ok(Some(start)) if start == other.start => Life::Alive,
            Ok(_) => Life::Dead,
            Err(_) => Life::Unknown,
        }
    }

    /// The process as one line of text, for lock files.
    pub fn to_line(&self) -> String {
        format!("{} {} {} {}\n", self.pid, self.host, self.boot, self.start)
    }

    /// Reads what [`Process::to_line`] wrote; `None` for anything else.
    pub fn from_line(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let mut words = line.split(' ');
        let process = Self {
            pid: words.next()?.parse().ok()?,
            host: words.next()?.to_owned(),
            boot: words.next()?.to_owned(),
            start: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(process)
    }
}

/// Asks a process to give up its opener locks (SIGUSR2). `false`, and nothing is sent, when it does not run, belongs to
/// another user, or does not listen to that signal, which would end it. The id must be that of the lock's holder: a
/// number read from a file that anybody may write is not enough.
pub fn kiss(pid: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else {
        return false;
    };
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    let bit = u32::try_from(Signal::USR2.as_raw() - 1).unwrap_or(0);
    if caught.is_none_or(|set| set >> bit & 1 == 0) {
        return false;
    }
    let own = rustix::process::getuid().as_raw();
    let same_user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .is_some_and(|ids| {
            ids.split_whitespace()
                .take(2)
                .all(|id| id.parse() == Ok(own))
        });
    if !same_user || pid == std::process::id() {
        return false;
    }
    i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|pid| rustix::process::kill_process(pid, Signal::USR2).is_ok())
}

/// When this machine started, in seconds since 1970. `None` in a container, which may share its disks with processes
/// that it does not see, and where there is nothing to tell whether the clock was set forward since.
pub fn booted() -> Option<i64> {
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    if space.to_str() != Some(FIRST_SPACE) {
        return None;
    }
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let told = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    // "btime" moves with the clock. A folder made early in this run keeps the clock's first opinion.
    let folders = ["/dev", "/run"].iter().filter_map(|folder| born(folder));
    Some(told.trim().parse().ok().min(folders.max())?).filter(|at: &i64| *at > 0)
}

/// The name space of process ids that the machine starts with; its number is the same for all kernels.
const FIRST_SPACE: &str = "pid:[4026531836]";

fn born(folder: &str) -> Option<i64> {
    let born = fs::metadata(folder).ok()?.created().ok()?;
    i64::try_from(born.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// How many seconds ago a process of this machine was started; `None` when there is none, or it is a zombie.
pub fn age(pid: u32) -> Option<i64> {
    let started = start_time(pid).ok()?? / TICKS;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: u64 = uptime.split('.').next()?.parse().ok()?;
    i64::try_from(uptime.saturating_sub(started)).ok()
}

/// Clock ticks in a second, as Linux tells times in `/proc` on all machines.
const TICKS: u64 = 100;

/// Field 22 of `/proc/PID/stat`; `None` when there is no such process or it is a zombie.
fn start_time(pid: u32) -> io::Result<Option<u64>> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    if fields.trim_start().starts_with('Z') {
        return Ok(None);
    }
    let start = fields
        .split_whitespace()
        .nth(19)
        .and_then(|field| field.parse().ok());
    start
        .map(Some)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_itself_and_the_dead() -> io::Result<()> {
        let me = Process::current()?;
        assert_eq!(me.sees(&me, false), Life::Alive);
        assert_eq!(
            Process::from_line(me.to_line().as_bytes()),
            Some(me.clone())
        );
        assert_eq!(
            me.sees(
                &Process {
                    start: me.start + 1,
                    ..me.clone()
                },
                true
            ),
            Life::Dead
        );
        assert_eq!(
            me.sees(
                &Process {
                    boot: "x+1".into(),
                    ..me.clone()
                },
                true
            ),
            Life::Dead
        );
        assert_eq!(
            me.sees(
                &Process {
                    host: "elsewhere".into(),
                    ..me.clone()
                },
                true
            ),
            Life::Unknown
        );
        let on_an_earlier_run = Process {
            boot: "x+1".into(),
            ..me.clone()
        };
        assert_eq!(me.sees(&on_an_earlier_run, false), Life::Unknown);
        let mut child = std::process::Command::new("true").spawn()?;
        child.wait()?;
        assert_eq!(
            me.sees(
                &Process {
                    pid: child.id(),
                    ..me.clone()
                },
                true
            ),
            Life::Dead
        );
        Ok(())
    }

    #[test]
    fn other_text_is_no_process() {
        for text in [
            &b""[..],
            b"123",
            b"123\n",
            b"1 h b 2 3\n",
            b"x h b 2\n",
            b"\xff h b 2\n",
        ] {
            assert_eq!(Process::from_line(text), None);
        }
    }

    #[test]
    fn only_processes_of_this_user_are_signalled() {
        assert!(!kiss(u32::MAX));
        assert!(!kiss(std::process::id()));
    }
}
