//! The terminal: raw mode and alternate screen, and the way back out of them, whatever happens.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::mem::ManuallyDrop;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};

use crate::mail::text::Foreign;

/// Buttons and wheel, positions as numbers; not every motion, which crossterm's own command asks for too.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// What ratatui draws through.
pub type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// A terminal in raw mode. Dropping it restores the terminal and then prints what panics had to say.
pub struct RawTerminal {
    /// What is drawn on. Never dropped: its own `drop` shows the cursor, which [`Self::give_back`] has done, and panics
    /// where the terminal is gone.
    pub screen: ManuallyDrop<Screen>,
    mouse: bool,
    panics: Arc<Mutex<Vec<String>>>,
}

impl RawTerminal {
    /// Takes the terminal over. Fails when standard input or output is none.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            let text = "the screen needs a terminal on standard input and output";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let writer = BufWriter::with_capacity(1 << 16, io::stdout());
        let screen = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(writer))?);
        let panics = Arc::new(Mutex::new(Vec::new()));
        let mut terminal = Self {
            screen,
            mouse,
            panics: Arc::clone(&panics),
        };
        terminal.take()?;
        // a panic of any thread must not write over the screen: its words are kept until the end
        panic::set_hook(Box::new(move |info| {
            let text = Foreign::new(info.to_string().replace('\n', " "));
            let line = text.field().as_str().to_owned();
            tracing::error!("{line}");
            panics
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }));
        Ok(terminal)
    }

    /// Enters raw mode and the alternate screen.
    pub fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        let mut out = io::stdout();
        execute!(out, EnterAlternateScreen, EnableBracketedPaste)?;
        if self.mouse {
            execute!(out, Print(MOUSE_ON))?;
        }
        Ok(())
    }

    /// Forgets what is on the screen, so that the next frame paints all of it. Ratatui's own `clear` would ask the
    /// terminal for its cursor, and wait for an answer among the user's keys.
    pub fn forget(&mut self) -> io::Result<()> {
        let size = self.screen.size()?;
        self.screen.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Rings the bell.
    pub fn beep(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(b"\x07")?;
        out.flush()
    }

    /// Stops the process until the shell lets it go on; then SIGCONT is heard, which takes the terminal again.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.give_back()?;
        let this = rustix::process::getpid();
        rustix::process::kill_process(this, rustix::process::Signal::TSTP)?;
        Ok(())
    }

    /// Goes back to how the shell had it.
    pub fn give_back(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        let mouse = if self.mouse {
            execute!(out, Print(MOUSE_OFF))
        } else {
            Ok(())
        };
        let rest = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, Show);
        disable_raw_mode()?;
        mouse.and(rest)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // where the terminal is gone there is nothing to restore and nobody to tell
        let _ = self.give_back();
        if !std::thread::panicking() {
            drop(panic::take_hook());
        }
        let panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        for line in panics.iter() {
            let _ = writeln!(io::stderr(), "mugo: {line}");
        }
    }
}
