//! Flags as letters: capitals for the system flags, small ones for keywords, whose names are in the file
//! `dovecot-keywords` of the mailbox, as Dovecot has it: lines of number and name, 0 for `a`.
//!
//! `P` (passed on) is the keyword `$Forwarded`. Letters that mean nothing here stay as they are.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::local_file::is_missing;
use crate::driver::waiting::{self, NoDotLock, Offer, Waiting};
use crate::mail::flags::{Flags, Keyword, SystemFlags};
use crate::os::dot_lock::DotLockError;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::replace::replace;
use crate::os::transfer::read_full_at;

/// The keywords of a mailbox by their letters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Letters {
    slots: Vec<Slot>,
}

/// What a letter means.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
enum Slot {
    /// Nothing yet.
    #[default]
    Free,
    /// This keyword.
    Named(Keyword),
    /// What other programs know, and we cannot name: it stays as it is.
    Foreign(Vec<u8>),
}

impl Slot {
    fn keyword(&self) -> Option<&Keyword> {
        match self {
            Self::Named(keyword) => Some(keyword),
            Self::Free | Self::Foreign(_) => None,
        }
    }
}

const SYSTEM: [(u8, SystemFlags); 5] = [
    (b'D', SystemFlags::DRAFT),
    (b'F', SystemFlags::FLAGGED),
    (b'R', SystemFlags::ANSWERED),
    (b'S', SystemFlags::SEEN),
    (b'T', SystemFlags::DELETED),
];
const PASSED: u8 = b'P';
const FORWARDED: &str = "$Forwarded";
/// How many letters there are for keywords.
const MOST: usize = 26;
/// The largest file of names that is read, in bytes.
const LARGEST: usize = 64 << 10;

impl Letters {
    /// Where the names are.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("dovecot-keywords")
    }

    /// Reads the names; none where there is no file. What is no line of it is passed over.
    pub fn read(environment: &Environment, folder: &Path) -> io::Result<Self> {
        let path = Self::path(folder);
        let file = match environment.files.open(&path, OpenMode::Read) {
            Err(missing) if is_missing(&missing) => return Ok(Self::default()),
            other => other?,
        };
        let mut bytes = vec![0; LARGEST];
        let count = read_full_at(&*file, &mut bytes, 0)?;
        if count == LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        bytes.truncate(count);
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut letters = Self::default();
        for line in bytes.split(|&byte| byte == b'\n') {
            let Some(blank) = memchr::memchr(b' ', line) else {
                continue;
            };
            let (number, name) = line.split_at(blank);
            let name = name.trim_ascii();
            let number = std::str::from_utf8(number).ok();
            let number = number.and_then(|number| number.parse::<usize>().ok());
            let Some(number) = number.filter(|&number| number < MOST) else {
                continue;
            };
            let length = letters.slots.len().max(number + 1);
            letters.slots.resize(length, Slot::Free);
            let keyword = std::str::from_utf8(name).ok().and_then(Keyword::new);
            let keyword = keyword.filter(|keyword| letters.slot_of(keyword).is_none());
            if let Some(slot @ Slot::Free) = letters.slots.get_mut(number) {
                *slot = keyword.map_or_else(|| Slot::Foreign(name.to_vec()), Slot::Named);
            }
        }
        letters
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, slot) in self.slots.iter().enumerate() {
            let name = match slot {
                Slot::Free => continue,
                Slot::Named(keyword) => keyword.as_str().as_bytes(),
                Slot::Foreign(name) => name,
            };
            bytes.extend(format!("{number} ").bytes());
            bytes.extend(name);
            bytes.push(b'\n');
        }
        bytes
    }

    fn slot_of(&self, keyword: &Keyword) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.keyword() == Some(keyword))
    }

    /// The keywords that a message can have.
    pub fn names(&self) -> Vec<Keyword> {
        let forwarded = Keyword::new(FORWARDED);
        let named = self.slots.iter().filter_map(Slot::keyword).cloned();
        named.chain(forwarded).collect()
    }

    /// Whether one more keyword can get a letter.
    pub fn has_room(&self) -> bool {
        self.slots.len() < MOST || self.slots.contains(&Slot::Free)
    }

    /// Whether each of these has a letter.
    pub fn know(&self, keywords: &[Keyword]) -> bool {
        keywords
            .iter()
            .all(|keyword| self.letter(keyword).is_some())
    }

    fn letter(&self, keyword: &Keyword) -> Option<u8> {
        let place = self.slot_of(keyword);
        let own = place.and_then(|place| u8::try_from(place).ok());
        let own = own.map(|place| b'a' + place);
        own.or_else(|| {
            keyword
                .as_str()
                .eq_ignore_ascii_case(FORWARDED)
                .then_some(PASSED)
        })
    }

    fn keyword(&self, letter: u8) -> Option<Keyword> {
        match letter {
            PASSED => Keyword::new(FORWARDED),
            b'a'..=b'z' => self
                .slots
                .get(usize::from(letter - b'a'))?
                .keyword()
                .cloned(),
            _ => None,
        }
    }

    /// The letters of a message that had `before` and shall have these flags. Keywords without a letter are left out.
    pub fn of(&self, flags: &Flags, before: &[u8]) -> Vec<u8> {
        let means = |letter: u8| {
            SYSTEM.iter().any(|entry| entry.0 == letter) || self.keyword(letter).is_some()
        };
        let kept = before.iter().copied().filter(|&letter| !means(letter));
        let system = SYSTEM.iter().filter(|entry| flags.has(entry.1));
        let system = system.map(|entry| entry.0);
        let keywords = flags.keywords().iter().filter_map(|word| self.letter(word));
        kept.chain(system).chain(keywords).collect()
    }

    /// Gives each of these a letter, where there is one left, and writes them down; the names as they are on disk now
    /// come back.
    pub fn define(
        environment: &Environment,
        folder: &Path,
        keywords: &[Keyword],
        mode: u32,
        job: &Job,
    ) -> Result<Self> {
        let path = Self::path(folder);
        let mut waiting = Waiting::new(environment, folder, Offer::Nothing, job);
        let lock = waiting.dot_lock(environment, &path);
        let lock = lock.map_err(|refusal| match refusal {
            NoDotLock::Ended(why) => why,
            NoDotLock::Refused(DotLockError::CannotCreate { path, source }) => {
                Error::Io { path, source }
            }
            NoDotLock::Refused(DotLockError::Held { holder, .. }) => waiting::held_by(&holder),
            NoDotLock::Refused(_) => Error::Refused("its file of keywords cannot be locked"),
        })?;
        let failed = Error::io(&path);
        let metadata = environment.files.link_metadata(&path);
        if metadata.is_ok_and(|found| !found.is_file()) {
            return Err(Error::Refused("its file of keywords is no plain file"));
        }
        let mut letters = Self::read(environment, folder).map_err(&failed)?;
        let known = letters.clone();
        for keyword in keywords {
            if letters.letter(keyword).is_none() {
                letters.add(keyword);
            }
        }
        if letters != known {
            let is_new = environment.files.metadata(&path).is_err();
            replace(&*environment.files, &path, &letters.to_bytes())
                .and_then(|()| match is_new {
                    true => environment.files.set_mode(&path, mode),
                    false => Ok(()),
                })
                .map_err(&failed)?;
        }
        // What is left of a lock that is not given back goes by itself.
        let _ = lock.release();
        Ok(letters)
    }

    fn add(&mut self, keyword: &Keyword) {
        let new = Slot::Named(keyword.clone());
        if let Some(free) = self.slots.iter_mut().find(|slot| **slot == Slot::Free) {
            *free = new;
        } else if self.slots.len() < MOST {
            self.slots.push(new);
        }
    }
}

/// Makes flags of letters; messages with the same keywords share their list.
#[derive(Default)]
pub struct Shares {
    lists: HashMap<Vec<u8>, Option<Arc<[Keyword]>>>,
}

impl Shares {
    /// The flags of a message with these letters.
    pub fn flags(&mut self, letters: &[u8], names: &Letters, recent: bool) -> Flags {
        let set = SYSTEM.iter().filter(|entry| letters.contains(&entry.0));
        let mut system = set.fold(SystemFlags::NONE, |flags, entry| flags | entry.1);
        if recent {
            system |= SystemFlags::RECENT;
        }
        let is_keyword = |letter: &u8| letter.is_ascii_lowercase() || *letter == PASSED;
        let mut own: Vec<u8> = letters.iter().copied().filter(is_keyword).collect();
        if own.is_empty() {
            return Flags::system(system);
        }
        // `a` to `z`, then `P`, as the mailbox tells its keywords.
        own.sort_unstable_by_key(|letter| (*letter == PASSED, *letter));
        let list = self.lists.entry(own).or_insert_with_key(|own| {
            let mut words: Vec<Keyword> = Vec::new();
            for word in own.iter().filter_map(|&letter| names.keyword(letter)) {
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            Flags::new(SystemFlags::NONE, words).keywords
        });
        Flags {
            system,
            keywords: list.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(names: &[&str]) -> Vec<Keyword> {
        names.iter().filter_map(|name| Keyword::new(name)).collect()
    }

    #[test]
    fn letters_become_flags_and_come_back_with_what_means_nothing() {
        let letters = Letters::parse(b"0 Work\n2 Later\nrubbish\n99 far\n3 work\n-1 x\n4 \xff\n");
        assert_eq!(letters.names(), words(&["Work", "Later", FORWARDED]));
        let flags = Shares::default().flags(b"FSacbPX", &letters, false);
        assert_eq!(flags.system, SystemFlags::FLAGGED | SystemFlags::SEEN);
        assert_eq!(flags.keywords(), words(&["Work", "Later", FORWARDED]));
        let other = Flags::new(SystemFlags::DELETED, words(&["Later", "unknown"]));
        let mut made = letters.of(&other, b"FSacbPX");
        made.sort_unstable();
        assert_eq!(made, b"TXbc");
        assert_eq!(letters.to_bytes(), b"0 Work\n2 Later\n3 work\n4 \xff\n");
    }

    #[test]
    fn gaps_are_filled_first_and_there_are_26_letters() {
        let mut letters = Letters::parse(b"1 b\n");
        for number in 0..40 {
            letters.add(&words(&[&format!("k{number}")])[0]);
        }
        assert!(!letters.has_room());
        assert_eq!(letters.slots.len(), 26);
        assert_eq!(letters.letter(&words(&["k0"])[0]), Some(b'a'));
        assert_eq!(letters.letter(&words(&["k30"])[0]), None);
    }
}
