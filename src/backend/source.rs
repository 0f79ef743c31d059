//! One view of open mailboxes, blocking or async, for what the backend does on top of drivers: reading, finding, copying.
//!
//! The futures of a [`LocalSource`] are always ready: its calls block the mailbox's own thread, which runs them with [`run_now`].

use std::future::{Future, ready};
use std::io::{self, Write};

use futures_util::FutureExt;

use crate::backend::error::{Error, Result};
use crate::backend::event::Piece;
use crate::backend::outlet::Outlet;
use crate::driver::contract::{LocalMailbox, RemoteMailbox};
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::driver::message::Content;
use crate::mail::criteria::Criteria;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};

/// How many bytes a `Piece::Bytes` holds at most.
pub const PIECE: usize = 64 << 10;

/// So many messages are asked for one by one rather than looked up among all of a mailbox.
const FEW: u64 = 1000;

/// An open mailbox.
pub trait Source: Send {
    /// The UIDs of all messages.
    fn uids(&self) -> UidSet;
    /// What is known of one.
    fn summary(&self, uid: Uid) -> Option<Summary>;
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
    /// Looks for news and writes what is pending.
    fn check(&mut self, job: &Job) -> impl Future<Output = Result<()>> + Send;
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
        };
        let read = self.0.read(uid, part, &mut pieces, job);
        let flushed = read.map(|()| pieces.send());
        ready(cancelled_or(flushed, job))
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

impl<M: RemoteMailbox + Sync> Source for RemoteSource<M> {
    fn uids(&self) -> UidSet {
        self.0.uids()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.0.summary(uid)
    }

    async fn read(&mut self, uid: Uid, part: Part, job: &Job) -> Result<Vec<u8>> {
        Ok(self.0.read(uid, part, job).await?)
    }

    async fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> Result<()> {
        for &uid in uids {
            job.checkpoint()?;
            match self.0.read(uid, Part::Header, job).await {
                Ok(header) => found(uid, &header),
                Err(DriverError::NoSuchMessage) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn hand_up(&mut self, uid: Uid, part: Part, outlet: &Outlet, job: &Job) -> Result<()> {
        let bytes = self.0.read(uid, part, job).await?;
        hand_up_bytes(&bytes, outlet, job).await
    }

    async fn content(&mut self, uid: Uid, job: &Job) -> Result<Content> {
        let bytes = self.0.read(uid, Part::Whole, job).await?;
        Content::from_bytes(&bytes).map_err(scratch)
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

    async fn check(&mut self, job: &Job) -> Result<()> {
        Ok(self.0.check(job).await?)
    }
}

/// Hands bytes up in pieces.
pub async fn hand_up_bytes(bytes: &[u8], outlet: &Outlet, job: &Job) -> Result<()> {
    for piece in bytes.chunks(PIECE) {
        job.checkpoint()?;
        outlet.piece(Piece::Bytes(piece.to_vec())).await;
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
}

impl Pieces<'_> {
    fn send(&mut self) {
        if !self.buffer.is_empty() {
            let full = std::mem::take(&mut self.buffer);
            self.outlet.piece_blocking(Piece::Bytes(full));
        }
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
            self.send();
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
