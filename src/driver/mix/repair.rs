//! A repaired copy of a damaged mailbox: the messages that its index knows, and those that the data files hold besides where
//! the index is not whole and nothing says that they were expunged.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::driver::contract::LocalDriver;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::window::{Line, Window};
use crate::driver::layout::prefile::locks::open_shared;
use crate::driver::layout::prefile::record::system_of;
use crate::driver::message::{Content, Messages, NewMessage};
use crate::driver::mix::contents::Contents;
use crate::driver::mix::front::{FRONT, are_all_there, entry_at};
use crate::driver::mix::index::Entry;
use crate::driver::mix::locked::{Locked, share_of};
use crate::driver::mix::names::{data_file, data_files};
use crate::driver::mix::status::{State, Status};
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::mail::flags::Flags;
use crate::mail::uid::Uid;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::transfer::read_full_at;

/// Makes the mailbox at `to` of what can be read of the one at `from`; all of it or nothing.
pub fn repair(
    driver: &dyn LocalDriver,
    environment: &Environment,
    (from, to): (&Place, &Place),
    job: &Job,
) -> Result<Repaired> {
    // Where nobody can have it open there is nothing to wait for.
    let _share = open_shared(environment, &share_of(from), OpenMode::Read, job).ok();
    let locked = Locked::to_look(environment, from, job)?;
    let mut salvage = Salvage::look(environment, from, &locked, job)?;
    let messages = salvage.entries.len() as u64;
    salvage.tell_left_out(job);
    driver.create(to, job)?;
    if messages > 0
        && let Err(refusal) = driver.append(to, &mut salvage, job)
    {
        let _stays = driver.delete(to, &job.uncancelled()).is_err();
        return Err(refusal);
    }
    Ok(Repaired {
        messages,
        left_out: Vec::new(),
    })
}

/// What was found in a damaged mailbox.
struct Salvage<'e> {
    environment: &'e Environment,
    folder: PathBuf,
    contents: Contents,
    states: BTreeMap<u32, State>,
    /// Messages that the index knows and no data file has.
    lost: usize,
    /// Bytes of the data files, where these were looked through, that belong to no message.
    foreign: u64,
    entries: std::vec::IntoIter<Entry>,
}

impl<'e> Salvage<'e> {
    fn look(
        environment: &'e Environment,
        place: &Place,
        locked: &Locked,
        job: &Job,
    ) -> Result<Self> {
        let contents = match Contents::read(locked, None, job) {
            // Without `.mixmeta` all but the names of the keywords can still be there.
            Err(Error::Changed(_)) => None,
            other => other?,
        };
        let is_whole = contents.as_ref().is_some_and(|it| it.damage().is_none());
        let contents = contents.unwrap_or_default();
        let mut states = BTreeMap::new();
        if let Some(source) = locked.status.source() {
            let length = locked.status.length()?;
            let mut found = |uid, state| {
                states.insert(uid, state);
            };
            Status::read(source, length, &mut found, job)?;
        }
        let mut salvage = Self {
            environment,
            folder: place.path.clone(),
            contents,
            states,
            lost: 0,
            foreign: 0,
            entries: Vec::new().into_iter(),
        };
        salvage.find(is_whole, job)?;
        Ok(salvage)
    }

    fn tell_left_out(&self, job: &Job) {
        if self.lost > 0 {
            let lost = self.lost;
            job.notice(format!(
                "{lost} messages of its index are in none of its data files"
            ));
        }
        if self.foreign > 0 {
            let foreign = self.foreign;
            job.notice(format!(
                "{foreign} bytes of its data files belong to no message that can be made out"
            ));
        }
    }

    fn find(&mut self, is_whole: bool, job: &Job) -> Result<()> {
        let known = self.contents.records.iter().map(|record| record.entry);
        let known: Vec<Entry> = known.collect();
        let mut all: BTreeMap<u32, Entry> = BTreeMap::new();
        for entry in &known {
            job.checkpoint()?;
            if are_all_there(self.environment, &self.folder, &[*entry], job)? {
                all.insert(entry.uid, *entry);
            }
        }
        if !is_whole || all.len() < known.len() {
            let is_live = |uid: u32| {
                let may_be = self.states.is_empty() || self.states.contains_key(&uid);
                (!is_whole && may_be) || self.contents.place_of(uid).is_some()
            };
            let mut take = |entry: Entry| {
                if is_live(entry.uid) {
                    all.entry(entry.uid).or_insert(entry);
                }
            };
            let files = &*self.environment.files;
            for number in data_files(files, &self.folder).map_err(Error::io(&self.folder))? {
                let path = &self.folder.join(data_file(number));
                let file = files.open(path, OpenMode::Read).map_err(Error::io(path))?;
                let file = &*file;
                self.foreign += scan(Source { file, path }, number, &mut take, job)?;
            }
        }
        let is_lost = |entry: &&Entry| !all.contains_key(&entry.uid);
        self.lost = known.iter().filter(is_lost).count();
        let all: Vec<Entry> = all.into_values().collect();
        self.entries = all.into_iter();
        Ok(())
    }
}

/// Hands the messages of a data file to `take`, also those behind bytes that are none; gives the count of these bytes.
fn scan(source: Source<'_>, number: u32, take: &mut dyn FnMut(Entry), job: &Job) -> Result<u64> {
    let failed = Error::io(source.path);
    let length = source.file.metadata().map_err(&failed)?.len();
    let mut window = Window::new(source.file, 0, length);
    let mut foreign = 0;
    loop {
        job.checkpoint()?;
        let line = match window.line().map_err(&failed)? {
            Line::Unended(0) => return Ok(foreign),
            Line::Whole(length) => length,
            _ => 0,
        };
        let bytes = window.rest().get(..line).unwrap_or_default();
        let Some(mut entry) = entry_at(bytes, number, window.offset()) else {
            foreign += window.skip_line().map_err(&failed)?.length;
            continue;
        };
        window.consume(line);
        match is_end(source, entry.end(), length).map_err(&failed)? {
            true => skip_to(&mut window, entry.end()).map_err(&failed)?,
            // Its size is not true: it ends where the next one begins, or the file.
            false => {
                skip_to_front(&mut window, number, job).map_err(&failed)??;
                let size = window.offset().saturating_sub(entry.text());
                entry.size = u32::try_from(size).unwrap_or(entry.size);
            }
        }
        take(entry);
    }
}

/// Whether the file ends here, or the line in front of a message begins.
fn is_end(source: Source<'_>, at: u64, length: u64) -> io::Result<bool> {
    let mut start = [0; FRONT.len()];
    if at >= length {
        return Ok(at == length);
    }
    let count = read_full_at(source.file, &mut start, at)?;
    Ok(start.get(..count) == Some(FRONT))
}

fn skip_to(window: &mut Window<'_>, end: u64) -> io::Result<()> {
    while window.offset() < end {
        let left = usize::try_from(end - window.offset()).unwrap_or(usize::MAX);
        window.consume(left);
        if window.rest().is_empty() && !window.more()? {
            break;
        }
    }
    Ok(())
}

/// Goes on to the next line that can be one in front of a message.
fn skip_to_front(window: &mut Window<'_>, number: u32, job: &Job) -> io::Result<Result<()>> {
    loop {
        if let Err(cancelled) = job.checkpoint() {
            return Ok(Err(cancelled));
        }
        let line = match window.line()? {
            Line::Unended(0) => return Ok(Ok(())),
            Line::Whole(length) => length,
            _ => 0,
        };
        let bytes = window.rest().get(..line).unwrap_or_default();
        if entry_at(bytes, number, window.offset()).is_some() {
            return Ok(Ok(()));
        }
        window.skip_line()?;
    }
}

const BLOCK: usize = 64 << 10;

impl Messages for Salvage<'_> {
    fn next(&mut self, job: &Job) -> Result<Option<NewMessage>> {
        job.checkpoint()?;
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        let path = self.folder.join(data_file(entry.file));
        let failed = Error::io(&path);
        let file = self.environment.files.open(&path, OpenMode::Read);
        let file = file.map_err(&failed)?;
        let mut content = Content::new();
        let mut block = vec![0; BLOCK];
        let (mut at, end) = (entry.text(), entry.end());
        while at < end {
            let count = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
            let room = block.get_mut(..count).unwrap_or_default();
            let count = read_full_at(&*file, room, at).map_err(&failed)?;
            if count == 0 {
                break;
            }
            let bytes = room.get(..count).unwrap_or_default();
            content.write_all(bytes).map_err(&failed)?;
            at += count as u64;
        }
        let state = self.states.get(&entry.uid).copied().unwrap_or_default();
        let words = &self.contents.meta.words;
        let keywords = words.names_of(state.keywords & words.named_bits());
        Ok(Some(NewMessage {
            flags: Flags::new(system_of(state.flags), keywords),
            internal_date: Some(entry.date()),
            sender: None,
            uid: Uid::new(entry.uid),
            content,
        }))
    }
}
