//! Appending: each message is written under another name and brought to disk; the index gets to know them; then all get
//! their numbers as one change.

use std::io::{self, Read};
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::numbers::{file_of, numbers_in};
use crate::driver::layout::folder::pending::{self, Missing, Step};
use crate::driver::layout::folder::staged::{Staged, new_name};
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
use crate::os::files::MailFile;
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
        staged: Staged::new(environment, place),
        letters: Vec::new(),
    };
    while let Some(message) = messages.next(job)? {
        job.checkpoint()?;
        batch.stage(message)?;
    }
    batch.deliver(job)
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

impl Batch<'_> {
    fn stage(&mut self, mut message: NewMessage) -> Result<()> {
        let now = (self.environment.clock)();
        let date = message.internal_date.map_or(now, |date| date.seconds);
        self.staged.write(new_name(self.environment), |file| {
            copy(&mut message.content, file)?;
            file.set_times(date, date)
        })?;
        self.letters.push(Letter {
            flags: message.flags,
            wish: message.uid,
        });
        Ok(())
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
        let steps = self.staged.names().iter().zip(&uids);
        let steps = steps.map(|(name, &uid)| Step::Move(name.clone(), file_of(uid)));
        let steps: Vec<Step> = steps.collect();
        let outcome = pending::carry_out(self.environment, path, &steps, Missing::Fails);
        self.staged.leave_after(&outcome);
        outcome?;
        Ok(Appended {
            uid_validity: UidValidity::new(new.uid_validity),
            count: uids.len() as u64,
            uids: uids.into_iter().filter_map(Uid::new).collect(),
        })
    }
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
