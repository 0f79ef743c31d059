//! One view of open mailboxes, blocking or async, for what the backend does on top of drivers: reading, finding, copying.
//!
//! The futures of a [`LocalSource`] are always ready: its calls block the mailbox's own thread, which runs them with [`run_now`].

use std::future::{Future, ready};
use std::io::{self, Write};

use futures_util::FutureExt;

use crate::backend::error::{Error, Result};
use crate::backend::outlet::Outlet;
use crate::driver::contract::{CopiedThere, CopyWish, LocalMailbox, Portion, RemoteMailbox};
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::driver::message::Content;
use crate::mail::criteria::Criteria;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::identity::Identity;
use crate::mail::order::Order;
use crate::mail::outline::Outline;
use crate::mail::structure::{Part, Section};
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};
use crate::mime::decode::Decoder;

/// How many bytes a `Piece::Bytes` holds at most.
pub const PIECE: usize = 64 << 10;

/// So many messages are asked for one by one rather than looked up among all of a mailbox.
const FEW: u64 = 1000;

/// A part as it is stored.
pub struct StoredPart<'p> {
    /// Which one.
    pub section: &'p Section,
    /// Its transfer encoding, in capitals.
    pub encoding: &'p str,
    /// Its octets, as far as they are known.
    pub octets: u64,
}

/// An open mailbox.
pub trait Source: Send {
    /// The UIDs of all messages.
    fn uids(&self) -> UidSet;
    /// What is known of one.
    fn summary(&self, uid: Uid) -> Option<Summary>;
    /// As [`RemoteMailbox::identity`]; `None` for mailboxes that are not on servers.
    fn identity(&self) -> Option<Identity> {
        None
    }
    /// As [`RemoteMailbox::is`].
    fn is(&self, _identity: &Identity) -> bool {
        false
    }
    /// Those of a message's flags that a copy of it gets.
    fn copied(&self, flags: SystemFlags) -> SystemFlags {
        flags.only(SystemFlags::SETTABLE)
    }
    /// The bytes of one message or part.
    fn read(
        &mut self,
        uid: Uid,
        part: Part,
        job: &Job,
    ) -> impl Future<Output = Result<Vec<u8>>> + Send;
    /// The headers of `uids`, in that order, each to `found`. Messages that are gone are left out.
    fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Finds out dates and sizes of messages where they are not known yet.
    fn measure(&mut self, _uids: &UidSet, _job: &Job) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }
    /// A large message without what is not read at once; `None` where it is not kept so that this spares anything.
    fn outline(
        &mut self,
        _uid: Uid,
        _job: &Job,
    ) -> impl Future<Output = Result<Option<Outline>>> + Send {
        ready(Ok(None))
    }
    /// The content of one part of a message that has an outline, decoded and handed up piece by piece.
    fn hand_up_part(
        &mut self,
        _uid: Uid,
        part: &StoredPart<'_>,
        _outlet: &Outlet,
        _job: &Job,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Err(Error::NoSuchPart(part.section.to_string())))
    }
    /// One message or part, handed up piece by piece.
    fn hand_up(
        &mut self,
        uid: Uid,
        part: Part,
        outlet: &Outlet,
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send;
    /// The whole message, ready to be appended elsewhere.
    fn content(&mut self, uid: Uid, job: &Job) -> impl Future<Output = Result<Content>> + Send;
    /// The envelope sender, where known.
    fn sender(
        &mut self,
        uid: Uid,
        job: &Job,
    ) -> impl Future<Output = Result<Option<Vec<u8>>>> + Send;
    /// Changes flags.
    fn store(
        &mut self,
        uids: &UidSet,
        change: &FlagChange,
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Removes deleted messages.
    fn expunge(
        &mut self,
        uids: Option<&UidSet>,
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Searches where the mailbox lives; `None` when it cannot.
    fn search(
        &mut self,
        criteria: &Criteria,
        job: &Job,
    ) -> impl Future<Output = Result<Option<UidSet>>> + Send;
    /// All messages in this order, sorted where the mailbox lives; `None` when it cannot.
    fn sort(
        &mut self,
        _order: Order,
        _job: &Job,
    ) -> impl Future<Output = Result<Option<Vec<Uid>>>> + Send {
        ready(Ok(None))
    }
    /// Looks for news and writes what is pending.
    fn check(&mut self, job: &Job) -> impl Future<Output = Result<()>> + Send;
    /// Copies or moves where the mailbox lives; `None`, and nothing is done, when it cannot.
    fn copy(
        &mut self,
        _wish: &CopyWish<'_>,
        _job: &Job,
    ) -> impl Future<Output = Result<Option<CopiedThere>>> + Send {
        ready(Ok(None))
    }
}

/// The messages of `uids` that are there, ascending.
pub fn members<S: Source>(source: &S, uids: &UidSet) -> Vec<Uid> {
    if uids.len() < FEW {
        let there = |uid: &Uid| source.summary(*uid).is_some();
        return uids.iter().filter(there).collect();
    }
    let all = source.uids();
    if uids.len() < all.len() {
        return uids.iter().filter(|&uid| all.contains(uid)).collect();
    }
    all.iter().filter(|&uid| uids.contains(uid)).collect()
}

/// Runs a future over a [`LocalSource`].
pub fn run_now<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    // Only a source that waits for a network could be pending, and a local one never is.
    let pending = Error::Unsupported("a local mailbox cannot wait for a network");
    future.now_or_never().unwrap_or(Err(pending))
}

/// A mailbox served by a thread.
pub struct LocalSource(pub Box<dyn LocalMailbox>);

impl Source for LocalSource {
    fn uids(&self) -> UidSet {
        self.0.uids()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.0.summary(uid)
    }

    fn copied(&self, flags: SystemFlags) -> SystemFlags {
        self.0.copied(flags)
    }

    fn read(
        &mut self,
        uid: Uid,
        part: Part,
        job: &Job,
    ) -> impl Future<Output = Result<Vec<u8>>> + Send {
        let mut bytes = Vec::new();
        let read = self.0.read(uid, part, &mut bytes, job);
        ready(read.map(|()| bytes).map_err(Error::from))
    }

    fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(self.0.headers(uids, found, job).map_err(Error::from))
    }

    fn hand_up(
        &mut self,
        uid: Uid,
        part: Part,
        outlet: &Outlet,
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send {
        let mut pieces = Pieces {
            outlet,
            job,
            buffer: Vec::new(),
            failure: None,
            done: (0, self.0.summary(uid).map_or(0, |it| it.rfc822_size)),
        };
        let read = self.0.read(uid, part, &mut pieces, job);
        let handed_up = match (read, pieces.failure.take()) {
            (_, Some(failure)) => Err(failure),
            (Ok(()), None) => pieces.send().map_err(scratch),
            (failed, None) => cancelled_or(failed, job),
        };
        ready(match pieces.failure.take() {
            Some(failure) => Err(failure),
            None => handed_up,
        })
    }

    fn content(&mut self, uid: Uid, job: &Job) -> impl Future<Output = Result<Content>> + Send {
        let mut content = Content::new();
        let read = self.0.read(uid, Part::Whole, &mut content, job);
        ready(read.map(|()| content).map_err(Error::from))
    }

    fn sender(
        &mut self,
        uid: Uid,
        job: &Job,
    ) -> impl Future<Output = Result<Option<Vec<u8>>>> + Send {
        ready(self.0.sender(uid, job).map_err(Error::from))
    }

    fn store(
        &mut self,
        uids: &UidSet,
        change: &FlagChange,
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(self.0.store(uids, change, job).map_err(Error::from))
    }

    fn expunge(
        &mut self,
        uids: Option<&UidSet>,
        job: &Job,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(self.0.expunge(uids, job).map_err(Error::from))
    }

    fn search(
        &mut self,
        _criteria: &Criteria,
        _job: &Job,
    ) -> impl Future<Output = Result<Option<UidSet>>> + Send {
        ready(Ok(None))
    }

    fn check(&mut self, job: &Job) -> impl Future<Output = Result<()>> + Send {
        let checked = self.0.poll(job).and_then(|()| self.0.check(job));
        ready(checked.map_err(Error::from))
    }
}

/// A mailbox served by a task.
pub struct RemoteSource<M>(pub M);

impl<M: RemoteMailbox + Sync> RemoteSource<M> {
    /// Reads a message portion by portion: each is handed up to `outlet`, where there is one, or taken by `take`.
    async fn portions(
        &mut self,
        uid: Uid,
        part: Part,
        outlet: Option<&Outlet>,
        take: &mut (dyn FnMut(Vec<u8>) -> Result<()> + Send),
        job: &Job,
    ) -> Result<()> {
        let size = self.0.summary(uid).map_or(0, |it| it.rfc822_size);
        let mut offset = 0;
        loop {
            job.checkpoint()?;
            let Portion { bytes, is_last } = self.0.read(uid, part, offset, job).await?;
            offset += bytes.len() as u64;
            let is_last = is_last || bytes.is_empty();
            match outlet {
                Some(outlet) => hand_up_bytes(&bytes, outlet, job).await?,
                None => take(bytes)?,
            }
            if is_last {
                return Ok(());
            }
            job.progress(offset.min(size), size);
        }
    }
}

/// So much may every message be longer than its server said, in bytes.
const SLACK: usize = 1 << 20;
/// More bytes of a message are not taken into memory.
const LONGEST: usize = 1 << 30;

impl<M: RemoteMailbox + Sync> Source for RemoteSource<M> {
    fn uids(&self) -> UidSet {
        self.0.uids()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.0.summary(uid)
    }

    fn identity(&self) -> Option<Identity> {
        self.0.identity()
    }

    fn is(&self, identity: &Identity) -> bool {
        self.0.is(identity)
    }

    async fn read(&mut self, uid: Uid, part: Part, job: &Job) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        let size = self.0.summary(uid).map_or(0, |it| it.rfc822_size);
        // Some servers guess sizes; none makes us keep what nobody can have sent.
        let most = usize::try_from(size).unwrap_or(LONGEST).saturating_mul(2);
        let most = most.saturating_add(SLACK).min(LONGEST);
        let mut take = |bytes: Vec<u8>| {
            if all.len() + bytes.len() > most {
                return Err(Error::Unsupported(
                    "the message is longer than the server said; it can be saved",
                ));
            }
            all.extend_from_slice(&bytes);
            Ok(())
        };
        self.portions(uid, part, None, &mut take, job).await?;
        Ok(all)
    }

    async fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> Result<()> {
        Ok(self.0.headers(uids, found, job).await?)
    }

    async fn measure(&mut self, uids: &UidSet, job: &Job) -> Result<()> {
        Ok(self.0.measure(uids, job).await?)
    }

    async fn hand_up(&mut self, uid: Uid, part: Part, outlet: &Outlet, job: &Job) -> Result<()> {
        let mut keep = |_: Vec<u8>| Ok(());
        self.portions(uid, part, Some(outlet), &mut keep, job).await
    }

    async fn outline(&mut self, uid: Uid, job: &Job) -> Result<Option<Outline>> {
        Ok(self.0.outline(uid, job).await?)
    }

    async fn hand_up_part(
        &mut self,
        uid: Uid,
        part: &StoredPart<'_>,
        outlet: &Outlet,
        job: &Job,
    ) -> Result<()> {
        let mut decoder = Decoder::new(part.encoding);
        let mut offset = 0;
        loop {
            job.checkpoint()?;
            let reading = self.0.read_section(uid, part.section, offset, job);
            let Portion { bytes, is_last } = reading.await?;
            offset += bytes.len() as u64;
            hand_up_bytes(&decoder.push(&bytes), outlet, job).await?;
            if is_last || bytes.is_empty() {
                return hand_up_bytes(&decoder.finish(), outlet, job).await;
            }
            job.progress(offset.min(part.octets), part.octets);
        }
    }

    async fn content(&mut self, uid: Uid, job: &Job) -> Result<Content> {
        let mut content = Content::new();
        let mut take = |bytes: Vec<u8>| content.write_all(&bytes).map_err(scratch);
        self.portions(uid, Part::Whole, None, &mut take, job)
            .await?;
        Ok(content)
    }

    async fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        Ok(self.0.store(uids, change, job).await?)
    }

    async fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        Ok(self.0.expunge(uids, job).await?)
    }

    async fn search(&mut self, criteria: &Criteria, job: &Job) -> Result<Option<UidSet>> {
        Ok(self.0.search(criteria, job).await?)
    }

    async fn sort(&mut self, order: Order, job: &Job) -> Result<Option<Vec<Uid>>> {
        Ok(self.0.sort(order, job).await?)
    }

    async fn check(&mut self, job: &Job) -> Result<()> {
        Ok(self.0.check(job).await?)
    }

    async fn copy(&mut self, wish: &CopyWish<'_>, job: &Job) -> Result<Option<CopiedThere>> {
        Ok(self.0.copy(wish, job).await?)
    }
}

/// Hands bytes up in pieces.
pub async fn hand_up_bytes(bytes: &[u8], outlet: &Outlet, job: &Job) -> Result<()> {
    for piece in bytes.chunks(PIECE) {
        job.checkpoint()?;
        outlet.bytes(piece.to_vec()).await?;
    }
    Ok(())
}

/// Why there is no scratch file.
pub fn scratch(source: io::Error) -> Error {
    Error::System {
        what: "cannot write a scratch file",
        source,
    }
}

/// Hands up what is written, in pieces.
struct Pieces<'a> {
    outlet: &'a Outlet,
    job: &'a Job,
    buffer: Vec<u8>,
    /// Why no more is taken.
    failure: Option<Error>,
    /// How far it is, and how far it goes.
    done: (u64, u64),
}

impl Pieces<'_> {
    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let full = std::mem::take(&mut self.buffer);
        self.done.0 += full.len() as u64;
        self.job.progress(self.done.0.min(self.done.1), self.done.1);
        self.outlet.bytes_blocking(full).map_err(|error| {
            self.failure = Some(error);
            io::Error::other("it cannot be written")
        })
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.job
            .checkpoint()
            .map_err(|_cancelled| io::Error::other("cancelled"))?;
        let taken = bytes.len().min(PIECE - self.buffer.len().min(PIECE));
        self.buffer
            .extend_from_slice(bytes.get(..taken).unwrap_or_default());
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A cancelled writer looks like a failing one to the driver; here it is what it was.
fn cancelled_or(read: std::result::Result<(), DriverError>, job: &Job) -> Result<()> {
    match read {
        Err(_failed) if job.checkpoint().is_err() => Err(Error::Cancelled),
        other => other.map_err(Error::from),
    }
}
