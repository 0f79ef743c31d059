//! The headers that were looked at, kept in the state folder beside what is known of the mailbox: a page that was seen before is
//! there at once. What is kept is never the truth of anything: it only spares asking.
//!
//! ```text
//! magic, digest of whose it is, UIDVALIDITY, 0     8, 8, 4 and 4 bytes, as all numbers: the lowest byte first
//! for each header: UID, its length                  4 and 4 bytes
//!   date in seconds, octets of the message          8 and 8 bytes
//!   offset of the date, 0, digest                   2, 6 and 8 bytes
//!   the header
//! ```
//!
//! Headers are added at the end, under a lock. What a kill left behind the last whole one is written over. The file keeps the
//! newer half where it would grow too large. When the mailbox is closed, headers of messages that are gone are taken out; of a
//! large file once they are a tenth of it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::driver::layout::folder::whole_file::read_whole;
use crate::mail::date::InternalDate;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::home::private_folder;
use crate::os::replace::replace;
use crate::os::transfer::{read_exact_at, write_all_at};

/// The largest file, in bytes: some 40,000 headers.
const LARGEST: u64 = 16 << 20;
/// A file up to this size is cheap to write anew, in bytes.
const SMALL: u64 = 1 << 20;
/// A longer header is not kept, in bytes.
const LONGEST: usize = 64 << 10;
const MAGIC: &[u8; 8] = b"MugoIh_1";
/// Bytes in front of the first header.
const FRONT: u64 = 24;
/// Bytes in front of each.
const HEAD: usize = 40;

/// A header, and what else the index shows of its message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptHeader {
    /// When the message arrived.
    pub internal_date: InternalDate,
    /// Its octets.
    pub rfc822_size: u64,
    /// The fields that an envelope is made of.
    pub header: Vec<u8>,
}

/// The headers of one mailbox that are kept.
pub struct KeptHeaders {
    environment: Arc<Environment>,
    path: PathBuf,
    whose: u64,
    open: Option<Open>,
}

struct Open {
    validity: UidValidity,
    file: Option<Box<dyn MailFile>>,
    /// Where each one is, and how long.
    places: HashMap<Uid, (u64, usize)>,
    /// Where the next one goes, and what is behind it.
    end: u64,
    length: u64,
}

impl KeptHeaders {
    /// Those in this file.
    pub fn new(environment: &Arc<Environment>, path: PathBuf, whose: u64) -> Self {
        Self {
            environment: Arc::clone(environment),
            path,
            whose,
            open: None,
        }
    }

    /// The header of a message of the mailbox that has this UIDVALIDITY, where it is kept.
    pub fn find(&mut self, validity: UidValidity, uid: Uid) -> Option<KeptHeader> {
        let whose = self.whose;
        let open = self.of(validity);
        let (place, length) = *open.places.get(&uid)?;
        let mut bytes = vec![0; length];
        read_exact_at(&**open.file.as_ref()?, &mut bytes, place).ok()?;
        let found = parse(&bytes, whose, validity).filter(|it| it.uid == uid);
        if found.is_none() {
            // Somebody has changed the file.
            open.places.remove(&uid);
        }
        found.map(|it| it.kept)
    }

    /// Keeps headers. Where that fails they are asked for once more the next time.
    pub fn keep(&mut self, validity: UidValidity, headers: &[(Uid, KeptHeader)]) {
        if self.environment.read_only {
            return;
        }
        let whose = self.whose;
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for (uid, kept) in headers {
            if kept.header.len() <= LONGEST && kept.rfc822_size > 0 {
                let before = bytes.len();
                write(&mut bytes, *uid, kept, whose, validity);
                places.push((*uid, before as u64, bytes.len() - before));
            }
        }
        if bytes.is_empty() {
            return;
        }
        if self.of(validity).end + bytes.len() as u64 > LARGEST {
            let half = LARGEST / 2;
            let _smaller = self.rewrite(validity, |place, _| place.0 >= half);
        }
        if let Ok(start) = self.append(validity, &bytes) {
            let open = self.of(validity);
            let new = places.into_iter();
            open.places
                .extend(new.map(|(uid, place, length)| (uid, (start + place, length))));
        }
    }

    /// Lets go of the headers of messages that are gone.
    pub fn keep_only(&mut self, is_there: impl Fn(Uid) -> bool) {
        let Some(open) = &self.open else {
            return;
        };
        let validity = open.validity;
        let gone = open.places.iter().filter(|(uid, _)| !is_there(**uid));
        let gone: u64 = gone.map(|(_, place)| place.1 as u64).sum();
        // A large file is not written anew for each message.
        let is_worth_it = gone > 0 && (open.end < SMALL || gone * 10 > open.end);
        if is_worth_it && !self.environment.read_only {
            let _smaller = self.rewrite(validity, |_, uid| is_there(uid));
        }
    }

    /// What is kept for this UIDVALIDITY; what is kept for another one is nothing.
    fn of(&mut self, validity: UidValidity) -> &mut Open {
        let known = self.open.take().filter(|open| open.validity == validity);
        let open = known.unwrap_or_else(|| self.read(validity));
        self.open.insert(open)
    }

    fn read(&self, validity: UidValidity) -> Open {
        let mut open = Open {
            validity,
            file: None,
            places: HashMap::new(),
            end: 0,
            length: 0,
        };
        let files = &*self.environment.files;
        // One that grew a little beyond its limit before is no other file.
        let Ok((bytes, _)) = read_whole(files, &self.path, 2 * LARGEST) else {
            return open;
        };
        let is_ours = bytes.get(..FRONT as usize) == Some(&self.front(validity)[..]);
        if !is_ours {
            return open;
        }
        open.end = FRONT;
        open.length = bytes.len() as u64;
        let mut rest = bytes.get(FRONT as usize..).unwrap_or_default();
        while let Some(found) = parse(rest, self.whose, validity) {
            open.places.insert(found.uid, (open.end, found.length));
            open.end += found.length as u64;
            rest = rest.get(found.length..).unwrap_or_default();
        }
        let mode = match self.environment.read_only {
            true => OpenMode::ReadNoFollow,
            false => OpenMode::ReadWriteNoFollow,
        };
        open.file = files.open(&self.path, mode).ok();
        open
    }

    fn front(&self, validity: UidValidity) -> Vec<u8> {
        let mut front = MAGIC.to_vec();
        front.extend(self.whose.to_le_bytes());
        front.extend(validity.get().to_le_bytes());
        front.extend([0; 4]);
        front
    }

    /// Adds bytes at the end, and tells where they begin.
    fn append(&mut self, validity: UidValidity, bytes: &[u8]) -> io::Result<u64> {
        let front = self.front(validity);
        let environment = Arc::clone(&self.environment);
        let path = self.path.clone();
        let open = self.of(validity);
        let Some(file) = &mut open.file else {
            private_folder(&*environment.files, &environment.state)?;
            let folder = path.parent().unwrap_or(Path::new("/"));
            private_folder(&*environment.files, folder)?;
            replace(&*environment.files, &path, &[&front, bytes].concat())?;
            // It is the one that was just written, or a newer one.
            self.open = None;
            self.of(validity);
            return Ok(FRONT);
        };
        if !file.try_lock(Flock::Exclusive)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let written = append_locked(&mut **file, open.end, open.length, bytes);
        let unlocked = file.unlock();
        let start = written?;
        open.end = start + bytes.len() as u64;
        open.length = open.end;
        unlocked.map(|()| start)
    }

    /// Writes the file anew with those that shall stay, by their places and UIDs.
    fn rewrite(
        &mut self,
        validity: UidValidity,
        stays: impl Fn((u64, usize), Uid) -> bool,
    ) -> io::Result<()> {
        let environment = Arc::clone(&self.environment);
        let path = self.path.clone();
        let mut bytes = self.front(validity);
        let open = self.of(validity);
        if let Some(file) = &open.file {
            let mut kept: Vec<(u64, usize)> = open
                .places
                .iter()
                .filter(|(uid, place)| stays(**place, **uid))
                .map(|(_, place)| *place)
                .collect();
            kept.sort_unstable();
            for (place, length) in kept {
                let start = bytes.len();
                bytes.resize(start + length, 0);
                let room = bytes.get_mut(start..).unwrap_or_default();
                read_exact_at(&**file, room, place)?;
            }
        }
        replace(&*environment.files, &path, &bytes)?;
        self.open = None;
        Ok(())
    }
}

/// Where the file ends is known by its own end; where it is as it was read, what is not whole at its end goes.
fn append_locked(file: &mut dyn MailFile, end: u64, length: u64, bytes: &[u8]) -> io::Result<u64> {
    let now = file.metadata()?.len();
    let start = if now == length { end } else { now };
    if start < now {
        file.set_len(start)?;
    }
    write_all_at(file, bytes, start)?;
    Ok(start)
}

struct Found {
    uid: Uid,
    kept: KeptHeader,
    length: usize,
}

fn digest(head: &[u8], header: &[u8], whose: u64, validity: UidValidity) -> u64 {
    let mut digest = Xxh3::with_seed(whose ^ u64::from(validity.get()));
    digest.update(head);
    digest.update(header);
    digest.digest()
}

fn write(into: &mut Vec<u8>, uid: Uid, kept: &KeptHeader, whose: u64, validity: UidValidity) {
    let mut head = Vec::with_capacity(HEAD);
    head.extend(uid.get().to_le_bytes());
    head.extend((kept.header.len() as u32).to_le_bytes());
    head.extend(kept.internal_date.seconds.to_le_bytes());
    head.extend(kept.rfc822_size.to_le_bytes());
    head.extend(kept.internal_date.offset.to_le_bytes());
    head.extend([0; 6]);
    let digest = digest(&head, &kept.header, whose, validity);
    head.extend(digest.to_le_bytes());
    into.extend(head);
    into.extend_from_slice(&kept.header);
}

/// The header at the beginning of `bytes`, where there is a whole one.
fn parse(bytes: &[u8], whose: u64, validity: UidValidity) -> Option<Found> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let (head, told) = head.split_at_checked(HEAD - 8)?;
    let number = |place: usize, count: usize| {
        let bytes = head.get(place..place + count)?.iter().rev();
        Some(bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    let length = usize::try_from(number(4, 4)?).ok()?;
    let header = rest.get(..length).filter(|_| length <= LONGEST)?;
    if told != digest(head, header, whose, validity).to_le_bytes() {
        return None;
    }
    let offset = head.get(24..26)?.first_chunk::<2>()?;
    Some(Found {
        uid: Uid::new(u32::try_from(number(0, 4)?).ok()?)?,
        length: HEAD + length,
        kept: KeptHeader {
            internal_date: InternalDate {
                seconds: number(8, 8)?.cast_signed(),
                offset: i16::from_le_bytes(*offset),
            },
            rfc822_size: number(16, 8)?,
            header: header.to_vec(),
        },
    })
}
