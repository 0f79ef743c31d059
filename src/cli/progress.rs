//! A progress bar on standard error: only on a terminal, only for work longer than a second, gone at the end.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long work must last to be worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);
const CELLS: u64 = 30;

/// The bar of one request.
pub struct Progress {
    began: Instant,
    visible: bool,
    wanted: bool,
}

impl Progress {
    /// A bar that is not visible yet.
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            visible: false,
            wanted: io::stderr().is_terminal(),
        }
    }

    /// Shows that `done` of `total` units are done.
    pub fn show(&mut self, done: u64, total: u64) {
        if !self.wanted || total == 0 || self.began.elapsed() < PATIENCE {
            return;
        }
        self.visible = true;
        let filled = (u128::from(done.min(total)) * u128::from(CELLS) / u128::from(total)) as usize;
        let percent = u128::from(done.min(total)) * 100 / u128::from(total);
        let bar = "#".repeat(filled);
        let width = CELLS as usize;
        draw(&format!("\r[{bar:<width$}] {percent:>3}%"));
    }

    /// Takes the bar away.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.visible) {
            draw(&format!("\r{:width$}\r", "", width = CELLS as usize + 7));
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
