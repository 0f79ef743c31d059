//! The three small files of a mailbox, locked as c-client locks them: the index, then the status. What `.mixmeta` says is
//! read and written under the lock of the index.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::TRIES;
use crate::driver::layout::file::content::Source;
use crate::driver::mix::front::are_all_there;
use crate::driver::mix::index::Index;
use crate::driver::mix::meta::{self, Meta};
use crate::driver::mix::names::{INDEX, META, STATUS};
use crate::driver::mix::small::Small;
use crate::driver::mix::status::Status;
use crate::driver::network;
use crate::driver::place::Place;
use crate::driver::waiting::{Offer, Waiting};
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::transfer::read_full_at;

/// The place of the file whose lock says that a mailbox is open.
pub fn share_of(place: &Place) -> Place {
    Place {
        path: place.path.join(META),
        ..place.clone()
    }
}

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
        let mut locked = Self::open_to_change(environment, place, job)?;
        locked.recover(environment, place, job)?;
        Ok(locked)
    }

    /// Locks a mailbox to remove it, whatever is left unfinished in it.
    pub fn to_remove(environment: &Environment, place: &Place, job: &Job) -> Result<Self> {
        let mut locked = Self::open_to_change(environment, place, job)?;
        match locked.recover(environment, place, job) {
            Ok(()) | Err(Error::Damaged { .. } | Error::Refused(_)) => Ok(locked),
            Err(refusal) => Err(refusal),
        }
    }

    fn open_to_change(environment: &Environment, place: &Place, job: &Job) -> Result<Self> {
        if environment.read_only {
            return Err(Error::ReadOnly);
        }
        if let Some(why) = network::forbids_writing(environment, &place.path) {
            return Err(Error::Refused(why));
        }
        Self::open(environment, place, OpenMode::ReadWrite, job)
    }

    fn recover(&mut self, environment: &Environment, place: &Place, job: &Job) -> Result<()> {
        self.meta.recover(environment, &|source| {
            Ok(Meta::parse(&bytes_of(source)?).damaged.is_none())
        })?;
        let index_makes_sense = |source: Source<'_>| {
            let length = length_of(source)?;
            let index = Index::read(source, length, job)?;
            let is_read = length > 0 && index.damaged.is_none();
            Ok(is_read && are_all_there(environment, &place.path, &index.entries, job)?)
        };
        self.index.drop_moves(environment, &index_makes_sense)?;
        self.index.recover(environment, &index_makes_sense)?;
        self.status.recover(environment, &|source| {
            let length = length_of(source)?;
            let status = Status::read(source, length, &mut |_, _| {}, &job.uncancelled())?;
            Ok(length > 0 && status.damaged.is_none())
        })
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
