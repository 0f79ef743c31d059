//! An open mailbox in mx format: what it keeps, and its verbs. Nothing is locked between two of them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::message_file::{MessageFile, Stored, headers};
use crate::driver::layout::folder::numbers::file_of;
use crate::driver::layout::folder::pending::{self, Missing, Step};
use crate::driver::layout::folder::staged;
use crate::driver::layout::folder::standing::{Facts, Standing, why_not};
use crate::driver::layout::prefile::line::DELETED;
use crate::driver::layout::prefile::record::{bits_of, system_of};
use crate::driver::layout::prefile::words::{Lists, Words};
use crate::driver::local_file::is_missing;
use crate::driver::mx::index::{Entry, Index};
use crate::driver::mx::index_file::{IndexFile, gone_front};
use crate::driver::mx::kept::{self, Recalled};
use crate::driver::mx::manage::require;
use crate::driver::mx::record::Record;
use crate::driver::mx::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::mail::date::InternalDate;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::guard::FileId;

/// An open mailbox.
pub struct Mx {
    pub(super) environment: Arc<Environment>,
    pub(super) place: Place,
    pub(super) standing: Standing,
    pub(super) words: Words,
    pub(super) lists: Lists,
    pub(super) uid_validity: u32,
    pub(super) last_uid: u32,
    /// The messages, UIDs ascending.
    pub(super) records: Vec<Record>,
    /// The index and the directory as they were read last.
    pub(super) stamp: (Stamp, Stamp),
    /// Whether one of them may have changed once more under the same stamp.
    pub(super) racy: bool,
    pub(super) damage_told: bool,
    /// The highest UID that was told.
    pub(super) told_uid: u32,
    /// What was kept of it, until it was looked at.
    pub(super) recalled: Option<Recalled>,
    /// Whether the files were looked at since anything was kept.
    pub(super) unsaved: bool,
    /// Whether all of them were told.
    pub(super) is_whole: bool,
    /// The directory as it was at the opening.
    directory: FileId,
}

impl Mx {
    /// Opens a mailbox, and tells what is in it.
    pub fn open(
        environment: &Arc<Environment>,
        place: &Place,
        access: Access,
        job: &Job,
    ) -> Result<Self> {
        require(environment, place)?;
        let mut mailbox = Self {
            environment: Arc::clone(environment),
            place: place.clone(),
            standing: Standing::new(environment, CHARACTERISTICS.driver, access),
            words: Words::default(),
            lists: Lists::default(),
            uid_validity: 0,
            last_uid: 0,
            records: Vec::new(),
            stamp: Default::default(),
            racy: true,
            damage_told: false,
            told_uid: 0,
            recalled: None,
            unsaved: false,
            is_whole: false,
            directory: directory_of(environment, &place.path)?,
        };
        if mailbox.standing.may_write() {
            match IndexFile::lock(environment, place, job) {
                Ok(file) => {
                    staged::clear_leftovers(environment, &place.path);
                    drop(file);
                }
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(Error::Locked { by }) if !job.may_wait() => return Err(Error::Locked { by }),
                Err(refusal) => mailbox.standing.fall(why_not(&refusal)),
            }
        }
        mailbox.recalled = kept::recall(environment, &place.path);
        mailbox.refresh(job)?;
        mailbox.recalled = None;
        Ok(mailbox)
    }

    /// Tells the state where it is another one than was told.
    pub(super) fn tell_state(&mut self, job: &Job) {
        let facts = Facts {
            path: &self.place.path,
            uid_validity: self.uid_validity,
            last_uid: self.last_uid,
            sticky_uids: true,
            keywords: (self.words.names(), self.words.has_room()),
        };
        self.standing.tell(facts, job);
    }

    pub(super) fn place_of(&self, uid: u32) -> Option<usize> {
        let found = self.records.binary_search_by_key(&uid, |record| record.uid);
        found.ok()
    }

    pub(super) fn flags(&mut self, record: &Record) -> Flags {
        flags_of(record, &mut self.lists, &self.words)
    }

    /// The file of a message. Where it is gone that is told first.
    fn file_of(&mut self, uid: Uid, job: &Job) -> Result<Box<dyn MailFile>> {
        self.place_of(uid.get()).ok_or(Error::NoSuchMessage)?;
        let path = self.place.path.join(file_of(uid.get()));
        match self.environment.files.open(&path, OpenMode::Read) {
            Err(missing) if is_missing(&missing) => {
                self.refresh(job)?;
                Err(Error::NoSuchMessage)
            }
            other => other.map_err(Error::io(&path)),
        }
    }

    /// Changes the index under its lock, as it is by then; `change` may give other flags to its messages. Then tells what
    /// is new, by whomever.
    fn change_index(&mut self, job: &Job, change: impl FnOnce(&mut Index)) -> Result<()> {
        let environment = Arc::clone(&self.environment);
        let place = self.place.clone();
        let mut file = IndexFile::lock(&environment, &place, job)?;
        let old = file.read()?;
        self.still_there(&old)?;
        self.heed_damage(&old, job)?;
        let mut new = self.completed(&old)?;
        change(&mut new);
        file.write(&old, &new)?;
        self.take_in(&file, job)
    }
}

/// The flags of a message.
pub(super) fn flags_of(record: &Record, lists: &mut Lists, words: &Words) -> Flags {
    let recent = match record.recent {
        true => SystemFlags::RECENT,
        false => SystemFlags::NONE,
    };
    Flags {
        system: system_of(record.flags) | recent,
        keywords: lists.of(record.keywords, words),
    }
}

impl LocalMailbox for Mx {
    fn uids(&self) -> UidSet {
        self.records
            .iter()
            .filter_map(|record| Uid::new(record.uid))
            .collect()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        let record = self.records.get(self.place_of(uid.get())?)?;
        summary_of(record, &mut Lists::default(), &self.words)
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        self.look(job)
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        self.same_directory()?;
        let file = self.file_of(uid, job)?;
        MessageFile::new(&*file, &self.place.path, Stored::AsIs).read(part, into, job)
    }

    fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        self.same_directory()?;
        let path = self.place.path.clone();
        let mut open = |uid| self.file_of(uid, job);
        headers(uids, (&path, Stored::AsIs), &mut open, found, job)
    }

    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        self.standing.require_writable(job)?;
        // Those that were told, of which the index may know more by now.
        let wanted = self.records.iter().map(|record| record.uid);
        let wanted = wanted.filter(|&uid| Uid::new(uid).is_some_and(|uid| uids.contains(uid)));
        let wanted: Vec<u32> = wanted.collect();
        let mut unknown = false;
        self.change_index(job, |index| {
            if !matches!(change, FlagChange::Remove(_)) {
                index.words.define(change.flags().keywords());
                unknown = !index.words.know(change.flags().keywords());
            }
            let wanted = |entry: &&mut Entry| wanted.binary_search(&entry.uid).is_ok();
            for entry in index.entries.iter_mut().filter(wanted) {
                apply(change, entry, &index.words);
            }
        })?;
        if unknown {
            job.notice("a mailbox has room for 30 keywords only; the others are not kept");
        }
        Ok(())
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        self.refresh(job)
    }

    fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.standing.require_writable(job)?;
        while self.expunge_some(uids, job)? {
            job.checkpoint()?;
        }
        Ok(())
    }

    fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn close(self: Box<Self>, _job: &Job) -> Result<()> {
        if self.unsaved && self.is_whole && !self.racy {
            kept::save(
                &self.environment,
                &self.place.path,
                &self.stamp.1,
                &self.records,
            );
        }
        Ok(())
    }
}

/// So many messages go as one change.
const AT_ONCE: usize = 10_000;

const REPLACED: &str = "another mailbox took its place";

/// Which directory a mailbox is.
fn directory_of(environment: &Environment, path: &Path) -> Result<FileId> {
    match environment.files.metadata(path) {
        Err(missing) if is_missing(&missing) => Err(Error::Changed("its directory is gone")),
        other => Ok(FileId::of(&other.map_err(Error::io(path))?)),
    }
}

impl Mx {
    /// Makes sure that this is still the mailbox that was opened. `index` is what its index says now.
    pub(super) fn still_there(&self, index: &Index) -> Result<()> {
        let other = index.uid_validity != 0
            && self.uid_validity != 0
            && index.uid_validity != self.uid_validity;
        match other {
            true => Err(Error::Changed(REPLACED)),
            false => self.same_directory(),
        }
    }

    fn same_directory(&self) -> Result<()> {
        match directory_of(&self.environment, &self.place.path)? == self.directory {
            true => Ok(()),
            false => Err(Error::Changed(REPLACED)),
        }
    }

    /// Removes some of the messages that go; whether there may be more of them.
    fn expunge_some(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<bool> {
        let environment = Arc::clone(&self.environment);
        let place = self.place.clone();
        let mut file = IndexFile::lock(&environment, &place, job)?;
        let old = file.read()?;
        self.still_there(&old)?;
        self.heed_damage(&old, job)?;
        let mut new = self.completed(&old)?;
        let goes = |entry: &&Entry| {
            let uid = Uid::new(entry.uid);
            let wanted = uids.is_none_or(|uids| uid.is_some_and(|uid| uids.contains(uid)));
            wanted && entry.flags & DELETED != 0
        };
        let going = new.entries.iter().filter(goes).map(|entry| entry.uid);
        // What is no plain file is no message.
        let going = going.filter(|&uid| is_plain(&environment, &place.path.join(file_of(uid))));
        let gone: Vec<u32> = going.take(AT_ONCE).collect();
        if gone.is_empty() {
            self.take_in(&file, job)?;
            return Ok(false);
        }
        if (new.uid_validity, new.last_uid) != (old.uid_validity, old.last_uid) {
            // The names of what goes tell the one; by the other its UIDs are not given out again.
            file.write(&old, &new)?;
            drop(file);
            return Ok(true);
        }
        let process = &environment.process;
        let apart = |uid: u32| {
            let front = gone_front(new.uid_validity, uid);
            PathBuf::from(format!("{front}{}-{}", process.pid, process.start))
        };
        let steps = gone.iter().map(|&uid| Step::Move(file_of(uid), apart(uid)));
        let discards = gone.iter().map(|&uid| Step::Discard(apart(uid)));
        let steps: Vec<Step> = steps.chain(discards).collect();
        let done = pending::carry_out(&environment, &place.path, &steps, Missing::PassedOver)?;
        let moved = gone.iter().zip(&done).filter(|entry| *entry.1);
        let moved: Vec<u32> = moved.map(|entry| *entry.0).collect();
        // What the index still has of them does not count: their files are gone.
        let is_gone = |uid: u32| moved.binary_search(&uid).is_ok();
        new.entries.retain(|entry| !is_gone(entry.uid));
        let removed = file.remove(&old, &new, is_gone);
        self.take_in(&file, &job.uncancelled())?;
        removed.map(|()| gone.len() == AT_ONCE && !moved.is_empty())
    }
}

/// Whether a path leads to a plain file by itself.
pub(super) fn is_plain(environment: &Environment, path: &Path) -> bool {
    let metadata = environment.files.link_metadata(path);
    metadata.is_ok_and(|found| found.is_file())
}

fn apply(change: &FlagChange, entry: &mut Entry, words: &Words) {
    let flags = change.flags();
    let system = bits_of(flags.system.only(SystemFlags::SETTABLE));
    let keywords = words.bits_of(flags.keywords());
    let settable = bits_of(SystemFlags::SETTABLE);
    match change {
        FlagChange::Set(_) => {
            entry.flags = entry.flags & !settable | system;
            // Bits without a name are somebody's.
            entry.keywords = entry.keywords & !words.named_bits() | keywords;
        }
        FlagChange::Add(_) => {
            entry.flags |= system;
            entry.keywords |= keywords;
        }
        FlagChange::Remove(_) => {
            entry.flags &= !system;
            entry.keywords &= !keywords;
        }
    }
}

/// What is told of a message.
pub(super) fn summary_of(record: &Record, lists: &mut Lists, words: &Words) -> Option<Summary> {
    Some(Summary {
        uid: Uid::new(record.uid)?,
        flags: flags_of(record, lists, words),
        internal_date: InternalDate {
            seconds: record.date,
            offset: 0,
        },
        rfc822_size: record.size,
    })
}
