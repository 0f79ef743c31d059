//! What the terminal gets: time to the first index, key press to screen, bytes for a line, a page, a screen.

use std::process::Command;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use crate::Place;
use crate::measure;
use crate::report::Report;
use crate::terminal::Terminal;

const ROWS: u16 = 30;
const COLUMNS: u16 = 100;
const QUIET: Duration = Duration::from_millis(25);
const PRESSES: usize = 500;

/// Measures the screen on the mailbox `name`.
pub(crate) fn measure(place: &Place, name: &str, report: &mut Report) {
    let file = place.path(name);
    let base = measure::time(5, || {
        let mut command = Command::new("cat");
        command.arg(&file);
        command
    });
    // The benches appended one message to this mailbox before.
    let count = format!("of{}", place.messages + 1);
    let start = Instant::now();
    let mut terminal = Terminal::start(command(place, name), ROWS, COLUMNS);
    let shown = terminal.wait_for(Duration::from_secs(60), |screen| {
        screen.replace([',', '.', ' '], "").contains(&count)
    });
    if !shown {
        report.failed("first index screen with the whole count");
        println!("{}", terminal.text());
        return;
    }
    let opened = terminal.last().duration_since(start);
    if let Some(base) = base {
        let limit = base * 5 + Duration::from_millis(30);
        report.compare(
            "start to first index screen with the whole count",
            opened,
            limit,
            base,
        );
    }
    terminal.settle(Duration::from_millis(500));
    report.at_most(
        "bytes of the first screen",
        terminal.raw().len() as u64,
        8_000,
        "bytes",
    );
    if let Some(peak) = measure::peak_memory(terminal.pid()) {
        report.at_most("screen, peak memory", peak, 40 * 1024, "KiB");
    }
    moves(&mut terminal, report);
    terminal.send("qy");
    terminal.wait(Duration::from_secs(5));
}

fn moves(terminal: &mut Terminal, report: &mut Report) {
    // From the middle of the mailbox a page and a line can go both ways.
    terminal.send("--");
    terminal.settle(Duration::from_millis(200));
    let (mut delays, mut lines, mut pages, mut mute) = (Vec::new(), Vec::new(), Vec::new(), 0usize);
    for press in 0..PRESSES {
        let page = press % 25 == 24;
        let key = match (page, press % 50 < 25) {
            (true, true) => "-",
            (true, false) => " ",
            (false, true) => "p",
            (false, false) => "n",
        };
        let before = terminal.raw().len();
        let sent = Instant::now();
        terminal.send(key);
        if !terminal.take(Duration::from_millis(500)) {
            mute += 1;
            continue;
        }
        // A line is there with the first piece; a page only when its last row is.
        let first = terminal.last();
        let settled = terminal.settle(QUIET);
        delays.push((if page { settled } else { first }).duration_since(sent));
        let bytes = (terminal.raw().len() - before) as u64;
        if page {
            pages.push(bytes)
        } else {
            lines.push(bytes)
        }
    }
    for list in [&mut lines, &mut pages] {
        list.sort_unstable();
    }
    delays.sort();
    if mute > 0 || delays.is_empty() {
        report.failed(&format!("{mute} of {PRESSES} key presses changed nothing"));
    }
    let Some(last) = delays.get(delays.len() * 99 / 100) else {
        return;
    };
    let limit = Duration::from_millis(10);
    report.compare("key press to screen, 99th percentile", *last, limit, limit);
    if let Some(bytes) = lines.get(lines.len() / 2) {
        report.at_most(
            "bytes to move the bar by one line (middle)",
            *bytes,
            400,
            "bytes",
        );
    }
    if let Some(bytes) = pages.last() {
        report.at_most("bytes to move by a page (most)", *bytes, 4_500, "bytes");
    }
}

fn command(place: &Place, name: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_mugo"));
    command.args(place.options());
    command.arg(place.path(name));
    for (key, value) in place.environment() {
        command.env(key, value);
    }
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.cwd(place.path(""));
    command
}
