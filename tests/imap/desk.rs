//! A backend inside the test that logs in on a server: what it is asked, and all that it tells.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mugo::backend::backend::{Backend, BackendOptions};
use mugo::backend::error::Result;
use mugo::backend::event::Event;
use mugo::backend::request::{Ask, MailboxId, Request, Ticket};
use mugo::mail::change::Change;
use mugo::mail::name::MailboxName;
use mugo::mail::question::{Answer, Reply};
use mugo::mail::status::Access;
use mugo::os::network::{AccountChoice, Network};
use mugo::os::real_files::RealFiles;
use tokio::runtime::Runtime;

use crate::common::world::environment;
use crate::dovecot::Dovecot;

/// A backend.
pub(crate) struct Desk {
    backend: Backend,
    next: u64,
    /// What questions are answered with, in their order; one more is called off.
    pub(crate) replies: VecDeque<Reply>,
    _runtime: Runtime,
    _folder: tempfile::TempDir,
}

/// What is known of a user of Dovecot, but for what is disabled.
pub(crate) fn network(server: &Dovecot, user: &str, disabled: &[&str]) -> Network {
    Network {
        accounts: vec![AccountChoice {
            host: "localhost".to_owned(),
            user: Some(user.to_owned()),
            password_command: vec!["echo".to_owned(), format!("{user}-pw")],
            disabled: disabled.iter().map(|it| (*it).to_owned()).collect(),
            ..AccountChoice::default()
        }],
        certificates: Some(server.authority()),
        ..Network::default()
    }
}

impl Desk {
    pub(crate) fn new(network: Network) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let mut environment = environment(folder.path(), Arc::new(RealFiles));
        environment.network = network;
        let runtime = Runtime::new().expect("a runtime");
        let options = BackendOptions {
            runtime: Some(runtime.handle().clone()),
            ..BackendOptions::default()
        };
        Self {
            backend: Backend::new(Arc::new(environment), options),
            next: 0,
            replies: VecDeque::new(),
            _runtime: runtime,
            _folder: folder,
        }
    }

    /// Asks, and waits for nothing.
    pub(crate) fn begin(&mut self, request: Request) -> Ticket {
        self.next += 1;
        let ticket = Ticket(self.next);
        self.backend.ask(ticket, request);
        ticket
    }

    /// Asks, and gives how that ended with all that was told until then.
    pub(crate) fn ask(&mut self, request: Request) -> (Result<()>, Vec<Event>) {
        let ticket = self.begin(request);
        let mut told = Vec::new();
        loop {
            let event = self.backend.next_blocking(Some(Duration::from_secs(60)));
            match event.expect("an answer within a minute") {
                Event::Finished(of, result) if of == ticket => return (result, told),
                Event::Question(of, question) => {
                    let number = question.number;
                    let reply = self.replies.pop_front().unwrap_or(Reply::Cancel);
                    self.backend.answer(of, Answer { number, reply });
                    told.push(Event::Question(of, question));
                }
                event => told.push(event),
            }
        }
    }

    /// The same of an open mailbox.
    pub(crate) fn on(&mut self, mailbox: MailboxId, ask: Ask) -> (Result<()>, Vec<Event>) {
        self.ask(Request::On(mailbox, ask))
    }

    /// Opens a mailbox.
    pub(crate) fn open(&mut self, name: &str) -> (Result<()>, MailboxId) {
        self.next += 1;
        let mailbox = MailboxId(self.next);
        let name = MailboxName::parse(name.as_bytes()).expect("a name");
        let opening = Request::Open {
            mailbox,
            name,
            access: Access::ReadWrite,
        };
        (self.ask(opening).0, mailbox)
    }
}

/// Whether a mailbox was closed.
pub(crate) fn is_closed(events: &[Event]) -> bool {
    let closed = |event: &Event| matches!(event, Event::Change(_, Change::Closed(_)));
    events.iter().any(closed)
}
