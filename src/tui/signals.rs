//! Signals that the loop listens to, and the loss of the terminal, which is heard as a hangup.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
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
    /// Standard input, watched for nothing but its end: a session without a controlling terminal gets no SIGHUP.
    line: AsyncFd<OwnedFd>,
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
        let line = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 0)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe to call; an OwnedFd that is moved in keeps its number and stays open"
        )]
        let line = AsyncFd::with_interest(line, Interest::PRIORITY)?;
        let proceed = rustix::process::Signal::CONT.as_raw();
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            proceed: signal(SignalKind::from_raw(proceed))?,
            line,
        })
    }

    /// The next signal. May be dropped at any time without losing one.
    pub async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.hangup.recv() => Heard::End(HANGUP),
            _ = self.terminate.recv() => Heard::End(TERMINATE),
            _ = self.interrupt.recv() => Heard::End(INTERRUPT),
            _ = self.proceed.recv() => Heard::Continued,
            () = lost(&self.line) => Heard::End(HANGUP),
        }
    }
}

/// Ends when the other end of the terminal is gone.
async fn lost(line: &AsyncFd<OwnedFd>) {
    while let Ok(mut guard) = line.ready(Interest::PRIORITY).await {
        if guard.ready().is_read_closed() {
            return;
        }
        guard.clear_ready();
    }
    // what cannot be watched is left to the reader of keys
    std::future::pending().await
}
