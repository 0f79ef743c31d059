//! When the mail of other mailboxes is moved into an open one: as it is opened, at most once a minute after, and on demand.
//!
//! A thread of its own moves; the mailbox's thread only starts it, stops it, and tells what came of it. Every batch that
//! is durable in the open mailbox is seen there at once, as other new mail is.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::backend::changes_only::ChangesOnly;
use crate::backend::choose::{choose, for_append};
use crate::backend::contained::contained;
use crate::backend::context::Context;
use crate::backend::drivers::Choice;
use crate::backend::errand::Errand;
use crate::backend::error::{Error, Result};
use crate::backend::outlet::Outlet;
use crate::driver::contract::LocalMailbox;
use crate::driver::error::Error as DriverError;
use crate::driver::job::{Job, Reports};
use crate::driver::place::Place;
use crate::driver::snarf::mover::snarf;
use crate::driver::snarf::quiet::Overheard;
use crate::driver::snarf::route::{Deleted, End, Host, Route, Snarfed};
use crate::mail::change::Change;
use crate::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::status::{Access, MailboxStatus};
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};

/// What the threads that move are called.
pub const THREAD_NAME: &str = "mugo-snarf";
/// How often the end of a move that is under way is looked for, and who cancels it.
pub const LOOKING: Duration = Duration::from_millis(50);

/// The mailbox that is opened under this name; that of `#move+from+to` is `to`.
pub fn opened(name: &MailboxName) -> &MailboxName {
    match name.kind() {
        NameKind::Move { to, .. } => to,
        _ => name,
    }
}

/// One mailbox that is emptied into the open one.
#[derive(Clone)]
struct Task {
    from: Place,
    /// What the user calls it.
    called: String,
    deleted: Deleted,
    leave_empty: bool,
}

/// What is moved into one open mailbox, and how that stands.
pub struct Snarfing {
    tasks: Vec<Task>,
    to: Place,
    due: Instant,
    running: Option<Running>,
    waiting: Vec<(Errand, Outlet)>,
    told: Option<String>,
}

struct Running {
    thread: JoinHandle<()>,
    stop: CancellationToken,
    ended: Receiver<Vec<(Task, Result<Snarfed>)>>,
    reports: Arc<Fan>,
    keywords: Receiver<Vec<Keyword>>,
    defined: Sender<()>,
}

/// What a look at the move came to.
pub enum Looked {
    /// Nothing new.
    Nothing,
    /// A move has ended; these requests waited for it.
    Ended(Vec<Errand>),
}

impl Snarfing {
    /// What is to be moved into the mailbox `name`, which `choice` serves; `None` where nothing is.
    ///
    /// Fails when the mailbox that `name` wants emptied cannot be opened for writing.
    pub fn new(
        context: &Context,
        name: &MailboxName,
        choice: &Choice<'_>,
        job: &Job,
    ) -> Result<Option<Self>> {
        let mut tasks = Vec::new();
        if let Some(spool) = &choice.snarf {
            tasks.push(Task {
                from: as_file(spool),
                called: "the spool".to_owned(),
                deleted: Deleted::Moved,
                leave_empty: context.environment.snarfing.leave_spool_empty,
            });
        }
        if let NameKind::Move { from, .. } = name.kind() {
            tasks.push(Task {
                from: source_of_move(context, from, &choice.place, job)?,
                called: from.to_foreign().field().to_string(),
                deleted: Deleted::Left,
                leave_empty: false,
            });
        }
        let due = Instant::now();
        Ok((!tasks.is_empty()).then(|| Self {
            tasks,
            to: choice.place.clone(),
            due,
            running: None,
            waiting: Vec::new(),
            told: None,
        }))
    }

    /// How soon it wants to be looked at again.
    pub fn patience(&self) -> Duration {
        if self.running.is_some() {
            LOOKING
        } else {
            self.due.saturating_duration_since(Instant::now())
        }
    }

    /// Lets a request wait for a move, which begins now if none is under way.
    pub fn on_demand(&mut self, errand: Errand, outlet: Outlet) {
        if let Some(running) = &self.running {
            running.reports.join(outlet.clone());
        } else {
            self.due = Instant::now();
        }
        self.waiting.push((errand, outlet));
        self.told = None;
    }

    /// Starts a move that is due, ends one that is over. Nothing is moved into a mailbox that cannot be written.
    pub fn look(
        &mut self,
        context: &Arc<Context>,
        outlet: &Outlet,
        mailbox: &mut dyn LocalMailbox,
    ) -> Looked {
        if let Some(running) = &self.running {
            if self
                .waiting
                .iter()
                .any(|(errand, _)| errand.token().is_cancelled())
            {
                running.stop.cancel();
            }
            if let Ok(keywords) = running.keywords.try_recv() {
                define(mailbox, keywords, context, outlet);
                let _stopped_meanwhile = running.defined.send(()).is_err();
            }
            return match running.ended.try_recv() {
                Err(TryRecvError::Empty) => Looked::Nothing,
                Ok(ends) => self.ended(outlet, &ends),
                Err(TryRecvError::Disconnected) => self.ended(outlet, &[]),
            };
        }
        if Instant::now() < self.due {
            return Looked::Nothing;
        }
        self.due = Instant::now() + context.environment.snarfing.interval;
        if !is_writable(mailbox, context, outlet) {
            return self.ended(outlet, &[]);
        }
        match self.start(context, outlet) {
            Ok(running) => {
                self.running = Some(running);
                Looked::Nothing
            }
            Err(error) => {
                self.tell_once(outlet, error.to_string());
                self.ended(outlet, &[])
            }
        }
    }

    /// Stops what is under way and waits for it: at most for one batch, and for the removal of what was copied.
    pub fn end(&mut self, outlet: &Outlet) {
        let Some(running) = &self.running else {
            return;
        };
        running.stop.cancel();
        let ends = running.ended.recv().unwrap_or_default();
        self.ended(outlet, &ends);
    }

    fn start(&self, context: &Arc<Context>, outlet: &Outlet) -> Result<Running> {
        let stop = context.ending.child_token();
        let reports = Arc::new(Fan {
            to: outlet.clone(),
            waiting: Mutex::new(self.waiting.iter().map(|(_, to)| to.clone()).collect()),
        });
        let (tell, ended) = channel();
        let (expected, keywords) = channel();
        let (defined, known) = channel();
        let job = Job::new(Arc::clone(&reports) as Arc<dyn Reports>, stop.clone());
        let (context, tasks, to) = (Arc::clone(context), self.tasks.clone(), self.to.clone());
        let spawned = thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || {
                let mut host = Opened {
                    context: &context,
                    path: &to.path,
                    expected,
                    known,
                    stop: job.cancelled().clone(),
                };
                let ends = tasks.into_iter().map(|task| {
                    let end = contained(|| run(&context, &task, &to, &mut host, &job));
                    (task, end)
                });
                let ends: Vec<_> = ends.collect();
                let _nobody_listens = tell.send(ends).is_err();
                context.open.nudge(&to.path);
            });
        let thread = spawned.map_err(|source| Error::System {
            what: "cannot start a thread to move new mail",
            source,
        })?;
        Ok(Running {
            thread,
            stop,
            ended,
            reports,
            keywords,
            defined,
        })
    }

    fn ended(&mut self, outlet: &Outlet, ends: &[(Task, Result<Snarfed>)]) -> Looked {
        if let Some(running) = self.running.take() {
            // It has told its end already.
            let _ = running.thread.join();
            for (task, end) in ends {
                self.tell(outlet, task, end);
            }
        }
        let waited = std::mem::take(&mut self.waiting);
        Looked::Ended(waited.into_iter().map(|(errand, _)| errand).collect())
    }

    fn tell(&mut self, outlet: &Outlet, task: &Task, end: &Result<Snarfed>) {
        let (from, to) = (&task.called, self.to.name.to_foreign().field());
        let failure = match end {
            Ok(snarfed) => {
                if snarfed.moved > 0 {
                    let count = messages(snarfed.moved);
                    outlet.notice(Foreign::new(format!("{count} moved from {from} to {to}")));
                }
                if snarfed.settled > 0 {
                    let count = messages(snarfed.settled);
                    outlet.notice(Foreign::new(format!(
                        "{count} removed from {from} that an interrupted move had copied"
                    )));
                }
                match &snarfed.ended {
                    Ok(()) | Err(DriverError::Cancelled) => None,
                    Err(error) => Some(line(error)),
                }
            }
            Err(Error::Cancelled) => None,
            Err(error) => Some(error.to_string()),
        };
        match failure {
            Some(why) => self.tell_once(outlet, format!("mail stays in {from} for now: {why}")),
            None => self.told = None,
        }
    }

    fn tell_once(&mut self, outlet: &Outlet, text: String) {
        if self.told.as_ref() != Some(&text) {
            outlet.notice(Foreign::new(text.clone()));
            self.told = Some(text);
        }
    }
}

/// What a closed mailbox holds, along with what waits for it in its spool where no message of its own is new.
pub fn status(context: &Context, choice: &Choice<'_>, job: &Job) -> Result<MailboxStatus> {
    let mut status = choice.driver.status(&choice.place, job)?;
    let adds_itself = status.driver == "mbox";
    let Some(spool) = choice
        .snarf
        .as_ref()
        .filter(|_| !adds_itself && status.recent == 0)
    else {
        return Ok(status);
    };
    let waiting = choose(&context.drivers, &as_file(spool))
        .and_then(|spool| Ok(spool.driver.status(&spool.place, job)?));
    // A spool that cannot be counted is told of when its mail is to be moved.
    let Ok(waiting) = waiting else {
        return Ok(status);
    };
    if ["dummy", "phile"].contains(&waiting.driver) {
        return Ok(status);
    }
    status.messages = status.messages.saturating_add(waiting.messages);
    status.recent = status.recent.saturating_add(waiting.recent);
    status.unseen = status.unseen.saturating_add(waiting.unseen);
    let next = status.uid_next.map(Uid::get);
    status.uid_next = next.and_then(|next| Uid::new(next.saturating_add(waiting.messages)));
    Ok(status)
}

/// A file is what it is by its content, also where it would be INBOX by its name.
fn as_file(place: &Place) -> Place {
    Place {
        is_inbox: false,
        ..place.clone()
    }
}

fn source_of_move(context: &Context, from: &MailboxName, to: &Place, job: &Job) -> Result<Place> {
    let choice = context.choice(from)?;
    if context.is_same_file(&choice.place.path, &to.path) {
        return Err(Error::Unsupported(
            "a mailbox cannot be emptied into itself",
        ));
    }
    let overheard = Arc::new(Overheard::default());
    let opened = choice
        .driver
        .open(&choice.place, Access::ReadWrite, &overheard.job(job))?;
    drop(opened);
    overheard
        .writable()
        .map_err(|_why| Error::from(DriverError::ReadOnly))?;
    Ok(choice.place)
}

/// One move, from end to end.
fn run(
    context: &Context,
    task: &Task,
    to: &Place,
    host: &mut dyn Host,
    job: &Job,
) -> Result<Snarfed> {
    let nothing = Snarfed {
        moved: 0,
        settled: 0,
        ended: Ok(()),
    };
    let from = match choose(&context.drivers, &task.from) {
        Err(Error::Driver(DriverError::NoSuchMailbox { .. })) => return Ok(nothing),
        other => other?,
    };
    let format = from.driver.characteristics().driver;
    if format == "dummy" && context.is_empty_file(&from.place.path) {
        return Ok(nothing);
    }
    if ["dummy", "phile"].contains(&format) {
        let why = "it holds no mail";
        return Err(DriverError::NotThisFormat {
            driver: "dummy",
            why,
        }
        .into());
    }
    let target = for_append(&context.drivers, to)?;
    let route = Route {
        from: End {
            driver: from.driver,
            place: &from.place,
        },
        to: End {
            driver: target.driver,
            place: &target.place,
        },
        deleted: task.deleted,
        leave_empty: task.leave_empty,
    };
    Ok(snarf(&context.environment, &route, host, job))
}

/// The open mailbox, as the thread that moves into it sees it.
struct Opened<'a> {
    context: &'a Context,
    path: &'a Path,
    expected: Sender<Vec<Keyword>>,
    known: Receiver<()>,
    stop: CancellationToken,
}

impl Host for Opened<'_> {
    fn expect(&mut self, keywords: &[Keyword]) {
        if self.expected.send(keywords.to_vec()).is_err() {
            return;
        }
        // Who ends a move does not serve it any more.
        while !self.stop.is_cancelled()
            && self.known.recv_timeout(LOOKING) == Err(RecvTimeoutError::Timeout)
        {}
    }

    fn arrived(&mut self) {
        self.context.open.nudge(self.path);
    }
}

/// Lets keywords be known in the open mailbox. Where that fails the messages come without, which is told then.
fn define(
    mailbox: &mut dyn LocalMailbox,
    keywords: Vec<Keyword>,
    context: &Context,
    outlet: &Outlet,
) {
    let job = ChangesOnly::job(outlet, &context.ending);
    let known = FlagChange::Add(Flags::new(SystemFlags::NONE, keywords));
    let stored = mailbox.store(&UidSet::new(), &known, &job);
    let _told_by_the_append = stored.and_then(|()| mailbox.check(&job)).is_err();
}

/// Whether the open mailbox takes changes: a read-only one refuses even this one, which changes nothing.
fn is_writable(mailbox: &mut dyn LocalMailbox, context: &Context, outlet: &Outlet) -> bool {
    let job = ChangesOnly::job(outlet, &context.ending);
    let deleted = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    mailbox.store(&UidSet::new(), &deleted, &job).is_ok()
}

fn messages(count: u64) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}

fn line(error: &DriverError) -> String {
    let with_source = |path: &PathBuf, source: &std::io::Error| {
        format!(
            "{}: {}",
            shown(path),
            crate::backend::error::io_line(source)
        )
    };
    match error {
        DriverError::Io { path, source } | DriverError::Pending { path, source } => {
            with_source(path, source)
        }
        DriverError::Locked { by } => format!("it is in use by {}", by.field()),
        DriverError::NotThisFormat { why, .. } => (*why).to_owned(),
        other => other.to_string(),
    }
}

fn shown(path: &Path) -> String {
    Foreign::new(path.to_string_lossy()).field().to_string()
}

/// Reports of a move: notices go to the mailbox, progress to every request that waits for it.
struct Fan {
    to: Outlet,
    waiting: Mutex<Vec<Outlet>>,
}

impl Fan {
    fn join(&self, outlet: Outlet) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(outlet);
    }
}

impl Reports for Fan {
    fn change(&self, _change: Change) {}

    fn progress(&self, done: u64, total: u64) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for outlet in waiting.iter() {
            outlet.progress(done, total);
        }
    }

    fn notice(&self, notice: Foreign) {
        self.to.notice(notice);
    }
}
