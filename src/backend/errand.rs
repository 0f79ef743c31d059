//! Tickets at work: who owes an answer, and how to call it off.
//!
//! An [`Errand`] is the duty to finish one ticket. It is handed from inlet to server; whoever drops it unfinished (a
//! mailbox that dies with a full inlet) still answers. The table of live tickets makes sure that it is answered once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::backend::error::{Error, Result};
use crate::backend::event::Event;
use crate::backend::request::Ticket;
use crate::backend::stream::EventStream;
use crate::driver::answers::Answers;
use crate::mail::question::Answer;

/// All tickets that have not finished yet.
pub struct Tickets {
    live: Mutex<HashMap<Ticket, Live>>,
    stream: Arc<EventStream>,
}

struct Live {
    token: CancellationToken,
    answers: Arc<Answers>,
    begun: bool,
}

impl Tickets {
    /// No ticket is live; answers go to `stream`.
    pub fn new(stream: Arc<EventStream>) -> Self {
        Self {
            live: Mutex::default(),
            stream,
        }
    }

    /// Takes up a ticket. `None` when it is live already.
    pub fn take_up(self: &Arc<Self>, ticket: Ticket) -> Option<Errand> {
        let token = CancellationToken::new();
        let answers = Arc::new(Answers::default());
        let live = Live {
            token: token.clone(),
            answers: Arc::clone(&answers),
            begun: false,
        };
        let mut table = self.lock();
        if table.contains_key(&ticket) {
            return None;
        }
        table.insert(ticket, live);
        Some(Errand {
            ticket,
            token,
            answers,
            tickets: Arc::clone(self),
        })
    }

    /// Cancels one ticket: finishes it at once when nobody has begun with it, else lets its job stop.
    pub fn cancel(&self, ticket: Ticket) {
        let mut table = self.lock();
        let Some(live) = table.get(&ticket) else {
            return;
        };
        live.token.cancel();
        if !live.begun {
            table.remove(&ticket);
            drop(table);
            self.stream
                .put(Event::Finished(ticket, Err(Error::Cancelled)));
        }
    }

    /// Hands an answer to the job that asked.
    pub fn answer(&self, ticket: Ticket, answer: Answer) {
        if let Some(live) = self.lock().get(&ticket) {
            live.answers.put(answer);
        }
    }

    /// Lets every job stop that can.
    pub fn cancel_all(&self) {
        for live in self.lock().values() {
            live.token.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ticket, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The duty to finish one ticket.
pub struct Errand {
    ticket: Ticket,
    token: CancellationToken,
    answers: Arc<Answers>,
    tickets: Arc<Tickets>,
}

impl Errand {
    /// The ticket.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Is cancelled when the ticket is.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Where the user's answers come in.
    pub fn answers(&self) -> Arc<Answers> {
        Arc::clone(&self.answers)
    }

    /// Begins with the work; `false` when the ticket was cancelled while it waited, and has been answered.
    pub fn begin(&self) -> bool {
        self.tickets
            .lock()
            .get_mut(&self.ticket)
            .map(|live| live.begun = true)
            .is_some()
    }

    /// Finishes the ticket. Must come after all its other events.
    pub fn finish(self, result: Result<()>) {
        self.answer(result);
    }

    fn answer(&self, result: Result<()>) {
        if self.tickets.lock().remove(&self.ticket).is_some() {
            self.tickets
                .stream
                .put(Event::Finished(self.ticket, result));
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.answer(Err(Error::NotOpen));
    }
}
