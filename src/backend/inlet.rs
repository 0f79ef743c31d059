//! How a request reaches the one who serves a mailbox: the only place where threads and tasks differ for the rest of the backend.

use std::sync::mpsc::Sender;

use tokio::sync::mpsc::UnboundedSender;

use crate::backend::errand::Errand;
use crate::backend::request::Ask;

/// What is put into an inlet.
#[expect(clippy::large_enum_variant, reason = "few of them are alive at once")]
pub enum Call {
    /// Serve this.
    Ask(Errand, Ask),
    /// Look for new mail now: this program itself put some there.
    Nudge,
    /// Close and end; nobody asked by ticket.
    End,
}

/// The inlet of one open mailbox. Never blocks.
#[derive(Clone)]
pub enum Inlet {
    /// Served by a thread.
    Thread(Sender<Call>),
    /// Served by a task.
    Task(UnboundedSender<Call>),
}

impl Inlet {
    /// Puts a call in. Where nobody serves any more it is dropped, and its errand answers for itself.
    pub fn put(&self, call: Call) {
        let _dropped_if_gone = match self {
            Self::Thread(sender) => sender.send(call).is_err(),
            Self::Task(sender) => sender.send(call).is_err(),
        };
    }
}
