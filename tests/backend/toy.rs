//! A mail store in memory, with a blocking and an async mailbox over it: the same messages, the same news, two kinds of server.
//!
//! Faults are told by words in the bytes of a message: reading one with `slow` takes as long as nobody cancels it (30 s at
//! most), one with `asks` asks the user about a lock until [`Store::free`] says that it is free, one with `panics` panics, one whose last word begins with `loses-` is appended without that, one with `changed` says that the mailbox was replaced.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mugo::driver::characteristics::{Ability, Characteristics};
use mugo::driver::contract::{
    CopiedThere, CopyWish, LocalDriver, LocalMailbox, Portion, Probe, RemoteMailbox,
};
use mugo::driver::error::{Error, Result};
use mugo::driver::job::{Job, OpenQuestion};
use mugo::driver::message::Messages;
use mugo::driver::place::Place;
use mugo::mail::appended::Appended;
use mugo::mail::change::Change;
use mugo::mail::criteria::Criteria;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::message_list::MessageList;
use mugo::mail::question::{About, LockHeld, Reply};
use mugo::mail::status::{Access, MailboxState, MailboxStatus};
use mugo::mail::structure::Part;
use mugo::mail::summary::Summary;
use mugo::mail::text::Foreign;
use mugo::mail::uid::{Uid, UidSet};

/// All mailboxes of the store.
#[derive(Clone, Default)]
pub(crate) struct Store {
    boxes: Arc<Mutex<BTreeMap<PathBuf, Messagebox>>>,
    /// How many bytes were handed out by `read`.
    pub(crate) read: Arc<AtomicUsize>,
    /// Whether the next removal of messages is where the program dies.
    pub(crate) dies_at_removal: Arc<AtomicBool>,
    /// Whether the next append is where the program dies, before anything is appended.
    pub(crate) dies_at_append: Arc<AtomicBool>,
    /// How many mailboxes are open.
    pub(crate) open: Arc<AtomicUsize>,
    /// Whether the lock is free that messages with `asks` wait for.
    pub(crate) free: Arc<AtomicBool>,
}

#[derive(Default)]
pub(crate) struct Messagebox {
    pub(crate) messages: Vec<Stored>,
    next: u32,
}

#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) summary: Summary,
    pub(crate) bytes: Arc<[u8]>,
}

impl Store {
    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Messagebox>> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A mailbox that holds these messages.
    pub(crate) fn fill(&self, path: &Path, messages: &[&str]) {
        self.lock().entry(path.to_owned()).or_default();
        for message in messages {
            self.deliver(path, message.as_bytes(), Flags::default());
        }
    }

    /// One message more.
    pub(crate) fn deliver(&self, path: &Path, bytes: &[u8], flags: Flags) -> Uid {
        let mut boxes = self.lock();
        let mailbox = boxes.entry(path.to_owned()).or_default();
        mailbox.next += 1;
        let uid = Uid::new(mailbox.next).expect("not 0");
        mailbox.messages.push(Stored {
            summary: Summary {
                uid,
                flags,
                internal_date: InternalDate {
                    seconds: 1_000_000 - i64::from(uid.get()),
                    offset: 60,
                },
                rfc822_size: bytes.len() as u64,
            },
            bytes: bytes.into(),
        });
        uid
    }

    /// The bytes of every message, in order.
    pub(crate) fn texts(&self, path: &Path) -> Vec<String> {
        let boxes = self.lock();
        let messages = boxes.get(path).map(|found| found.messages.as_slice());
        let texts = messages.unwrap_or_default().iter();
        texts
            .map(|stored| String::from_utf8_lossy(&stored.bytes).into_owned())
            .collect()
    }
}

/// The blocking driver. It calls itself `unix`, so that new mailboxes are its own.
pub(crate) struct Toy(pub(crate) Store);

static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "unix",
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Yes,
    sticky_uids: Ability::Yes,
    keywords: Ability::Yes,
    submailboxes: Ability::No,
    nfs: Ability::No,
    performance: "",
    layout: "memory",
};

impl LocalDriver for Toy {
    fn characteristics(&self) -> &'static Characteristics {
        &CHARACTERISTICS
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        let there = self.0.lock().contains_key(&place.path);
        Ok(if there { Probe::Mine } else { Probe::Missing })
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        Ok(Box::new(ToyMailbox::open(
            &self.0,
            &place.path,
            access,
            job,
        )?))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        if place.path.ends_with("slow-status") {
            wait_for_cancel(job)?;
        }
        let boxes = self.0.lock();
        let found = boxes.get(&place.path).ok_or_else(|| missing(&place.path))?;
        Ok(MailboxStatus {
            driver: "unix",
            messages: found.messages.len() as u32,
            recent: 0,
            unseen: 0,
            uid_next: Uid::new(found.next + 1),
            uid_validity: None,
        })
    }

    fn create(&self, place: &Place, _job: &Job) -> Result<()> {
        // Slow enough that an append that overtook it would find nothing.
        std::thread::sleep(Duration::from_millis(30));
        self.0.fill(&place.path, &[]);
        Ok(())
    }

    fn delete(&self, place: &Place, _job: &Job) -> Result<()> {
        let gone = self.0.lock().remove(&place.path);
        gone.map(|_| ()).ok_or_else(|| missing(&place.path))
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        if self.status(place, job)?.messages > 0 {
            return Err(Error::Refused("it is no longer empty"));
        }
        self.delete(place, job)
    }

    fn rename(&self, from: &Place, to: &Place, _job: &Job) -> Result<()> {
        let mut boxes = self.0.lock();
        let moved = boxes
            .remove(&from.path)
            .ok_or_else(|| missing(&from.path))?;
        boxes.insert(to.path.clone(), moved);
        Ok(())
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        let mut taken = Vec::new();
        while let Some(mut message) = messages.next(job)? {
            let mut bytes = Vec::new();
            let mut reader = message.content.reader().expect("a scratch file");
            io::Read::read_to_end(&mut reader, &mut bytes).expect("a scratch file");
            let mut date = message.internal_date;
            let words = String::from_utf8_lossy(&bytes).into_owned();
            match words.split_whitespace().last() {
                Some("loses-bytes") => bytes.truncate(bytes.len() - 1),
                Some("loses-flags") => message.flags.system = SystemFlags::NONE,
                Some("loses-keywords") => message.flags.keywords = None,
                Some("loses-date") => date = date.map(|it| InternalDate { seconds: 0, ..it }),
                Some("loses-zone") => date = date.map(|it| InternalDate { offset: 0, ..it }),
                Some("turns-slow") => bytes = b"slow".to_vec(),
                _ => {}
            }
            taken.push((bytes, message.flags, date));
        }
        let dies = self.0.dies_at_append.swap(false, Ordering::SeqCst);
        assert!(!dies, "the program dies before the append");
        let mut appended = Appended::default();
        for (bytes, flags, date) in taken {
            let uid = self.0.deliver(&place.path, &bytes, flags);
            let mut boxes = self.0.lock();
            let stored = boxes
                .get_mut(&place.path)
                .and_then(|found| found.messages.last_mut());
            if let (Some(stored), Some(date)) = (stored, date) {
                stored.summary.internal_date = date;
            }
            appended.uids.push(uid);
            appended.count += 1;
        }
        Ok(appended)
    }
}

fn missing(path: &Path) -> Error {
    Error::NoSuchMailbox {
        path: path.to_owned(),
        can_create: true,
    }
}

fn wait_for_cancel(job: &Job) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        job.checkpoint()?;
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// The question of a lock that has been waited for so long.
fn lock_held(waited: Duration) -> About {
    About::Locked(LockHeld {
        mailbox: Foreign::new("box"),
        by: Foreign::new("pine (pid 123)"),
        since: waited,
        left: Duration::from_secs(300),
        may_read: true,
    })
}

/// Waits for the store's lock as a blocking driver does: looks for an answer between two tries.
fn wait_for_lock(free: &AtomicBool, job: &Job) -> Result<()> {
    let mut waited = 0;
    let asked = job.ask(lock_held(Duration::ZERO));
    while !free.load(Ordering::SeqCst) {
        job.checkpoint()?;
        match asked.as_ref().and_then(OpenQuestion::reply) {
            Some(Reply::ReadOnly) => return Err(Error::ReadOnly),
            Some(Reply::Wait) | None => {}
            Some(_) => return Err(Error::Cancelled),
        }
        waited += 1;
        if let Some(asked) = asked.as_ref().filter(|_| waited % 10 == 0) {
            asked.again(lock_held(Duration::from_millis(2 * waited)));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// The same as an async driver does: it awaits the answer, or what makes it needless.
async fn await_lock(free: &AtomicBool, job: &Job) -> Result<()> {
    let freed = async {
        while !free.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::pin!(freed);
    let Some(asked) = job.ask(lock_held(Duration::ZERO)) else {
        freed.await;
        return Ok(());
    };
    for again in 1.. {
        tokio::select! {
            () = &mut freed => return Ok(()),
            reply = asked.answered() => match reply? {
                Reply::ReadOnly => return Err(Error::ReadOnly),
                Reply::Wait => {}
                _ => return Err(Error::Cancelled),
            },
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                asked.again(lock_held(Duration::from_millis(20 * again)));
            }
        }
    }
    Ok(())
}

/// An open mailbox: what it told so far, over the common store.
pub(crate) struct ToyMailbox {
    store: Store,
    path: PathBuf,
    access: Access,
    told: MessageList,
}

impl Drop for ToyMailbox {
    fn drop(&mut self) {
        self.store.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ToyMailbox {
    pub(crate) fn open(store: &Store, path: &Path, access: Access, job: &Job) -> Result<Self> {
        if !store.lock().contains_key(path) {
            return Err(missing(path));
        }
        store.open.fetch_add(1, Ordering::SeqCst);
        let mut mailbox = Self {
            store: store.clone(),
            path: path.to_owned(),
            access,
            told: MessageList::new(),
        };
        mailbox.tell(
            job,
            Change::State(Box::new(MailboxState {
                driver: "unix",
                path: Some(path.to_owned()),
                access,
                why_read_only: None,
                uid_validity: None,
                uid_next: None,
                sticky_uids: true,
                keywords: Vec::new(),
                permanent_flags: SystemFlags::SETTABLE,
                new_keywords: true,
            })),
        );
        mailbox.look(job);
        Ok(mailbox)
    }

    fn tell(&mut self, job: &Job, change: Change) {
        self.told.apply(&change);
        job.emit(change);
    }

    /// Tells what is new, what has other flags and what is gone.
    fn look(&mut self, job: &Job) {
        let now: Vec<Summary> = match self.store.lock().get(&self.path) {
            Some(found) => found
                .messages
                .iter()
                .map(|one| one.summary.clone())
                .collect(),
            None => Vec::new(),
        };
        let there: UidSet = now.iter().map(|summary| summary.uid).collect();
        let gone: UidSet = self
            .uids()
            .iter()
            .filter(|&uid| !there.contains(uid))
            .collect();
        if !gone.is_empty() {
            self.tell(job, Change::Expunged(gone));
        }
        let mut flags = Vec::new();
        let mut new = Vec::new();
        for summary in now {
            match self.told.message(summary.uid) {
                None => new.push(summary),
                Some(old) if old.flags != summary.flags => flags.push((summary.uid, summary.flags)),
                Some(_) => {}
            }
        }
        if !flags.is_empty() {
            self.tell(job, Change::Flags(flags));
        }
        for batch in new.chunks(500) {
            self.tell(job, Change::Arrived(batch.to_vec()));
        }
    }

    fn bytes(&self, uid: Uid, part: Part) -> Result<Arc<[u8]>> {
        let boxes = self.store.lock();
        let found = boxes.get(&self.path).ok_or(Error::NoSuchMessage)?;
        let mut messages = found.messages.iter();
        let stored = messages
            .find(|stored| stored.summary.uid == uid)
            .ok_or(Error::NoSuchMessage)?;
        let has = |word: &[u8]| stored.bytes.starts_with(word);
        assert!(!has(b"panics"), "the toy driver was told to panic");
        if has(b"changed") {
            return Err(Error::Changed("the toy was told so"));
        }
        let text = memchr::memmem::find(&stored.bytes, b"\r\n\r\n").map_or(0, |at| at + 4);
        Ok(match part {
            Part::Header => stored.bytes[..text].into(),
            Part::Text => stored.bytes[text..].into(),
            Part::Whole => Arc::clone(&stored.bytes),
        })
    }

    fn change_flags(&mut self, uids: &UidSet, change: &FlagChange) -> Result<()> {
        if self.access == Access::ReadOnly {
            return Err(Error::ReadOnly);
        }
        if let Some(found) = self.store.lock().get_mut(&self.path) {
            for stored in &mut found.messages {
                if uids.contains(stored.summary.uid) {
                    stored.summary.flags = stored.summary.flags.changed(change);
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, uids: Option<&UidSet>) {
        let dies = self.store.dies_at_removal.swap(false, Ordering::SeqCst);
        assert!(!dies, "the program dies before the removal");
        if let Some(found) = self.store.lock().get_mut(&self.path) {
            found.messages.retain(|stored| {
                let named = uids.is_none_or(|uids| uids.contains(stored.summary.uid));
                !(named && stored.summary.flags.has(SystemFlags::DELETED))
            });
        }
    }

    fn uids(&self) -> UidSet {
        self.told.messages().iter().map(|one| one.uid).collect()
    }
}

impl LocalMailbox for ToyMailbox {
    fn uids(&self) -> UidSet {
        Self::uids(self)
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.told.message(uid).cloned()
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        self.look(job);
        Ok(())
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        let bytes = self.bytes(uid, part)?;
        if bytes.starts_with(b"slow") {
            wait_for_cancel(job)?;
        }
        if bytes.starts_with(b"asks") {
            wait_for_lock(&self.store.free, job)?;
        }
        for piece in bytes.chunks(16 << 10) {
            let refused = |_| Error::Refused("the reader takes no more");
            into.write_all(piece).map_err(refused)?;
            self.store.read.fetch_add(piece.len(), Ordering::SeqCst);
        }
        Ok(())
    }

    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        self.change_flags(uids, change)?;
        self.look(job);
        Ok(())
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        self.look(job);
        Ok(())
    }

    fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.remove(uids);
        self.look(job);
        Ok(())
    }

    fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn close(self: Box<Self>, _job: &Job) -> Result<()> {
        Ok(())
    }
}

/// The async mailbox: the same, with a network's delays.
pub(crate) struct RemoteToy(ToyMailbox);

/// What a round trip takes.
const TRIP: Duration = Duration::from_millis(1);

impl RemoteToy {
    pub(crate) async fn connect(store: Store, path: PathBuf, job: Job) -> Result<Self> {
        tokio::time::sleep(TRIP).await;
        ToyMailbox::open(&store, &path, Access::ReadWrite, &job).map(Self)
    }
}

/// How many bytes a server sends at once.
const PORTION: usize = 100_000;

impl RemoteMailbox for RemoteToy {
    fn uids(&self) -> UidSet {
        self.0.uids()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        LocalMailbox::summary(&self.0, uid)
    }

    async fn idle(&mut self, job: &Job) -> Result<()> {
        loop {
            self.0.look(job);
            tokio::select! {
                () = job.cancelled().cancelled() => break,
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
        // A server is told DONE and answers: an idle that is dropped here would be out of step.
        tokio::time::sleep(TRIP).await;
        Ok(())
    }

    async fn read(&mut self, uid: Uid, part: Part, offset: u64, job: &Job) -> Result<Portion> {
        tokio::time::sleep(TRIP).await;
        let bytes = self.0.bytes(uid, part)?;
        let bytes = bytes.get(offset as usize..).unwrap_or_default();
        if bytes.starts_with(b"slow") {
            job.cancelled().cancelled().await;
            return Err(Error::Cancelled);
        }
        if bytes.starts_with(b"asks") {
            await_lock(&self.0.store.free, job).await?;
        }
        let (portion, rest) = bytes.split_at(bytes.len().min(PORTION));
        self.0.store.read.fetch_add(portion.len(), Ordering::SeqCst);
        Ok(Portion {
            bytes: portion.to_vec(),
            is_last: rest.is_empty(),
        })
    }

    async fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> Result<()> {
        for &uid in uids {
            job.checkpoint()?;
            match self.read(uid, Part::Header, 0, job).await {
                Ok(header) => found(uid, &header.bytes),
                Err(Error::NoSuchMessage) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn measure(&mut self, _uids: &UidSet, _job: &Job) -> Result<()> {
        Ok(())
    }

    async fn copy(&mut self, _wish: &CopyWish<'_>, _job: &Job) -> Result<Option<CopiedThere>> {
        Ok(None)
    }

    async fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        tokio::time::sleep(TRIP).await;
        LocalMailbox::store(&mut self.0, uids, change, job)
    }

    async fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        tokio::time::sleep(TRIP).await;
        LocalMailbox::expunge(&mut self.0, uids, job)
    }

    async fn search(&mut self, _criteria: &Criteria, _job: &Job) -> Result<Option<UidSet>> {
        Ok(None)
    }

    async fn check(&mut self, job: &Job) -> Result<()> {
        tokio::time::sleep(TRIP).await;
        self.0.look(job);
        Ok(())
    }

    async fn close(self, _job: &Job) -> Result<()> {
        tokio::time::sleep(TRIP).await;
        Ok(())
    }
}
