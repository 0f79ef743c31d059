//! Serves one open local mailbox: a thread's loop. Its `recv_timeout` is the poll interval.
//!
//! The thread owns the mailbox and serves one request at a time. Whatever ends it, a panic in the driver included, the
//! mailbox is dropped, `Closed` is told, and everything that waits in the inlet is answered.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::backend::ask;
use crate::backend::contained::contained;
use crate::backend::context::{Context, job, job as new_job};
use crate::backend::errand::Errand;
use crate::backend::error::{Error, Result};
use crate::backend::inlet::Call;
use crate::backend::move_recovery::recover;
use crate::backend::outlet::{Footing, Outlet};
use crate::backend::request::{Ask, MailboxId};
use crate::backend::snarfing::{self, Looked, Snarfing};
use crate::backend::source::{LocalSource, run_now};
use crate::driver::contract::LocalMailbox;
use crate::driver::directories::Directory;
use crate::driver::error::Error as DriverError;
use crate::driver::job::{Job, Reports};
use crate::driver::network::{CAUTION, is_on_network};
use crate::driver::news::group::newsrc_path;
use crate::mail::change::{Change, Why};
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::status::Access;
use crate::mail::text::Foreign;
use crate::os::environment::Environment;
use crate::os::watch::{Bell, Watch};

/// What the threads of open mailboxes are called.
pub const THREAD_NAME: &str = "mugo-mailbox";

/// How often a thread looks whether somebody wants the opener lock.
const LISTENING: Duration = Duration::from_secs(1);

/// How long nothing must be asked of a mailbox that was just opened before it is watched.
const SETTLING: Duration = Duration::from_millis(50);

/// How many polls in a row find the mailbox locked before that is told.
const BUSY: u32 = 5;

/// A mailbox that shall be opened and served.
pub struct Opening {
    /// What all have in common.
    pub context: Arc<Context>,
    /// Its id.
    pub mailbox: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// How to open it.
    pub access: Access,
    /// The ticket of the opening.
    pub errand: Errand,
    /// Where requests come in.
    pub inlet: Receiver<Call>,
    /// Dropped when the mailbox is closed.
    pub alive: Sender<()>,
}

/// Starts the thread. Where there is none to be had, the opening fails.
pub fn start(opening: Opening) {
    let context = Arc::clone(&opening.context);
    let mailbox = opening.mailbox;
    // The opening itself goes through a channel, so that it is still here to be answered when there is no thread.
    let (hand_over, handed) = std::sync::mpsc::channel::<Opening>();
    let spawned = thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(move || {
            if let Ok(opening) = handed.recv() {
                serve(opening);
            }
        });
    match spawned {
        Ok(_detached) => {
            let _ended_at_once = hand_over.send(opening).is_err();
        }
        Err(source) => {
            context.open.leave(mailbox);
            let what = "cannot start a thread for the mailbox";
            opening.errand.finish(Err(Error::System { what, source }));
        }
    }
}

fn serve(opening: Opening) {
    let Opening {
        context,
        mailbox,
        name,
        access,
        errand,
        inlet,
        alive,
    } = opening;
    if !errand.begin() {
        context.open.leave(mailbox);
        return;
    }
    let mut server = Server {
        outlet: context.outlet(Some(mailbox), None, Footing::Thread),
        context,
        id: mailbox,
        name,
        access,
        source: None,
        last_notice: None,
        kisses: 0,
        busy: 0,
        nudged: Arc::default(),
        watches: Vec::new(),
        glances: false,
        snarfing: None,
    };
    let outlet = server.outlet_for(&errand);
    if let Err(error) = server.open(&job(&outlet, errand.token())) {
        server.context.open.leave(mailbox);
        errand.finish(Err(error));
        return;
    }
    errand.finish(Ok(()));
    let end = server.run(&inlet);
    server.end(end);
    // What waits in the inlet is answered by being dropped, and only then is the mailbox gone.
    drop(inlet);
    drop(alive);
}

/// What tells of changes: the file of a mailbox, or the folders in which its files are.
fn watched(environment: &Environment, path: &Path) -> Vec<PathBuf> {
    match Directory::at(environment, path) {
        Some(mailbox) => mailbox.watched(path),
        None => vec![path.to_owned()],
    }
}

/// Why the loop ended.
enum End {
    /// Somebody asked, perhaps by ticket.
    Asked(Option<Errand>),
    /// The mailbox cannot be used any longer; perhaps it was a request that found out.
    Failed(Error, Option<Errand>),
}

struct Server {
    context: Arc<Context>,
    id: MailboxId,
    name: MailboxName,
    access: Access,
    outlet: Outlet,
    source: Option<LocalSource>,
    last_notice: Option<String>,
    kisses: u64,
    busy: u32,
    /// Whether a nudge waits in the inlet that a watch put there: one is enough.
    nudged: Arc<AtomicBool>,
    watches: Vec<Watch>,
    /// Whether it was opened to look at what is there, locked or not.
    glances: bool,
    snarfing: Option<Snarfing>,
}

/// What came of a poll.
enum Polled {
    Done,
    /// Somebody holds the lock; worth another try soon.
    Busy,
}

impl Server {
    fn outlet_for(&self, errand: &Errand) -> Outlet {
        let mailbox = Some(self.id);
        self.context.outlet(mailbox, Some(errand), Footing::Thread)
    }

    fn open(&mut self, job: &Job) -> Result<()> {
        let context = Arc::clone(&self.context);
        let access = if context.environment.read_only {
            Access::ReadOnly
        } else {
            self.access
        };
        // Who only wants to look does not wait for those who write.
        let glancing = (access == Access::ReadOnly).then(|| job.glancing());
        let job = glancing.as_ref().unwrap_or(job);
        let opened = contained(|| {
            let choice = context.choice(snarfing::opened(&self.name))?;
            let path = &choice.place.path;
            context.open.is_at(self.id, path);
            let snarfing = match (access, &self.snarfing) {
                (Access::ReadWrite, None) => Snarfing::new(&context, &self.name, &choice, job)?,
                _ => None,
            };
            let mut source = LocalSource(choice.driver.open(&choice.place, access, job)?);
            if access == Access::ReadWrite {
                run_now(recover(&context, Some(path), &mut source, job))?;
            }
            Ok((source, snarfing))
        })?;
        let (source, snarfing) = opened;
        self.source = Some(source);
        self.snarfing = self.snarfing.take().or(snarfing);
        self.glances = job.glances();
        if access == Access::ReadWrite {
            self.caution();
        }
        Ok(())
    }

    fn run(&mut self, inlet: &Receiver<Call>) -> End {
        let interval = self.context.environment.poll_interval;
        let mut next_poll = Instant::now() + interval;
        let mut is_watched = false;
        loop {
            if Instant::now() >= next_poll || self.is_kissed() {
                match self.poll() {
                    Ok(Polled::Done) => next_poll = Instant::now() + interval,
                    Ok(Polled::Busy) => next_poll = Instant::now() + interval.min(LISTENING),
                    Err(error) => return End::Failed(error, None),
                }
            }
            if let Some(end) = self.snarf() {
                return end;
            }
            let wait = next_poll.saturating_duration_since(Instant::now());
            let patience = self.snarfing.as_ref().map_or(LISTENING, Snarfing::patience);
            let listening = if is_watched { LISTENING } else { SETTLING };
            match inlet.recv_timeout(wait.min(listening).min(patience)) {
                Ok(Call::Ask(errand, ask)) if errand.begin() => {
                    if let Some(end) = self.ask(errand, ask) {
                        return end;
                    }
                }
                Ok(Call::Ask(..)) => {}
                // Whoever waits for the first screen, or asks one thing and goes, is not held up by a watch, which takes
                // its time in a large directory. What came before it is looked for then.
                Err(RecvTimeoutError::Timeout) if !is_watched => {
                    is_watched = true;
                    self.watch();
                    next_poll = Instant::now();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Call::Nudge) => {
                    self.nudged.store(false, Ordering::Relaxed);
                    next_poll = Instant::now();
                }
                Ok(Call::End) | Err(RecvTimeoutError::Disconnected) => return End::Asked(None),
            }
        }
    }

    /// Says once that locks are weak where the mailbox is.
    fn caution(&self) {
        let context = &self.context;
        let path = context.open.path(self.id);
        let weak = path.is_some_and(|path| is_on_network(&context.environment, &path));
        if weak && !context.cautioned.swap(true, Ordering::Relaxed) {
            self.outlet.notice(Foreign::new(CAUTION));
        }
    }

    /// Has the mailbox watched: what others do to it is seen at once then, and by the timed polls else.
    fn watch(&mut self) {
        let context = Arc::clone(&self.context);
        let (id, nudged) = (self.id, Arc::clone(&self.nudged));
        let bell: Bell = Arc::new(move || {
            if !nudged.swap(true, Ordering::Relaxed)
                && let Some(inlet) = context.open.inlet(id)
            {
                inlet.put(Call::Nudge);
            }
        });
        let path = self.context.open.path(self.id);
        let files = path
            .iter()
            .flat_map(|path| watched(&self.context.environment, path));
        let is_news = matches!(self.name.kind(), NameKind::News(_));
        let newsrc = is_news.then(|| newsrc_path(&self.context.environment));
        let files = files.chain(newsrc);
        let watch = |path: PathBuf| self.context.watcher.watch(&path, Arc::clone(&bell));
        self.watches = files.filter_map(watch).collect();
    }

    /// Whether another program asked for the opener lock since we last looked.
    fn is_kissed(&mut self) -> bool {
        let kisses = self.context.environment.kisses.load(Ordering::Relaxed);
        std::mem::replace(&mut self.kisses, kisses) != kisses
    }

    fn ask(&mut self, errand: Errand, ask: Ask) -> Option<End> {
        if matches!(ask, Ask::Close) {
            return Some(End::Asked(Some(errand)));
        }
        let outlet = self.outlet_for(&errand);
        if let (Ask::Check | Ask::Snarf, Some(snarfing)) = (&ask, &mut self.snarfing) {
            snarfing.on_demand(errand, outlet);
            return None;
        }
        let mut job = job(&outlet, errand.token());
        // What is copied shall be whole; all else may be looked at as the mailbox was opened.
        if self.glances && !matches!(ask, Ask::Copy { .. }) {
            job = job.glancing();
        }
        let looks = matches!(ask, Ask::Check);
        let context = &self.context;
        let Some(source) = self.source.as_mut() else {
            return Some(End::Failed(Error::NotOpen, Some(errand)));
        };
        let served = contained(|| run_now(ask::serve(source, ask, context, &outlet, &job)));
        match served {
            Err(Error::Driver(DriverError::NotThisFormat { .. })) if looks => {
                match self.open_again(&job) {
                    Ok(()) => errand.finish(Ok(())),
                    Err(error) => return Some(End::Failed(error, Some(errand))),
                }
                None
            }
            Err(error) if is_fatal(&error) => Some(End::Failed(error, Some(errand))),
            other => {
                errand.finish(other);
                None
            }
        }
    }

    /// Looks after what is moved into the mailbox. Requests that waited for a move see what it brought before they end.
    fn snarf(&mut self) -> Option<End> {
        let (Some(snarfing), Some(source)) = (&mut self.snarfing, &mut self.source) else {
            return None;
        };
        let Looked::Ended(waited) = snarfing.look(&self.context, &self.outlet, &mut *source.0)
        else {
            return None;
        };
        let mut waited = waited.into_iter();
        if let Err(error) = self.poll() {
            return Some(End::Failed(error, waited.next()));
        }
        for errand in waited {
            let job = job(&self.outlet_for(&errand), errand.token());
            let cancelled = job.checkpoint().map_err(Error::from);
            let source = self.source.as_mut().ok_or(Error::NotOpen);
            let checked = source.and_then(|source| contained(|| Ok(source.0.check(&job)?)));
            errand.finish(cancelled.and(checked));
        }
        None
    }

    /// Looks for changes by others. Fails only when the mailbox cannot be used any longer.
    fn poll(&mut self) -> Result<Polled> {
        let job = job(&self.outlet, &self.context.ending).hurried();
        let Some(source) = self.source.as_mut() else {
            return Err(Error::NotOpen);
        };
        let polled = contained(|| Ok(source.0.poll(&job)?));
        let busy = matches!(polled, Err(Error::Driver(DriverError::Locked { .. })));
        self.busy = if busy { self.busy + 1 } else { 0 };
        match polled {
            Ok(()) => self.last_notice = None,
            // Whoever delivers holds the lock for a moment, which is not worth a word.
            Err(_) if busy && self.busy < BUSY => return Ok(Polled::Busy),
            Err(Error::Cancelled) => {}
            Err(Error::Driver(DriverError::NotThisFormat { .. })) => {
                let patient = new_job(&self.outlet, &self.context.ending);
                self.open_again(&patient)?;
            }
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => self.tell_once(&error),
        }
        Ok(if busy { Polled::Busy } else { Polled::Done })
    }

    /// Somebody made the mailbox one of another format, as the first delivery does with an empty file.
    fn open_again(&mut self, job: &Job) -> Result<()> {
        self.drop_source();
        job.emit(Change::Reset);
        self.open(job)
    }

    fn tell_once(&mut self, error: &Error) {
        let text = error.to_string();
        if self.last_notice.as_ref() != Some(&text) {
            self.outlet.notice(Foreign::new(text.clone()));
            self.last_notice = Some(text);
        }
    }

    fn drop_source(&mut self) {
        let source = self.source.take();
        // A driver that panics while it is dropped has nothing left to lose.
        let _told_already = contained(|| {
            drop(source);
            Ok(())
        });
    }

    /// Closes, tells it, and answers who asked for it. Closing is never cancelled: pending flag changes are written.
    fn end(mut self, end: End) {
        self.watches.clear();
        if let Some(snarfing) = &mut self.snarfing {
            snarfing.end(&self.outlet);
        }
        self.context.open.leave(self.id);
        match end {
            End::Asked(errand) => {
                let closed = self.close();
                self.outlet.change(Change::Closed(Why::Asked));
                match (errand, closed) {
                    (Some(errand), closed) => errand.finish(closed),
                    (None, Err(error)) => self.context.failed(error),
                    (None, Ok(())) => {}
                }
            }
            End::Failed(error, errand) => {
                self.drop_source();
                let why = Why::Failed(Foreign::new(error.to_string()));
                self.outlet.change(Change::Closed(why));
                if let Some(errand) = errand {
                    errand.finish(Err(error));
                }
            }
        }
    }

    fn close(&mut self) -> Result<()> {
        let Some(LocalSource(mailbox)) = self.source.take() else {
            return Err(Error::NotOpen);
        };
        let job = job(&self.outlet, &CancellationToken::new());
        contained(|| Ok(LocalMailbox::close(mailbox, &job)?))
    }
}

/// Whether an open mailbox cannot be used after this.
pub fn is_fatal(error: &Error) -> bool {
    matches!(
        error,
        Error::Driver(DriverError::Changed(_)) | Error::Panicked(_)
    )
}
