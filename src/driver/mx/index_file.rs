//! The index on disk: locked by `flock` for each operation, read whole, changed in place by way of the journal.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Stamp, TRIES};
use crate::driver::layout::folder::numbers::number;
use crate::driver::layout::folder::pending::{self, Step, Whose};
use crate::driver::layout::prefile::line::DELETED;
use crate::driver::mx::index::{Edit, Index};
use crate::driver::network;
use crate::driver::place::Place;
use crate::driver::waiting::{Offer, Waiting};
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::journal::plan::Plan;
use crate::os::journal::redo::Journal;
use crate::os::transfer::read_full_at;

/// The largest index that is read, in bytes: some 20 million messages.
const LARGEST: u64 = 512 << 20;

/// Where the index of a mailbox is.
pub fn path_of(mailbox: &Path) -> PathBuf {
    mailbox.join(".mxindex")
}

/// An index that is locked for as long as this lives.
pub struct IndexFile<'e> {
    environment: &'e Environment,
    path: PathBuf,
    file: Box<dyn MailFile>,
}

impl<'e> IndexFile<'e> {
    /// Locks an index to change it, after what programs that are gone left unfinished was finished.
    pub fn lock(environment: &'e Environment, place: &Place, job: &Job) -> Result<Self> {
        if environment.read_only {
            return Err(Error::ReadOnly);
        }
        if let Some(why) = network::forbids_writing(environment, &place.path) {
            return Err(Error::Refused(why));
        }
        let mut index = Self::open(environment, place, OpenMode::ReadWrite, job)?;
        access::recover(environment, &index.path, &mut *index.file)?;
        if pending::is_there(environment, &place.path) {
            let now = index.read()?;
            // The lock says that nobody works on a note.
            pending::recover_where(environment, &place.path, Whose::OfAll, &|step| {
                Ok(is_meant(&now, step))
            })?;
        }
        Ok(index)
    }

    /// Locks an index to look at it, beside others who look.
    pub fn look(environment: &'e Environment, place: &Place, job: &Job) -> Result<Self> {
        for _ in 0..TRIES {
            let index = Self::open(environment, place, OpenMode::Read, job)?;
            if environment.read_only || !index.is_unfinished(place)? {
                return Ok(index);
            }
            // Whoever held the lock before was killed.
            drop(index);
            match Self::lock(environment, place, job) {
                Ok(_) => {}
                Err(refusal @ (Error::Cancelled | Error::Locked { .. })) => return Err(refusal),
                // Where it cannot be finished the mailbox is looked at as it is.
                Err(_) => break,
            }
        }
        Self::open(environment, place, OpenMode::Read, job)
    }

    /// Whether a change of this user's programs was interrupted.
    fn is_unfinished(&self, place: &Place) -> Result<bool> {
        if pending::is_there(self.environment, &place.path) {
            return Ok(true);
        }
        let journal = Journal::new(self.environment);
        journal
            .is_pending(&*self.file)
            .map_err(Error::io(&self.path))
    }

    fn open(
        environment: &'e Environment,
        place: &Place,
        mode: OpenMode,
        job: &Job,
    ) -> Result<Self> {
        let path = path_of(&place.path);
        let failed = |source| Error::Io {
            path: path.clone(),
            source,
        };
        let kind = match mode {
            OpenMode::Read => Flock::Shared,
            _ => Flock::Exclusive,
        };
        let mut waiting = Waiting::new(environment, &place.path, Offer::Nothing, job);
        for _ in 0..TRIES {
            job.checkpoint()?;
            let mut file = environment.files.open(&path, mode).map_err(failed)?;
            waiting.flock(&path, &mut *file, kind)?;
            let named = environment.files.metadata(&path).map_err(failed)?;
            let opened = file.metadata().map_err(failed)?;
            if Stamp::of(&named).file == Stamp::of(&opened).file {
                return Ok(Self {
                    environment,
                    path,
                    file,
                });
            }
        }
        Err(access::unsteady())
    }

    /// What it says.
    pub fn read(&self) -> Result<Index> {
        let failed = Error::io(&self.path);
        let length = self.file.metadata().map_err(&failed)?.len();
        if length > LARGEST {
            return Err(Error::Refused("its index is too large to be read"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let count = read_full_at(&*self.file, &mut bytes, 0).map_err(&failed)?;
        bytes.truncate(count);
        Ok(Index::parse(&bytes))
    }

    /// What tells that it was changed.
    pub fn stamp(&self) -> Result<Stamp> {
        let metadata = self.file.metadata().map_err(Error::io(&self.path))?;
        Ok(Stamp::of(&metadata))
    }

    /// Makes a file that says `old` say `new`, which has no entry less; durable on return.
    pub fn write(&mut self, old: &Index, new: &Index) -> Result<()> {
        if let Some((at, lines)) = old.keyword_lines(new) {
            // By itself it means nothing yet.
            let mut plan = Plan::new(old.length);
            plan.keep(0, at);
            plan.put(&lines);
            plan.keep(at, old.length - at);
            self.rewrite(&plan)?;
            return self.write(&self.read()?, new);
        }
        match old.edit(new) {
            Edit::Patch(patches, behind) if patches.is_empty() && behind.is_empty() => Ok(()),
            Edit::Patch(patches, behind) => {
                let length = behind.len() as u64;
                let journal = Journal::of(self.environment, "mx");
                let mut source = &behind[..];
                journal
                    .append(
                        &self.path,
                        &mut *self.file,
                        &patches,
                        &mut source,
                        length,
                        &mut |_, _| {},
                    )
                    .map(drop)
                    .map_err(|refusal| access::journal_error(&self.path, refusal))
            }
            Edit::Whole(bytes) => {
                let mut plan = Plan::new(old.length);
                plan.put(&bytes);
                self.rewrite(&plan)
            }
        }
    }

    /// Takes the messages in `gone` out of a file that says `old`; `new` has none of them.
    pub fn remove(&mut self, old: &Index, new: &Index, gone: impl Fn(u32) -> bool) -> Result<()> {
        let mut plan = Plan::new(old.length);
        match old.without(gone) {
            Some(kept) => kept
                .iter()
                .for_each(|range| plan.keep(range.start, range.end - range.start)),
            None => plan.put(&new.to_bytes()),
        }
        self.rewrite(&plan)
    }

    fn rewrite(&mut self, plan: &Plan) -> Result<()> {
        Journal::of(self.environment, "mx")
            .rewrite(&self.path, &mut *self.file, plan, &mut |_, _| {})
            .map_err(|refusal| access::journal_error(&self.path, refusal))
    }
}

/// Whether a message that was to go is still marked as deleted, in the mailbox that was meant; what was to come is meant.
fn is_meant(now: &Index, step: &Step) -> bool {
    let Step::Move(from, to) = step else {
        return true;
    };
    let Some(uid) = number(from.as_os_str().as_bytes()) else {
        return true;
    };
    let same = to
        .to_str()
        .is_some_and(|name| name.starts_with(&gone_front(now.uid_validity, uid)));
    let deleted = now
        .entry(uid)
        .is_some_and(|entry| entry.flags & DELETED != 0);
    same && deleted
}

/// What the name begins with under which a message is kept until it goes for good.
pub fn gone_front(uid_validity: u32, uid: u32) -> String {
    format!(".mugo-gone-{uid_validity:08x}-{uid}-")
}
