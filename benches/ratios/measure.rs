//! Runs one program and tells what it took: time, peak memory, bytes written. Needs nothing but `/proc`.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What one run of a program took.
pub(crate) struct Run {
    /// Whether it ended with status 0.
    pub(crate) success: bool,
    /// Highest resident memory seen, in KiB (sampled each millisecond).
    pub(crate) peak: u64,
    /// Bytes it handed to `write` and its like, to whatever file, standard output included.
    pub(crate) written: u64,
}

/// Runs `command` `times` times with its output thrown away; gives the best of the wall-clock times, which is the one
/// that other work on the machine disturbed least.
pub(crate) fn time(times: usize, command: impl FnMut() -> Command) -> Option<Duration> {
    timed(times, command, ExitStatus::success)
}

/// The same for a program that does its work and then ends with whatever status.
pub(crate) fn time_whatever(times: usize, command: impl FnMut() -> Command) -> Option<Duration> {
    timed(times, command, |_| true)
}

fn timed(
    times: usize,
    mut command: impl FnMut() -> Command,
    is_good: impl Fn(&ExitStatus) -> bool,
) -> Option<Duration> {
    let mut taken = Vec::new();
    for _ in 0..times {
        let mut command = command();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        if !is_good(&command.status().ok()?) {
            return None;
        }
        taken.push(start.elapsed());
    }
    taken.into_iter().min()
}

/// Runs `command` once under watch, with `input` on its standard input.
pub(crate) fn watch(mut command: Command, input: Option<&Path>) -> std::io::Result<Run> {
    let stdin = match input {
        Some(path) => Stdio::from(fs::File::open(path)?),
        None => Stdio::null(),
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peak = 0;
    // A process that has ended but was not waited for still has its I/O counters, and they are final then.
    while !is_zombie(child.id()) {
        peak = peak_memory(child.id()).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(1));
    }
    let written = bytes_written(child.id()).unwrap_or(0);
    Ok(Run {
        success: child.wait()?.success(),
        peak,
        written,
    })
}

/// Highest resident memory of a living process, in KiB.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    field(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// Bytes a process handed to `write` and its like so far.
pub(crate) fn bytes_written(pid: u32) -> Option<u64> {
    field(&format!("/proc/{pid}/io"), "wchar:")
}

fn is_zombie(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |line| {
        line.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'))
    })
}

fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
