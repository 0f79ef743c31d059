//! The sequences on disk: under the lock that nmh takes on the file, changed in place by way of the journal.

use std::io;
use std::path::{Path, PathBuf};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, TRIES};
use crate::driver::layout::folder::pending;
use crate::driver::local_file::is_missing;
use crate::driver::mh::profile::Profile;
use crate::driver::mh::sequences::Sequences;
use crate::driver::place::Place;
use crate::driver::waiting::{Offer, Waiting, holder_of};
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::guard::{FileId, Guard};
use crate::os::journal::plan::Plan;
use crate::os::journal::redo::Journal;
use crate::os::lock_holder::Holder;
use crate::os::transfer::read_full_at;

/// The largest file that is read, in bytes.
pub const LARGEST: u64 = 16 << 20;

/// The sequences of a mailbox, locked for as long as this lives; by nothing where there is no file to be locked.
pub struct SequenceFile<'e> {
    environment: &'e Environment,
    path: PathBuf,
    // Closed before the guard says that others may open it: closing gives record locks back.
    file: Option<Box<dyn MailFile>>,
    /// Why it cannot be read although it is there.
    unreadable: Option<String>,
    /// Whether it may be there, and nobody waited for the lock to see.
    unseen: bool,
    _guard: Option<Guard>,
}

impl<'e> SequenceFile<'e> {
    /// The sequences of which there is no file, or none that can be read.
    pub fn absent(
        environment: &'e Environment,
        place: &Place,
        profile: &Profile,
        unreadable: Option<String>,
    ) -> Self {
        Self {
            environment,
            path: place.path.join(&profile.sequences),
            file: None,
            unreadable,
            unseen: false,
            _guard: None,
        }
    }

    /// The same, because nobody waits for the lock of what may be there.
    #[must_use]
    pub fn unseen(mut self) -> Self {
        self.unseen = true;
        self
    }

    /// Whether it may be there all the same.
    pub fn is_unseen(&self) -> bool {
        self.unseen
    }

    /// Why they cannot be read although they are there.
    pub fn why_unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// Makes a file without any, unless somebody else does.
    pub fn make(environment: &Environment, place: &Place, profile: &Profile) -> Result<()> {
        let path = place.path.join(&profile.sequences);
        let mode = place.protection.file;
        let made = environment.files.open(&path, OpenMode::CreateNew(mode));
        match made {
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other
                .and_then(|mut file| file.set_mode(mode))
                .and_then(|()| environment.files.sync_dir(&place.path))
                .map_err(Error::io(&path)),
        }
    }

    /// The file, locked, to be looked at or changed; `None` where there is none.
    pub fn open(
        environment: &'e Environment,
        place: &Place,
        profile: &Profile,
        kind: Flock,
        job: &Job,
    ) -> Result<Option<Self>> {
        let path = place.path.join(&profile.sequences);
        let path = path.as_path();
        let files = &environment.files;
        let failed = Error::io(path);
        let mode = match kind {
            Flock::Shared => OpenMode::Read,
            Flock::Exclusive => OpenMode::ReadWriteNoFollow,
        };
        let mut waiting = Waiting::new(environment, &place.path, Offer::Nothing, job);
        for _ in 0..TRIES {
            job.checkpoint()?;
            let id = match files.metadata(path) {
                Err(missing) if is_missing(&missing) && files.link_metadata(path).is_ok() => {
                    return Err(Error::Refused(
                        "its file of sequences is a link that leads nowhere",
                    ));
                }
                Err(missing) if is_missing(&missing) => return Ok(None),
                other => FileId::of(&other.map_err(&failed)?),
            };
            let guard = loop {
                if let Some(guard) = environment.guards.enter(id) {
                    break guard;
                }
                waiting.vain(&|| Holder::with_pid(std::process::id()))?;
            };
            let mut file = match files.open(path, mode) {
                Err(missing) if is_missing(&missing) => continue,
                other => other.map_err(&failed)?,
            };
            waiting.flock(path, &mut *file, kind)?;
            while !file.try_record_lock(kind).map_err(&failed)? {
                waiting.vain(&|| holder_of(&*file))?;
            }
            let named = files.metadata(path).map(|found| FileId::of(&found));
            let opened = file.metadata().map_err(&failed)?;
            if FileId::of(&opened) == id && named.is_ok_and(|named| named == id) {
                return Ok(Some(Self {
                    environment,
                    path: path.to_owned(),
                    file: Some(file),
                    unreadable: None,
                    unseen: false,
                    _guard: Some(guard),
                }));
            }
        }
        Err(access::unsteady())
    }

    /// Whether a change of this user's programs was interrupted.
    pub fn is_unfinished(&self, place: &Place) -> Result<bool> {
        if pending::is_there(self.environment, &place.path) {
            return Ok(true);
        }
        let Some(file) = &self.file else {
            return Ok(false);
        };
        let journal = Journal::new(self.environment);
        journal.is_pending(&**file).map_err(Error::io(&self.path))
    }

    /// Finishes a change of the file that was interrupted.
    pub fn recover(&mut self) -> Result<()> {
        match &mut self.file {
            Some(file) => access::recover(self.environment, &self.path, &mut **file),
            None => Ok(()),
        }
    }

    /// What they are.
    pub fn read(&self) -> Result<Sequences> {
        let Some(file) = &self.file else {
            return Ok(Sequences::default());
        };
        let bytes = bytes_of(&**file).map_err(Error::io(&self.path))?;
        Ok(Sequences::parse(&bytes))
    }

    /// Makes them others; durable on return. They are locked to be changed, and are what was read.
    pub fn write(&mut self, new: &Sequences) -> Result<()> {
        let bytes = new.to_bytes();
        let Some(file) = self.file.as_deref_mut() else {
            return Err(Error::ReadOnly);
        };
        let failed = Error::io(&self.path);
        let length = file.metadata().map_err(&failed)?.len();
        if bytes_of(file).map_err(&failed)? == bytes {
            return Ok(());
        }
        let mut plan = Plan::new(length);
        plan.put(&bytes);
        Journal::of(self.environment, "mh")
            .rewrite(&self.path, file, &plan, &mut |_, _| {})
            .map_err(|refusal| access::journal_error(&self.path, refusal))?;
        let named = self.environment.files.metadata(&self.path);
        let opened = file.metadata().map_err(&failed)?;
        match named.is_ok_and(|named| FileId::of(&named) == FileId::of(&opened)) {
            true => Ok(()),
            // Some programs put another file in its place, and know no lock.
            false => Err(Error::Refused(
                "another program replaced its sequences at this moment; those are kept and this change of flags is not: try it again",
            )),
        }
    }
}

fn bytes_of(file: &dyn MailFile) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    if length > LARGEST {
        return Err(io::Error::other("it is too large for sequences"));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    let count = read_full_at(file, &mut bytes, 0)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// The sequences in a file as they are by now, locked or not.
pub fn glance(environment: &Environment, path: &Path) -> io::Result<Sequences> {
    let id = FileId::of(&environment.files.metadata(path)?);
    // A thread of this program that holds its record lock would lose it when the file is closed.
    let guard = environment.guards.enter(id);
    let _guard = guard.ok_or(io::ErrorKind::WouldBlock)?;
    let file = environment.files.open(path, OpenMode::Read)?;
    Ok(Sequences::parse(&bytes_of(&*file)?))
}
