//! What `update` wants done. The loop does it; file and program effects run on threads of their own.

use std::path::PathBuf;

use crate::backend::request::{Request, Ticket};
use crate::mail::question::Answer;
use crate::tui::incoming::Incoming;

/// One thing to do.
#[allow(
    clippy::large_enum_variant,
    reason = "effects are made one at a time and done at once"
)]
pub enum Effect {
    /// Asks the backend.
    Ask(Ticket, Request),
    /// Cancels a request.
    Cancel(Ticket),
    /// Answers a question of a request.
    Answer(Ticket, Answer),
    /// Writes a file; answered with `Outcome::Written`, `Exists` or `Failed`.
    Write(Ticket, FileJob),
    /// Lists the files of a directory; answered with `Outcome::Files` or `Failed`.
    ListFiles(Ticket, PathBuf),
    /// Runs a program; answered with `Outcome::Ran` or `Failed`.
    Run(Ticket, Program),
    /// Stops the program that this ticket runs, and what that has started.
    Stop(Ticket),
    /// Rings the bell.
    Beep,
    /// Paints the whole screen again.
    Repaint,
    /// Stops the process until the shell lets it go on.
    Suspend,
    /// Ends the session.
    Quit,
}

/// A file to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileJob {
    /// Its name.
    pub path: PathBuf,
    /// What to do where it exists.
    pub mode: WriteMode,
    /// What goes into it.
    pub content: Incoming,
}

/// What to do with a file that exists. Never followed: symbolic links; never written: anything but regular files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteMode {
    /// Nothing: it must not exist.
    New,
    /// Its content goes, once the new one is on disk.
    Overwrite,
    /// The new content is added.
    Append,
}

/// A program to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What it reads.
    pub input: Vec<u8>,
    /// Whether it is left alone: no input, no output, not waited for.
    pub detached: bool,
}
