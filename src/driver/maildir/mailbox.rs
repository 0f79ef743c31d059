//! An open mailbox in Maildir format: what it keeps, and its verbs.
//!
//! Nobody needs a lock: a message's flags are in the name of its file, and names change in one step. A file that is not
//! there any more under the name that is known has got another one, or is gone; the folders tell which.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::message_file::{MessageFile, Stored, headers};
use crate::driver::layout::folder::pending::{self, Missing, Step};
use crate::driver::layout::folder::standing::{self, Standing, why_not};
use crate::driver::local_file::is_missing;
use crate::driver::maildir::folder::{Found, Stamp, is_mailbox, require};
use crate::driver::maildir::letters::{Letters, Shares};
use crate::driver::maildir::row::CHARACTERISTICS;
use crate::driver::maildir::uid_log::{Facts, UidLog};
use crate::driver::place::Place;
use crate::mail::change::Change;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::guard::FileId;

/// A message.
pub(super) struct Record {
    pub(super) facts: Facts,
    pub(super) file: Found,
    pub(super) flags: Flags,
}

/// An open mailbox.
pub struct Maildir {
    pub(super) environment: Arc<Environment>,
    pub(super) place: Place,
    pub(super) standing: Standing,
    pub(super) letters: Letters,
    pub(super) shares: Shares,
    pub(super) log: UidLog,
    /// Whether UIDs cannot be written down, and hold for this session.
    pub(super) log_is_unusable: bool,
    /// UIDVALIDITY; 0 before it is known.
    pub(super) uid_validity: u32,
    /// The highest UID that was told.
    pub(super) told_uid: u32,
    /// The folder `cur` as it was at the opening.
    cur: FileId,
    /// The last UID that was given out, as far as known.
    pub(super) last_uid: u32,
    /// Whether UIDs hold beyond the session.
    pub(super) sticky: bool,
    /// The messages, UIDs ascending.
    pub(super) records: Vec<Record>,
    pub(super) stamp: Stamp,
    /// Whether names may have changed once more under the same stamp.
    pub(super) racy: bool,
}

/// So many messages get their flags, or go, as one change.
const AT_ONCE: usize = 10_000;
/// What is left in `tmp` by programs that are gone is removed after this many seconds.
const LEFT_OVER: i64 = 36 * 60 * 60;

impl Maildir {
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
            letters: Letters::default(),
            shares: Shares::default(),
            log: UidLog::new(environment, &place.path),
            log_is_unusable: false,
            uid_validity: 0,
            told_uid: 0,
            cur: cur_of(environment, place)?,
            last_uid: 0,
            sticky: false,
            records: Vec::new(),
            stamp: Stamp::default(),
            racy: true,
        };
        if mailbox.standing.may_write() {
            mailbox.prepare_to_write();
        } else if !environment.read_only {
            // Where it cannot be done, what is there is shown.
            let _ = pending::recover(environment, &place.path);
        }
        mailbox.first_look(job)?;
        Ok(mailbox)
    }

    /// Falls to read-only where the folders cannot be written, else puts them in order.
    fn prepare_to_write(&mut self) {
        let tried = try_to_write(&self.environment, &self.place);
        let why = tried.err().map(|refusal| why_not(&refusal));
        let why = why.or_else(|| {
            let recovered = pending::recover(&self.environment, &self.place.path);
            recovered.err().map(|refusal| {
                format!(
                    "an interrupted change is not finished: {}",
                    refusal.with_reason()
                )
            })
        });
        if let Some(why) = why {
            self.standing.fall(why);
            return;
        }
        clean(&self.environment, &self.place);
    }

    /// Tells the state where it is another one than was told.
    pub(super) fn tell_state(&mut self, job: &Job) {
        let facts = standing::Facts {
            path: &self.place.path,
            uid_validity: self.uid_validity,
            last_uid: self.last_uid,
            sticky_uids: self.sticky,
            keywords: (self.letters.names(), self.letters.has_room()),
        };
        self.standing.tell(facts, job);
    }

    pub(super) fn place_of(&self, uid: Uid) -> Option<usize> {
        let key = |record: &Record| record.facts.uid;
        self.records.binary_search_by_key(&uid.get(), key).ok()
    }

    /// Makes sure that this is still the mailbox that was opened.
    pub(super) fn still_there(&self) -> Result<()> {
        match is_mailbox(&self.environment, &self.place.path) {
            Ok(true) if cur_of(&self.environment, &self.place)? != self.cur => {
                Err(Error::Changed("another mailbox took its place"))
            }
            Ok(false) => Err(Error::Changed("its folders are gone")),
            // What cannot be looked at for now may be there.
            _ => Ok(()),
        }
    }

    /// The file of a message, wherever it is by now.
    fn file_of(&mut self, uid: Uid, job: &Job) -> Result<Box<dyn MailFile>> {
        for again in [false, true] {
            if again {
                self.refresh(job)?;
            }
            let record = self.place_of(uid).and_then(|place| self.records.get(place));
            let path = record
                .ok_or(Error::NoSuchMessage)?
                .file
                .path(&self.place.path);
            match self.environment.files.open(&path, OpenMode::Read) {
                Err(missing) if is_missing(&missing) => {}
                other => return other.map_err(Error::io(&path)),
            }
        }
        Err(Error::NoSuchMessage)
    }

    fn changed_name(&mut self, place: usize, change: &FlagChange) -> Option<(Step, Found)> {
        let record = self.records.get(place)?;
        let flags = record.flags.changed(change);
        let letters = self.letters.of(&flags, record.file.name.letters());
        let name = record.file.name.with_letters(&letters)?;
        let to = Found {
            name,
            is_new: false,
        };
        let root = Path::new("");
        let step = Step::Move(record.file.path(root), to.path(root));
        (to != record.file).then_some((step, to))
    }

    /// Changes the flags of the messages at these places, as far as they are where they were; the others come back.
    fn store_at(&mut self, uids: &[Uid], change: &FlagChange, job: &Job) -> Result<Vec<Uid>> {
        let mut changed = Vec::new();
        let mut steps = Vec::new();
        for &uid in uids {
            job.checkpoint()?;
            let Some(place) = self.place_of(uid) else {
                continue;
            };
            if let Some((step, to)) = self.changed_name(place, change) {
                steps.push(step);
                changed.push((uid, to));
            }
        }
        let done = pending::carry_out(
            &self.environment,
            &self.place.path,
            &steps,
            Missing::PassedOver,
        )?;
        let (mut told, mut missed) = (Vec::new(), Vec::new());
        for ((uid, to), done) in changed.into_iter().zip(done) {
            let Some(record) = self.place_of(uid).and_then(|it| self.records.get_mut(it)) else {
                continue;
            };
            if !done {
                missed.push(uid);
                continue;
            }
            let recent = record.flags.has(SystemFlags::RECENT);
            let letters = to.name.letters();
            record.flags = self.shares.flags(letters, &self.letters, recent);
            record.file = to;
            told.push((uid, record.flags.clone()));
        }
        if !told.is_empty() {
            job.emit(Change::Flags(told));
        }
        Ok(missed)
    }

    /// Sees to it that these keywords have letters.
    fn define(&mut self, change: &FlagChange, job: &Job) -> Result<()> {
        if matches!(change, FlagChange::Remove(_)) {
            return Ok(());
        }
        let keywords = change.flags().keywords();
        if !self.letters.know(keywords) {
            let mode = self.place.protection.file;
            self.letters =
                Letters::define(&self.environment, &self.place.path, keywords, mode, job)?;
            self.shares = Shares::default();
            self.tell_state(job);
        }
        if !self.letters.know(keywords) {
            job.notice("there are letters for 26 keywords only; the others are not kept");
        }
        Ok(())
    }
}

/// Makes a file in `tmp` and removes it.
fn try_to_write(environment: &Environment, place: &Place) -> Result<()> {
    let path = place.path.join("tmp");
    let path = path.join(format!(".mugo-{}", environment.process.pid));
    let made = environment.files.open(&path, OpenMode::CreateNew(0o600));
    let refused = |refusal: &io::Error| {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        matches!(refusal.kind(), PermissionDenied | ReadOnlyFilesystem)
    };
    match made {
        Err(refusal) if refused(&refusal) => Err(Error::io(&place.path)(refusal)),
        // It may be full; that will be told when something is written.
        Err(_) => Ok(()),
        Ok(_) => environment
            .files
            .remove_file(&path)
            .map_err(Error::io(&path)),
    }
}

/// Removes what programs that are gone left in `tmp` long ago.
fn clean(environment: &Environment, place: &Place) {
    let path = place.path.join("tmp");
    let Ok(names) = environment.files.read_dir(&path) else {
        return;
    };
    let now = (environment.clock)();
    for name in names {
        let path = path.join(name);
        let old = |time: i64| now.saturating_sub(time) > LEFT_OVER;
        let left_over = environment.files.link_metadata(&path).is_ok_and(|found| {
            found.is_file() && old(found.mtime()) && old(found.ctime()) && old(found.atime())
        });
        if left_over {
            // It will be tried again.
            let _ = environment.files.remove_file(&path);
        }
    }
}

impl LocalMailbox for Maildir {
    fn uids(&self) -> UidSet {
        let uids = self.records.iter();
        uids.filter_map(|record| Uid::new(record.facts.uid))
            .collect()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.records.get(self.place_of(uid)?)?.summary()
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        self.look(job)
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        let file = self.file_of(uid, job)?;
        MessageFile::new(&*file, &self.place.path, Stored::Lf).read(part, into, job)
    }

    fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        let path = self.place.path.clone();
        let mut open = |uid| self.file_of(uid, job);
        headers(uids, (&path, Stored::Lf), &mut open, found, job)
    }

    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        self.standing.require_writable(job)?;
        self.define(change, job)?;
        let all = self.records.iter();
        let all = all.filter_map(|record| Uid::new(record.facts.uid));
        let wanted: Vec<Uid> = all.filter(|&uid| uids.contains(uid)).collect();
        for wanted in wanted.chunks(AT_ONCE) {
            let missed = self.store_at(wanted, change, job)?;
            if !missed.is_empty() {
                // Somebody gave them other flags: now they have both changes.
                self.refresh(job)?;
                self.store_at(&missed, change, job)?;
            }
        }
        Ok(())
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        self.refresh(job)
    }

    fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.standing.require_writable(job)?;
        self.look(job)?;
        let goes = |record: &&Record| {
            let uid = Uid::new(record.facts.uid);
            let wanted = uids.is_none_or(|uids| uid.is_some_and(|uid| uids.contains(uid)));
            wanted && record.flags.has(SystemFlags::DELETED)
        };
        let going = self.records.iter().filter(goes);
        let going = going.map(|record| (record.file.path(Path::new("")), record.file.name.file()));
        let going = going.map(|(from, name)| (from, Path::new("tmp").join(name)));
        let going: Vec<(PathBuf, PathBuf)> = going.collect();
        let mut outcome = Ok(());
        for part in going.chunks(AT_ONCE) {
            // The name says that it is deleted: whoever undeleted it meanwhile gave it another one, and it stays.
            let moves = part
                .iter()
                .map(|(from, to)| Step::Move(from.clone(), to.clone()));
            let discards = part.iter().map(|(_, to)| Step::Discard(to.clone()));
            let steps: Vec<Step> = moves.chain(discards).collect();
            let (environment, path) = (&self.environment, &self.place.path);
            outcome = job.checkpoint().and_then(|()| {
                pending::carry_out(environment, path, &steps, Missing::PassedOver).map(drop)
            });
            if outcome.is_err() {
                break;
            }
        }
        if !going.is_empty() {
            self.refresh(&job.uncancelled())?;
        }
        outcome
    }

    fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn close(self: Box<Self>, _job: &Job) -> Result<()> {
        Ok(())
    }
}

impl Record {
    /// What is told of it.
    pub(super) fn summary(&self) -> Option<Summary> {
        Some(Summary {
            uid: Uid::new(self.facts.uid)?,
            flags: self.flags.clone(),
            internal_date: self.facts.date,
            rfc822_size: self.facts.size,
        })
    }
}

/// Which folder `cur` is.
fn cur_of(environment: &Environment, place: &Place) -> Result<FileId> {
    let path = place.path.join("cur");
    let metadata = environment.files.metadata(&path);
    Ok(FileId::of(&metadata.map_err(Error::io(&path))?))
}
