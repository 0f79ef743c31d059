//! What comes into `update`.

use crate::backend::event::Event;
use crate::backend::request::Ticket;
use crate::tui::key::Key;
use crate::tui::state::browser::FileEntry;

/// One thing that happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The mouse was used.
    Mouse(Mouse),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The backend says something.
    Event(Event),
    /// What an effect with this ticket came to.
    Done(Ticket, Outcome),
    /// The time, in milliseconds since 1970.
    Tick(i64),
    /// The process goes on after it was stopped.
    Resumed,
}

/// What the mouse did, at a column and a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mouse {
    /// The left button went down.
    Click(u16, u16),
    /// The wheel was turned up.
    WheelUp(u16, u16),
    /// The wheel was turned down.
    WheelDown(u16, u16),
}

/// What an effect on files or programs came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A file was written.
    Written,
    /// The files of a directory, in no order.
    Files(Vec<FileEntry>),
    /// There is a file of this name already.
    Exists,
    /// A program ended. What it wrote, and how it ended where that was not well.
    Ran {
        /// Standard output, then standard error.
        output: String,
        /// Its failure in words.
        failure: Option<String>,
        /// Whether it wrote more than is kept.
        cut: bool,
    },
    /// It failed, for this reason.
    Failed(String),
}
