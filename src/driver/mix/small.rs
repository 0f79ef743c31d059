//! One of the three small files of a mailbox, locked. It keeps its inode and changes by way of the journal.

use std::path::PathBuf;

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::access::{self, Stamp, TRIES, journal_error};
use crate::driver::layout::file::content::Source;
use crate::driver::mix::fields::{sequence, sequence_patch};
use crate::driver::waiting::Waiting;
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::journal::plan::Plan;
use crate::os::journal::redo::Journal;
use crate::os::transfer::{read_exact_at, read_full_at, write_all_at};

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
    /// Opens it.
    pub(super) fn open(path: PathBuf, environment: &Environment, mode: OpenMode) -> Result<Self> {
        let file = match environment.files.open(&path, mode) {
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => None,
            other => Some(other.map_err(Error::io(&path))?),
        };
        Ok(Self { path, file })
    }

    /// Takes its lock; the name still led to it afterwards.
    pub(super) fn locked(
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
    /// makes sense, that counts: of what an append has to say the index comes last, and the flags of messages that are in no
    /// index mean nothing.
    pub(super) fn recover(
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

    /// Drops a change of places that was interrupted, where each message is where the file says as it stands: old place or
    /// new one, both are true for as long as nobody reclaims the one that is not named. To finish it could name copies that
    /// another program has removed meanwhile.
    pub(super) fn drop_moves(
        &mut self,
        environment: &Environment,
        makes_sense: &dyn Fn(Source<'_>) -> Result<bool>,
    ) -> Result<()> {
        let Some(source) = self.source() else {
            return Ok(());
        };
        let pending = Journal::new(environment).pending_format(source.file);
        let pending = pending.map_err(Error::io(source.path))?;
        if pending.as_deref() != Some(MOVES) || !makes_sense(source)? {
            return Ok(());
        }
        let old = self.mark()?.sequence;
        // The journal was made for the old one: with another it does not fit, and is put aside.
        let (at, digits) = sequence_patch(old.checked_add(1).unwrap_or(old - 1));
        let (path, file) = self.open_file()?;
        let written = write_all_at(file, &digits, at).and_then(|()| file.sync());
        written.map_err(Error::io(path))
    }

    /// Whether a change of it was interrupted.
    pub(super) fn is_unfinished(&self, environment: &Environment) -> Result<bool> {
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
        let mut parts = patches.chunks(AT_ONCE);
        let first = parts.next().unwrap_or_default();
        for part in parts.rev() {
            self.patch_part(environment, FORMAT, part, b"")?;
        }
        self.patch_part(environment, FORMAT, first, behind)
    }

    /// Overwrites the places of messages, which are in both their old places and their new ones; the file keeps its
    /// sequence. Durable on return, and in parts, each of which is whole.
    pub fn move_places(
        &mut self,
        environment: &Environment,
        patches: &[(u64, Vec<u8>)],
    ) -> Result<()> {
        let mut parts = patches.chunks(AT_ONCE);
        parts.try_for_each(|part| self.patch_part(environment, MOVES, part, b""))
    }

    fn patch_part(
        &mut self,
        environment: &Environment,
        format: &'static str,
        patches: &[(u64, Vec<u8>)],
        mut behind: &[u8],
    ) -> Result<()> {
        let (path, file) = self.open_file()?;
        let length = behind.len() as u64;
        let journal = Journal::of(environment, format);
        let written = journal.append(path, file, patches, &mut behind, length, &mut |_, _| {});
        written
            .map(drop)
            .map_err(|refusal| journal_error(path, refusal))
    }

    /// Waits until what was read of it is on disk.
    pub fn sync(&mut self) -> Result<()> {
        let (path, file) = self.open_file()?;
        file.sync().map_err(Error::io(path))
    }

    /// Cuts off NULs at its end.
    pub fn cut_nuls(&mut self) -> Result<()> {
        let (path, file) = self.open_file()?;
        let failed = Error::io(path);
        let mut end = file.metadata().map_err(&failed)?.len();
        let mut block = vec![0; BLOCK];
        while end > 0 {
            let start = end.saturating_sub(BLOCK as u64);
            let count = usize::try_from(end - start).unwrap_or(BLOCK);
            let room = block.get_mut(..count).unwrap_or_default();
            read_exact_at(file, room, start).map_err(&failed)?;
            let last = room.iter().rposition(|&byte| byte != 0);
            end = last.map_or(start, |last| start + last as u64 + 1);
            if last.is_some() {
                break;
            }
        }
        let cut = file.set_len(end).and_then(|()| file.sync());
        cut.map_err(&failed)
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
        Journal::of(environment, FORMAT)
            .rewrite(path, file, plan, &mut |_, _| {})
            .map_err(|refusal| journal_error(path, refusal))
    }
}

/// So many bytes are written at once.
pub const ONE_WRITE: u64 = 4 << 20;
/// What the journals of changes say that they are of.
const FORMAT: &str = "mix";
/// The same of changes of places alone.
const MOVES: &str = "mix places";
const BLOCK: usize = 64 << 10;
/// How many patches one journal holds.
const AT_ONCE: usize = 500_000;
