//! The bounded pipe through which messages go from one mailbox to another: four at a time, ends blocking or async.

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::backend::outlet::Footing;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::message::{Messages, NewMessage};

/// How many messages may be on their way.
const LENGTH: usize = 4;

/// A pipe for a source on this footing.
pub fn pipe(footing: Footing) -> (PipeStart, PipeEnd) {
    let (sender, receiver) = channel(LENGTH);
    let start = PipeStart { sender, footing };
    let end = PipeEnd {
        receiver,
        complete: false,
    };
    (start, end)
}

enum Parcel {
    Message(Box<NewMessage>),
    /// Nothing follows: only now may the destination commit. A pipe that just breaks off means that it must not.
    Complete,
}

/// Where messages go in.
pub struct PipeStart {
    sender: Sender<Parcel>,
    footing: Footing,
}

impl PipeStart {
    /// Sends one message; `false` when nobody takes any more.
    pub async fn send(&self, message: NewMessage) -> bool {
        self.parcel(Parcel::Message(Box::new(message))).await
    }

    /// Says that all messages were sent.
    pub async fn complete(self) -> bool {
        self.parcel(Parcel::Complete).await
    }

    async fn parcel(&self, parcel: Parcel) -> bool {
        match self.footing {
            Footing::Thread => self.sender.blocking_send(parcel).is_ok(),
            Footing::Task => self.sender.send(parcel).await.is_ok(),
        }
    }
}

/// Where a destination, which blocks, takes them out.
pub struct PipeEnd {
    receiver: Receiver<Parcel>,
    complete: bool,
}

impl Messages for PipeEnd {
    fn next(&mut self, job: &Job) -> Result<Option<NewMessage>> {
        if self.complete {
            return Ok(None);
        }
        job.checkpoint()?;
        match self.receiver.blocking_recv() {
            Some(Parcel::Message(message)) => Ok(Some(*message)),
            Some(Parcel::Complete) => {
                self.complete = true;
                Ok(None)
            }
            None => Err(Error::Cancelled),
        }
    }
}
