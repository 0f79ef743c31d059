//! Expunging: what goes is taken out of all sequences, gets another name and is removed, as one change.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::numbers::{file_of, numbers_in};
use crate::driver::layout::folder::pending::{self, Missing, Part, Step, move_file};
use crate::driver::mh::entry::{Entry, Key};
use crate::driver::mh::locking::lock;
use crate::driver::mh::mailbox::Mh;
use crate::driver::mh::recovery::gone_front;
use crate::driver::mh::refresh::is_deleted;
use crate::driver::place::Place;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;

/// So many messages go as one change.
const AT_ONCE: usize = 10_000;

impl Mh {
    /// Removes some of the messages that go; whether there may be more of them.
    pub(super) fn expunge_some(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<bool> {
        let (environment, place) = (Arc::clone(&self.environment), self.place.clone());
        let mut file = lock(&environment, &place, &self.profile, job)?;
        self.take_in(&mut file, &[], job)?;
        let is_wanted = |uid: u32| {
            let uid = Uid::new(uid);
            uids.is_none_or(|uids| uid.is_some_and(|uid| uids.contains(uid)))
        };
        let going = self.told.iter().filter(|told| is_deleted(told));
        let going = going.filter(|told| is_wanted(told.uid));
        let entries = going
            .filter_map(|told| self.register.entry(told.uid))
            .copied();
        let gone: Vec<Entry> = entries.take(AT_ONCE).collect();
        // What another program has put in its place is another message.
        let is_itself = |entry: &&Entry| {
            let path = place.path.join(file_of(entry.number));
            let found = environment.files.link_metadata(&path);
            found.is_ok_and(|found| found.is_file() && Key::of(&found) == entry.key)
        };
        let sound: Vec<Entry> = gone.iter().filter(is_itself).copied().collect();
        if sound.len() < gone.len() {
            self.register.doubt();
        }
        if sound.is_empty() {
            self.take_in(&mut file, &[], job)?;
            return Ok(false);
        }
        let process = &environment.process;
        let apart = |entry: &Entry| {
            let front = gone_front(entry);
            let (pid, start, number) = (process.pid, process.start, entry.number);
            PathBuf::from(format!("{front}{pid}-{start}-{number}"))
        };
        let moves = sound.iter();
        let moves = moves.map(|entry| Step::Move(file_of(entry.number), apart(entry)));
        let discards = sound.iter().map(|entry| Step::Discard(apart(entry)));
        let steps: Vec<Step> = moves.chain(discards).collect();
        let old = file.read()?;
        let mut new = old.clone();
        new.remove_from_all(&numbers_of(&sound));
        // What was moved in the last moment may be another message all the same.
        let keys = sound
            .iter()
            .map(|entry| (place.path.join(apart(entry)), entry.key));
        let keys: HashMap<PathBuf, Key> = keys.collect();
        let strangers = RefCell::new(HashSet::new());
        let may_go = |path: &Path| {
            let found = environment.files.link_metadata(path);
            let found = found.ok().map(|found| Key::of(&found));
            let is_meant = found.is_none() || found.as_ref() == keys.get(path);
            if !is_meant {
                strangers.borrow_mut().insert(path.to_owned());
            }
            is_meant
        };
        let mut part = Part {
            first: &mut || file.write(&new),
            may_go: &may_go,
        };
        let outcome = pending::carry_out_with(
            &environment,
            &place.path,
            &steps,
            Missing::PassedOver,
            &mut part,
        );
        let job = job.uncancelled();
        let moved = match &outcome {
            Ok(done) => done.as_slice(),
            Err(Error::Pending { .. }) => &[],
            Err(_) => {
                // They are there, and marked as they were; why they are is what counts.
                let back = file.write(&old);
                return outcome.and(back).map(|()| false);
            }
        };
        let strangers = strangers.into_inner();
        let stays = sound.iter().zip(moved).filter(|(entry, moved)| {
            let apart = place.path.join(apart(entry));
            match strangers.contains(&apart) {
                true => come_back(&environment, &place, entry, &apart),
                false => !**moved && is_itself(entry),
            }
        });
        let stays: Vec<Entry> = stays.map(|(entry, _)| *entry).collect();
        if !stays.is_empty() {
            let mut sequences = file.read()?;
            sequences.copy_members(&old, &numbers_of(&stays));
            file.write(&sequences)?;
        }
        self.register.doubt();
        self.take_in(&mut file, &[], &job)?;
        outcome.map(|_| gone.len() == AT_ONCE && stays.is_empty())
    }
}

/// Gives a file that was not to go its name again, or the next one that is free; whether it has its own name.
fn come_back(environment: &Environment, place: &Place, entry: &Entry, apart: &Path) -> bool {
    let files = &*environment.files;
    let back = move_file(files, apart, &place.path.join(file_of(entry.number)));
    if back.is_ok() {
        return true;
    }
    let numbers = numbers_in(files, &place.path).unwrap_or_default();
    let next = numbers.last().copied().unwrap_or(0).checked_add(1);
    if let Some(next) = next {
        // Where this fails too it stays under a name that is not removed as long as it is young.
        let _ = move_file(files, apart, &place.path.join(file_of(next)));
    }
    false
}

fn numbers_of(entries: &[Entry]) -> UidSet {
    let mut numbers: Vec<u32> = entries.iter().map(|entry| entry.number).collect();
    numbers.sort_unstable();
    numbers.into_iter().filter_map(Uid::new).collect()
}
