//! Where the one who serves a request puts what he has to tell.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::error::{Error, Result};
use crate::backend::event::{Event, Piece};
use crate::backend::request::{MailboxId, Ticket};
use crate::backend::stream::EventStream;
use crate::driver::answers::Answers;
use crate::driver::job::Reports;
use crate::mail::account::AccountNews;
use crate::mail::change::Change;
use crate::mail::question::{Question, QuestionNumber};
use crate::mail::text::Foreign;

/// Whether the one who puts in may be held up by a slow face.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Footing {
    /// A thread of its own: it waits for room.
    Thread,
    /// A task: it must not block, and waits between its steps instead.
    Task,
}

/// A way to the event stream, for one mailbox, one ticket, or both.
#[derive(Clone)]
pub struct Outlet {
    /// The stream.
    pub stream: Arc<EventStream>,
    /// The mailbox whose changes are told; without one they are dropped.
    pub mailbox: Option<MailboxId>,
    /// The ticket that is served; without one progress and pieces are dropped.
    pub ticket: Option<Ticket>,
    /// Where answers to questions come in; without it, or without a ticket, nobody is asked.
    pub answers: Option<Arc<Answers>>,
    /// Who puts in.
    pub footing: Footing,
    /// Where the bytes of messages go instead.
    pub into: Option<Diversion>,
}

/// Something that bytes are written into.
pub type Diversion = Arc<Mutex<Box<dyn Write + Send>>>;

impl Outlet {
    /// Puts in a piece of the answer. On a thread it blocks while there is no room and is ready at once otherwise.
    pub async fn piece(&self, piece: Piece) {
        let Some(ticket) = self.ticket else {
            return;
        };
        if self.footing == Footing::Task {
            self.stream.has_room().await;
        }
        self.put(Event::Piece(ticket, piece));
    }

    /// Puts in a piece of the answer from code that blocks.
    pub fn piece_blocking(&self, piece: Piece) {
        if let Some(ticket) = self.ticket {
            self.put(Event::Piece(ticket, piece));
        }
    }

    /// The same outlet, whose bytes go into this.
    #[must_use]
    pub fn diverted(&self, into: Box<dyn Write + Send>) -> Self {
        Self {
            into: Some(Arc::new(Mutex::new(into))),
            ..self.clone()
        }
    }

    /// Puts in bytes of a message, as [`piece`](Self::piece) does. Fails where they go elsewhere and cannot be written there.
    pub async fn bytes(&self, bytes: Vec<u8>) -> Result<()> {
        match &self.into {
            Some(into) => write(into, &bytes),
            None => {
                self.piece(Piece::Bytes(bytes)).await;
                Ok(())
            }
        }
    }

    /// The same from code that blocks.
    pub fn bytes_blocking(&self, bytes: Vec<u8>) -> Result<()> {
        match &self.into {
            Some(into) => write(into, &bytes),
            None => {
                self.piece_blocking(Piece::Bytes(bytes));
                Ok(())
            }
        }
    }

    fn put(&self, event: Event) {
        match self.footing {
            Footing::Thread => self.stream.put_waiting(event),
            Footing::Task => self.stream.put(event),
        }
    }
}

fn write(into: &Diversion, bytes: &[u8]) -> Result<()> {
    let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
    into.write_all(bytes).map_err(|source| Error::System {
        what: "cannot write the file",
        source,
    })
}

impl Reports for Outlet {
    fn change(&self, change: Change) {
        if let Some(mailbox) = self.mailbox {
            self.put(Event::Change(mailbox, change));
        }
    }

    fn progress(&self, done: u64, total: u64) {
        if let Some(ticket) = self.ticket {
            self.put(Event::Progress(ticket, done, total));
        }
    }

    fn notice(&self, notice: Foreign) {
        self.put(Event::Notice(self.mailbox, notice));
    }

    fn account(&self, news: AccountNews) {
        self.put(Event::Account(news));
    }

    fn question(&self, question: Question) {
        if let Some(ticket) = self.ticket {
            self.put(Event::Question(ticket, question));
        }
    }

    fn withdrawn(&self, number: QuestionNumber) {
        if let Some(ticket) = self.ticket {
            self.put(Event::Withdrawn(ticket, number));
        }
    }
}
