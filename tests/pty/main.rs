//! The whole program in a pseudo-terminal: what it sends is searched for bytes that mail must never bring there, and it
//! must survive what terminals do: resize, hang up, end.

mod forbidden;
#[allow(
    dead_code,
    reason = "the benches use parts that these tests do not need"
)]
mod terminal;

use std::path::PathBuf;
use std::time::Duration;

use portable_pty::CommandBuilder;

use terminal::Terminal;

const PATIENCE: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_millis(200);

/// A home for state and settings, so that nothing of the user's is touched.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn start(&self, words: &[&str], rows: u16, columns: u16) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_mugo"));
        command.args(["--config", "none"]);
        command.args(words);
        command.env("HOME", self.0.path());
        for name in [
            "XDG_STATE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
            "XDG_DATA_HOME",
        ] {
            command.env(name, self.path(name));
        }
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env_remove("NO_COLOR");
        command.cwd(self.0.path());
        Terminal::start(command, rows, columns)
    }

    /// Starts on the sample mail and waits for its index.
    fn demo(&self, rows: u16, columns: u16) -> Terminal {
        let mut mugo = self.start(&["--demo", "INBOX"], rows, columns);
        assert!(
            mugo.wait_for(PATIENCE, |screen| screen.contains("of 25")),
            "{}",
            mugo.text()
        );
        mugo.settle(QUIET);
        mugo
    }
}

fn quit(mugo: &mut Terminal) {
    mugo.send("q");
    assert!(
        mugo.wait_for(PATIENCE, |screen| screen.contains("Really quit")),
        "{}",
        mugo.text()
    );
    mugo.send("y");
    // One of the sample messages is marked deleted, so leaving asks about it.
    if mugo.wait_for(Duration::from_secs(2), |screen| {
        screen.contains("Expunge the")
    }) {
        mugo.send("n");
    }
    assert_eq!(mugo.wait(PATIENCE), Some(0), "{}", mugo.text());
    mugo.settle(QUIET);
    let end = String::from_utf8_lossy(mugo.raw()).into_owned();
    assert!(
        end.contains("\u{1b}[?1049l"),
        "the screen was not given back"
    );
    assert!(
        end.rfind("\u{1b}[?25h") > end.rfind("\u{1b}[?25l"),
        "the cursor stays hidden"
    );
}

#[test]
fn no_message_brings_its_own_bytes_to_the_terminal() {
    for (rows, columns) in [(24, 80), (48, 160)] {
        let home = Home::new();
        let mut mugo = home.demo(rows, columns);
        for number in 1..=25 {
            mugo.send("i\u{1b}[H");
            mugo.settle(Duration::from_millis(60));
            mugo.send(&format!("j{number}\r"));
            mugo.settle(Duration::from_millis(60));
            mugo.send("\r");
            mugo.settle(Duration::from_millis(100));
            // The pages of the message, its whole header, its attachments.
            for key in [" ", " ", "h", "v", "<"] {
                mugo.send(key);
                mugo.settle(Duration::from_millis(30));
            }
        }
        let found = forbidden::find(mugo.raw());
        assert!(found.is_empty(), "{columns}x{rows}: {found:?}");
        quit(&mut mugo);
    }
}

#[test]
fn the_hostile_message_is_shown_as_text() {
    let home = Home::new();
    let mut mugo = home.demo(30, 80);
    mugo.send("j22\r");
    mugo.settle(QUIET);
    mugo.send("\r");
    let shown = mugo.wait_for(PATIENCE, |screen| screen.contains("^[[31mred^[[0m"));
    assert!(shown, "{}", mugo.text());
    quit(&mut mugo);
}

#[test]
fn every_size_is_survived() {
    let home = Home::new();
    let mut mugo = home.demo(24, 80);
    let sizes = [
        (4, 20),
        (1, 1),
        (2, 200),
        (60, 10),
        (24, 80),
        (3, 3),
        (48, 160),
        (12, 40),
        (200, 300),
        (30, 100),
    ];
    for (rows, columns) in sizes {
        mugo.resize(rows, columns);
        mugo.send("n");
        mugo.settle(Duration::from_millis(30));
    }
    // A storm: many sizes at once, without waiting.
    for step in 0..200u16 {
        mugo.resize(1 + step % 50, 1 + (step * 7) % 160);
    }
    mugo.resize(24, 80);
    mugo.settle(QUIET);
    assert!(
        mugo.wait_for(PATIENCE, |screen| screen.contains("of 25")),
        "{}",
        mugo.text()
    );
    quit(&mut mugo);
}

#[test]
fn a_lost_terminal_ends_the_program() {
    let home = Home::new();
    let mut mugo = home.demo(24, 80);
    mugo.hang_up();
    assert!(
        mugo.wait(Duration::from_secs(8)).is_some(),
        "it goes on without a terminal"
    );
}

#[test]
fn waiting_costs_nothing() {
    let home = Home::new();
    let mut mugo = home.demo(24, 80);
    // the counts of the folders come in late on a busy machine
    mugo.settle(Duration::from_millis(1500));
    let before = processor_ticks(mugo.pid());
    let sent = mugo.raw().len();
    mugo.take(Duration::from_secs(2));
    let spent = processor_ticks(mugo.pid()) - before;
    assert!(
        spent <= 2,
        "{spent} hundredths of a second in two seconds of waiting"
    );
    assert_eq!(mugo.raw().len(), sent, "it draws though nothing changed");
    quit(&mut mugo);
}

/// Processor time used so far, in hundredths of a second.
fn processor_ticks(pid: u32) -> u64 {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    let rest = line.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = rest
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(0))
        .collect();
    fields[11] + fields[12]
}

#[test]
fn a_program_is_stopped_with_what_it_has_started_also_when_mugo_ends() {
    for ends in [false, true] {
        let home = Home::new();
        let mut mugo = home.demo(24, 80);
        mugo.send("|sleep 4321; sleep 4322\r");
        assert!(
            mugo.wait_for(PATIENCE, |screen| screen.contains("Running")),
            "{}",
            mugo.text()
        );
        wait_until(|| sleepers() == 1);
        mugo.send("x");
        mugo.settle(QUIET);
        assert!(mugo.text().contains("still running"), "{}", mugo.text());
        if ends {
            mugo.hang_up();
        } else {
            mugo.send("\u{3}");
        }
        wait_until(|| sleepers() == 0);
        if !ends {
            mugo.settle(QUIET);
            quit(&mut mugo);
        }
    }
}

/// How many of the programs run that the test has started.
fn sleepers() -> usize {
    let all = std::fs::read_dir("/proc").expect("Linux").flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| line.starts_with(b"sleep\x00432"))
        .count()
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain");
}
