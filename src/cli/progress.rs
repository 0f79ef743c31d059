//! A progress bar on standard error: only on a terminal, only for work longer than a second, gone at the end.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::mail::text::Printable;

/// How long work must last to be worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);
const CELLS: u64 = 30;
/// The columns that a line of text may take: no terminal is narrower, and one row is all that can be taken away again.
const WIDTH: usize = 79;

/// The bar of one request.
pub struct Progress {
    began: Instant,
    visible: usize,
    wanted: bool,
}

impl Progress {
    /// A bar that is not visible yet.
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            visible: 0,
            wanted: io::stderr().is_terminal(),
        }
    }

    /// Shows that `done` of `total` units are done.
    pub fn show(&mut self, done: u64, total: u64) {
        if !self.wanted || total == 0 || self.began.elapsed() < PATIENCE {
            return;
        }
        self.clear();
        let filled = (u128::from(done.min(total)) * u128::from(CELLS) / u128::from(total)) as usize;
        let percent = u128::from(done.min(total)) * 100 / u128::from(total);
        let bar = "#".repeat(filled);
        let width = CELLS as usize;
        self.put(&format!("[{bar:<width$}] {percent:>3}%"), width + 7);
    }

    /// Shows a line of text in place of the bar, at once.
    pub fn say(&mut self, text: &Printable) {
        if self.wanted {
            self.clear();
            let text = text.cut_marked(WIDTH);
            self.put(text.as_str(), text.width());
        }
    }

    fn put(&mut self, text: &str, width: usize) {
        self.visible = width;
        draw(&format!("\r{text}"));
    }

    /// Takes the bar away.
    pub fn clear(&mut self) {
        let width = std::mem::take(&mut self.visible);
        if width > 0 {
            draw(&format!("\r{:width$}\r", ""));
        }
    }
}

/// A bar that cannot be drawn is not worth failing for.
fn draw(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
