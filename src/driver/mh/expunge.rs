//! Expunging: what goes is taken out of all sequences, gets another name and is removed, as one change.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::numbers::file_of;
use crate::driver::layout::folder::pending::{self, Missing, Part, Step};
use crate::driver::mh::entry::{Entry, Key};
use crate::driver::mh::locking::lock;
use crate::driver::mh::mailbox::Mh;
use crate::driver::mh::members::set_of;
use crate::driver::mh::recovery::{come_back, gone_front};
use crate::driver::mh::refresh::is_deleted;
use crate::mail::uid::{Uid, UidSet};

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
        new.remove_from_all(&set_of(&numbers_of(&sound)));
        // What was moved in the last moment may be another message all the same.
        let meant = sound
            .iter()
            .map(|entry| (place.path.join(apart(entry)), *entry));
        let meant: HashMap<PathBuf, Entry> = meant.collect();
        let strangers = RefCell::new(Vec::new());
        let may_go = |path: &Path| {
            let found = environment.files.link_metadata(path);
            let (Ok(found), Some(entry)) = (found, meant.get(path)) else {
                return true;
            };
            let is_meant = Key::of(&found) == entry.key;
            if !is_meant {
                strangers.borrow_mut().push((path.to_owned(), entry.number));
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
        // They are in no sequence: what was said of what had the number before does not hold of them.
        let mut all_back = Ok(());
        for (apart, number) in strangers.into_inner() {
            let back = come_back(&environment, &place, &apart, Some(number));
            all_back = all_back.and(back);
        }
        let stays = sound.iter().zip(moved);
        let stays = stays.filter(|(entry, moved)| !**moved && is_itself(entry));
        let stays: Vec<Entry> = stays.map(|(entry, _)| *entry).collect();
        if !stays.is_empty() {
            let mut sequences = file.read()?;
            sequences.copy_members(&old, &set_of(&numbers_of(&stays)));
            file.write(&sequences)?;
        }
        self.register.doubt();
        self.take_in(&mut file, &[], &job)?;
        all_back?;
        outcome.map(|_| gone.len() == AT_ONCE && stays.is_empty())
    }
}

fn numbers_of(entries: &[Entry]) -> Vec<u32> {
    entries.iter().map(|entry| entry.number).collect()
}
