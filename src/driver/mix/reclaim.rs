//! Reclaiming the space of messages that are gone, where nobody else has the mailbox open. A data file without messages is
//! removed. Of one with some the messages are copied into a new file, then the index says where they are now, and then the
//! old file is removed: whenever that ends, each message is where the index says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::locks;
use crate::driver::mix::contents::Record;
use crate::driver::mix::data::{create_one_of, remove};
use crate::driver::mix::expunge::text_of;
use crate::driver::mix::fields::sequence_patch;
use crate::driver::mix::front::require_line;
use crate::driver::mix::index::Entry;
use crate::driver::mix::locked::{Locked, share_of};
use crate::driver::mix::mailbox::Mix;
use crate::driver::mix::names::{data_file, data_files};
use crate::mail::status::Access;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::{read_exact_at, write_all_at};

/// In a larger file one part of this many may be waste: to copy all messages for the space of a few is not worth it.
const SHARE: u64 = 16;
/// In a file of so few bytes nothing is left.
const SMALL: u64 = 64 << 10;
/// So many bytes are copied before the index is changed.
const ROUND: u64 = 64 << 20;
const BLOCK: usize = 64 << 10;

/// A data file with bytes of no message.
struct Wasteful {
    number: u32,
    size: u64,
    /// Whether there are messages in it.
    is_used: bool,
}

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
        if !self.may_have_waste || self.access == Access::ReadOnly {
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
        if !self.may_have_waste || self.access == Access::ReadOnly {
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
        if self.stale || locked.index.mark()? != self.contents.index {
            // What is not known could be taken for waste.
            return Ok(());
        }
        let wasteful = self.wasteful_files()?;
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

    fn wasteful_files(&self) -> Result<Vec<Wasteful>> {
        let files = &*self.environment.files;
        let folder = &self.place.path;
        let mut used: BTreeMap<u32, u64> = BTreeMap::new();
        for Record { entry, .. } in &self.contents.records {
            *used.entry(entry.file).or_default() += entry.end() - u64::from(entry.position);
        }
        let mut wasteful = Vec::new();
        for number in data_files(files, folder).map_err(Error::io(folder))? {
            let path = folder.join(data_file(number));
            let found = files.link_metadata(&path).map_err(Error::io(&path))?;
            let (size, used) = (found.len(), used.get(&number).copied());
            let waste = size.saturating_sub(used.unwrap_or(0));
            let is_worth_it = match used {
                Some(_) => waste > 0 && (size <= SMALL || waste >= size / SHARE),
                None => size > 0 || number != self.contents.meta.current,
            };
            if found.is_file() && is_worth_it {
                wasteful.push(Wasteful {
                    number,
                    size,
                    is_used: used.is_some(),
                });
            }
        }
        Ok(wasteful)
    }

    /// Nobody else has the mailbox open.
    fn copy_together(
        &mut self,
        locked: &mut Locked,
        wasteful: &[Wasteful],
        job: &Job,
    ) -> Result<()> {
        let environment = Arc::clone(&self.environment);
        let mut round = Round::new(&environment);
        for file in wasteful {
            job.checkpoint()?;
            if !file.is_used {
                self.drop_file(file.number)?;
                continue;
            }
            self.copy(file, &mut round, job)?;
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
    fn copy(&self, file: &Wasteful, round: &mut Round<'_>, job: &Job) -> Result<()> {
        let (environment, place) = (&*self.environment, &self.place);
        let path = place.path.join(data_file(file.number));
        let failed = Error::io(&path);
        let source = environment.files.open(&path, OpenMode::Read);
        let source = source.map_err(&failed)?;
        let inside = self.contents.records.iter().enumerate();
        let inside = inside.filter(|(_, record)| record.entry.file == file.number);
        let mut moved: Vec<(usize, Entry)> = inside
            .map(|(place, record)| (place, record.entry))
            .collect();
        if !is_sound(&*source, &path, file.size, &moved)? {
            return Ok(());
        }
        let current = self.contents.meta.current;
        let made = match file.number == current {
            true => create_one_of(environment, place, self.next_numbers()),
            // No number that an appending program will choose.
            false => {
                let lower = (1..file.number).rev();
                let numbers = lower.chain(file.number.saturating_add(1)..current);
                create_one_of(environment, place, numbers)
            }
        };
        let (number, new_path, mut new) = made?;
        round.new.push(new_path.clone());
        let mut at = 0;
        for (_, entry) in &mut moved {
            job.checkpoint()?;
            let (from, end) = (u64::from(entry.position), entry.end());
            copy_bytes((&*source, from), (&mut *new, at), end - from).map_err(&failed)?;
            (entry.file, entry.position) = (number, at as u32);
            at += end - from;
        }
        new.sync().map_err(Error::io(&new_path))?;
        if file.number == current {
            round.current = Some(number);
        }
        round.bytes += at;
        round.moved.extend(moved);
        round.old.push(path.clone());
        Ok(())
    }

    fn next_numbers(&self) -> impl Iterator<Item = u32> + use<> {
        let now = u32::try_from((self.environment.clock)()).unwrap_or(0);
        now.max(self.contents.meta.current.saturating_add(1))..u32::MAX
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
        let sequence = locked.next_sequence(&environment, &self.contents.meta)?;
        round.moved.sort_unstable_by_key(|moved| moved.0);
        let mut records = self.contents.records.clone();
        for (place, entry) in &round.moved {
            if let Some(record) = records.get_mut(*place) {
                record.entry = *entry;
            }
        }
        let written = match self.contents.index_is_regular {
            true => {
                let places = round.moved.iter().map(|(at, entry)| entry.place_patch(*at));
                let mut patches = vec![sequence_patch(sequence)];
                patches.extend(places);
                locked.index.patch(&environment, &patches, b"")
            }
            false => locked
                .index
                .replace(&environment, text_of(sequence, &records)),
        };
        if matches!(written, Ok(()) | Err(Error::Pending { .. })) {
            // What is to be finished needs them.
            round.new.clear();
        }
        written?;
        self.contents.records = records;
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

/// Whether each message is where the index says, and none overlaps another.
fn is_sound(
    file: &dyn MailFile,
    path: &std::path::Path,
    size: u64,
    messages: &[(usize, Entry)],
) -> Result<bool> {
    let mut by_position: Vec<Entry> = messages.iter().map(|message| message.1).collect();
    by_position.sort_unstable_by_key(|entry| entry.position);
    let mut end = 0;
    for entry in by_position {
        if u64::from(entry.position) < end || entry.end() > size {
            return Ok(false);
        }
        match require_line(Source { file, path }, &entry) {
            Err(Error::Damaged { .. }) => return Ok(false),
            other => other?,
        }
        end = entry.end();
    }
    Ok(true)
}

fn copy_bytes(
    (from, mut at): (&dyn MailFile, u64),
    (to, mut behind): (&mut dyn MailFile, u64),
    mut left: u64,
) -> std::io::Result<()> {
    let mut block = vec![0; BLOCK];
    while left > 0 {
        let count = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        let room = block.get_mut(..count).unwrap_or_default();
        read_exact_at(from, room, at)?;
        write_all_at(to, room, behind)?;
        (at, behind) = (at + count as u64, behind + count as u64);
        left -= count as u64;
    }
    Ok(())
}
