//! Expunging: what goes is taken out of all sequences, gets another name and is removed, as one change.

use std::path::PathBuf;
use std::sync::Arc;

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::driver::layout::folder::numbers::file_of;
use crate::driver::layout::folder::pending::{self, Missing, Step};
use crate::driver::mh::entry::{Entry, Key};
use crate::driver::mh::locking::lock;
use crate::driver::mh::mailbox::Mh;
use crate::driver::mh::recovery::gone_front;
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
            PathBuf::from(format!("{front}{}-{}", process.pid, process.start))
        };
        let moves = sound.iter();
        let moves = moves.map(|entry| Step::Move(file_of(entry.number), apart(entry)));
        let discards = sound.iter().map(|entry| Step::Discard(apart(entry)));
        let steps: Vec<Step> = moves.chain(discards).collect();
        let mut numbers: Vec<u32> = sound.iter().map(|entry| entry.number).collect();
        numbers.sort_unstable();
        let numbers: UidSet = numbers.into_iter().filter_map(Uid::new).collect();
        let old = file.read()?;
        let mut new = old.clone();
        new.remove_from_all(&numbers);
        let outcome = pending::carry_out_after(
            &environment,
            &place.path,
            &steps,
            Missing::PassedOver,
            &mut || file.write(&new),
        );
        let job = job.uncancelled();
        match outcome {
            Ok(_) | Err(crate::driver::error::Error::Pending { .. }) => {}
            // They are there, and marked as they were.
            Err(_) => file.write(&old)?,
        }
        self.take_in(&mut file, &[], &job)?;
        outcome.map(|_| gone.len() == AT_ONCE)
    }
}
