//! What the user types and clicks, read by a thread of its own.
//!
//! Crossterm reads a terminal that was lost over and over, and whoever asked it never comes back. So the loop does not ask
//! it: the thread may hang then, and the loop, which hears of the loss in another way, ends the program.
//!
//! Of crossterm's two readers the one behind its feature `use-dev-tty` is taken: the other one forgets a key, or a new
//! size, when both come at the same moment.

use std::io;
use std::thread::Builder;

use crossterm::event::{Event, read};
use tokio::sync::mpsc::{Receiver, channel};

/// Events that may wait; whoever types ahead further, or pastes, waits in the terminal.
const ROOM: usize = 1024;

/// The events of the terminal.
pub struct Keyboard {
    events: Receiver<io::Result<Event>>,
}

impl Keyboard {
    /// Listens to the terminal on standard input, until the program ends.
    pub fn new() -> io::Result<Self> {
        let (sender, events) = channel(ROOM);
        let listen = move || {
            loop {
                let event = read();
                let failed = event.is_err();
                if sender.blocking_send(event).is_err() || failed {
                    return;
                }
            }
        };
        Builder::new().name("mugo-keys".to_owned()).spawn(listen)?;
        Ok(Self { events })
    }

    /// The next event; none when the terminal cannot be read. May be dropped at any time without losing one.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }

    /// The next event, if one is there.
    pub fn try_next(&mut self) -> Option<io::Result<Event>> {
        self.events.try_recv().ok()
    }
}
