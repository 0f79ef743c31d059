//! The backend as a face holds it: asks go down, events come up.

use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::backend::ask;
use crate::backend::context::{Context, job};
use crate::backend::describe;
use crate::backend::drivers::Drivers;
use crate::backend::errand::{Errand, Tickets};
use crate::backend::error::Error;
use crate::backend::event::{Event, Piece};
use crate::backend::inlet::{Call, Inlet};
use crate::backend::jobs;
use crate::backend::local;
use crate::backend::open_mailboxes::OpenMailboxes;
use crate::backend::outlet::Footing;
use crate::backend::pool::Urgency;
use crate::backend::remote;
use crate::backend::request::{Ask, MailboxId, Request, Ticket};
use crate::backend::stream::EventStream;
use crate::driver::contract::{LocalDriver, RemoteMailbox};
use crate::driver::error::Result as DriverResult;
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::job::Job;
use crate::mail::format::Format;
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::question::{Answer, Reply};
use crate::mail::status::Access;
use crate::mail::text::Foreign;
use crate::os::environment::Environment;
use crate::os::watch::Watcher;

/// What a face may choose about the backend.
#[derive(Default)]
pub struct BackendOptions {
    /// Drivers for local mailboxes, in probing order; `None` takes all that Mugo has.
    pub drivers: Option<Vec<Box<dyn LocalDriver>>>,
    /// Where tasks for mailboxes on servers run; `None` takes the runtime in which `open_remote` is called.
    pub runtime: Option<tokio::runtime::Handle>,
}

/// Open mailboxes and everything that serves them. Owned by the face's loop; none of its methods but `next_blocking` and
/// `shutdown` ever blocks. Dropping it lets all mailboxes close, without waiting for it.
pub struct Backend {
    context: Arc<Context>,
    runtime: Option<tokio::runtime::Handle>,
    alive: Option<Sender<()>>,
    closed: Receiver<()>,
}

impl Backend {
    /// A backend with nothing open.
    pub fn new(environment: Arc<Environment>, options: BackendOptions) -> Self {
        let drivers = match options.drivers {
            Some(drivers) => Drivers::with(&environment, drivers),
            None => Drivers::new(&environment),
        };
        let drivers = drivers.with_servers(options.runtime.clone());
        let stream = Arc::new(EventStream::new());
        let (alive, closed) = channel();
        Self {
            context: Arc::new(Context {
                environment,
                drivers,
                tickets: Arc::new(Tickets::new(Arc::clone(&stream))),
                stream,
                open: OpenMailboxes::default(),
                pool: Arc::default(),
                watcher: Watcher::default(),
                cautioned: AtomicBool::default(),
                failures: Mutex::default(),
                ending: CancellationToken::new(),
            }),
            runtime: options.runtime,
            alive: Some(alive),
            closed,
        }
    }

    /// The formats that this program knows, in the order in which files are asked for theirs.
    pub fn formats(&self) -> Vec<Format> {
        describe::formats(&self.context.drivers)
    }

    /// Asks for something. Events with `ticket` answer; the last one is `Finished`, exactly once. A ticket that has not
    /// finished must not be used again: the second request would be ignored.
    pub fn ask(&mut self, ticket: Ticket, request: Request) {
        let Some(errand) = self.context.tickets.take_up(ticket) else {
            return;
        };
        if self.context.environment.read_only && jobs::writes(&request) {
            return errand.finish(Err(Error::ReadOnlyRun));
        }
        match request {
            Request::Open {
                mailbox,
                name,
                access,
            } => match name.kind() {
                NameKind::Remote { .. } => self.open_on_server(errand, mailbox, &name, access),
                _ => self.open(errand, mailbox, name, access),
            },
            Request::On(mailbox, ask) => self.ask_open(errand, mailbox, ask),
            Request::Trace(seen) => self.trace(errand, seen),
            other => jobs::post(&self.context, errand, other),
        }
    }

    /// Tells what was said to servers at once: who looks for a fault wants that while all else waits for them.
    fn trace(&self, errand: Errand, seen: u64) {
        if !errand.begin() {
            return;
        }
        let (lines, count) = self.context.environment.network.trace.since(seen);
        let lines = lines.into_iter().map(Foreign::new).collect();
        let outlet = self.context.outlet(None, Some(&errand), Footing::Task);
        outlet.piece_blocking(Piece::Traced(lines, count));
        errand.finish(Ok(()));
    }

    /// Opens a mailbox on a server: `connect` logs in, tells what is there through its job, and gives the mailbox.
    /// From then on it is asked as any other.
    pub fn open_remote<M, C, F>(
        &mut self,
        ticket: Ticket,
        mailbox: MailboxId,
        name: &MailboxName,
        connect: C,
    ) where
        M: RemoteMailbox + Sync,
        C: FnOnce(Job) -> F + Send + 'static,
        F: Future<Output = DriverResult<M>> + Send + 'static,
    {
        if let Some(errand) = self.context.tickets.take_up(ticket) {
            self.serve_remote(errand, mailbox, name, Access::ReadWrite, connect);
        }
    }

    fn open_on_server(
        &self,
        errand: Errand,
        mailbox: MailboxId,
        name: &MailboxName,
        access: Access,
    ) {
        let NameKind::Remote {
            server,
            mailbox: there,
        } = name.kind()
        else {
            return errand.finish(Err(Error::NotOpen));
        };
        let driver = match self.context.drivers.for_server(server, there) {
            Ok(driver) => driver,
            Err(error) => return errand.finish(Err(error)),
        };
        let connections = driver.connections(server);
        let opened = name.clone();
        let access = match self.context.environment.read_only {
            true => Access::ReadOnly,
            false => access,
        };
        self.serve_remote(errand, mailbox, name, access, move |job| async move {
            ImapMailbox::open(connections, &opened, access, &job).await
        });
    }

    fn serve_remote<M, C, F>(
        &self,
        errand: Errand,
        mailbox: MailboxId,
        name: &MailboxName,
        access: Access,
        connect: C,
    ) where
        M: RemoteMailbox + Sync,
        C: FnOnce(Job) -> F + Send + 'static,
        F: Future<Output = DriverResult<M>> + Send + 'static,
    {
        let here = tokio::runtime::Handle::try_current().ok();
        let (Some(runtime), Some(alive)) = (self.runtime.clone().or(here), self.alive.clone())
        else {
            let why = "mailboxes on servers need an async runtime";
            return errand.finish(Err(Error::Unsupported(why)));
        };
        let (sender, inlet) = tokio::sync::mpsc::unbounded_channel();
        let context = Arc::clone(&self.context);
        if !context
            .open
            .enter(mailbox, name.to_foreign(), Inlet::Task(sender))
        {
            return errand.finish(Err(Error::AlreadyOpen));
        }
        let opening = remote::Opening {
            context,
            mailbox,
            access,
            errand,
            inlet,
            alive,
        };
        let _detached = runtime.spawn(remote::serve(opening, connect));
    }

    /// Cancels a request: one that waits finishes at once, one that is being served as soon as it safely can.
    /// `Ask::Close` cannot be cancelled once it is being served.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.context.tickets.cancel(ticket);
    }

    /// Answers a question of a request. An answer to a question that is over does nothing.
    pub fn answer(&mut self, ticket: Ticket, answer: Answer) {
        match answer.reply {
            Reply::Cancel => self.context.tickets.cancel(ticket),
            _ => self.context.tickets.answer(ticket, answer),
        }
    }

    /// The next event. May be dropped at any time without losing one.
    pub async fn next(&mut self) -> Event {
        self.context.stream.take().await
    }

    /// The next event if one waits already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.context.stream.try_take()
    }

    /// The next event, blocking for at most `patience`; `None` only when that is over.
    pub fn next_blocking(&mut self, patience: Option<Duration>) -> Option<Event> {
        self.context.stream.take_blocking(patience)
    }

    /// Closes every mailbox: cancels what can be cancelled, lets critical steps end, writes pending flag changes.
    ///
    /// Returns when all is closed or `patience` is over, with what failed; an empty list says that all is well.
    /// Events that nobody took are gone. Blocks; on SIGHUP and SIGTERM 5 s are enough.
    pub fn shutdown(mut self, patience: Duration) -> Vec<Error> {
        let until = Instant::now() + patience;
        self.begin_to_end();
        self.alive = None;
        let idle = self.context.pool.end(patience);
        let left = until.saturating_duration_since(Instant::now());
        let closed = self.closed.recv_timeout(left) != Err(RecvTimeoutError::Timeout);
        let outlet = self.context.outlet(None, None, Footing::Thread);
        let goodbye = job(&outlet, &CancellationToken::new());
        self.context.drivers.end(&goodbye);
        let failures = &self.context.failures;
        let mut failed = failures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failures = std::mem::take(&mut *failed);
        if !idle || !closed {
            failures.push(Error::Ending);
        }
        failures
    }

    fn begin_to_end(&self) {
        self.context.stream.end();
        self.context.ending.cancel();
        self.context.tickets.cancel_all();
        self.context.open.end_all();
    }

    fn open(&self, errand: Errand, mailbox: MailboxId, name: MailboxName, access: Access) {
        let Some(alive) = self.alive.clone() else {
            return errand.finish(Err(Error::Ending));
        };
        let (sender, inlet) = channel();
        let context = Arc::clone(&self.context);
        if !context
            .open
            .enter(mailbox, name.to_foreign(), Inlet::Thread(sender))
        {
            return errand.finish(Err(Error::AlreadyOpen));
        }
        let names = vec![name.without_format()];
        let waits = names.iter().any(|name| context.pool.concerns(name));
        let opening = local::Opening {
            context,
            mailbox,
            name,
            access,
            errand,
            inlet,
            alive,
        };
        if waits {
            // A job that was asked for earlier makes, fills or removes this very mailbox.
            let work = Box::new(move || local::start(opening));
            let _dropped_and_answered = self.context.pool.run(Urgency::Now, names, work).is_err();
        } else {
            local::start(opening);
        }
    }

    fn ask_open(&self, errand: Errand, mailbox: MailboxId, ask: Ask) {
        if self.context.environment.read_only && ask::writes(&ask) {
            return errand.finish(Err(Error::ReadOnlyRun));
        }
        match self.context.open.inlet(mailbox) {
            Some(inlet) => inlet.put(Call::Ask(errand, ask)),
            None => errand.finish(Err(Error::NotOpen)),
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.begin_to_end();
        let _threads_end_by_themselves = self.context.pool.end(Duration::ZERO);
    }
}
