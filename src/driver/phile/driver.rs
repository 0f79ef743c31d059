//! The driver `phile`: any file that no other driver knows, as one read-only message.

use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result, writable};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{Stamp, restore_times};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::framing::Framing;
use crate::driver::layout::file::holes::starts_behind_nuls;
use crate::driver::layout::prefile::repair::is_likely;
use crate::driver::local_file;
use crate::driver::mbx;
use crate::driver::message::Messages;
use crate::driver::mtx;
use crate::driver::phile::identity::{Identity, identify};
use crate::driver::phile::message::FileMessage;
use crate::driver::phile::sniff;
use crate::driver::place::{Place, Protection};
use crate::driver::tenex;
use crate::mail::appended::Appended;
use crate::mail::change::Change;
use crate::mail::date::InternalDate;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::status::{Access, MailboxState, MailboxStatus};
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};
use crate::os::accounts::Account;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};

/// The driver.
pub struct Phile {
    environment: Arc<Environment>,
}

impl Phile {
    /// A driver for this environment.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self {
            environment: Arc::clone(environment),
        }
    }

    fn kind_of(&self, place: &Place, metadata: &Metadata) -> Probe {
        let inbox_elsewhere = place.is_inbox && !self.environment.naming.mode.is_boxed();
        if !metadata.is_file() || inbox_elsewhere {
            return Probe::Foreign;
        }
        if metadata.len() == 0 && place.protection != Protection::FTP {
            return Probe::Empty;
        }
        Probe::Mine
    }

    /// Refuses what is not a plain file before it is opened.
    fn admit(&self, place: &Place) -> Result<Metadata> {
        let metadata = self
            .environment
            .files
            .metadata(&place.path)
            .map_err(|refusal| local_file::no_access(place, refusal))?;
        let why = match self.kind_of(place, &metadata) {
            Probe::Mine => return Ok(metadata),
            Probe::Empty => "it is empty",
            _ => "it is not a plain file",
        };
        Err(Error::NotThisFormat { driver: NAME, why })
    }
}

impl LocalDriver for Phile {
    fn characteristics(&self) -> &'static Characteristics {
        &CHARACTERISTICS
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        match self.environment.files.metadata(&place.path) {
            Ok(metadata) => Ok(self.kind_of(place, &metadata)),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(Probe::Missing),
            Err(refusal) => Err(refusal),
        }
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        self.admit(place)?;
        let files = &self.environment.files;
        let file = files
            .open(&place.path, OpenMode::Read)
            .map_err(Error::io(&place.path))?;
        let mut mailbox = FileAsMailbox {
            environment: Arc::clone(&self.environment),
            path: place.path.clone(),
            wanted: access,
            file,
            stamp: Stamp::default(),
            identity: Identity {
                uid: Uid::FIRST,
                validity: None,
                is_sticky: false,
            },
            message: None,
        };
        mailbox.look(job)?;
        Ok(Box::new(mailbox))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        let metadata = self.admit(place)?;
        let files = &self.environment.files;
        let mut file = files
            .open(&place.path, OpenMode::Read)
            .map_err(Error::io(&place.path))?;
        let whose = (&*place.path, &*file);
        let identity = identify(&self.environment, whose, &metadata, Access::ReadOnly, job);
        restore_times(&mut *file, &metadata);
        Ok(MailboxStatus {
            driver: NAME,
            messages: 1,
            recent: 1,
            unseen: 1,
            uid_next: identity.uid.next(),
            uid_validity: identity.validity,
        })
    }

    fn create(&self, place: &Place, _job: &Job) -> Result<()> {
        writable(&self.environment)?;
        local_file::create_empty(&self.environment, place)
    }

    fn delete(&self, place: &Place, _job: &Job) -> Result<()> {
        writable(&self.environment)?;
        local_file::delete(&self.environment, place)
    }

    /// Only a file of no bytes is no message.
    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        let found = self.environment.files.metadata(&place.path);
        let length = found.map_err(Error::io(&place.path))?.len();
        if length > 0 {
            return Err(Error::Refused("a file that is no mailbox is one message"));
        }
        self.delete(place, job)
    }

    fn rename(&self, from: &Place, to: &Place, _job: &Job) -> Result<()> {
        writable(&self.environment)?;
        local_file::rename(&self.environment, from, to)
    }

    fn append(&self, _place: &Place, _messages: &mut dyn Messages, _job: &Job) -> Result<Appended> {
        Err(Error::Unsupported {
            driver: NAME,
            operation: "take messages: they are read as they are",
        })
    }
}

/// An open file.
struct FileAsMailbox {
    environment: Arc<Environment>,
    path: PathBuf,
    wanted: Access,
    file: Box<dyn MailFile>,
    stamp: Stamp,
    identity: Identity,
    message: Option<FileMessage>,
}

impl FileAsMailbox {
    /// Looks what the file holds now, and tells it.
    fn look(&mut self, job: &Job) -> Result<()> {
        let before = self.file.metadata().map_err(Error::io(&self.path))?;
        let source = Source {
            file: &*self.file,
            path: &self.path,
        };
        let sniffed = sniff::sniff(source, before.len(), job)?;
        if self.message.is_none() {
            self.hint_at_damage(before.len(), job);
        }
        let whose = (&*self.path, &*self.file);
        self.identity = identify(&self.environment, whose, &before, self.wanted, job);
        let date = InternalDate::in_zone(before.mtime(), &TimeZone::system());
        let owner = Account::with_uid(before.uid())
            .map(|account| account.name)
            .unwrap_or_else(|| format!("User-Number-{}", before.uid()));
        let host = &self.environment.process.host;
        self.message = Some(FileMessage::new(&self.path, &owner, host, date, sniffed));
        restore_times(&mut *self.file, &before);
        let metadata = self.file.metadata().map_err(Error::io(&self.path))?;
        self.stamp = Stamp::of(&metadata);
        job.emit(Change::State(Box::new(self.state())));
        let summaries = self.summary(self.identity.uid);
        job.emit(Change::Arrived(summaries.into_iter().collect()));
        Ok(())
    }

    /// Tells when the file looks like a mailbox that lost its beginning.
    fn hint_at_damage(&self, length: u64, job: &Job) {
        let source = Source {
            file: &*self.file,
            path: &self.path,
        };
        let quiet = job.without_progress();
        let formats = [&mbx::FORMAT, &tenex::FORMAT, &mtx::FORMAT];
        let likely = formats
            .iter()
            .find(|format| is_likely(format, source, length, &quiet));
        let framings = [&Framing::DELIMITERS, &Framing::FROM_LINES];
        let behind_nuls = framings
            .iter()
            .find(|framing| starts_behind_nuls(framing, source));
        let likely = likely.map(|format| format.driver);
        if let Some(format) = likely.or(behind_nuls.map(|framing| framing.name)) {
            job.notice(format!(
                "the file looks like a damaged mailbox of format {format}; \
                 `mugo doctor --repair NAME --format {format}` writes a repaired copy"
            ));
        }
    }

    fn state(&self) -> MailboxState {
        let refused = self.wanted == Access::ReadWrite;
        MailboxState {
            driver: NAME,
            path: Some(self.path.clone()),
            access: Access::ReadOnly,
            why_read_only: refused.then(|| Foreign::new("it is a file and not a mailbox")),
            uid_validity: self.identity.validity,
            uid_next: self.identity.uid.next(),
            sticky_uids: self.identity.is_sticky,
            keywords: Vec::new(),
            permanent_flags: SystemFlags::NONE,
            new_keywords: false,
        }
    }
}

impl LocalMailbox for FileAsMailbox {
    fn uids(&self) -> UidSet {
        UidSet::one(self.identity.uid)
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        let message = self.message.as_ref().filter(|_| uid == self.identity.uid)?;
        Some(Summary {
            uid,
            flags: Flags::system(SystemFlags::RECENT),
            internal_date: message.date,
            rfc822_size: message.size(),
        })
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        let files = &self.environment.files;
        let gone = |_| Error::Changed("it is no longer there");
        let metadata = files.metadata(&self.path).map_err(gone)?;
        if Stamp::of(&metadata) == self.stamp {
            return Ok(());
        }
        if !metadata.is_file() {
            return Err(Error::Changed("something else has its name now"));
        }
        self.file = files.open(&self.path, OpenMode::Read).map_err(gone)?;
        job.emit(Change::Reset);
        self.look(job)
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        let message = self.message.as_ref().filter(|_| uid == self.identity.uid);
        let message = message.ok_or(Error::NoSuchMessage)?;
        if part != Part::Text {
            into.write_all(&message.header)
                .map_err(Error::io(&self.path))?;
        }
        if part == Part::Header {
            return Ok(());
        }
        let source = Source {
            file: &*self.file,
            path: &self.path,
        };
        message.write_text(source, into, job)
    }

    fn store(&mut self, _uids: &UidSet, _change: &FlagChange, _job: &Job) -> Result<()> {
        Err(Error::ReadOnly)
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        self.poll(job)
    }

    fn expunge(&mut self, _uids: Option<&UidSet>, _job: &Job) -> Result<()> {
        Err(Error::ReadOnly)
    }

    fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn close(self: Box<Self>, _job: &Job) -> Result<()> {
        Ok(())
    }
}

const NAME: &str = "phile";

static CHARACTERISTICS: Characteristics = Characteristics {
    driver: NAME,
    concurrent_access: Ability::No,
    shared_expunge: Ability::No,
    sticky_uids: Ability::Limited("kept in the state folder, by this program alone"),
    keywords: Ability::No,
    submailboxes: Ability::No,
    nfs: Ability::Yes,
    performance: "very good",
    layout: "any file as one read-only message",
};
