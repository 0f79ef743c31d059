//! Signals that the loop listens to, and the loss of the terminal, which is heard as a hangup.

use std::io;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

const HANGUP: i32 = 1;
const INTERRUPT: i32 = 2;
const TERMINATE: i32 = 15;

/// The signals that end a session, and the one after a stop.
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    proceed: Signal,
    /// The end of the terminal: a session that it does not control gets no SIGHUP.
    lost: oneshot::Receiver<()>,
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
            lost: watch()?,
        })
    }

    /// The next signal. May be dropped at any time without losing one.
    pub async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.hangup.recv() => Heard::End(HANGUP),
            _ = self.terminate.recv() => Heard::End(TERMINATE),
            _ = self.interrupt.recv() => Heard::End(INTERRUPT),
            _ = self.proceed.recv() => Heard::Continued,
            _ = &mut self.lost => Heard::End(HANGUP),
        }
    }
}

/// Tells when the other end of the terminal is gone. The thread sleeps until then, or until the program ends.
fn watch() -> io::Result<oneshot::Receiver<()>> {
    let (gone, lost) = oneshot::channel();
    let wait = move || {
        let input = rustix::stdio::stdin();
        // no event is asked for: only errors and the hangup are told, and they always are
        let mut watched = [PollFd::new(&input, PollFlags::empty())];
        while poll(&mut watched, None).is_err_and(|error| error == Errno::INTR) {}
        // nobody listens any longer where the session is over
        let _ = gone.send(());
    };
    std::thread::Builder::new()
        .name("mugo-terminal".to_owned())
        .spawn(wait)?;
    Ok(lost)
}
