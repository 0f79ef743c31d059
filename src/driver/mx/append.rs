//! Appending: each message is written under another name and brought to disk; the index gets to know them; then all get
//! their numbers as one change.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::numbers::{file_of, numbers_in};
use crate::driver::layout::folder::pending::{self, Missing, Step};
use crate::driver::layout::prefile::record::bits_of;
use crate::driver::local_file::is_missing;
use crate::driver::message::{Content, Messages, NewMessage, granted};
use crate::driver::mx::index::Entry;
use crate::driver::mx::index_file::IndexFile;
use crate::driver::mx::manage::{create, require};
use crate::driver::place::Place;
use crate::mail::appended::Appended;
use crate::mail::flags::{Flags, SystemFlags};
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::write_all_at;

/// Appends all messages or none, durable on return.
pub fn append(
    environment: &Arc<Environment>,
    place: &Place,
    messages: &mut dyn Messages,
    job: &Job,
) -> Result<Appended> {
    let found = environment.files.metadata(&place.path);
    if place.is_inbox && found.is_err_and(|refusal| is_missing(&refusal)) {
        create(environment, place)?;
    }
    require(environment, place)?;
    let mut batch = Batch {
        environment,
        place,
        letters: Vec::new(),
    };
    while let Some(message) = messages.next(job)? {
        job.checkpoint()?;
        batch.stage(message)?;
    }
    batch.deliver(job)
}

/// Messages under other names. Dropped, those that were not delivered are removed.
struct Batch<'a> {
    environment: &'a Arc<Environment>,
    place: &'a Place,
    letters: Vec<Letter>,
}

struct Letter {
    staged: PathBuf,
    flags: Flags,
    wish: Option<Uid>,
}

impl Batch<'_> {
    fn stage(&mut self, mut message: NewMessage) -> Result<()> {
        let staged = unique_name(self.environment);
        let path = self.place.path.join(&staged);
        let failed = Error::io(&path);
        let mode = self.place.protection.file;
        let files = &self.environment.files;
        let mut file = files
            .open(&path, OpenMode::CreateNew(mode))
            .map_err(&failed)?;
        self.letters.push(Letter {
            staged,
            flags: message.flags.clone(),
            wish: message.uid,
        });
        let now = (self.environment.clock)();
        let date = message.internal_date.map_or(now, |date| date.seconds);
        let written = file
            .set_mode(mode)
            .and_then(|()| copy(&mut message.content, &mut *file))
            .and_then(|()| file.set_times(date, date))
            .and_then(|()| file.sync());
        written.map_err(&failed)
    }

    fn deliver(mut self, job: &Job) -> Result<Appended> {
        if self.letters.is_empty() {
            return Ok(Appended::default());
        }
        let path = &self.place.path;
        let files = &*self.environment.files;
        files.sync_dir(path).map_err(Error::io(path))?;
        let mut file = IndexFile::lock(self.environment, self.place, job)?;
        let old = file.read()?;
        if let Some(offset) = old.damaged {
            let what = "the index of the mailbox is damaged";
            return Err(Error::Damaged { offset, what });
        }
        let mut new = old.clone();
        if new.uid_validity == 0 {
            new.uid_validity = self.environment.fresh_uid_validity();
        }
        let numbers = numbers_in(files, path).map_err(Error::io(path))?;
        let last = new.last_uid.max(numbers.last().copied().unwrap_or(0));
        let uids = granted(last, self.letters.iter().map(|letter| letter.wish));
        let uids = uids.ok_or(Error::Refused("the mailbox has no UIDs left"))?;
        new.last_uid = uids.last().copied().unwrap_or(last);
        for (letter, &uid) in self.letters.iter().zip(&uids) {
            new.words.define(letter.flags.keywords());
            let keywords = new.words.bits_of(letter.flags.keywords());
            let system = letter.flags.system.only(SystemFlags::SETTABLE);
            new.entries.push(Entry::new(uid, keywords, bits_of(system)));
        }
        file.write(&old, &new)?;
        let steps = self.letters.iter().zip(&uids);
        let steps = steps.map(|(letter, &uid)| Step::Move(letter.staged.clone(), file_of(uid)));
        let steps: Vec<Step> = steps.collect();
        let outcome = pending::carry_out(self.environment, path, &steps, Missing::Fails);
        if matches!(outcome, Ok(_) | Err(Error::Pending { .. })) {
            // What is to be finished needs them.
            self.letters.clear();
        }
        outcome?;
        Ok(Appended {
            uid_validity: UidValidity::new(new.uid_validity),
            count: uids.len() as u64,
            uids: uids.into_iter().filter_map(Uid::new).collect(),
        })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for letter in &self.letters {
            // One that stays is seen by nobody.
            let path = self.place.path.join(&letter.staged);
            let _ = self.environment.files.remove_file(&path);
        }
    }
}

/// A name that no other message of this or another program has.
fn unique_name(environment: &Environment) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = &environment.process;
    PathBuf::from(format!(
        ".mugo-new-{}-{}-{number}",
        process.pid, process.start
    ))
}

fn copy(content: &mut Content, file: &mut dyn MailFile) -> io::Result<()> {
    let mut reader = content.reader()?;
    let mut block = vec![0; 64 << 10];
    let mut at = 0;
    loop {
        let count = reader.read(&mut block)?;
        if count == 0 {
            return Ok(());
        }
        write_all_at(file, block.get(..count).unwrap_or_default(), at)?;
        at += count as u64;
    }
}
