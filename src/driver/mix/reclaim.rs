//! Reclaiming the space of messages that are gone, where nobody else has the mailbox open. A data file without messages is
//! removed. Of one with some the messages are copied into a new file, then the index says where they are now, and then the
//! old file is removed: whenever that ends, each message that was where the index says still is. Nothing is done where the
//! index is not whole, or names a file that is missing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::locks;
use crate::driver::mix::data::{create_one_of, remove};
use crate::driver::mix::expunge::text_of;
use crate::driver::mix::fields::sequence_patch;
use crate::driver::mix::front::require_line;
use crate::driver::mix::index::Entry;
use crate::driver::mix::locked::{Locked, share_of};
use crate::driver::mix::mailbox::Mix;
use crate::driver::mix::names::data_file;
use crate::driver::mix::wasteful::{Inside, Wasteful, wasteful_files};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::{read_exact_at, write_all_at};

/// So many bytes are copied before the index is changed.
const ROUND: u64 = 64 << 20;
const BLOCK: usize = 64 << 10;

/// Messages that were copied: until the index knows, the copies can go.
struct Round<'e> {
    environment: &'e Environment,
    /// The copies.
    new: Vec<PathBuf>,
    /// What they were made of.
    old: Vec<PathBuf>,
    /// Places of the messages, and where they are now.
    moved: Vec<(usize, Entry)>,
    bytes: u64,
    current: Option<u32>,
}

impl Mix {
    /// Reclaims what there is. That it cannot be done is told, and no reason not to read mail.
    pub(super) fn reclaim_if_possible(&mut self, locked: &mut Locked, job: &Job) -> Result<()> {
        if !self.may_have_waste || !self.standing.may_write() {
            return Ok(());
        }
        match self.reclaim(locked, job) {
            Err(refusal @ (Error::Cancelled | Error::Changed(_))) => Err(refusal),
            Err(refusal) => {
                self.stale = true;
                let why = refusal.with_reason();
                job.notice(format!(
                    "the space of expunged messages stays for now: {why}"
                ));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// At check and close: reclaims what there is. A lock that somebody holds is not waited for.
    pub(super) fn tidy(&mut self, job: &Job) -> Result<()> {
        if !self.may_have_waste || !self.standing.may_write() {
            return Ok(());
        }
        let mut locked = match self.lock(&job.hurried()) {
            Err(Error::Locked { .. }) => return Ok(()),
            other => other?,
        };
        let reclaimed = self
            .catch_up(&mut locked, job)
            .and_then(|()| self.reclaim_if_possible(&mut locked, job));
        self.end(&locked, reclaimed)
    }

    fn reclaim(&mut self, locked: &mut Locked, job: &Job) -> Result<()> {
        let is_known = !self.stale && locked.index.mark()? == self.contents.index;
        if !is_known || !self.contents.index_is_whole {
            // What is not known could be taken for waste.
            return Ok(());
        }
        let files = &*self.environment.files;
        let wasteful = wasteful_files(files, &self.place.path, &self.contents)?;
        self.may_have_waste = !wasteful.is_empty();
        let share = share_of(&self.place);
        if wasteful.is_empty() || !locks::alone(&share, &mut *self.share)? {
            return Ok(());
        }
        self.data = None;
        let reclaimed = self.copy_together(locked, &wasteful, job);
        locks::share(&share, &mut *self.share)?;
        self.may_have_waste = reclaimed.is_err();
        reclaimed
    }

    /// Nobody else has the mailbox open.
    fn copy_together(
        &mut self,
        locked: &mut Locked,
        wasteful: &[Wasteful],
        job: &Job,
    ) -> Result<()> {
        let environment = Arc::clone(&self.environment);
        let inside = Inside::of(wasteful, &self.contents.records);
        let mut round = Round::new(&environment);
        if wasteful.iter().any(|file| !file.is_used) {
            // The index that says so may not be on disk yet.
            locked.index.sync()?;
        }
        for file in wasteful {
            job.checkpoint()?;
            if !file.is_used {
                self.drop_file(file.number)?;
                continue;
            }
            let mut copied = self.copy(file, &inside, &mut round, job);
            if matches!(&copied, Err(refusal) if is_full(refusal)) && !round.old.is_empty() {
                // What was copied before gives space back.
                let before = std::mem::replace(&mut round, Round::new(&environment));
                self.commit(locked, before)?;
                copied = self.copy(file, &inside, &mut round, job);
            }
            copied?;
            if round.bytes > ROUND {
                let full = std::mem::replace(&mut round, Round::new(&environment));
                self.commit(locked, full)?;
            }
        }
        self.commit(locked, round)
    }

    /// Removes a file without messages, or empties it where the next ones go into it.
    fn drop_file(&self, number: u32) -> Result<()> {
        let files = &*self.environment.files;
        let path = self.place.path.join(data_file(number));
        let dropped = match number == self.contents.meta.current {
            true => files
                .open(&path, OpenMode::ReadWriteNoFollow)
                .and_then(|mut file| file.set_len(0)),
            false => files.remove_file(&path),
        };
        dropped.map_err(Error::io(&path))
    }

    /// Copies the messages of a file into a new one. A file in which not all is where the index says is left alone.
    fn copy(
        &self,
        file: &Wasteful,
        inside: &Inside,
        round: &mut Round<'_>,
        job: &Job,
    ) -> Result<()> {
        let (environment, place) = (&*self.environment, &self.place);
        let path = place.path.join(data_file(file.number));
        let source = environment.files.open(&path, OpenMode::Read);
        let source = source.map_err(Error::io(&path))?;
        let source = Source {
            file: &*source,
            path: &path,
        };
        let records = &self.contents.records;
        let entry = |place: usize| Some((place, records.get(place)?.entry));
        let mut moved: Vec<(usize, Entry)> = inside.file(file.number).filter_map(entry).collect();
        if !is_sound(source, file.size, &moved, job)? {
            return Ok(());
        }
        let current = self.contents.meta.current;
        let made = match file.number == current {
            true => create_one_of(environment, place, self.next_numbers()),
            // Below the current one where one is free: those above it are for programs that append.
            false => {
                let lower = (1..file.number.min(current)).rev();
                let numbers = lower.chain(file.number.saturating_add(1)..current);
                create_one_of(environment, place, numbers.chain(self.next_numbers()))
            }
        };
        let (number, new_path, mut new) = made?;
        let copied = copy_all(source, (&mut *new, &new_path), &mut moved, job);
        let Ok(Some(length)) = copied else {
            remove(environment, &new_path);
            return copied.map(drop);
        };
        for (_, entry) in &mut moved {
            entry.file = number;
        }
        if file.number == current {
            round.current = Some(number);
        }
        round.new.push(new_path);
        round.bytes += length;
        round.moved.extend(moved);
        round.old.push(path);
        Ok(())
    }

    fn next_numbers(&self) -> impl Iterator<Item = u32> + use<> {
        let now = u32::try_from((self.environment.clock)()).unwrap_or(0);
        let first = now.max(self.contents.meta.current.saturating_add(1));
        (first..=u32::MAX).chain((1..first).rev())
    }

    /// Lets the index say where the messages are now, and removes the old files.
    fn commit(&mut self, locked: &mut Locked, mut round: Round<'_>) -> Result<()> {
        if round.old.is_empty() {
            return Ok(());
        }
        let environment = Arc::clone(&self.environment);
        let folder = &self.place.path;
        let synced = environment.files.sync_dir(folder);
        synced.map_err(Error::io(folder))?;
        if !self.contents.index_is_regular {
            let sequence = locked.next_sequence(&environment, &self.contents.meta)?;
            let text = text_of(sequence, &self.contents.records);
            locked.index.replace(&environment, text)?;
        }
        round.moved.sort_unstable_by_key(|moved| moved.0);
        let places = round.moved.iter().map(|(at, entry)| entry.place_patch(*at));
        let places: Vec<_> = places.collect();
        // From here on the index may name them.
        round.new.clear();
        locked.index.move_places(&environment, &places)?;
        let sequence = locked.next_sequence(&environment, &self.contents.meta)?;
        let patches = [sequence_patch(sequence)];
        locked.index.patch(&environment, &patches, b"")?;
        for (place, entry) in &round.moved {
            if let Some(record) = self.contents.records.get_mut(*place) {
                record.entry = *entry;
            }
        }
        self.contents.index_is_regular = true;
        self.contents.index = locked.index.mark()?;
        if let Some(current) = round.current {
            let mut meta = self.contents.meta.clone();
            meta.current = current;
            meta.sequence = locked.next_sequence(&environment, &meta)?;
            locked.write_meta(&environment, &meta)?;
            self.contents.meta = locked.read_meta()?;
        }
        for old in &round.old {
            remove(&environment, old);
        }
        Ok(())
    }
}

impl<'e> Round<'e> {
    fn new(environment: &'e Environment) -> Self {
        Self {
            environment,
            new: Vec::new(),
            old: Vec::new(),
            moved: Vec::new(),
            bytes: 0,
            current: None,
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        for path in &self.new {
            remove(self.environment, path);
        }
    }
}

/// Whether there is no space left for a copy.
fn is_full(refusal: &Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(refusal, Error::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
}

/// Whether each message is where the index says, and none overlaps another.
fn is_sound(source: Source<'_>, size: u64, messages: &[(usize, Entry)], job: &Job) -> Result<bool> {
    let mut by_position: Vec<Entry> = messages.iter().map(|message| message.1).collect();
    by_position.sort_unstable_by_key(|entry| entry.position);
    let mut end = 0;
    for entry in by_position {
        job.checkpoint()?;
        if u64::from(entry.position) < end || entry.end() > size {
            return Ok(false);
        }
        match require_line(source, &entry) {
            Err(Error::Damaged { .. }) => return Ok(false),
            other => other?,
        }
        end = entry.end();
    }
    Ok(true)
}

/// Copies messages one behind the other, to disk, and notes where each is then; gives the bytes of them all. `None` where one
/// would be farther behind than an index can say.
fn copy_all(
    source: Source<'_>,
    (new, path): (&mut dyn MailFile, &Path),
    messages: &mut [(usize, Entry)],
    job: &Job,
) -> Result<Option<u64>> {
    let (from_old, to_new) = (Error::io(source.path), Error::io(path));
    let mut block = vec![0; BLOCK];
    let mut behind = 0;
    for (_, entry) in messages {
        let Ok(position) = u32::try_from(behind) else {
            return Ok(None);
        };
        let (mut at, end) = (u64::from(entry.position), entry.end());
        while at < end {
            job.checkpoint()?;
            let count = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
            let room = block.get_mut(..count).unwrap_or_default();
            read_exact_at(source.file, room, at).map_err(&from_old)?;
            write_all_at(new, room, behind).map_err(&to_new)?;
            (at, behind) = (at + count as u64, behind + count as u64);
        }
        entry.position = position;
    }
    new.sync().map_err(&to_new)?;
    Ok(Some(behind))
}
