//! Appending: each message is written to `tmp` and brought to disk, then all of them move to `cur` as one change.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::tz::TimeZone;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::pending::{self, Missing, Step};
use crate::driver::layout::folder::staged::Staged;
use crate::driver::layout::lf::write_lf;
use crate::driver::local_file::{is_missing, is_unwritable};
use crate::driver::maildir::folder::{self, Found, require};
use crate::driver::maildir::letters::Letters;
use crate::driver::maildir::manage::create;
use crate::driver::maildir::measure::measure;
use crate::driver::maildir::name::Name;
use crate::driver::maildir::uid_log::{KIND, Numbered, UidLog, Unnumbered};
use crate::driver::message::{Messages, NewMessage};
use crate::driver::place::Place;
use crate::driver::remembered::log::is_broken;
use crate::mail::appended::Appended;
use crate::mail::date::InternalDate;
use crate::mail::flags::{Flags, Keyword};
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;

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
    pending::recover(environment, &place.path)?;
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

/// Messages in `tmp`.
struct Batch<'a> {
    environment: &'a Arc<Environment>,
    place: &'a Place,
    staged: Staged<'a>,
    letters: Vec<Letter>,
}

/// One of them.
struct Letter {
    /// What it will be called but for its flags.
    base: String,
    flags: Flags,
    size: u64,
    date: InternalDate,
    wish: Option<Uid>,
}

impl Batch<'_> {
    fn stage(&mut self, mut message: NewMessage) -> Result<()> {
        let unique = unique_name(self.environment);
        let now = || InternalDate::in_zone((self.environment.clock)(), &TimeZone::system());
        let date = message.internal_date.unwrap_or_else(now);
        let name = Path::new("tmp").join(&unique);
        let (stored, size) = self.staged.write(name, |file| {
            let written = write_lf(&mut message.content, file)?;
            // Who clears up `tmp` may go by the time of access.
            file.set_times((self.environment.clock)(), date.seconds)?;
            Ok(written)
        })?;
        self.letters.push(Letter {
            base: format!("{unique},S={stored},W={size}"),
            flags: message.flags,
            size,
            date,
            wish: message.uid,
        });
        Ok(())
    }

    fn deliver(mut self, job: &Job) -> Result<Appended> {
        if self.letters.is_empty() {
            return Ok(Appended::default());
        }
        let mailbox = &self.place.path;
        let names = self.names(job)?;
        let letters = self.letters.iter().zip(self.staged.names());
        let steps = letters.map(|(letter, staged)| {
            let letters = names.of(&letter.flags, b"");
            let name = Name::parse(letter.base.as_bytes());
            let name = name.and_then(|name| name.with_letters(&letters));
            let name = name.ok_or(Error::Refused("the name of this host is too long"))?;
            let to = Path::new("cur").join(name.file());
            Ok(Step::Move(staged.clone(), to))
        });
        let steps: Vec<Step> = steps.collect::<Result<_>>()?;
        let mut log = UidLog::new(self.environment, mailbox);
        let numbered = match self.number(&mut log, job) {
            Err(busy) if busy.kind() == io::ErrorKind::WouldBlock => {
                let by = Foreign::new("another program");
                return Err(Error::Locked { by });
            }
            Err(refusal) if !is_unwritable(&refusal) => {
                job.checkpoint()?;
                return Err(Error::io(&KIND.place(self.environment, mailbox))(refusal));
            }
            other => other,
        };
        // Names that are to be given away have to be there after a crash.
        let staged = mailbox.join("tmp");
        let synced = self.environment.files.sync_dir(&staged);
        synced.map_err(Error::io(&staged))?;
        let outcome = pending::carry_out(self.environment, mailbox, &steps, Missing::Fails);
        let count = self.letters.len() as u64;
        // Those of the messages that were there before come first.
        let own = |uids: &[u32]| {
            let behind = uids.len().saturating_sub(self.letters.len());
            let own = uids.iter().skip(behind);
            own.filter_map(|&uid| Uid::new(uid)).collect::<Vec<Uid>>()
        };
        let uids = numbered.as_ref().map(|numbered| own(&numbered.uids));
        let uids = uids.unwrap_or_default();
        self.staged.leave_after(&outcome);
        outcome?;
        // Where nothing is kept in this state folder UIDs hold for a session.
        let uid_validity = UidValidity::new(log.uid_validity()).filter(|_| !uids.is_empty());
        drop(numbered);
        Ok(Appended {
            uid_validity,
            uids,
            count,
        })
    }

    /// Gives the messages UIDs, and before them those that were there and have none yet: what is new comes behind.
    fn number(&self, log: &mut UidLog, job: &Job) -> io::Result<Numbered> {
        match log.read_on() {
            Err(refusal) if is_broken(&refusal) => log.begin_anew(job)?,
            other => other?,
        }
        let mailbox = &self.place.path;
        let there = folder::list(self.environment, mailbox).map_err(io::Error::other)?;
        let mut there: Vec<&Found> = there
            .iter()
            .filter(|it| !log.knows(it.name.base()))
            .collect();
        there.sort_by(|one, other| one.name.order().cmp(&other.name.order()));
        let measures = measure(self.environment, mailbox, &there, job)?;
        let there = there.iter().zip(measures);
        let there = there.filter_map(|(found, measures)| {
            let (size, date) = measures?;
            Some(Unnumbered {
                base: found.name.base(),
                size,
                date,
                wish: None,
            })
        });
        let own = self.letters.iter().map(|letter| Unnumbered {
            base: letter.base.as_bytes(),
            size: letter.size,
            date: letter.date,
            wish: letter.wish,
        });
        let all: Vec<Unnumbered<'_>> = there.chain(own).collect();
        log.number(&all, 0, job)
    }

    /// The letters of all keywords, as far as there are enough.
    fn names(&self, job: &Job) -> Result<Letters> {
        let path = &self.place.path;
        let letters = Letters::read(self.environment, path).map_err(Error::io(path))?;
        let mut wanted: Vec<Keyword> = Vec::new();
        for keyword in self
            .letters
            .iter()
            .flat_map(|letter| letter.flags.keywords())
        {
            if !wanted.contains(keyword) {
                wanted.push(keyword.clone());
            }
        }
        if letters.know(&wanted) {
            return Ok(letters);
        }
        let mode = self.place.protection.file;
        Letters::define(self.environment, &self.place.path, &wanted, mode, job)
    }
}

/// A name that no other message of this or another program has: time, number, process, host.
fn unique_name(environment: &Environment) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = &environment.process;
    let host: String = process.host.chars().take(100).map(plain).collect();
    let (pid, start) = (process.pid, process.start);
    let now = (environment.clock)();
    format!("{now}.M{number}P{pid}_{start}.{host}")
}

/// A character of a host name that means nothing in the name of a file.
fn plain(letter: char) -> char {
    match letter.is_ascii_alphanumeric() || "-._".contains(letter) {
        true => letter,
        false => '_',
    }
}
