//! The only loop of the scripting face: asks, takes events until the request is finished, returns a typed value.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot::Receiver;

use crate::backend::backend::Backend;
use crate::backend::error::Error;
use crate::backend::event::{Event, Piece};
use crate::backend::request::{Ask, MailboxId, Request, Ticket};
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;
use crate::cli::setup::Interrupt;
use crate::cli::terminal::Terminal;
use crate::mail::change::{Change, Why};
use crate::mail::format::Format;
use crate::mail::message_list::MessageList;
use crate::mail::name::MailboxName;
use crate::mail::question::{About, Answer, LockHeld, Reply};
use crate::mail::status::Access;
use crate::mail::text::{Foreign, Printable};

/// How long critical steps may take to end once we leave.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the backend on behalf of one verb.
pub struct Client {
    backend: Backend,
    runtime: Handle,
    interrupt: Arc<Interrupt>,
    last_ticket: u64,
    last_mailbox: u64,
}

/// A mailbox that this face has open.
pub struct OpenMailbox {
    /// Its id.
    pub id: MailboxId,
    /// What is in it.
    pub list: MessageList,
}

/// What a verb hears while its request is served. A change is heard before it is applied to the list.
pub enum Heard<'e> {
    /// A change of the open mailbox, with the list as it was before.
    Change(&'e Change, &'e MessageList),
    /// Content.
    Piece(Piece),
}

/// What a verb does with what it hears.
pub type Listener<'l> = &'l mut dyn FnMut(Heard<'_>) -> Result<(), Failure>;

impl Client {
    /// A client of `backend`, whose waiting is done on `runtime`.
    pub fn new(backend: Backend, runtime: Handle, interrupt: Arc<Interrupt>) -> Self {
        Self {
            backend,
            runtime,
            interrupt,
            last_ticket: 0,
            last_mailbox: 0,
        }
    }

    /// Opens `name`; returns when all its messages are known.
    pub fn open(&mut self, name: MailboxName, access: Access) -> Result<OpenMailbox, Failure> {
        self.last_mailbox += 1;
        let mut mailbox = OpenMailbox {
            id: MailboxId(self.last_mailbox),
            list: MessageList::new(),
        };
        let request = Request::Open {
            mailbox: mailbox.id,
            name,
            access,
        };
        self.serve(request, Some(&mut mailbox), &mut |_| Ok(()))?;
        if access == Access::ReadWrite {
            self.ask(&mut mailbox, Ask::Snarf, &mut |_| Ok(()))?;
        }
        Ok(mailbox)
    }

    /// The formats that mailboxes can have.
    pub fn formats(&self) -> Vec<Format> {
        self.backend.formats()
    }

    /// Asks something of no open mailbox.
    pub fn request(&mut self, request: Request, listener: Listener<'_>) -> Result<(), Failure> {
        self.serve(request, None, listener)
    }

    /// Asks something of `mailbox`.
    pub fn ask(
        &mut self,
        mailbox: &mut OpenMailbox,
        ask: Ask,
        listener: Listener<'_>,
    ) -> Result<(), Failure> {
        self.serve(Request::On(mailbox.id, ask), Some(mailbox), listener)
    }

    /// Closes `mailbox`, which brings what is pending to disk.
    pub fn close(&mut self, mut mailbox: OpenMailbox) -> Result<(), Failure> {
        self.ask(&mut mailbox, Ask::Close, &mut |_| Ok(()))
    }

    /// Listens to `mailbox` until it closes or, where given, until `end`.
    pub fn listen(
        &mut self,
        mailbox: &mut OpenMailbox,
        end: Option<Instant>,
        listener: Listener<'_>,
    ) -> Result<(), Failure> {
        loop {
            let event = match self.wait(end) {
                Waited::Event(event) => event,
                Waited::Signal(signal) => return Err(Failure::Interrupted(signal)),
                Waited::Over => return Ok(()),
            };
            match event {
                Event::Change(id, change) if id == mailbox.id => {
                    listener(Heard::Change(&change, &mailbox.list))?;
                    mailbox.list.apply(&change);
                }
                Event::Notice(_, text) => notice(&text),
                _ => {}
            }
            if let Some(why) = mailbox.list.closed() {
                return ended(why);
            }
        }
    }

    /// Waits for something that another thread of this face makes, until a signal comes.
    pub fn wait_for<T>(&mut self, mut made: Receiver<T>) -> Result<T, Failure> {
        let interrupt = &self.interrupt;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = interrupt.raised() => Err(Failure::Interrupted(interrupt.signal().unwrap_or(2))),
                made = &mut made => made.map_err(|_| Failure::Closed(Foreign::new("its reader ended"))),
            }
        })
    }

    /// Ends the backend: closes what is open, waits a while for critical steps. Fails with the first thing that failed.
    pub fn shutdown(self) -> Result<(), Failure> {
        let failed = self.backend.shutdown(PATIENCE).into_iter().next();
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    fn serve(
        &mut self,
        request: Request,
        mut mailbox: Option<&mut OpenMailbox>,
        listener: Listener<'_>,
    ) -> Result<(), Failure> {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.backend.ask(ticket, request);
        let mut progress = Progress::new();
        let mut asked = false;
        let mut stopped = None;
        loop {
            let event = match self.wait(None) {
                Waited::Event(event) => event,
                Waited::Over => continue,
                Waited::Signal(signal) => {
                    stopped.get_or_insert(Failure::Interrupted(signal));
                    self.backend.cancel(ticket);
                    continue;
                }
            };
            let heard = match event {
                Event::Finished(finished, result) if finished == ticket => {
                    return verdict(stopped, result);
                }
                Event::Progress(of, ..) if of == ticket && asked => continue,
                Event::Progress(of, done, total) if of == ticket => {
                    progress.show(done, total);
                    continue;
                }
                Event::Question(of, question) if of == ticket => {
                    match &question.about {
                        About::Locked(held) => {
                            asked = true;
                            progress.say(&waiting(held));
                        }
                        other => {
                            progress.clear();
                            let reply = self.reply(other);
                            let number = question.number;
                            match reply {
                                Ok(reply) => self.backend.answer(ticket, Answer { number, reply }),
                                Err(failure) => {
                                    stopped.get_or_insert(failure);
                                    self.backend.cancel(ticket);
                                }
                            }
                        }
                    }
                    continue;
                }
                Event::Withdrawn(of, _) if of == ticket => {
                    asked = false;
                    progress.clear();
                    continue;
                }
                Event::Notice(_, text) => {
                    progress.clear();
                    notice(&text);
                    continue;
                }
                Event::Piece(of, piece) if of == ticket => Self::tell(piece, &stopped, listener),
                Event::Change(id, change) => {
                    let open = mailbox.as_deref_mut().filter(|open| open.id == id);
                    open.map_or(Ok(()), |open| {
                        let heard = listener(Heard::Change(&change, &open.list));
                        open.list.apply(&change);
                        heard
                    })
                }
                _ => continue,
            };
            if let Err(failure) = heard {
                stopped.get_or_insert(failure);
                self.backend.cancel(ticket);
            }
        }
    }

    /// What is answered to a question: passwords are asked for at the terminal, nothing else is.
    fn reply(&mut self, about: &About) -> Result<Reply, Failure> {
        let About::Password(wanted) = about else {
            return Ok(Reply::Nobody);
        };
        let Some(mut terminal) = Terminal::open() else {
            return Ok(Reply::Nobody);
        };
        let refused = wanted.refused.as_ref().map(|said| {
            let said = said.field();
            Printable::concat(&[said, Printable::own(". ")])
        });
        let question = Printable::concat(&[
            refused.unwrap_or_default(),
            Printable::own("Password of "),
            wanted.user.field(),
            Printable::own(" on "),
            wanted.host.field(),
            Printable::own(": "),
        ]);
        let Some(typed) = terminal.ask(&question) else {
            return Ok(Reply::Nobody);
        };
        // Whatever comes of it, the terminal shows again what is typed when this one goes.
        let typed = self.wait_for(typed)?;
        drop(terminal);
        Ok(typed.map_or(Reply::Cancel, Reply::Password))
    }

    fn tell(
        piece: Piece,
        stopped: &Option<Failure>,
        listener: &mut dyn FnMut(Heard<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match stopped {
            Some(_) => Ok(()),
            None => listener(Heard::Piece(piece)),
        }
    }

    fn wait(&mut self, end: Option<Instant>) -> Waited {
        let Self {
            backend,
            runtime,
            interrupt,
            ..
        } = self;
        let over = async {
            match end {
                Some(end) => tokio::time::sleep_until(end.into()).await,
                None => std::future::pending().await,
            }
        };
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = interrupt.raised() => Waited::Signal(interrupt.signal().unwrap_or(2)),
                event = backend.next() => Waited::Event(event),
                () = over => Waited::Over,
            }
        })
    }
}

enum Waited {
    Event(Event),
    Signal(i32),
    Over,
}

/// What stopped us beats what the backend says of being cancelled, but not a failure of its own.
fn verdict(stopped: Option<Failure>, result: Result<(), Error>) -> Result<(), Failure> {
    match (stopped, result) {
        (Some(failure), Ok(()) | Err(Error::Cancelled)) => Err(failure),
        (_, Err(error)) => Err(error.into()),
        (None, Ok(())) => Ok(()),
    }
}

fn ended(why: &Why) -> Result<(), Failure> {
    match why {
        Why::Asked => Ok(()),
        Why::Failed(text) => Err(Failure::Closed(text.clone())),
    }
}

/// What is waited for. Nobody is asked: a script has nobody who could answer, and `^C` gives up.
fn waiting(held: &LockHeld) -> Printable {
    Printable::concat(&[
        Printable::own("mugo: "),
        held.mailbox.field(),
        Printable::own(" is locked by "),
        held.by.field(),
        Printable::own(format!(
            " for {} s; waiting, ^C gives up",
            held.since.as_secs()
        )),
    ])
}

/// Tells the user something that is not the command's result; a closed standard error is no reason to fail.
pub fn notice(text: &Foreign) {
    let _ = writeln!(io::stderr(), "mugo: {}", text.line().as_str());
}
