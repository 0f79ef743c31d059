//! Appending: each message is written under another name and brought to disk; then all get the next numbers, and the
//! sequences that their flags ask for, as one change.

use std::io;
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::numbers::{file_of, numbers_in};
use crate::driver::layout::folder::pending::{self, Missing, Part, Step};
use crate::driver::layout::folder::staged::{Staged, new_name};
use crate::driver::layout::lf::write_lf;
use crate::driver::local_file::is_missing;
use crate::driver::message::{Messages, NewMessage};
use crate::driver::mh::files::HIGHEST;
use crate::driver::mh::folder::is_inbox;
use crate::driver::mh::locking::lock;
use crate::driver::mh::mailbox::Mh;
use crate::driver::mh::manage::create;
use crate::driver::mh::members::{Members, set_of};
use crate::driver::mh::recovery::NO_NUMBERS_LEFT;
use crate::driver::mh::refresh::Own;
use crate::driver::mh::register::Depth;
use crate::driver::mh::sequence_file::SequenceFile;
use crate::driver::mh::store::sequences_for;
use crate::driver::place::Place;
use crate::mail::appended::Appended;
use crate::mail::flags::{Flags, SystemFlags};
use crate::mail::status::Access;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::FileLayer;

/// Appends all messages or none, durable on return.
pub fn append(
    environment: &Arc<Environment>,
    place: &Place,
    messages: &mut dyn Messages,
    job: &Job,
) -> Result<Appended> {
    let found = environment.files.metadata(&place.path);
    let missing = found.is_err_and(|refusal| is_missing(&refusal));
    if missing && (place.is_inbox || is_inbox(environment, place)) {
        create(environment, place)?;
    }
    let mailbox = Mh::closed(environment, place, Access::ReadWrite, Depth::Content)?;
    mailbox.standing.require_writable(job)?;
    let mut batch = Batch {
        environment,
        place,
        staged: Staged::new(environment, place),
        letters: Vec::new(),
    };
    while let Some(message) = messages.next(job)? {
        job.checkpoint()?;
        batch.stage(message)?;
    }
    batch.deliver(mailbox, job)
}

/// Messages under other names.
struct Batch<'a> {
    environment: &'a Arc<Environment>,
    place: &'a Place,
    staged: Staged<'a>,
    letters: Vec<Letter>,
}

struct Letter {
    flags: Flags,
    wish: Option<Uid>,
}

/// So often others may take the numbers that were meant.
const TRIES: usize = 20;

impl Batch<'_> {
    fn stage(&mut self, mut message: NewMessage) -> Result<()> {
        let now = (self.environment.clock)();
        let date = message.internal_date.map_or(now, |date| date.seconds);
        // Programs that know no sequences take one for seen that was read after it was written.
        let read = match message.flags.has(SystemFlags::SEEN) {
            true => now.max(date.saturating_add(1)),
            false => date,
        };
        self.staged.write(new_name(self.environment), |file| {
            write_lf(&mut message.content, file)?;
            file.set_times(read, date)
        })?;
        self.letters.push(Letter {
            flags: message.flags,
            wish: message.uid,
        });
        Ok(())
    }

    fn deliver(mut self, mut mailbox: Mh, job: &Job) -> Result<Appended> {
        if self.letters.is_empty() {
            return Ok(Appended::default());
        }
        let path = &self.place.path;
        let files = &*self.environment.files;
        files.sync_dir(path).map_err(Error::io(path))?;
        let profile = mailbox.profile.clone();
        mailbox.register.prepare(job)?;
        let mut file = lock(self.environment, self.place, &profile, job)?;
        let mut numbers = self.place_all(&mut file, &profile.unseen);
        for _ in 1..TRIES {
            match numbers {
                // A program that knows no locks took one of them.
                Err(Error::Io { ref source, .. })
                    if source.kind() == io::ErrorKind::AlreadyExists => {}
                _ => break,
            }
            job.checkpoint()?;
            numbers = self.place_all(&mut file, &profile.unseen);
        }
        self.staged.leave_after(&numbers);
        let numbers = numbers?;
        let wishes = self.letters.iter().map(|letter| letter.wish);
        let own: Vec<Own> = numbers.iter().copied().zip(wishes).collect();
        // They are there; a UID that cannot be told is no reason to say that they are not.
        let job = job.without_changes().uncancelled();
        let uids = match mailbox.take_in(&mut file, &own, &job) {
            Ok(()) => uids_of(&mailbox, &numbers),
            Err(_) => Vec::new(),
        };
        let uid_validity = UidValidity::new(mailbox.register.uid_validity);
        Ok(Appended {
            uid_validity: uid_validity.filter(|_| !uids.is_empty()),
            count: numbers.len() as u64,
            uids,
        })
    }

    /// Gives all letters the next numbers; these come back.
    fn place_all(&self, file: &mut SequenceFile<'_>, unseen: &[String]) -> Result<Vec<u32>> {
        let path = &self.place.path;
        let old = file.read()?;
        let numbers = next_numbers(&*self.environment.files, self.place, self.letters.len())?;
        let mut new = old.clone();
        new.remove_from_all(&set_of(&numbers));
        let mut members = Members::default();
        let mut words = Vec::new();
        let mut moves = Vec::new();
        let letters = self.letters.iter().zip(self.staged.names());
        for ((letter, name), &number) in letters.zip(&numbers) {
            let names = sequences_for(&letter.flags, unseen, &new);
            words.push(Step::Words(format!("{number} {}", names.join(" "))));
            moves.push(Step::Move(name.clone(), file_of(number)));
            names.iter().for_each(|name| members.put(name, number));
        }
        members.add_to(&mut new);
        let steps: Vec<Step> = words.into_iter().chain(moves).collect();
        let mut part = Part {
            first: &mut || file.write(&new),
            may_go: &|_| true,
        };
        let outcome =
            pending::carry_out_with(self.environment, path, &steps, Missing::Fails, &mut part);
        match outcome {
            Ok(_) => Ok(numbers),
            Err(refusal @ Error::Pending { .. }) => Err(refusal),
            Err(refusal) => {
                // What was said of numbers that are not theirs. Why they are not is what counts.
                let _ = file.write(&old);
                Err(refusal)
            }
        }
    }
}

/// The numbers behind the highest that a message has.
fn next_numbers(files: &dyn FileLayer, place: &Place, count: usize) -> Result<Vec<u32>> {
    let taken = numbers_in(files, &place.path).map_err(Error::io(&place.path))?;
    let messages = taken.partition_point(|&number| number <= HIGHEST);
    let last = taken.get(..messages).and_then(<[u32]>::last);
    let last = last.copied().unwrap_or(0);
    let count = u32::try_from(count).unwrap_or(HIGHEST);
    let end = last.checked_add(count).filter(|&end| end <= HIGHEST);
    let end = end.ok_or(NO_NUMBERS_LEFT)?;
    Ok((last + 1..=end).collect())
}

/// The UIDs of the messages with these numbers.
fn uids_of(mailbox: &Mh, numbers: &[u32]) -> Vec<Uid> {
    let live = mailbox.register.live().iter();
    let mut by_number: Vec<(u32, u32)> = live.map(|entry| (entry.number, entry.uid)).collect();
    by_number.sort_unstable();
    let uid = |number: &u32| {
        let place = by_number.binary_search_by_key(number, |it| it.0);
        Uid::new(by_number.get(place.ok()?)?.1)
    };
    let uids: Option<Vec<Uid>> = numbers.iter().map(uid).collect();
    uids.filter(|_| mailbox.register.sticky).unwrap_or_default()
}
