//! The screen as `main` starts and ends it: start arguments, wrong files, a terminal that goes away.

use std::io::Read;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::dir::{Dir, demos};

/// The program on a terminal of its own.
struct Screen {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Screen {
    fn start(dir: &Dir, words: &[&str]) -> Self {
        Self::start_with(dir, words, true)
    }

    /// As [`Screen::start`]; `controlling` tells whether the terminal sends signals to the program.
    fn start_with(dir: &Dir, words: &[&str], controlling: bool) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_mugo"));
        command.env_clear();
        for (name, value) in [("HOME", "home"), ("TMPDIR", "")] {
            command.env(name, dir.path(value));
        }
        command.env("TERM", "xterm-256color");
        command.cwd(dir.path(""));
        command.args(words);
        command.set_controlling_tty(controlling);
        let child = pair.slave.spawn_command(command).expect("the program");
        Self {
            child,
            master: pair.master,
        }
    }

    /// Reads until `text` was written.
    fn wait_for(&mut self, text: &str) {
        let mut reader = self.master.try_clone_reader().expect("a reader");
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains(text) {
            let count = reader.read(&mut buffer).expect("it writes");
            assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..count]);
        }
    }

    /// Takes the terminal away; the exit code.
    fn hang_up(mut self) -> u32 {
        drop(self.master);
        exit_code(&mut *self.child)
    }
}

/// The exit code of a program that ends by itself.
fn exit_code(child: &mut dyn Child) -> u32 {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.exit_code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    panic!("it goes on");
}

#[test]
fn a_terminal_that_goes_away_ends_everything_as_a_hangup() {
    let dir = Dir::new();
    let mut screen = Screen::start(&dir, &["--demo", "INBOX"]);
    screen.wait_for("INBOX");
    assert_eq!(demos(&dir), 1);
    assert_eq!(screen.hang_up(), 129);
    assert_eq!(demos(&dir), 0);
}

#[test]
fn a_terminal_that_sends_no_signal_ends_everything_too() {
    // Again and again: where the loop is just then decides what it meets.
    for _ in 0..20 {
        let dir = Dir::new();
        let mut screen = Screen::start_with(&dir, &["--demo", "INBOX"], false);
        screen.wait_for("INBOX");
        assert_eq!(screen.hang_up(), 129);
        assert_eq!(demos(&dir), 0);
    }
}

#[test]
fn a_wrong_theme_or_keymap_is_told_before_anything_is_drawn() {
    let dir = Dir::new();
    for (setting, nearest) in [("ui.theme=drak", "dark"), ("ui.keymap=emcas", "emacs")] {
        let mut screen = Screen::start(&dir, &["--set", setting]);
        screen.wait_for(nearest);
        assert_eq!(exit_code(&mut *screen.child), 2);
    }
}
