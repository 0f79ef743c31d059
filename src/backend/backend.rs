//! The backend as a face holds it: asks go down, events come up.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::error::Error;
use crate::backend::event::Event;
use crate::backend::request::{Request, Ticket};
use crate::backend::stream::EventStream;
use crate::driver::contract::LocalDriver;
use crate::os::environment::Environment;

/// What a face may choose about the backend.
#[derive(Default)]
pub struct BackendOptions {
    /// Drivers for local mailboxes, in probing order; `None` takes all that Mugo has.
    pub drivers: Option<Vec<Box<dyn LocalDriver>>>,
    /// Where tasks for mailboxes on servers run; `None` takes the runtime in which `open_remote` is called.
    pub runtime: Option<tokio::runtime::Handle>,
}

/// Open mailboxes and everything that serves them. Owned by the face's loop; none of its methods but `next_blocking` and
/// `shutdown` ever blocks.
pub struct Backend {
    stream: Arc<EventStream>,
}

impl Backend {
    /// A backend with nothing open.
    pub fn new(environment: Arc<Environment>, options: BackendOptions) -> Self {
        let _ = (environment, options);
        Self {
            stream: Arc::new(EventStream::new()),
        }
    }

    /// Asks for something. Events with `ticket` answer; the last one is `Finished`, exactly once. A ticket must not be
    /// used again before it has finished.
    pub fn ask(&mut self, ticket: Ticket, request: Request) {
        let _ = request;
        let error = Error::Unsupported("this is not built yet");
        self.stream.put(Event::Finished(ticket, Err(error)));
    }

    /// Cancels a request: one that waits finishes at once, one that is being served as soon as it safely can.
    pub fn cancel(&mut self, ticket: Ticket) {
        let _ = ticket;
    }

    /// The next event. May be dropped at any time without losing one.
    pub async fn next(&mut self) -> Event {
        self.stream.take().await
    }

    /// The next event if one waits already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.stream.try_take()
    }

    /// The next event, blocking for at most `patience`; `None` only when that is over.
    pub fn next_blocking(&mut self, patience: Option<Duration>) -> Option<Event> {
        self.stream.take_blocking(patience)
    }

    /// Closes every mailbox: cancels what can be cancelled, lets critical steps end, writes pending flag changes.
    /// Returns when all is closed or `patience` is over, with what failed; an empty list says that all is well.
    pub fn shutdown(self, patience: Duration) -> Vec<Error> {
        let _ = patience;
        self.stream.end();
        Vec::new()
    }
}
