//! An open MH mailbox: what it keeps, and its verbs. Nothing is locked between two of them.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::message_file::{MessageFile, Stored, headers};
use crate::driver::layout::folder::numbers::file_of;
use crate::driver::layout::folder::staged;
use crate::driver::layout::folder::standing::{Facts, Standing};
use crate::driver::layout::prefile::record::system_of;
use crate::driver::layout::prefile::words::{Lists, Words};
use crate::driver::local_file::is_missing;
use crate::driver::mh::entry::Key;
use crate::driver::mh::folder::require;
use crate::driver::mh::locking::lock;
use crate::driver::mh::profile::Profile;
use crate::driver::mh::register::{Depth, Notes, Register};
use crate::driver::mh::row::CHARACTERISTICS;
use crate::driver::mh::sequence_file::LARGEST;
use crate::driver::mh::store;
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

/// What was told of a message, besides what the register knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Told {
    pub(super) uid: u32,
    pub(super) keywords: u32,
    pub(super) flags: u16,
    pub(super) recent: bool,
}

/// An open mailbox.
pub struct Mh {
    pub(super) environment: Arc<Environment>,
    pub(super) place: Place,
    pub(super) profile: Profile,
    pub(super) standing: Standing,
    pub(super) register: Register,
    pub(super) depth: Depth,
    pub(super) words: Words,
    pub(super) lists: Lists,
    /// The messages, UIDs ascending.
    pub(super) told: Vec<Told>,
    /// The highest UID that was told.
    pub(super) told_uid: u32,
    /// Messages that were not seen and could not be marked so: their UIDs.
    pub(super) unseen_here: UidSet,
    /// The sequences as they were read last, and whether they may have changed once more under the same stamp.
    pub(super) stamp: (Option<Stamp>, bool),
    pub(super) damage_told: bool,
    /// The directory as it was at the opening.
    directory: FileId,
}

impl Mh {
    /// Opens a mailbox, and tells what is in it.
    pub fn open(
        environment: &Arc<Environment>,
        place: &Place,
        access: Access,
        job: &Job,
    ) -> Result<Self> {
        let mut mailbox = Self::closed(environment, place, access, Depth::Content)?;
        mailbox.refresh(job)?;
        if mailbox.standing.may_write() {
            staged::clear_leftovers(environment, &place.path);
        }
        Ok(mailbox)
    }

    /// The mailbox, of which nothing is known yet.
    pub(super) fn closed(
        environment: &Arc<Environment>,
        place: &Place,
        access: Access,
        depth: Depth,
    ) -> Result<Self> {
        let profile = require(environment, place)?;
        let mut standing = Standing::new(environment, CHARACTERISTICS.driver, access);
        if standing.may_write()
            && let Some(why) = why_read_only(environment, place, &profile)
        {
            standing.fall(why);
        }
        let notes = match depth {
            Depth::Content if environment.read_only => Notes::Never,
            Depth::Content if standing.may_write() => Notes::Surely,
            // What is known of UIDs is no part of the mailbox: who only reads its messages notes them too.
            Depth::Content => Notes::IfFree,
            Depth::Names => Notes::Never,
        };
        Ok(Self {
            environment: Arc::clone(environment),
            place: place.clone(),
            profile,
            standing,
            register: Register::new(environment, &place.path, notes),
            depth,
            words: Words::default(),
            lists: Lists::default(),
            told: Vec::new(),
            told_uid: 0,
            unseen_here: UidSet::new(),
            stamp: (None, true),
            damage_told: false,
            directory: directory_of(environment, &place.path)?,
        })
    }

    /// Tells the state where it is another one than was told.
    pub(super) fn tell_state(&mut self, job: &Job) {
        let facts = Facts {
            path: &self.place.path,
            uid_validity: self.register.uid_validity,
            last_uid: self.register.last_uid().max(self.told_uid),
            sticky_uids: self.register.sticky,
            keywords: (self.words.names(), self.words.has_room()),
        };
        self.standing.tell(facts, job);
    }

    pub(super) fn same_directory(&self) -> Result<()> {
        match directory_of(&self.environment, &self.place.path)? == self.directory {
            true => Ok(()),
            false => Err(Error::Changed("another mailbox took its place")),
        }
    }

    /// The file of a message, under whatever number it is by now.
    fn file_of(&mut self, uid: Uid, job: &Job) -> Result<Box<dyn MailFile>> {
        for again in [false, true] {
            if again {
                self.register.doubt();
                self.refresh(job)?;
            }
            let known = self.told_place(uid.get()).is_some();
            let entry = self.register.entry(uid.get()).filter(|_| known);
            let entry = *entry.ok_or(Error::NoSuchMessage)?;
            let path = self.place.path.join(file_of(entry.number));
            let failed = Error::io(&path);
            match self.environment.files.open(&path, OpenMode::Read) {
                Err(missing) if is_missing(&missing) => {}
                other => {
                    let file = other.map_err(&failed)?;
                    if Key::of(&file.metadata().map_err(&failed)?) == entry.key {
                        return Ok(file);
                    }
                }
            }
        }
        Err(Error::NoSuchMessage)
    }

    pub(super) fn told_place(&self, uid: u32) -> Option<usize> {
        let found = self.told.binary_search_by_key(&uid, |told| told.uid);
        found.ok()
    }

    /// What is told of a message.
    pub(super) fn summary_of(&self, told: &Told, lists: &mut Lists) -> Option<Summary> {
        let entry = self.register.entry(told.uid)?;
        Some(Summary {
            uid: Uid::new(told.uid)?,
            flags: flags_of(told, lists, &self.words),
            internal_date: InternalDate {
                seconds: entry.key.seconds,
                offset: 0,
            },
            rfc822_size: entry.size,
        })
    }
}

/// The flags of a message.
pub(super) fn flags_of(told: &Told, lists: &mut Lists, words: &Words) -> Flags {
    let recent = match told.recent {
        true => SystemFlags::RECENT,
        false => SystemFlags::NONE,
    };
    Flags {
        system: system_of(told.flags) | recent,
        keywords: lists.of(told.keywords, words),
    }
}

/// Why a mailbox cannot be written.
fn why_read_only(environment: &Environment, place: &Place, profile: &Profile) -> Option<String> {
    let sequences = place.path.join(&profile.sequences);
    let files = &environment.files;
    let may = |path: &Path| files.may_write(path).unwrap_or(false);
    if !may(&place.path) {
        return Some("its directory may not be written".to_owned());
    }
    let name = profile.sequences.display();
    match files.link_metadata(&sequences) {
        Err(_) => None,
        Ok(found) if !found.is_file() => Some(format!("its file {name} is no plain file")),
        Ok(found) if found.len() > LARGEST => Some(format!("its file {name} is too large")),
        Ok(_) if !may(&sequences) => Some(format!("its file {name} may not be written")),
        Ok(_) => None,
    }
}

/// Which directory a mailbox is.
fn directory_of(environment: &Environment, path: &Path) -> Result<FileId> {
    match environment.files.metadata(path) {
        Err(missing) if is_missing(&missing) => Err(Error::Changed("its directory is gone")),
        other => Ok(FileId::of(&other.map_err(Error::io(path))?)),
    }
}

impl LocalMailbox for Mh {
    fn uids(&self) -> UidSet {
        let uids = self.told.iter();
        uids.filter_map(|told| Uid::new(told.uid)).collect()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        let told = self.told.get(self.told_place(uid.get())?)?;
        self.summary_of(told, &mut Lists::default())
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        self.look(job)
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        self.same_directory()?;
        let file = self.file_of(uid, job)?;
        MessageFile::new(&*file, &self.place.path, Stored::Lf).read(part, into, job)
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
        headers(uids, (&path, Stored::Lf), &mut open, found, job)
    }

    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        self.standing.require_writable(job)?;
        let (environment, place) = (Arc::clone(&self.environment), self.place.clone());
        let mut file = lock(&environment, &place, &self.profile, job)?;
        self.take_in(&mut file, &[], job)?;
        let mut sequences = file.read()?;
        // What could not be marked before is, lest a change of another flag makes it seen.
        let unmarked = self.numbers_of(|told| {
            Uid::new(told.uid).is_some_and(|uid| self.unseen_here.contains(uid))
        });
        for name in &self.profile.unseen {
            sequences.add(name, &unmarked);
        }
        let numbers =
            self.numbers_of(|told| Uid::new(told.uid).is_some_and(|it| uids.contains(it)));
        if !matches!(change, FlagChange::Remove(_)) {
            self.words.define(change.flags().keywords());
            if !self.words.know(change.flags().keywords()) {
                job.notice("a mailbox has room for 30 keywords only; the others are not kept");
            }
        }
        store::apply(
            change,
            &numbers,
            (&self.words, &self.profile.unseen),
            &mut sequences,
        );
        file.write(&sequences)?;
        self.unseen_here = UidSet::new();
        self.tell(&sequences, &[], job);
        self.stamp = self.stamp_of_sequences();
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
        Ok(())
    }
}
