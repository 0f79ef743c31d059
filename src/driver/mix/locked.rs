//! The three small files of a mailbox, locked as c-client locks them: the index, then the status. What `.mixmeta` says is
//! read and written under the lock of the index. They keep their inodes and change by way of the journal.

use std::path::PathBuf;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Stamp, TRIES, journal_error};
use crate::driver::layout::file::content::Source;
use crate::driver::mix::fields::sequence;
use crate::driver::mix::meta::{self, Meta};
use crate::driver::mix::names::{INDEX, META, STATUS};
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

    fn recover(&mut self, environment: &Environment) -> Result<()> {
        match &mut self.file {
            Some(file) => access::recover(environment, &self.path, &mut **file),
            None => Ok(()),
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

    /// Gives it another content, all or nothing, durable on return.
    pub fn rewrite(&mut self, environment: &Environment, plan: &Plan) -> Result<()> {
        let (path, file) = self.open_file()?;
        Journal::of(environment, "mix")
            .rewrite(path, file, plan, &mut |_, _| {})
            .map_err(|refusal| journal_error(path, refusal))
    }
}

/// How many patches one journal holds.
const AT_ONCE: usize = 500_000;

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
        for small in [&mut locked.meta, &mut locked.index, &mut locked.status] {
            small.recover(environment)?;
        }
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
        let Some(Source { file, path }) = self.meta.source() else {
            return Err(Error::Changed("its directory is gone"));
        };
        let length = self.meta.length()?;
        if length > meta::LARGEST {
            return Err(Error::Refused("its .mixmeta is too large to be read"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let count = read_full_at(file, &mut bytes, 0).map_err(Error::io(path))?;
        bytes.truncate(count);
        Ok(Meta::parse(&bytes))
    }

    /// Makes `.mixmeta`, in which there are `length` bytes, say something else.
    pub fn write_meta(&mut self, environment: &Environment, meta: &Meta) -> Result<()> {
        let mut plan = Plan::new(meta.length);
        plan.put(&meta.to_bytes());
        self.meta.rewrite(environment, &plan)
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
