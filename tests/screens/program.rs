//! The whole program in a pseudo-terminal: what it sends, what that costs, how it ends.

use std::fs;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::bench::mail;
use crate::terminal::Terminal;

const PATIENCE: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_millis(400);

struct Run {
    terminal: Terminal,
    _home: TempDir,
}

/// Starts the program over a spool with this content.
fn start(spool: &[u8], rows: u16, columns: u16) -> Run {
    let home = tempfile::tempdir().expect("a home");
    let spool_file = home.path().join("spool");
    fs::write(&spool_file, spool).expect("a spool");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_mugo"));
    command.arg("--home");
    command.arg(home.path());
    command.arg("--set");
    command.arg(format!("local.spool={}", spool_file.display()));
    command.env("HOME", home.path());
    command.env("XDG_CONFIG_HOME", home.path().join("config"));
    command.env("XDG_STATE_HOME", home.path().join("state"));
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("TZ", "UTC");
    let mut terminal = Terminal::start(command, rows, columns);
    let opened = terminal.wait_for(PATIENCE, |screen| screen.contains("opened with"));
    assert!(opened, "{}", terminal.text());
    Run {
        terminal,
        _home: home,
    }
}

/// Types `keys`, waits for the screen to come to rest, gives the bytes that were sent.
fn typed(terminal: &mut Terminal, keys: &str) -> Vec<u8> {
    let before = terminal.raw().len();
    terminal.send(keys);
    terminal.settle(QUIET);
    terminal.raw()[before..].to_vec()
}

/// The first thing in `raw` that is not one of the program's own sequences.
fn foreign_sequence(raw: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\u{1b}' => {
                let mut sequence = String::new();
                if rest.next() != Some('[') {
                    return Some("an escape that is no CSI".to_owned());
                }
                for letter in rest.by_ref() {
                    sequence.push(letter);
                    if ('@'..='~').contains(&letter) {
                        break;
                    }
                }
                let modes = ["?25l", "?25h", "?1049h", "?1049l", "?2004h", "?2004l"];
                let mouse = sequence.starts_with("?10") && sequence.ends_with(['h', 'l']);
                let plain = sequence.ends_with(['m', 'H', 'J', 'K'])
                    && sequence
                        .chars()
                        .all(|letter| letter.is_ascii_digit() || ";mHJK".contains(letter));
                if !modes.contains(&sequence.as_str()) && !mouse && !plain {
                    return Some(sequence);
                }
            }
            '\u{7}' | '\r' | '\n' => {}
            letter if letter.is_control() => return Some(format!("{letter:?}")),
            '\u{202a}'..='\u{202e}' => return Some(format!("{letter:?}")),
            _ => {}
        }
    }
    None
}

#[test]
fn hostile_mail_sends_nothing_but_our_own_sequences() {
    let mut run = start(&mail(), 30, 100);
    for keys in [
        "i", "\u{c}", "5\r", "\r", "h", "h", ">", "<", "<", "l", "?", "e", "m", "j",
    ] {
        typed(&mut run.terminal, keys);
    }
    assert_eq!(foreign_sequence(run.terminal.raw()), None);
    let raw = String::from_utf8_lossy(run.terminal.raw()).into_owned();
    assert!(!raw.contains("\u{1b}]") && !raw.contains("52;c;ZXZpbA==\u{7}"));
}

#[test]
fn drawing_is_cheap_and_quitting_restores_the_terminal() {
    let letter = |number: usize| {
        format!(
            "From x@y.test Thu Nov 19 12:13:48 2026\nDate: Thu, 19 Nov 2026 12:13:48 +0000\n\
             From: Writer {number} <w{number}@club.test>\nTo: Ada <ada@home.test>\n\
             Subject: This is message number {number} of them\nStatus: RO\n\nText.\n\n"
        )
    };
    let spool: String = (1..=200).map(letter).collect();
    let mut run = start(spool.as_bytes(), 30, 100);
    let terminal = &mut run.terminal;
    let first = typed(terminal, "i").len();
    assert!(first <= 8000, "first screen {first}");
    typed(terminal, "\u{1b}[H");
    let line = typed(terminal, "n").len();
    assert!((1..=400).contains(&line), "line {line}");
    let page = typed(terminal, " ").len();
    assert!((1..=4500).contains(&page), "page {page}");
    terminal.send("qy");
    assert_eq!(terminal.wait(PATIENCE), Some(0));
    terminal.settle(QUIET);
    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    let end = raw
        .rfind("\u{1b}[?1049l")
        .expect("the other screen is left");
    assert!(
        raw[end..].contains("Kept all 200 messages."),
        "{}",
        &raw[end..]
    );
}

fn signal(terminal: &Terminal, signal: Signal) {
    let pid = i32::try_from(terminal.pid()).expect("a process id");
    let pid = Pid::from_raw(pid).expect("not 0");
    kill_process(pid, signal).expect("it runs");
}

#[test]
fn a_stop_and_its_end_paint_the_screen_again() {
    let mut run = start(&mail(), 24, 80);
    let terminal = &mut run.terminal;
    typed(terminal, "i");
    let before = terminal.raw().len();
    signal(terminal, Signal::STOP);
    signal(terminal, Signal::CONT);
    terminal.settle(QUIET);
    let again = String::from_utf8_lossy(&terminal.raw()[before..]).into_owned();
    assert!(
        again.contains("\u{1b}[?1049h") && again.contains("MESSAGE INDEX"),
        "{again:?}"
    );
    terminal.send("qy");
    assert_eq!(terminal.wait(PATIENCE), Some(0));
}

#[test]
fn a_hangup_ends_the_program_at_once() {
    let mut run = start(&mail(), 24, 80);
    let begun = Instant::now();
    signal(&run.terminal, Signal::HUP);
    let code = run.terminal.wait(PATIENCE);
    assert_eq!(code, Some(129));
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_storm_of_sizes_leaves_a_usable_screen() {
    let mut run = start(&mail(), 24, 80);
    let terminal = &mut run.terminal;
    terminal.send("i");
    for step in 0..60u16 {
        terminal.resize(1 + step * 7 % 50, 1 + step * 37 % 180);
        if step % 9 == 0 {
            terminal.send("n");
        }
    }
    terminal.resize(24, 80);
    terminal.settle(QUIET);
    // the model has seen other sizes than the program drew for: paint it all again
    terminal.send("\u{c}");
    let painted = terminal.wait_for(PATIENCE, |screen| {
        screen.contains("MESSAGE INDEX") && screen.contains("OTHER CMDS")
    });
    assert!(painted, "{}", terminal.text());
    terminal.send("qy");
    assert_eq!(terminal.wait(PATIENCE), Some(0));
}

#[test]
fn a_key_and_a_new_size_at_the_same_moment_are_both_seen() {
    let mut run = start(&mail(), 24, 80);
    let terminal = &mut run.terminal;
    for (round, rows) in [40, 24, 30, 50, 24, 40].into_iter().enumerate() {
        signal(terminal, Signal::STOP);
        terminal.resize(rows, 100);
        terminal.send(if round % 2 == 0 { "l" } else { "i" });
        signal(terminal, Signal::CONT);
        let title = if round % 2 == 0 {
            "FOLDER LIST"
        } else {
            "MESSAGE INDEX"
        };
        let menu = usize::from(rows - 2);
        let both = terminal.wait_for(PATIENCE, |screen| {
            screen.contains(title) && screen.lines().skip(menu).any(|row| row.contains("OTHER"))
        });
        assert!(both, "{rows} rows:\n{}", terminal.text());
    }
    terminal.send("qy");
    assert_eq!(terminal.wait(PATIENCE), Some(0));
}
