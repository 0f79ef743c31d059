//! A desk for driver tests: a world, jobs whose reports are kept, messages to append, an opened mailbox to look at.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mugo::driver::contract::{LocalDriver, LocalMailbox};
use mugo::driver::error::Result;
use mugo::driver::job::{Job, Reports};
use mugo::driver::message::{Content, Messages, NewMessage};
use mugo::driver::place::{Place, Protection};
use mugo::mail::change::Change;
use mugo::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use mugo::mail::message_list::MessageList;
use mugo::mail::name::MailboxName;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::summary::Summary;
use mugo::mail::text::Foreign;
use mugo::mail::uid::{Uid, UidSet};
use mugo::os::environment::Environment;
use tokio_util::sync::CancellationToken;

use crate::common::world::{World, world};

/// A world with its environment shared, as drivers want it.
pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) environment: Arc<Environment>,
}

/// What was reported, in order.
#[derive(Default)]
pub(crate) struct Log {
    changes: Mutex<Vec<Change>>,
    notices: Mutex<Vec<Foreign>>,
}

impl Reports for Log {
    fn change(&self, change: Change) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.push(change);
    }

    fn progress(&self, _done: u64, _total: u64) {}

    fn notice(&self, notice: Foreign) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.push(notice);
    }
}

impl Log {
    /// Takes out what was told since the last time.
    pub(crate) fn take(&self) -> Vec<Change> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut changes)
    }
}

impl Log {
    /// What the user was told besides.
    pub(crate) fn notices(&self) -> Vec<String> {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.iter().map(|text| text.raw().to_owned()).collect()
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        let world = world();
        let environment = Arc::new(world.another(Arc::clone(&world.environment.files)));
        Self { world, environment }
    }

    /// A mailbox file with this content.
    pub(crate) fn place(&self, name: &str, content: &[u8]) -> Place {
        let path = self.world.mailbox(name, content);
        self.at(path)
    }

    /// A place that need not exist.
    pub(crate) fn at(&self, path: PathBuf) -> Place {
        place(path)
    }
}

pub(crate) fn place(path: PathBuf) -> Place {
    let name = path.to_string_lossy().into_owned();
    Place {
        name: MailboxName::parse(name.as_bytes()).expect("a name"),
        path,
        is_inbox: false,
        protection: Protection::PRIVATE,
    }
}

/// An open mailbox and what it told.
pub(crate) struct Opened {
    pub(crate) mailbox: Box<dyn LocalMailbox>,
    pub(crate) list: MessageList,
    pub(crate) log: Arc<Log>,
    pub(crate) job: Job,
}

/// A job and its log.
pub(crate) fn job() -> (Job, Arc<Log>) {
    let log = Arc::new(Log::default());
    let job = Job::new(
        Arc::clone(&log) as Arc<dyn Reports>,
        CancellationToken::new(),
    );
    (job, log)
}

pub(crate) fn open(driver: &dyn LocalDriver, place: &Place, access: Access) -> Result<Opened> {
    let (job, log) = job();
    let mailbox = driver.open(place, access, &job)?;
    let mut opened = Opened {
        mailbox,
        list: MessageList::new(),
        log,
        job,
    };
    opened.hear();
    Ok(opened)
}

impl Opened {
    /// Folds what was told since; the list must equal what the mailbox says.
    pub(crate) fn hear(&mut self) -> Vec<Change> {
        let changes = self.log.take();
        for change in &changes {
            self.list.apply(change);
        }
        let told: Vec<Summary> = self.list.messages().to_vec();
        let asked: Vec<Summary> = {
            let uids = self.mailbox.uids();
            uids.iter()
                .filter_map(|uid| self.mailbox.summary(uid))
                .collect()
        };
        assert_eq!(told, asked, "what was told and what is there");
        changes
    }

    pub(crate) fn poll(&mut self) -> Result<Vec<Change>> {
        self.mailbox.poll(&self.job.clone())?;
        Ok(self.hear())
    }

    pub(crate) fn read(&mut self, uid: u32, part: Part) -> Vec<u8> {
        let mut bytes = Vec::new();
        let uid = Uid::new(uid).expect("not 0");
        self.mailbox
            .read(uid, part, &mut bytes, &self.job.clone())
            .expect("readable");
        bytes
    }

    pub(crate) fn store(&mut self, uids: &[u32], change: &FlagChange) -> Result<()> {
        self.mailbox
            .store(&uid_set(uids), change, &self.job.clone())?;
        self.hear();
        Ok(())
    }

    pub(crate) fn expunge(&mut self, uids: Option<&[u32]>) -> Result<()> {
        let set = uids.map(uid_set);
        self.mailbox.expunge(set.as_ref(), &self.job.clone())?;
        self.hear();
        Ok(())
    }

    pub(crate) fn check(&mut self) -> Result<()> {
        self.mailbox.check(&self.job.clone())?;
        self.log
            .take()
            .iter()
            .for_each(|change| self.list.apply(change));
        Ok(())
    }

    pub(crate) fn close(self) -> Result<()> {
        self.mailbox.close(&self.job)
    }

    pub(crate) fn uids(&self) -> Vec<u32> {
        self.list
            .messages()
            .iter()
            .map(|message| message.uid.get())
            .collect()
    }
}

/// Removes the dot locks of a machine that lost its power: one that is empty would be waited for, as c-client does.
pub(crate) fn forget_locks(places: &[&Place]) {
    for place in places {
        let _none = std::fs::remove_file(place.path.with_extension("lock"));
    }
}

pub(crate) fn uid_set(uids: &[u32]) -> UidSet {
    uids.iter().filter_map(|&uid| Uid::new(uid)).collect()
}

pub(crate) fn keywords(names: &[&str]) -> Vec<Keyword> {
    names
        .iter()
        .map(|name| Keyword::new(name).expect("a keyword"))
        .collect()
}

pub(crate) fn add(flags: SystemFlags) -> FlagChange {
    FlagChange::Add(Flags::system(flags))
}

/// Messages from memory.
pub(crate) struct Queue(pub(crate) Vec<NewMessage>);

impl Messages for Queue {
    fn next(&mut self, _job: &Job) -> Result<Option<NewMessage>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.0.remove(0)))
    }
}

pub(crate) fn message(text: &[u8]) -> NewMessage {
    NewMessage {
        flags: Flags::default(),
        internal_date: None,
        sender: None,
        uid: None,
        content: Content::from_bytes(text).expect("in memory"),
    }
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
