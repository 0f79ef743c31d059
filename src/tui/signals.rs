//! Signals that the loop listens to.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

const HANGUP: i32 = 1;
const INTERRUPT: i32 = 2;
const TERMINATE: i32 = 15;

/// The signals that end a session, and the one after a stop.
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    proceed: Signal,
}

/// A signal that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// The session shall end.
    End(i32),
    /// The process goes on after a stop.
    Continued,
}

impl Signals {
    /// Listens from now on.
    pub fn new() -> io::Result<Self> {
        let proceed = rustix::process::Signal::CONT.as_raw();
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            proceed: signal(SignalKind::from_raw(proceed))?,
        })
    }

    /// The next signal. May be dropped at any time without losing one.
    pub async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.hangup.recv() => Heard::End(HANGUP),
            _ = self.terminate.recv() => Heard::End(TERMINATE),
            _ = self.interrupt.recv() => Heard::End(INTERRUPT),
            _ = self.proceed.recv() => Heard::Continued,
        }
    }
}
