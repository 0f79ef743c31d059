//! The three small files of a mailbox, locked as c-client locks them: the index, then the status. What `.mixmeta` says is
//! read and written under the lock of the index. They keep their inodes and change by way of the journal.

use std::path::PathBuf;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Stamp, TRIES, journal_error};
use crate::driver::layout::file::content::Source;
use crate::driver::mix::fields::sequence;
use crate::driver::mix::front::are_all_there;
use crate::driver::mix::index::Index;
use crate::driver::mix::meta::{self, Meta};
use crate::driver::mix::names::{INDEX, META, STATUS};
use crate::driver::mix::status::Status;
use crate::driver::network;
use crate::driver::place::Place;
use crate::driver::waiting::{Offer, Waiting};
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::journal::plan::Plan;
use crate::os::journal::redo::Journal;
use crate::os::transfer::read_full_at;

/// The place of the file whose lock says that a mailbox is open.
pub fn share_of(place: &Place) -> Place {
    Place {
        path: place.path.join(META),
        ..place.clone()
    }
}

/// What tells that a file was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// Its update sequence.
    pub sequence: u32,
    /// Its stamp.
    pub stamp: Stamp,
}

/// One of the files.
pub struct Small {
    path: PathBuf,
    /// `None` where it is missing.
    file: Option<Box<dyn MailFile>>,
}

impl Small {
    fn open(path: PathBuf, environment: &Environment, mode: OpenMode) -> Result<Self> {
        let file = match environment.files.open(&path, mode) {
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => None,
            other => Some(other.map_err(Error::io(&path))?),
        };
        Ok(Self { path, file })
    }

    /// Takes its lock; the name still led to it afterwards.
    fn locked(
        path: PathBuf,
        environment: &Environment,
        mode: OpenMode,
        waiting: &mut Waiting<'_>,
    ) -> Result<Self> {
        let kind = match mode {
            OpenMode::Read => Flock::Shared,
            _ => Flock::Exclusive,
        };
        let failed = Error::io(&path);
        for _ in 0..TRIES {
            let mut small = Self::open(path.clone(), environment, mode)?;
            let Some(file) = &mut small.file else {
                return Ok(small);
            };
            waiting.flock(&path, &mut **file, kind)?;
            let named = environment.files.metadata(&path).map_err(&failed)?;
            let opened = file.metadata().map_err(&failed)?;
            if Stamp::of(&named).file == Stamp::of(&opened).file {
                return Ok(small);
            }
        }
        Err(access::unsteady())
    }

    /// Whether it is missing.
    pub fn is_missing(&self) -> bool {
        self.file.is_none()
    }

    /// The file, where there is one.
    pub fn source(&self) -> Option<Source<'_>> {
        let file = self.file.as_deref()?;
        let path = &self.path;
        Some(Source { file, path })
    }

    /// Its bytes.
    pub fn length(&self) -> Result<u64> {
        Ok(self.mark()?.stamp.length)
    }

    /// What tells that it was changed, by whomever.
    pub fn mark(&self) -> Result<Mark> {
        let Some(file) = &self.file else {
            return Ok(Mark::default());
        };
        let failed = Error::io(&self.path);
        let stamp = Stamp::of(&file.metadata().map_err(&failed)?);
        let mut start = [0; 16];
        let count = read_full_at(&**file, &mut start, 0).map_err(&failed)?;
        let start = start.get(..count).unwrap_or_default();
        let line = start.split_inclusive(|&byte| byte == b'\n').next();
        let sequence = line.and_then(sequence).unwrap_or(1);
        Ok(Mark { sequence, stamp })
    }

    fn open_file(&mut self) -> Result<(&PathBuf, &mut dyn MailFile)> {
        match &mut self.file {
            Some(file) => Ok((&self.path, &mut **file)),
            None => Err(Error::Refused("one of its files is missing")),
        }
    }

    /// Finishes or takes back a change that was interrupted. Where another program went on meanwhile, and left a file that
    /// makes sense, that counts: the index comes last in every change, so that all of these files fit each other.
    fn recover(
        &mut self,
        environment: &Environment,
        makes_sense: &dyn Fn(Source<'_>) -> Result<bool>,
    ) -> Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let failed = Error::io(&self.path);
        let recovered = access::recover(environment, &self.path, &mut **file);
        let Err(Error::Damaged { .. } | Error::Refused(_)) = recovered else {
            return recovered;
        };
        let aside = Journal::new(environment).conflict(&**file);
        let (Some(aside), path) = (aside.map_err(&failed)?, &self.path) else {
            return recovered;
        };
        match makes_sense(Source {
            file: &**file,
            path,
        })? {
            true => environment.files.remove_file(&aside).map_err(&failed),
            false => recovered,
        }
    }

    fn is_unfinished(&self, environment: &Environment) -> Result<bool> {
        let Some(file) = &self.file else {
            return Ok(false);
        };
        let pending = Journal::new(environment).is_pending(&**file);
        pending.map_err(Error::io(&self.path))
    }

    /// Overwrites bytes, ascending, and appends some: all or none, durable on return. More than a journal holds are all
    /// or none in parts, of which the one with the front of the file is the last.
    pub fn patch(
        &mut self,
        environment: &Environment,
        patches: &[(u64, Vec<u8>)],
        behind: &[u8],
    ) -> Result<()> {
        let (path, file) = self.open_file()?;
        let journal = Journal::of(environment, "mix");
        let mut parts = patches.chunks(AT_ONCE);
        let first = parts.next().unwrap_or_default();
        let later = parts.rev().map(|part| (part, &[][..]));
        for (part, mut behind) in later.chain([(first, behind)]) {
            let length = behind.len() as u64;
            journal
                .append(path, file, part, &mut behind, length, &mut |_, _| {})
                .map_err(|refusal| journal_error(path, refusal))?;
        }
        Ok(())
    }

    /// Gives it this text, all or nothing, durable on return. A file that becomes shorter is filled up first, so that who
    /// opens it before it is cut, or after a crash, reads nothing of the old text.
    pub fn replace(&mut self, environment: &Environment, mut text: Vec<u8>) -> Result<()> {
        let old = self.length()?;
        let new = text.len();
        let is_filled = (new as u64) < old && old <= ONE_WRITE;
        if is_filled {
            text.resize(usize::try_from(old).unwrap_or(new), 0);
        }
        let mut plan = Plan::new(old);
        plan.put(&text);
        self.rewrite(environment, &plan)?;
        if is_filled {
            let (_, file) = self.open_file()?;
            // NULs that stay at its end mean nothing.
            let _ = file.set_len(new as u64).and_then(|()| file.sync());
        }
        Ok(())
    }

    /// Gives it another content, all or nothing, durable on return.
    pub fn rewrite(&mut self, environment: &Environment, plan: &Plan) -> Result<()> {
        let (path, file) = self.open_file()?;
        Journal::of(environment, "mix")
            .rewrite(path, file, plan, &mut |_, _| {})
            .map_err(|refusal| journal_error(path, refusal))
    }
}

/// So many bytes are written at once.
pub const ONE_WRITE: u64 = 4 << 20;
/// How many patches one journal holds.
const AT_ONCE: usize = 500_000;

fn length_of(source: Source<'_>) -> Result<u64> {
    let metadata = source.file.metadata();
    Ok(metadata.map_err(Error::io(source.path))?.len())
}

/// The bytes of a `.mixmeta`.
fn bytes_of(source: Source<'_>) -> Result<Vec<u8>> {
    let length = length_of(source)?;
    if length > meta::LARGEST {
        return Err(Error::Refused("its .mixmeta is too large to be read"));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    let count = read_full_at(source.file, &mut bytes, 0);
    bytes.truncate(count.map_err(Error::io(source.path))?);
    Ok(bytes)
}

/// The files, of which index and status are locked for as long as this lives.
pub struct Locked {
    /// `.mixmeta`.
    pub meta: Small,
    /// `.mixindex`.
    pub index: Small,
    /// `.mixstatus`.
    pub status: Small,
}

impl Locked {
    /// Locks a mailbox to change it, after what programs that are gone left unfinished was finished.
    pub fn to_change(environment: &Environment, place: &Place, job: &Job) -> Result<Self> {
        if environment.read_only {
            return Err(Error::ReadOnly);
        }
        if let Some(why) = network::forbids_writing(environment, &place.path) {
            return Err(Error::Refused(why));
        }
        let mut locked = Self::open(environment, place, OpenMode::ReadWrite, job)?;
        locked.meta.recover(environment, &|source| {
            Ok(Meta::parse(&bytes_of(source)?).damaged.is_none())
        })?;
        locked.index.recover(environment, &|source| {
            let length = length_of(source)?;
            let index = Index::read(source, length, &job.uncancelled())?;
            let is_read = length > 0 && index.damaged.is_none();
            Ok(is_read && are_all_there(environment, &place.path, &index.entries)?)
        })?;
        locked.status.recover(environment, &|source| {
            let length = length_of(source)?;
            let status = Status::read(source, length, &mut |_, _| {}, &job.uncancelled())?;
            Ok(length > 0 && status.damaged.is_none())
        })?;
        Ok(locked)
    }

    /// Locks a mailbox to look at it, beside others who look.
    pub fn to_look(environment: &Environment, place: &Place, job: &Job) -> Result<Self> {
        for _ in 0..TRIES {
            let locked = Self::open(environment, place, OpenMode::Read, job)?;
            if environment.read_only || !locked.is_unfinished(environment)? {
                return Ok(locked);
            }
            // Whoever held the lock before was killed.
            drop(locked);
            match Self::to_change(environment, place, job) {
                Ok(_) => {}
                Err(refusal @ (Error::Cancelled | Error::Locked { .. })) => return Err(refusal),
                // Where it cannot be finished the mailbox is looked at as it is.
                Err(_) => break,
            }
        }
        Self::open(environment, place, OpenMode::Read, job)
    }

    fn is_unfinished(&self, environment: &Environment) -> Result<bool> {
        for small in [&self.meta, &self.index, &self.status] {
            if small.is_unfinished(environment)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn open(environment: &Environment, place: &Place, mode: OpenMode, job: &Job) -> Result<Self> {
        let at = |name: &str| place.path.join(name);
        let mut waiting = Waiting::new(environment, &place.path, Offer::Nothing, job);
        job.checkpoint()?;
        let index = Small::locked(at(INDEX), environment, mode, &mut waiting)?;
        let status = Small::locked(at(STATUS), environment, mode, &mut waiting)?;
        let meta = Small::open(at(META), environment, mode)?;
        Ok(Self {
            meta,
            index,
            status,
        })
    }

    /// What `.mixmeta` says.
    pub fn read_meta(&self) -> Result<Meta> {
        let source = self.meta.source();
        let source = source.ok_or(Error::Changed("its directory is gone"))?;
        Ok(Meta::parse(&bytes_of(source)?))
    }

    /// Makes `.mixmeta` say something else.
    pub fn write_meta(&mut self, environment: &Environment, meta: &Meta) -> Result<()> {
        self.meta.replace(environment, meta.to_bytes())
    }

    /// The update sequence of a change that is made now: higher than all there were.
    pub fn next_sequence(&self, environment: &Environment, meta: &Meta) -> Result<u32> {
        let now = u32::try_from((environment.clock)()).unwrap_or(u32::MAX);
        let told = [
            meta.sequence,
            self.index.mark()?.sequence,
            self.status.mark()?.sequence,
        ];
        let last = told.into_iter().max().unwrap_or(0);
        Ok(now.max(last.saturating_add(1)))
    }
}
