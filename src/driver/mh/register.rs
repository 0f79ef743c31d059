//! Which message is which: the log of UIDs, `mh/DIGEST OF THE PATH`, and how the files of a mailbox are told by it.
//!
//! A batch of the log is entries, 52 bytes each. A later entry for a UID takes the place of an earlier one; one without a
//! number says that the message is gone; one without a UID is the stamp of the directory in which all this was found. As
//! long as the directory has that stamp nobody needs to look at its files. Else each is looked at: a message is known by
//! inode, modification time and length, and where these are new by its content, whatever its number is now.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::local_file::is_missing;
use crate::driver::message::granted;
use crate::driver::mh::entry::{DirectoryStamp, Entry, LENGTH};
use crate::driver::mh::files::{Found, Listed, Measures, list, measure, numbers};
use crate::driver::mh::known::{copied_files, known_files, moved_files};
use crate::driver::remembered::log::{Kind, Locked, Log, News, is_broken};
use crate::mail::reason::in_words;
use crate::mail::text::Foreign;
use crate::os::environment::Environment;

/// What these logs have in common.
pub const KIND: Kind = Kind {
    folder: "mh",
    magic: b"MugoMh_1",
};

/// What is known of the messages of a mailbox.
pub struct Register {
    environment: Arc<Environment>,
    mailbox: PathBuf,
    log: Log,
    read: Read,
    /// UIDVALIDITY; 0 before it is known.
    pub uid_validity: u32,
    /// Whether UIDs hold beyond the session.
    pub sticky: bool,
    notes: Notes,
    prepared: Prepared,
}

/// Whether what is found is noted in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notes {
    /// It is.
    Surely,
    /// It is where nobody else is just doing that: nobody is waited for, and nothing is said where it cannot be done.
    IfFree,
    /// It holds for this session.
    Never,
}

/// What was found out before anything was locked.
#[derive(Default)]
struct Prepared {
    /// The files, and the stamp of a directory that has no others as long as it has this stamp.
    listed: Option<(DirectoryStamp, Vec<Listed>)>,
    /// Those that nobody knew yet, by their numbers.
    measured: Vec<(Listed, Measures)>,
}

/// So many files are read before anything is locked.
const MANY: usize = 50;

/// What was read, and found since.
#[derive(Default)]
struct Read {
    /// The messages, UIDs ascending.
    live: Vec<Entry>,
    last_uid: u32,
    /// The highest number that a message ever had.
    top_number: u32,
    stamp: Option<DirectoryStamp>,
    /// How many entries the log holds.
    entries: usize,
}

/// What a look at a mailbox found, to be settled.
pub struct Survey {
    locked: Option<Locked>,
    /// Where all of it was seen, and long enough after the last change.
    stamp: Option<DirectoryStamp>,
    changed: Vec<Entry>,
    gone: Vec<u32>,
    /// Messages that nobody knows yet, in the order of their numbers.
    pub new: Vec<Found>,
    /// Whether nobody has ever looked at this mailbox.
    pub is_first: bool,
}

/// What names and keys tell of the files.
struct Files {
    /// Messages whose files have other names now.
    moved: Vec<Entry>,
    /// Files that are none of the messages that are known.
    strangers: Vec<Listed>,
    /// Which of the messages that are known are there.
    taken: Vec<bool>,
}

/// Whether files that are not known are read to their ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// They are, and what was known of a message is found again by its content.
    Content,
    /// They are only counted.
    Names,
}

impl Survey {
    /// What was found holds for this session only.
    pub fn unlock(&mut self) {
        self.locked = None;
    }
}

impl Register {
    /// The register of the mailbox at `path`.
    pub fn new(environment: &Arc<Environment>, path: &std::path::Path, notes: Notes) -> Self {
        Self {
            environment: Arc::clone(environment),
            mailbox: path.to_owned(),
            log: Log::new(environment, KIND, path),
            read: Read::default(),
            uid_validity: 0,
            sticky: true,
            notes,
            prepared: Prepared::default(),
        }
    }

    /// The messages, UIDs ascending.
    pub fn live(&self) -> &[Entry] {
        &self.read.live
    }

    /// The last UID that was given out.
    pub fn last_uid(&self) -> u32 {
        self.read.last_uid
    }

    /// The highest number that a message ever had, as far as known.
    pub fn top_number(&self) -> u32 {
        self.read.top_number
    }

    /// What is known of a message.
    pub fn entry(&self, uid: u32) -> Option<&Entry> {
        let place = self.read.live.binary_search_by_key(&uid, |it| it.uid);
        self.read.live.get(place.ok()?)
    }

    /// Whether the directory is as it was when its files were looked at.
    pub fn is_current(&self) -> Result<bool> {
        Ok(self.read.stamp == Some(self.stamp()?))
    }

    /// A file is not what it was, although names are: all are looked at again.
    pub fn doubt(&mut self) {
        self.read.stamp = None;
    }

    /// What the next look finds is not written down: it would be taken for settled.
    pub fn keep_nothing(&mut self) {
        (self.sticky, self.notes) = (false, Notes::Never);
    }

    /// From now on UIDs hold for this session only.
    fn detach(&mut self, refusal: &io::Error, job: &Job) {
        if self.sticky && self.notes != Notes::IfFree {
            let why = in_words(refusal);
            job.notice(format!("UIDs hold for this session only: {why}"));
        }
        self.keep_nothing();
    }

    /// The directory's stamp now.
    fn stamp(&self) -> Result<DirectoryStamp> {
        match self.environment.files.metadata(&self.mailbox) {
            Err(missing) if is_missing(&missing) => Err(Error::Changed("its directory is gone")),
            other => Ok(DirectoryStamp::of(
                &other.map_err(Error::io(&self.mailbox))?,
            )),
        }
    }

    /// Looks whether files came, went or changed; `None` where they did not.
    pub fn survey(&mut self, depth: Depth, job: &Job) -> Result<Option<Survey>> {
        self.learn(job)?;
        if self.read.stamp == Some(self.stamp()?) {
            return Ok(None);
        }
        let locked = match self.notes {
            Notes::Surely => self.lock(job)?,
            Notes::IfFree => self.lock(&job.hurried())?,
            Notes::Never => None,
        };
        let is_first = self.read.entries == 0;
        let stamp = self.stamp()?;
        let is_steady = !stamp.is_recent((self.environment.clock)());
        let listed = self.prepared.listed.take();
        let listed = listed.filter(|(before, _)| *before == stamp).map(|it| it.1);
        let failed = |refusal| match job.checkpoint() {
            Err(cancelled) => cancelled,
            Ok(()) => Error::io(&self.mailbox)(refusal),
        };
        let Files {
            moved: mut changed,
            strangers,
            mut taken,
        } = self.files(listed, job).map_err(failed)?;
        let mut is_whole = false;
        let new = match depth {
            Depth::Names => strangers.iter().map(|it| it.to_found((0, 0))).collect(),
            Depth::Content => {
                let measures = self.measured(&strangers, job).map_err(failed)?;
                let found = strangers.iter().zip(measures);
                let found = found.filter_map(|(it, measures)| Some(it.to_found(measures?)));
                let found: Vec<Found> = found.collect();
                is_whole = found.iter().all(|found| found.entry.digest != 0);
                let (same, new) = copied_files(&self.read.live, found, &mut taken);
                changed.extend(same);
                new
            }
        };
        changed.retain(|entry| self.entry(entry.uid) != Some(entry));
        let gone = self.read.live.iter().zip(&taken).filter(|entry| !entry.1);
        Ok(Some(Survey {
            locked,
            stamp: (is_whole && is_steady).then_some(stamp),
            changed,
            gone: gone.map(|(entry, _)| entry.uid).collect(),
            new,
            is_first,
        }))
    }

    /// Reads the files that nobody knows, where they are many, before anything is locked: others wait for a lock.
    pub fn prepare(&mut self, job: &Job) -> Result<()> {
        self.learn(job)?;
        if self.is_current()? {
            return Ok(());
        }
        let failed = |refusal| match job.checkpoint() {
            Err(cancelled) => cancelled,
            Ok(()) => Error::io(&self.mailbox)(refusal),
        };
        let (environment, mailbox) = (&self.environment, &self.mailbox);
        let stamp = self.stamp()?;
        // Judged now: what takes its time makes no change older that came before it.
        let is_steady = !stamp.is_recent((environment.clock)());
        let numbers = numbers(environment, mailbox).map_err(failed)?;
        if numbers.len() < self.read.live.len() + MANY {
            return Ok(());
        }
        let listed = list(environment, mailbox, &numbers, job).map_err(failed)?;
        let Files { strangers, .. } = self.sort(listed.clone());
        let measures = measure(environment, mailbox, &strangers, job).map_err(failed)?;
        let measured = strangers.into_iter().zip(measures);
        let measured = measured.filter_map(|(it, measures)| Some((it, measures?)));
        self.prepared = Prepared {
            listed: is_steady.then_some((stamp, listed)),
            measured: measured.collect(),
        };
        Ok(())
    }

    /// Looks at the files by their names and keys, at those in `listed` where it is known which there are.
    fn files(&self, listed: Option<Vec<Listed>>, job: &Job) -> io::Result<Files> {
        let (environment, mailbox) = (&self.environment, &self.mailbox);
        let listed = match listed {
            Some(listed) => listed,
            None => list(environment, mailbox, &numbers(environment, mailbox)?, job)?,
        };
        Ok(self.sort(listed))
    }

    /// What these files are of what is known.
    fn sort(&self, listed: Vec<Listed>) -> Files {
        let mut taken = vec![false; self.read.live.len()];
        let strangers = known_files(&self.read.live, listed, &mut taken);
        let (moved, strangers) = moved_files(&self.read.live, strangers, &mut taken);
        Files {
            moved,
            strangers,
            taken,
        }
    }

    /// The measures of these files, as far as they were not taken before.
    fn measured(&self, all: &[Listed], job: &Job) -> io::Result<Vec<Option<Measures>>> {
        let mut prepared = self.prepared.measured.iter().peekable();
        let mut known = Vec::with_capacity(all.len());
        let mut unknown = Vec::new();
        for it in all {
            while prepared
                .next_if(|(other, _)| other.number < it.number)
                .is_some()
            {}
            let found = prepared.next_if(|(other, _)| other.number == it.number);
            let measures = found.filter(|(other, _)| other.key == it.key);
            known.push(measures.map(|(_, measures)| *measures));
            unknown.extend(measures.is_none().then_some(*it));
        }
        let read = measure(&self.environment, &self.mailbox, &unknown, job)?;
        let gaps = known.iter_mut().filter(|measures| measures.is_none());
        gaps.zip(read).for_each(|(gap, read)| *gap = read);
        Ok(known)
    }

    /// Notes what a look found, and gives new messages UIDs above `floor`: these come back, in their order. Durable on
    /// return where that can be.
    pub fn settle(&mut self, survey: Survey, floor: u32, job: &Job) -> Result<Vec<u32>> {
        self.prepared = Prepared::default();
        let Survey {
            locked,
            stamp,
            mut changed,
            gone,
            new,
            ..
        } = survey;
        let last = self.read.last_uid.max(floor);
        let uids = granted(last, new.iter().map(|found| found.wish));
        let uids = uids.ok_or(Error::Refused("the mailbox has no UIDs left"))?;
        let numbered = new.iter().zip(&uids);
        changed.extend(numbered.map(|(found, &uid)| Entry { uid, ..found.entry }));
        changed.extend(gone.iter().map(|&uid| Entry {
            uid,
            ..Entry::default()
        }));
        let mut payload = Vec::new();
        let all = changed.iter().copied();
        let all = all.chain(stamp.map(DirectoryStamp::to_entry));
        all.for_each(|entry| entry.write(&mut payload));
        if locked.is_none() && !changed.is_empty() {
            self.sticky = false;
        }
        self.write(locked, &payload, job);
        self.read.take_in(&payload);
        Ok(uids)
    }

    fn write(&mut self, locked: Option<Locked>, payload: &[u8], job: &Job) {
        let Some(mut locked) = locked else {
            return;
        };
        let written = match self.read.is_mostly_void() {
            false => self.log.append(&mut locked, payload),
            true => {
                let mut whole = self.read.to_payload();
                whole.extend_from_slice(payload);
                self.read.entries = self.read.live.len() + 1;
                self.log.rewrite(locked, &whole)
            }
        };
        if let Err(refusal) = written {
            self.detach(&refusal, job);
        }
    }

    /// Reads what is new in the log, as long as its UIDs are those of this session.
    fn learn(&mut self, job: &Job) -> Result<()> {
        if !self.sticky {
            return Ok(());
        }
        let (log, read) = (&mut self.log, &mut self.read);
        let take = &mut |news: News<'_>| read.take(&news);
        let outcome = match log.read_on(take) {
            Err(refusal) if is_broken(&refusal) && self.notes == Notes::Surely => {
                job.notice("what was known of the UIDs in this mailbox is damaged: all are new");
                log.begin_anew(take, job)
            }
            Ok(()) if !log.is_there() && self.notes == Notes::Surely => {
                log.make_sure(job).and_then(|()| log.read_on(take))
            }
            Ok(()) if !log.is_there() && self.notes == Notes::IfFree => log
                .make_sure(&job.hurried())
                .and_then(|()| log.read_on(take)),
            other => other,
        };
        if let Err(refusal) = outcome {
            self.detach(&refusal, job);
        }
        self.know_validity()
    }

    fn know_validity(&mut self) -> Result<()> {
        match (self.uid_validity, self.log.uid_validity) {
            (0, 0) => self.uid_validity = self.environment.fresh_uid_validity(),
            (0, known) => self.uid_validity = known,
            (told, known) if self.sticky && known != 0 && told != known => {
                return Err(Error::Changed("its UIDs are others now"));
            }
            _ => {}
        }
        self.sticky &= self.log.is_there() || self.notes == Notes::Never;
        Ok(())
    }

    fn lock(&mut self, job: &Job) -> Result<Option<Locked>> {
        let (log, read) = (&mut self.log, &mut self.read);
        let locked = log.lock(job).and_then(|locked| {
            log.catch_up(&locked, &mut |news| read.take(&news))?;
            Ok(locked)
        });
        match locked {
            Ok(locked) => {
                self.know_validity()?;
                Ok(Some(locked))
            }
            Err(busy)
                if busy.kind() == io::ErrorKind::WouldBlock && self.notes == Notes::Surely =>
            {
                let by = Foreign::new("another program");
                Err(Error::Locked { by })
            }
            Err(refusal) => {
                job.checkpoint()?;
                self.detach(&refusal, job);
                Ok(None)
            }
        }
    }
}

impl Read {
    fn take(&mut self, news: &News<'_>) {
        match news {
            News::Anew => *self = Self::default(),
            News::Batch(payload) => self.take_in(payload),
        }
    }

    fn take_in(&mut self, payload: &[u8]) {
        if !payload.is_empty() {
            self.stamp = None;
        }
        let mut any_gone = false;
        let (entries, _) = payload.as_chunks::<LENGTH>();
        for entry in entries.iter().map(Entry::read) {
            self.entries += 1;
            self.last_uid = self.last_uid.max(entry.uid);
            if entry.uid != 0 {
                // One that is gone tells it in place of its size.
                let told = match entry.number {
                    0 => u32::try_from(entry.size).unwrap_or(0),
                    number => number,
                };
                self.top_number = self.top_number.max(told);
            }
            if entry.uid == 0 {
                self.stamp = Some(DirectoryStamp::from_entry(&entry));
                continue;
            }
            any_gone |= entry.number == 0;
            let key = |it: &Entry| it.uid;
            match self.live.last() {
                Some(last) if last.uid >= entry.uid => {}
                _ => {
                    self.live.push(entry);
                    continue;
                }
            }
            match self.live.binary_search_by_key(&entry.uid, key) {
                Ok(place) => {
                    if let Some(old) = self.live.get_mut(place) {
                        *old = entry;
                    }
                }
                // One that is gone is not needed to say so.
                Err(_) if entry.number == 0 => {}
                Err(place) => self.live.insert(place, entry),
            }
        }
        if any_gone {
            self.live.retain(|entry| entry.number != 0);
        }
    }

    /// Whether most of the log is of messages that are gone.
    fn is_mostly_void(&self) -> bool {
        self.entries > 2 * self.live.len() + 1000
    }

    /// All that is known, as one payload.
    fn to_payload(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.live.len() * LENGTH);
        // What was given out last is not given out again.
        let last = Entry {
            uid: self.last_uid,
            size: u64::from(self.top_number),
            ..Entry::default()
        };
        last.write(&mut payload);
        self.live.iter().for_each(|entry| entry.write(&mut payload));
        payload
    }
}
