//! Serves one open mailbox on a server: a task's loop, the twin of `local.rs`.
//!
//! While nothing is asked the mailbox idles. The idle future lives in a block of its own; a request stops it by its token
//! and then waits for its end: a future that is dropped half way would lose the state of its protocol.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;
use tokio_util::sync::CancellationToken;

use crate::backend::ask;
use crate::backend::contained::contained_async;
use crate::backend::context::{Context, job};
use crate::backend::errand::Errand;
use crate::backend::error::{Error, Result};
use crate::backend::inlet::Call;
use crate::backend::local::is_fatal;
use crate::backend::move_recovery::recover;
use crate::backend::outlet::{Footing, Outlet};
use crate::backend::request::{Ask, MailboxId};
use crate::backend::source::RemoteSource;
use crate::driver::contract::RemoteMailbox;
use crate::driver::error::Result as DriverResult;
use crate::driver::job::{Job, Reports};
use crate::mail::change::{Change, Why};
use crate::mail::status::Access;
use crate::mail::text::Foreign;

/// A mailbox that shall be served.
pub struct Opening {
    /// What all have in common.
    pub context: Arc<Context>,
    /// Its id.
    pub mailbox: MailboxId,
    /// How it is opened.
    pub access: Access,
    /// The ticket of the opening.
    pub errand: Errand,
    /// Where requests come in.
    pub inlet: UnboundedReceiver<Call>,
    /// Dropped when the mailbox is closed.
    pub alive: Sender<()>,
}

/// Connects, then serves until somebody asks to close or the connection is lost.
pub async fn serve<M, C, F>(opening: Opening, connect: C)
where
    M: RemoteMailbox + Sync,
    C: FnOnce(Job) -> F + Send,
    F: Future<Output = DriverResult<M>> + Send,
{
    let Opening {
        context,
        mailbox,
        access,
        errand,
        inlet,
        alive,
    } = opening;
    if !errand.begin() {
        context.open.leave(mailbox);
        return;
    }
    let outlet = context.outlet(Some(mailbox), Some(&errand), Footing::Task);
    let connecting = connect(job(&outlet, errand.token()));
    match contained_async(async { Ok(connecting.await?) }).await {
        Ok(opened) => {
            errand.finish(Ok(()));
            let mut server = Server {
                outlet: context.outlet(Some(mailbox), None, Footing::Task),
                context,
                id: mailbox,
                source: RemoteSource(opened),
                inlet,
            };
            if access == Access::ReadWrite {
                server.finish_moves().await;
            }
            server.run().await;
        }
        Err(error) => {
            context.open.leave(mailbox);
            errand.finish(Err(error));
        }
    }
    drop(alive);
}

/// Why the loop ended.
enum End {
    Asked(Option<Errand>),
    Failed(Error, Option<Errand>),
}

struct Server<M> {
    context: Arc<Context>,
    id: MailboxId,
    outlet: Outlet,
    source: RemoteSource<M>,
    inlet: UnboundedReceiver<Call>,
}

impl<M: RemoteMailbox + Sync> Server<M> {
    async fn run(mut self) {
        let end = loop {
            match self.next_call().await {
                Ok(Call::Ask(errand, ask)) if errand.begin() => {
                    if let Some(end) = self.ask(errand, ask).await {
                        break end;
                    }
                }
                Ok(Call::Ask(..) | Call::Nudge) => {}
                Ok(Call::End) => break End::Asked(None),
                Err(error) => break End::Failed(error, None),
            }
        };
        self.end(end).await;
    }

    /// Finishes moves from the mailbox that were cut off.
    async fn finish_moves(&mut self) {
        let job = job(&self.outlet, &self.context.ending);
        let recovering = recover(&self.context, None, &mut self.source, &job);
        // It fails only where the program ends.
        let _later = contained_async(recovering).await.is_err();
    }

    /// The next call; idles until it comes.
    async fn next_call(&mut self) -> Result<Call> {
        match self.inlet.try_recv() {
            Ok(call) => return Ok(call),
            Err(TryRecvError::Disconnected) => return Ok(Call::End),
            Err(TryRecvError::Empty) => {}
        }
        self.outlet.stream.has_room().await;
        let quiet = CancellationToken::new();
        let job = job(&self.outlet, &quiet);
        let idle = contained_async(async { Ok(self.source.0.idle(&job).await?) });
        tokio::pin!(idle);
        tokio::select! {
            call = self.inlet.recv() => {
                quiet.cancel();
                match idle.await {
                    Ok(()) | Err(Error::Cancelled) => Ok(call.unwrap_or(Call::End)),
                    Err(error) => {
                        // The call is answered by being dropped.
                        drop(call);
                        Err(error)
                    }
                }
            }
            ended = &mut idle => {
                ended?;
                // It should have waited; this keeps a hasty one from spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(Call::Nudge)
            }
        }
    }

    async fn ask(&mut self, errand: Errand, ask: Ask) -> Option<End> {
        if matches!(ask, Ask::Close) {
            return Some(End::Asked(Some(errand)));
        }
        let mailbox = Some(self.id);
        let outlet = self.context.outlet(mailbox, Some(&errand), Footing::Task);
        let job = job(&outlet, errand.token());
        let serving = ask::serve(&mut self.source, ask, &self.context, &outlet, &job);
        match contained_async(serving).await {
            Err(error) if is_fatal(&error) => Some(End::Failed(error, Some(errand))),
            other => {
                errand.finish(other);
                None
            }
        }
    }

    /// Closes, tells it, and answers who asked for it.
    async fn end(self, end: End) {
        self.context.open.leave(self.id);
        let job = job(&self.outlet, &CancellationToken::new());
        match end {
            End::Asked(errand) => {
                let closing = self.source.0.close(&job);
                let closed = contained_async(async { Ok(closing.await?) }).await;
                self.outlet.change(Change::Closed(Why::Asked));
                match (errand, closed) {
                    (Some(errand), closed) => errand.finish(closed),
                    (None, Err(error)) => self.context.failed(error),
                    (None, Ok(())) => {}
                }
            }
            End::Failed(error, errand) => {
                drop(self.source);
                let why = Why::Failed(Foreign::new(error.to_string()));
                self.outlet.change(Change::Closed(why));
                if let Some(errand) = errand {
                    errand.finish(Err(error));
                }
            }
        }
    }
}
