//! What is kept of a mailbox on a server for its next opening, in the state folder: `imap/DIGEST OF SERVER, USER AND MAILBOX`. No name
//! that a server gives is ever a part of a path. It is never the truth: the server says what holds of it.
//!
//! ```text
//! magic, digest of whose it is            8 and 8 bytes
//! UIDVALIDITY, UIDNEXT, mod-sequence      4, 4 and 8 bytes, as all numbers: the lowest byte first
//! keywords                                their count (2), for each its length (1) and its bytes
//! lists of keywords                       their count (2), for each the count of keywords (2) and their places (2 each)
//! messages                                for each: UID (4), system flags (1), 0 (1), list, from 1 (2), offset of the date (2), 0 (2),
//!                                         date in seconds (8), octets (8)
//! digest of all before                    8 bytes
//! ```

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use crate::driver::imap::kept_headers::KeptHeaders;
use crate::driver::imap::sequence::Sequence;
use crate::driver::imap::view::{Recalled, View};
use crate::driver::layout::folder::whole_file::read_whole;
use crate::mail::date::InternalDate;
use crate::mail::flags::{Flags, Keyword, SystemFlags};
use crate::mail::server::Server;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::hex::hex;
use crate::os::home::private_folder;
use crate::os::replace::replace;

/// The largest file that is read, in bytes: some 20 million messages.
const LARGEST: u64 = 1 << 30;
const MAGIC: &[u8; 8] = b"MugoIm_1";
const MESSAGE: usize = 28;
/// Fewer messages are asked for as fast as they are recalled.
const WORTH_IT: usize = 50;
/// Fewer changes are told again as fast as they are kept.
const MUCH: usize = 50;

/// Where what is kept of one mailbox is.
pub struct Memory {
    environment: Arc<Environment>,
    path: PathBuf,
    whose: u64,
}

impl Memory {
    /// That of a mailbox of this user on this server.
    pub fn of(environment: &Arc<Environment>, server: &Server, user: &str, mailbox: &[u8]) -> Self {
        let port = server
            .port()
            .map_or_else(String::new, |port| port.to_string());
        let host = server.host().to_ascii_lowercase();
        let mut whose = Sha256::new();
        for part in [host.as_bytes(), port.as_bytes(), user.as_bytes(), mailbox] {
            whose.update((part.len() as u64).to_le_bytes());
            whose.update(part);
        }
        let digest = whose.finalize();
        let name = hex(digest.get(..16).unwrap_or_default());
        Self {
            environment: Arc::clone(environment),
            path: environment.state.join("imap").join(name),
            whose: xxh3_64(&digest),
        }
    }

    /// The headers of the same mailbox that are kept beside it.
    pub fn headers(&self) -> KeptHeaders {
        let mut path = self.path.clone().into_os_string();
        path.push("-headers");
        KeptHeaders::new(&self.environment, path.into(), self.whose)
    }

    /// What was known when the mailbox was open last.
    pub fn recall(&self) -> Option<Recalled> {
        let (bytes, _) = read_whole(&*self.environment.files, &self.path, LARGEST).ok()?;
        parse(&bytes, self.whose)
    }

    /// Keeps what is known now, where that spares the next opening more than it costs: the server tells again what changed since
    /// this was done last.
    pub fn keep(&self, view: &mut View) {
        if view.unkept < MUCH.max(view.sequence.len() / 100) {
            return;
        }
        let state = view.state();
        let is_worth_it = state.sticky_uids && view.sequence.len() >= WORTH_IT;
        let (Some(validity), true) = (view.uid_validity, is_worth_it) else {
            return;
        };
        if self.environment.read_only {
            return;
        }
        let bytes = to_bytes(view, validity, self.whose);
        // Without it the next opening takes longer.
        if self.write(&bytes).is_ok() {
            view.unkept = 0;
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let files = &*self.environment.files;
        private_folder(files, &self.environment.state)?;
        private_folder(files, self.path.parent().unwrap_or(Path::new("/")))?;
        replace(files, &self.path, bytes)
    }
}

fn to_bytes(view: &View, validity: UidValidity, whose: u64) -> Vec<u8> {
    let state = view.state();
    let mut bytes = Vec::with_capacity(100 + view.sequence.len() * MESSAGE);
    bytes.extend_from_slice(MAGIC);
    bytes.extend(whose.to_le_bytes());
    bytes.extend(validity.get().to_le_bytes());
    bytes.extend(view.uid_next.map_or(0, Uid::get).to_le_bytes());
    bytes.extend(view.mod_seq.to_le_bytes());
    let keywords = &state.keywords;
    bytes.extend((keywords.len() as u16).to_le_bytes());
    for keyword in keywords {
        bytes.push(keyword.as_str().len() as u8);
        bytes.extend_from_slice(keyword.as_str().as_bytes());
    }
    let place = |keyword: &Keyword| {
        let found = keywords.iter().position(|known| known == keyword);
        found.map_or(0, |place| place as u16)
    };
    let mut lists: HashMap<Vec<u16>, u16> = HashMap::new();
    let mut in_order: Vec<Vec<u16>> = Vec::new();
    let mut messages = Vec::with_capacity(view.sequence.len() * MESSAGE);
    for message in view.sequence.iter() {
        let list: Vec<u16> = message.flags.keywords().iter().map(place).collect();
        let number = match list.is_empty() {
            true => 0,
            false => *lists.entry(list.clone()).or_insert_with(|| {
                in_order.push(list);
                in_order.len() as u16
            }),
        };
        messages.extend(message.uid.get().to_le_bytes());
        messages.extend([message.flags.system.bits(), 0]);
        messages.extend(number.to_le_bytes());
        messages.extend(message.internal_date.offset.to_le_bytes());
        messages.extend([0, 0]);
        messages.extend(message.internal_date.seconds.to_le_bytes());
        messages.extend(message.rfc822_size.to_le_bytes());
    }
    bytes.extend((in_order.len() as u16).to_le_bytes());
    for list in &in_order {
        bytes.extend((list.len() as u16).to_le_bytes());
        bytes.extend(list.iter().flat_map(|place| place.to_le_bytes()));
    }
    bytes.extend(messages);
    bytes.extend(xxh3_64(&bytes).to_le_bytes());
    // More different lists than have numbers are no reason to keep wrong ones.
    match in_order.len() < usize::from(u16::MAX) {
        true => bytes,
        false => Vec::new(),
    }
}

fn parse(bytes: &[u8], whose: u64) -> Option<Recalled> {
    let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
    if digest != xxh3_64(body).to_le_bytes() {
        return None;
    }
    let mut rest = Rest(body);
    if rest.take(8)? != MAGIC || rest.number(8)? != whose {
        return None;
    }
    let validity = UidValidity::new(rest.number(4)? as u32)?;
    let uid_next = Uid::new(rest.number(4)? as u32);
    let mod_seq = rest.number(8)?;
    let mut keywords = Vec::new();
    for _ in 0..rest.number(2)? {
        let length = rest.number(1)? as usize;
        let keyword = std::str::from_utf8(rest.take(length)?).ok()?;
        keywords.push(Keyword::new(keyword)?);
    }
    let mut lists: Vec<Arc<[Keyword]>> = Vec::new();
    for _ in 0..rest.number(2)? {
        let mut list = Vec::new();
        for _ in 0..rest.number(2)? {
            list.push(keywords.get(rest.number(2)? as usize)?.clone());
        }
        lists.push(list.into());
    }
    let mut sequence = Sequence::default();
    while !rest.0.is_empty() {
        if !sequence.push(message(&mut rest, &lists)?) {
            return None;
        }
    }
    Some(Recalled {
        sequence,
        mod_seq,
        validity,
        uid_next,
        keywords,
    })
}

fn message(rest: &mut Rest<'_>, lists: &[Arc<[Keyword]>]) -> Option<Summary> {
    let uid = Uid::new(rest.number(4)? as u32)?;
    let system = SystemFlags::from_bits(rest.number(1)? as u8);
    rest.take(1)?;
    let keywords = match rest.number(2)? as usize {
        0 => None,
        number => Some(Arc::clone(lists.get(number - 1)?)),
    };
    let offset = i16::from_le_bytes(*rest.take(2)?.first_chunk::<2>()?);
    rest.take(2)?;
    let seconds = rest.number(8)?.cast_signed();
    Some(Summary {
        uid,
        flags: Flags { system, keywords },
        internal_date: InternalDate { seconds, offset },
        rfc822_size: rest.number(8)?,
    })
}

/// What was not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of at most 8 bytes.
    fn number(&mut self, count: usize) -> Option<u64> {
        let bytes = self.take(count)?.iter().rev();
        Some(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::status::Access;

    fn view() -> View {
        let mut view = View::new(Access::ReadWrite, true);
        let mut sequence = Sequence::default();
        let keywords = ["work", "home"].map(|it| Keyword::new(it).expect("a keyword"));
        for number in 1..=60_u32 {
            let words = keywords.iter().take(number as usize % 3).cloned().collect();
            sequence.push(Summary {
                uid: Uid::new(number * 7).expect("not 0"),
                flags: Flags::new(SystemFlags::SEEN, words),
                internal_date: InternalDate {
                    seconds: -5,
                    offset: -90,
                },
                rfc822_size: u64::from(number) << 33,
            });
        }
        view.recall(Recalled {
            sequence,
            mod_seq: u64::MAX - 3,
            validity: UidValidity::new(9).expect("not 0"),
            uid_next: Uid::new(500),
            keywords: keywords.to_vec(),
        });
        view
    }

    #[test]
    fn what_is_kept_is_recalled_and_nothing_else_is() {
        let view = view();
        let bytes = to_bytes(&view, UidValidity::new(9).expect("not 0"), 77);
        let recalled = parse(&bytes, 77).expect("whole");
        let before: Vec<&Summary> = view.sequence.iter().collect();
        let after: Vec<&Summary> = recalled.sequence.iter().collect();
        assert_eq!(before, after);
        assert_eq!(
            (recalled.mod_seq, recalled.uid_next),
            (u64::MAX - 3, Uid::new(500))
        );
        assert!(parse(&bytes, 78).is_none());
        for cut in 0..bytes.len() {
            assert!(parse(&bytes[..cut], 77).is_none());
            let mut other = bytes.clone();
            other[cut] ^= 1;
            assert!(parse(&other, 77).is_none());
        }
    }
}
