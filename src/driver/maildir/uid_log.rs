//! The UIDs of a mailbox, as a log: `maildir/DIGEST OF THE PATH`. A batch is entries:
//!
//! ```text
//! UID (4), octets with CRLF (8), internal date in seconds (8), its zone in minutes (2), bytes of the base (1), the base
//! ```
//! A later entry for a base takes the place of an earlier one. Numbers are given out under the lock of the log.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::driver::maildir::folder::{Found, find};
use crate::driver::message::granted;
use crate::driver::remembered::log::{Kind, Locked, Log, News};
use crate::mail::date::InternalDate;
use crate::mail::uid::Uid;
use crate::os::environment::Environment;

/// What these logs have in common.
pub const KIND: Kind = Kind {
    folder: "maildir",
    magic: b"MugoMdr2",
};

/// What is known of a message besides its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Its UID.
    pub uid: u32,
    /// Octets with CRLF line ends.
    pub size: u64,
    /// Its internal date. The zone of one that was delivered by others is not known, and 0.
    pub date: InternalDate,
}

/// A message that shall get a UID.
pub struct Unnumbered<'a> {
    /// Names it.
    pub base: &'a [u8],
    /// Octets with CRLF line ends.
    pub size: u64,
    /// Its internal date.
    pub date: InternalDate,
    /// The UID that it would like to have.
    pub wish: Option<Uid>,
}

/// UIDs that were given out, and the locks under which that was.
pub struct Numbered {
    /// One for each message.
    pub uids: Vec<u32>,
    _locked: Locked,
}

/// What the log tells of messages, by their bases.
pub type Known = HashMap<Box<[u8]>, Facts>;

/// The log of one mailbox.
pub struct UidLog {
    log: Log,
    read: Read,
}

/// What was read.
#[derive(Default)]
struct Read {
    /// The last UID that was given out.
    last_uid: u32,
    /// How many entries the file holds.
    entries: usize,
    /// Entries of messages that were not asked for yet.
    ahead: Known,
}

impl Read {
    fn take(&mut self, news: &News<'_>) {
        match news {
            News::Anew => *self = Self::default(),
            News::Batch(payload) => {
                let mut highest = 0;
                self.entries += read_entries(payload, &mut self.ahead, &mut highest);
                self.last_uid = self.last_uid.max(highest);
            }
        }
    }
}

impl UidLog {
    /// The log of the mailbox at `path`, not read yet.
    pub fn new(environment: &Arc<Environment>, path: &Path) -> Self {
        Self {
            log: Log::new(environment, KIND, path),
            read: Read::default(),
        }
    }

    /// UIDVALIDITY; 0 before it is known.
    pub fn uid_validity(&self) -> u32 {
        self.log.uid_validity
    }

    /// The last UID that was given out.
    pub fn last_uid(&self) -> u32 {
        self.read.last_uid
    }

    /// Whether there is a log that was read.
    pub fn is_there(&self) -> bool {
        self.log.is_there()
    }

    /// Makes a log where there is none, so that its UIDVALIDITY holds from now on.
    pub fn make_sure(&self, job: &Job) -> io::Result<()> {
        self.log.make_sure(job)
    }

    /// Reads what is new: all of it the first time, or where the file is another one now.
    pub fn read_on(&mut self) -> io::Result<()> {
        let read = &mut self.read;
        self.log.read_on(&mut |news| read.take(&news))
    }

    /// What was read of a message, once.
    pub fn take(&mut self, base: &[u8]) -> Option<Facts> {
        self.read.ahead.remove(base)
    }

    /// Whether something was read of a message and not taken yet.
    pub fn knows(&self, base: &[u8]) -> bool {
        self.read.ahead.contains_key(base)
    }

    fn lock(&mut self, job: &Job) -> io::Result<Locked> {
        let locked = self.log.lock(job)?;
        let read = &mut self.read;
        self.log.catch_up(&locked, &mut |news| read.take(&news))?;
        Ok(locked)
    }

    /// Numbers messages: those that have got a UID meanwhile keep it if it is above `floor`, the others get the next ones,
    /// in their order. As long as the answer lives nobody else numbers messages.
    pub fn number(
        &mut self,
        new: &[Unnumbered<'_>],
        floor: u32,
        job: &Job,
    ) -> io::Result<Numbered> {
        let mut locked = self.lock(job)?;
        let mut given = HashSet::new();
        let keeps = new.iter().map(|message| {
            let uid = self.read.ahead.remove(message.base).map(|facts| facts.uid);
            uid.filter(|&uid| uid > floor && given.insert(uid))
        });
        let kept: Vec<Option<u32>> = keeps.collect();
        let mut last = self.read.last_uid.max(floor);
        let mut uids = Vec::with_capacity(new.len());
        let mut payload = Vec::new();
        for (message, kept) in new.iter().zip(kept) {
            uids.push(match kept {
                Some(uid) => uid,
                None => {
                    let granted = granted(last, std::iter::once(message.wish));
                    let granted = granted.and_then(|uids| uids.first().copied());
                    last = granted.ok_or_else(|| io::Error::other("no UIDs are left"))?;
                    self.read.entries += 1;
                    write_entry(&mut payload, last, message);
                    last
                }
            });
        }
        self.log.append(&mut locked, &payload)?;
        self.read.last_uid = self.read.last_uid.max(last);
        Ok(Numbered {
            uids,
            _locked: locked,
        })
    }

    /// Whether most of the log is of messages that are gone.
    pub fn is_mostly_void(&self, live: usize) -> bool {
        self.read.entries > 2 * live + 1000
    }

    /// Writes the log anew, with these messages, and those that were not asked for yet and are among those that `list`
    /// gives: as long as the log is locked no message has a UID and is not there.
    pub fn rewrite<'a>(
        &mut self,
        messages: impl Iterator<Item = (&'a [u8], Facts)>,
        list: impl FnOnce() -> Result<Vec<Found>>,
        job: &Job,
    ) -> io::Result<()> {
        let locked = self.lock(job)?;
        let there = list().map_err(io::Error::other)?;
        self.read
            .ahead
            .retain(|base, _| find(&there, base).is_some());
        let mut payload = Vec::new();
        let mut entries = 0;
        let mut put = |base: &[u8], facts: Facts| {
            let message = Unnumbered {
                base,
                size: facts.size,
                date: facts.date,
                wish: None,
            };
            write_entry(&mut payload, facts.uid, &message);
            entries += 1;
        };
        messages.for_each(|(base, facts)| put(base, facts));
        self.read
            .ahead
            .iter()
            .for_each(|(base, facts)| put(base, *facts));
        // What was given out last is not given out again: an entry without a base says so.
        let last = Unnumbered {
            base: b"",
            size: 0,
            date: InternalDate {
                seconds: 0,
                offset: 0,
            },
            wish: None,
        };
        write_entry(&mut payload, self.read.last_uid, &last);
        self.log.rewrite(locked, &payload)?;
        self.read.entries = entries;
        Ok(())
    }

    /// Begins a log anew that is broken: no UID of before holds any more.
    pub fn begin_anew(&mut self, job: &Job) -> io::Result<()> {
        let read = &mut self.read;
        self.log.begin_anew(&mut |news| read.take(&news), job)
    }

    /// Forgets what was read: all of it is read again the next time.
    pub fn forget(&mut self) {
        self.log.forget();
        self.read.ahead.clear();
    }
}

fn write_entry(payload: &mut Vec<u8>, uid: u32, message: &Unnumbered<'_>) {
    payload.extend(uid.to_le_bytes());
    payload.extend(message.size.to_le_bytes());
    payload.extend(message.date.seconds.to_le_bytes());
    payload.extend(message.date.offset.to_le_bytes());
    payload.push(message.base.len() as u8);
    payload.extend(message.base);
}

/// Takes in entries; gives their number, and the highest UID among them by way of `highest`.
fn read_entries(payload: &[u8], known: &mut Known, highest: &mut u32) -> usize {
    let mut count = 0;
    let mut rest = payload;
    while let Some((base, facts, behind)) = entry(rest) {
        *highest = facts.uid.max(*highest);
        if !base.is_empty() {
            known.insert(base.into(), facts);
        }
        rest = behind;
        count += 1;
    }
    count
}

fn entry(bytes: &[u8]) -> Option<(&[u8], Facts, &[u8])> {
    let (uid, rest) = bytes.split_first_chunk::<4>()?;
    let (size, rest) = rest.split_first_chunk::<8>()?;
    let (seconds, rest) = rest.split_first_chunk::<8>()?;
    let (offset, rest) = rest.split_first_chunk::<2>()?;
    let (&length, rest) = rest.split_first()?;
    let (base, rest) = rest.split_at_checked(usize::from(length))?;
    let facts = Facts {
        uid: u32::from_le_bytes(*uid),
        size: u64::from_le_bytes(*size),
        date: InternalDate {
            seconds: i64::from_le_bytes(*seconds),
            offset: i16::from_le_bytes(*offset),
        },
    };
    Some((base, facts, rest))
}
