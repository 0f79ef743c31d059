//! A face without a screen: asks, takes events, and holds the backend to its laws.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mugo::backend::backend::{Backend, BackendOptions};
use mugo::backend::error::Result;
use mugo::backend::event::{Event, Piece};
use mugo::backend::request::{Ask, MailboxId, Request, Ticket};
use mugo::mail::change::Change;
use mugo::mail::name::MailboxName;
use mugo::mail::question::QuestionNumber;
use mugo::mail::status::Access;
use mugo::mail::uid::{Uid, UidSet};
use mugo::os::environment::Environment;
use mugo::os::real_files::RealFiles;

use crate::common::world::{World, world};
use crate::toy::{RemoteToy, Store, Toy};

/// Who serves the mailboxes that a test opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A thread.
    Local,
    /// A task.
    Remote,
    /// A thread, over the drivers that Mugo has and real files.
    Real,
}

/// Those over the store in memory.
pub(crate) const KINDS: [Kind; 2] = [Kind::Local, Kind::Remote];

/// What one request came to.
pub(crate) struct Outcome {
    pub(crate) events: Vec<Event>,
    pub(crate) result: Result<()>,
}

impl Outcome {
    /// The pieces of the answer.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.events.iter().filter_map(|event| match event {
            Event::Piece(_, piece) => Some(piece),
            _ => None,
        })
    }

    /// What was found.
    pub(crate) fn found(&self) -> Vec<u32> {
        let found = self.pieces().filter_map(|piece| match piece {
            Piece::Found(uids) => Some(uids.iter().map(|uid| uid.get())),
            _ => None,
        });
        found.flatten().collect()
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let bytes = self.pieces().filter_map(|piece| match piece {
            Piece::Bytes(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        bytes.flatten().copied().collect()
    }
}

/// A backend over the toy store.
pub(crate) struct Face {
    pub(crate) backend: Option<Backend>,
    pub(crate) store: Store,
    pub(crate) world: World,
    kind: Kind,
    runtime: tokio::runtime::Runtime,
    laws: Laws,
    next_ticket: u64,
}

impl Face {
    pub(crate) fn new(kind: Kind) -> Self {
        Self::with(kind, |_environment| {})
    }

    pub(crate) fn with(kind: Kind, adjust: impl FnOnce(&mut Environment)) -> Self {
        Self::start(kind, world(), None, adjust)
    }

    /// The next program in the same world, over the same store; its files have no faults.
    pub(crate) fn next_program(self) -> Self {
        self.next_program_with(|environment| environment.files = Arc::new(RealFiles))
    }

    /// The same with other faults.
    pub(crate) fn next_program_with(mut self, adjust: impl FnOnce(&mut Environment)) -> Self {
        if self.backend.is_some() {
            self.shutdown();
        }
        Self::start(self.kind, self.world, Some(self.store), adjust)
    }

    fn start(
        kind: Kind,
        mut world: World,
        store: Option<Store>,
        adjust: impl FnOnce(&mut Environment),
    ) -> Self {
        let mut environment = world.another(Arc::clone(&world.environment.files));
        environment.poll_interval = Duration::from_millis(10);
        adjust(&mut environment);
        std::mem::swap(&mut world.environment, &mut environment);
        let environment = Arc::new(environment_of(&world));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .expect("a runtime");
        let store = store.unwrap_or_default();
        let options = BackendOptions {
            drivers: match kind {
                Kind::Real => None,
                Kind::Local | Kind::Remote => Some(vec![Box::new(Toy(store.clone()))]),
            },
            runtime: Some(runtime.handle().clone()),
        };
        Self {
            backend: Some(Backend::new(environment, options)),
            store,
            world,
            kind,
            runtime,
            laws: Laws::default(),
            next_ticket: 0,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.world.environment.home.join(name)
    }

    pub(crate) fn backend(&mut self) -> &mut Backend {
        self.backend.as_mut().expect("not shut down")
    }

    pub(crate) fn ask(&mut self, request: Request) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.laws.asked.insert(ticket);
        self.backend().ask(ticket, request);
        ticket
    }

    pub(crate) fn on(&mut self, mailbox: MailboxId, ask: Ask) -> Ticket {
        self.ask(Request::On(mailbox, ask))
    }

    /// Asks and waits for the end.
    pub(crate) fn done(&mut self, request: Request) -> Outcome {
        let ticket = self.ask(request);
        self.until(ticket)
    }

    /// The same for an open mailbox.
    pub(crate) fn served(&mut self, mailbox: MailboxId, ask: Ask) -> Outcome {
        self.done(Request::On(mailbox, ask))
    }

    /// Asks to open, whoever serves it.
    pub(crate) fn open(&mut self, mailbox: MailboxId, name: &str) -> Ticket {
        let parsed = named(name);
        if self.kind != Kind::Remote {
            return self.ask(Request::Open {
                mailbox,
                name: parsed,
                access: Access::ReadWrite,
            });
        }
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.laws.asked.insert(ticket);
        let (store, path) = (self.store.clone(), self.path(name));
        self.backend()
            .open_remote(ticket, mailbox, &parsed, move |job| {
                RemoteToy::connect(store, path, job)
            });
        ticket
    }

    /// Opens a mailbox with these messages.
    pub(crate) fn opened(&mut self, name: &str, messages: &[&str]) -> MailboxId {
        self.store.fill(&self.path(name), messages);
        let mailbox = MailboxId(self.next_ticket + 1000);
        let ticket = self.open(mailbox, name);
        self.until(ticket).result.expect("opens");
        mailbox
    }

    /// Takes events until this ticket has finished.
    pub(crate) fn until(&mut self, ticket: Ticket) -> Outcome {
        let mut events = Vec::new();
        loop {
            match self.event() {
                Event::Finished(finished, result) if finished == ticket => {
                    return Outcome { events, result };
                }
                other => events.push(other),
            }
        }
    }

    /// Takes events until one pleases.
    pub(crate) fn until_event(&mut self, pleases: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.event();
            if pleases(&event) {
                return event;
            }
        }
    }

    /// Takes events until every ticket has finished.
    pub(crate) fn until_all(&mut self) -> BTreeMap<Ticket, Result<()>> {
        let mut results = BTreeMap::new();
        while self.laws.asked != self.laws.finished {
            if let Event::Finished(ticket, result) = self.event() {
                results.insert(ticket, result);
            }
        }
        results
    }

    fn event(&mut self) -> Event {
        let patience = Some(Duration::from_secs(20));
        let event = self.backend().next_blocking(patience);
        let event = event.expect("an event within 20 s");
        self.laws.judge(&event);
        event
    }

    /// Whether nothing more comes for a while.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let patience = Some(Duration::from_millis(60));
        match self.backend().next_blocking(patience) {
            Some(event) => {
                self.laws.judge(&event);
                false
            }
            None => true,
        }
    }

    pub(crate) fn shutdown(&mut self) -> Vec<mugo::backend::error::Error> {
        let backend = self.backend.take().expect("not shut down");
        let failures = backend.shutdown(Duration::from_secs(5));
        assert!(self.runtime.metrics().num_workers() > 0);
        failures
    }
}

fn environment_of(world: &World) -> Environment {
    let adjusted = &world.environment;
    let mut environment = world.another(Arc::clone(&adjusted.files));
    environment.poll_interval = adjusted.poll_interval;
    environment.read_only = adjusted.read_only;
    environment.lock_patience = adjusted.lock_patience;
    environment.process = adjusted.process.clone();
    environment.naming = adjusted.naming.clone();
    environment
}

pub(crate) fn named(name: &str) -> MailboxName {
    MailboxName::parse(name.as_bytes()).expect("a name")
}

pub(crate) fn uids(numbers: &[u32]) -> UidSet {
    numbers
        .iter()
        .filter_map(|&number| Uid::new(number))
        .collect()
}

/// The laws of events, checked on each one.
#[derive(Default)]
struct Laws {
    asked: BTreeSet<Ticket>,
    finished: BTreeSet<Ticket>,
    questions: BTreeSet<(Ticket, QuestionNumber)>,
    closed: BTreeSet<MailboxId>,
    expunged: BTreeMap<MailboxId, UidSet>,
}

impl Laws {
    fn judge(&mut self, event: &Event) {
        match event {
            Event::Question(ticket, question) => {
                assert!(!self.finished.contains(ticket), "{event:?} after Finished");
                self.questions.insert((*ticket, question.number));
            }
            Event::Withdrawn(ticket, number) => {
                let open = self.questions.remove(&(*ticket, *number));
                assert!(open, "{event:?} was not asked, or withdrawn twice");
            }
            Event::Finished(ticket, _) => {
                let mut open = self.questions.iter().map(|(asking, _)| asking);
                assert!(!open.any(|asking| asking == ticket), "an open question");
                assert!(self.asked.contains(ticket), "{ticket:?} was never asked");
                assert!(self.finished.insert(*ticket), "{ticket:?} finished twice");
            }
            Event::Piece(ticket, _) | Event::Progress(ticket, ..) => {
                assert!(!self.finished.contains(ticket), "{event:?} after Finished");
            }
            Event::Notice(Some(mailbox), _) => self.is_open(*mailbox),
            Event::Notice(None, _) | Event::Account(_) => {}
            Event::Change(mailbox, change) => {
                self.is_open(*mailbox);
                self.judge_change(*mailbox, change);
            }
        }
    }

    fn is_open(&self, mailbox: MailboxId) {
        assert!(!self.closed.contains(&mailbox), "{mailbox:?} was closed");
    }

    fn judge_change(&mut self, mailbox: MailboxId, change: &Change) {
        let gone = self.expunged.entry(mailbox).or_default();
        let named: Vec<Uid> = match change {
            Change::Arrived(new) | Change::Measured(new) => {
                new.iter().map(|summary| summary.uid).collect()
            }
            Change::Flags(flags) => flags.iter().map(|one| one.0).collect(),
            Change::Expunged(uids) => uids.iter().collect(),
            Change::Reset => {
                *gone = UidSet::new();
                Vec::new()
            }
            Change::Closed(_) => {
                self.closed.insert(mailbox);
                Vec::new()
            }
            Change::State(_) => Vec::new(),
        };
        for uid in named {
            assert!(!gone.contains(uid), "{uid} was expunged");
            if matches!(change, Change::Expunged(_)) {
                gone.insert(uid);
            }
        }
    }
}
