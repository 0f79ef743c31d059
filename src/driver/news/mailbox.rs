//! An open newsgroup: what it keeps, and its verbs.
//!
//! An article that `.newsrc` calls read is `\Deleted`, as in c-client, and `\Seen` besides: nobody wants to be told of it as
//! of something new. To take one of the two away is to mark it as not read. An expunge hides what is read until the group is opened
//! again; no article is ever removed. All other flags are Mugo's own, and kept in the state folder.

use std::fs::Metadata;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::cache::Facts;
use crate::driver::layout::folder::message_file::{MessageFile, Stored, headers};
use crate::driver::layout::folder::standing::{self, Standing};
use crate::driver::layout::prefile::record::system_of;
use crate::driver::layout::prefile::words::Lists;
use crate::driver::local_file::is_missing;
use crate::driver::news::article::Articles;
use crate::driver::news::facts::date_of;
use crate::driver::news::group::{require, spool_path};
use crate::driver::news::marks::{Mark, Marks};
use crate::driver::news::newsrc_file;
use crate::driver::news::ranges::Ranges;
use crate::driver::news::row::CHARACTERISTICS;
use crate::driver::news::steady::Known;
use crate::driver::place::Place;
use crate::mail::change::Change;
use crate::mail::date::InternalDate;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::reason::in_words;
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;
use crate::os::files::MailFile;

/// An article, in 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub(super) facts: Facts,
    pub(super) mark: Mark,
    /// Whether `.newsrc` says so.
    pub(super) read: bool,
    pub(super) recent: bool,
    /// Whether it is not told of: it was expunged here, or came with a lower number than others that were told.
    pub(super) hidden: bool,
    /// Whether its file may still be written.
    pub(super) fresh: bool,
}

/// An open newsgroup.
pub struct Newsgroup {
    pub(super) environment: Arc<Environment>,
    pub(super) place: Place,
    pub(super) group: Vec<u8>,
    pub(super) spool: PathBuf,
    pub(super) standing: Standing,
    pub(super) marks: Marks,
    lists: Lists,
    /// The articles, numbers ascending.
    pub(super) records: Vec<Record>,
    /// What was read, as it stood when it was looked at last.
    pub(super) read: Ranges,
    pub(super) newsrc_stamp: Option<Stamp>,
    pub(super) known: Known,
    /// The directory as it was when it was listed last; `None` where it was not there.
    pub(super) directory: Option<Metadata>,
    /// Whether no name can have changed once more under the same time.
    pub(super) settled: bool,
    /// Whether the names were read from the directory itself in this session.
    pub(super) listed: bool,
    /// The highest number that was given out, by the list of groups.
    high: u32,
    /// Whether the cache lacks what is known now.
    pub(super) unsaved: bool,
    /// The highest number that was told.
    pub(super) told_uid: u32,
    pub(super) large_told: bool,
    explained: bool,
}

/// The same for every group: numbers are given out once.
pub const UID_VALIDITY: u32 = 0xBEEF_FACE;

impl Newsgroup {
    /// Opens a group, and tells what is in it.
    pub fn open(
        environment: &Arc<Environment>,
        place: &Place,
        access: Access,
        job: &Job,
    ) -> Result<Self> {
        let mut mailbox = Self::new(environment, place, access)?;
        if mailbox.standing.may_write()
            && let Some(refusal) = newsrc_file::refusal(environment)
        {
            mailbox.standing.fall(format!(
                "what was read cannot be written to .newsrc: {}",
                in_words(&refusal)
            ));
        }
        mailbox.first_look(job)?;
        Ok(mailbox)
    }

    /// A group of which nothing was looked at yet.
    pub(super) fn new(
        environment: &Arc<Environment>,
        place: &Place,
        access: Access,
    ) -> Result<Self> {
        let (group, high) = require(environment, place)?;
        Ok(Self {
            environment: Arc::clone(environment),
            place: place.clone(),
            group: group.to_vec(),
            spool: spool_path(environment),
            standing: Standing::new(environment, CHARACTERISTICS.driver, access),
            marks: Marks::new(environment),
            lists: Lists::default(),
            records: Vec::new(),
            read: Ranges::default(),
            newsrc_stamp: None,
            known: Known::default(),
            directory: None,
            settled: true,
            listed: false,
            unsaved: false,
            high: u32::try_from(high.unwrap_or(0)).unwrap_or(u32::MAX),
            told_uid: 0,
            large_told: false,
            explained: false,
        })
    }

    /// Tells the state where it is another one than was told.
    pub(super) fn tell_state(&mut self, job: &Job) {
        let last = self.records.last().map_or(0, |record| record.facts.number);
        let words = &self.marks.words;
        let facts = standing::Facts {
            path: &self.place.path,
            uid_validity: UID_VALIDITY,
            last_uid: last.max(self.high),
            sticky_uids: true,
            keywords: (words.names(), words.has_room()),
        };
        self.standing.tell(facts, job);
    }

    /// The next UID, where the last article has this number.
    pub(super) fn uid_next(&self, last: u32) -> Option<Uid> {
        Uid::new(last.max(self.high).saturating_add(1))
    }

    pub(super) fn place_of(&self, number: u32) -> Option<usize> {
        let key = |record: &Record| record.facts.number;
        self.records.binary_search_by_key(&number, key).ok()
    }

    pub(super) fn articles(&self) -> Articles<'_> {
        Articles {
            environment: &self.environment,
            spool: &self.spool,
            directory: &self.place.path,
            group: &self.group,
        }
    }

    pub(super) fn flags_at(&mut self, place: usize) -> Option<Flags> {
        let record = self.records.get(place)?;
        Some(flags_of(record, &mut self.lists, &self.marks))
    }

    /// Bits may have other names now.
    pub(super) fn forget_lists(&mut self) {
        self.lists = Lists::default();
    }

    pub(super) fn summary_at(&mut self, place: usize) -> Option<Summary> {
        let record = self.records.get(place).filter(|record| !record.hidden)?;
        summary_of(record, &mut self.lists, &self.marks)
    }

    /// The file of an article. Where it is gone that is told first.
    fn file_of(&mut self, uid: Uid, job: &Job) -> Result<Box<dyn MailFile>> {
        let place = self.place_of(uid.get());
        let record = place.and_then(|place| self.records.get(place)).copied();
        let record = record.filter(|record| !record.hidden);
        let record = record.ok_or(Error::NoSuchMessage)?;
        match self.articles().open(uid.get()) {
            Err(missing) if is_missing(&missing) => {
                if let Some(record) = place.and_then(|place| self.records.get_mut(place)) {
                    record.fresh = true;
                }
                self.settled = false;
                self.look(job)?;
                Err(Error::NoSuchMessage)
            }
            Err(refusal) => Err(Error::io(&self.place.path)(refusal)),
            Ok(file) => {
                let written = file.metadata().map(|it| date_of(&it));
                if written.is_ok_and(|date| date != record.facts.date)
                    && let Some(record) = place.and_then(|place| self.records.get_mut(place))
                {
                    // It is another one than was told: the next look tells that.
                    record.fresh = true;
                }
                Ok(file)
            }
        }
    }
}

fn flags_of(record: &Record, lists: &mut Lists, marks: &Marks) -> Flags {
    let mut system = system_of(record.mark.flags);
    if record.read {
        system |= SystemFlags::DELETED | SystemFlags::SEEN;
    }
    if record.recent {
        system |= SystemFlags::RECENT;
    }
    Flags {
        system,
        keywords: lists.of(record.mark.keywords, &marks.words),
    }
}

fn summary_of(record: &Record, lists: &mut Lists, marks: &Marks) -> Option<Summary> {
    Some(Summary {
        uid: Uid::new(record.facts.number)?,
        flags: flags_of(record, lists, marks),
        internal_date: InternalDate {
            seconds: record.facts.date,
            offset: 0,
        },
        rfc822_size: record.facts.size,
    })
}

impl LocalMailbox for Newsgroup {
    fn uids(&self) -> UidSet {
        let shown = self.records.iter().filter(|record| !record.hidden);
        shown
            .filter_map(|record| Uid::new(record.facts.number))
            .collect()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        let record = self.records.get(self.place_of(uid.get())?)?;
        let shown = Some(record).filter(|record| !record.hidden)?;
        summary_of(shown, &mut Lists::default(), &self.marks)
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        self.look(job)
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        let file = self.file_of(uid, job)?;
        MessageFile::new(&*file, &self.place.path, Stored::Article).read(part, into, job)
    }

    fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        let path = self.place.path.clone();
        let mut open = |uid| self.file_of(uid, job);
        headers(uids, (&path, Stored::Article), &mut open, found, job)
    }

    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        self.change_flags(uids, change, job)
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        self.settled = false;
        for record in &mut self.records {
            record.fresh |= !record.facts.measured;
        }
        self.look(job)?;
        self.save();
        Ok(())
    }

    fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.standing.require_writable(job)?;
        let mut gone = UidSet::new();
        for record in self.records.iter_mut().filter(|it| it.read && !it.hidden) {
            let Some(uid) = Uid::new(record.facts.number) else {
                continue;
            };
            if uids.is_none_or(|uids| uids.contains(uid)) {
                record.hidden = true;
                gone.insert(uid);
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        job.emit(Change::Expunged(gone));
        if !std::mem::replace(&mut self.explained, true) {
            job.notice(
                "what was read is hidden until the group is opened again; nothing is removed",
            );
        }
        Ok(())
    }

    fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn copied(&self, flags: SystemFlags) -> SystemFlags {
        // What was read here is not to go there.
        let settable = flags.only(SystemFlags::SETTABLE);
        settable.without(SystemFlags::DELETED)
    }

    fn close(mut self: Box<Self>, _job: &Job) -> Result<()> {
        self.save();
        Ok(())
    }
}
