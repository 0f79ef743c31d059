//! What is in a mailbox's folders: the names of its messages, and whether that may have changed.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::driver::error::{Error, Result};
use crate::driver::local_file::{self, is_missing};
use crate::driver::maildir::name::Name;
use crate::driver::maildir::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::os::environment::Environment;

/// The folders that make a mailbox: messages that were seen by a program, those that were not, and those being written.
pub const FOLDERS: [&str; 3] = ["cur", "new", "tmp"];

/// A message's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its name.
    pub name: Name,
    /// Whether no program has seen it: it is in `new`.
    pub is_new: bool,
}

impl Found {
    /// Where it is in the mailbox.
    pub fn path(&self, mailbox: &Path) -> PathBuf {
        mailbox.join(self.folder()).join(self.name.file())
    }

    fn folder(&self) -> &'static str {
        if self.is_new { "new" } else { "cur" }
    }
}

/// When names came, went or changed last, in `cur` and in `new`: seconds and nanoseconds.
pub type Stamp = [(i64, i64); 2];

/// Whether `path` is a mailbox in this format.
pub fn is_mailbox(environment: &Environment, path: &Path) -> io::Result<bool> {
    for folder in FOLDERS {
        match environment.files.metadata(&path.join(folder)) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Ok(false),
            Err(missing) if is_missing(&missing) => return Ok(false),
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(true)
}

/// Fails where there is no mailbox in this format.
pub fn require(environment: &Environment, place: &Place) -> Result<()> {
    let refused = |refusal| local_file::no_access(place, refusal);
    environment.files.metadata(&place.path).map_err(refused)?;
    if is_mailbox(environment, &place.path).map_err(refused)? {
        return Ok(());
    }
    let driver = CHARACTERISTICS.driver;
    let why = "it lacks one of the folders cur, new and tmp";
    Err(Error::NotThisFormat { driver, why })
}

/// The stamp of a mailbox now.
pub fn stamp(environment: &Environment, mailbox: &Path) -> Result<Stamp> {
    let of = |folder| {
        let path = mailbox.join(folder);
        let found = environment.files.metadata(&path);
        let found = found.map_err(Error::io(&path))?;
        Ok::<_, Error>((found.mtime(), found.mtime_nsec()))
    };
    Ok([of("cur")?, of("new")?])
}

/// Whether something in the mailbox's folders changed so shortly ago that one more change could not be told from it.
pub fn is_racy(environment: &Environment, stamp: &Stamp) -> bool {
    const COARSE: i64 = 2;
    let now = (environment.clock)();
    stamp
        .iter()
        .any(|(seconds, _)| now.saturating_sub(*seconds) < COARSE)
}

/// The messages of a mailbox, by their bases. One that is found twice, because it was moved meanwhile, counts once.
pub fn list(environment: &Environment, mailbox: &Path) -> Result<Vec<Found>> {
    let mut all = Vec::new();
    // A message goes from `new` to `cur`: in this order none is missed.
    for is_new in [true, false] {
        let path = mailbox.join(if is_new { "new" } else { "cur" });
        let mut visit = |name: &OsStr| {
            let name = Name::parse(name.as_bytes());
            all.extend(name.map(|name| Found { name, is_new }));
        };
        let visited = environment.files.visit_dir(&path, &mut visit);
        visited.map_err(Error::io(&path))?;
    }
    all.sort_by(|one, other| {
        let key = |it: &Found| (it.is_new, it.name.letters().len());
        (one.name.base().cmp(other.name.base())).then_with(|| key(one).cmp(&key(other)))
    });
    all.dedup_by(|later, first| later.name.base() == first.name.base());
    Ok(all)
}

/// The same, and surely all that are there: a name that changes while names are read may be missed, but not twice. What was
/// taken away meanwhile may be among them.
pub fn list_surely(environment: &Environment, mailbox: &Path) -> Result<Vec<Found>> {
    let before = stamp(environment, mailbox)?;
    let is_steady = !is_racy(environment, &before);
    let mut all = list(environment, mailbox)?;
    if is_steady && stamp(environment, mailbox)? == before {
        return Ok(all);
    }
    let again = list(environment, mailbox)?;
    all.retain(|found| find(&again, found.name.base()).is_none());
    all.extend(again);
    all.sort_by(|one, other| one.name.base().cmp(other.name.base()));
    Ok(all)
}

/// The message with this base, in what [`list`] gave.
pub fn find<'a>(all: &'a [Found], base: &[u8]) -> Option<&'a Found> {
    let place = all.binary_search_by(|it| it.name.base().cmp(base));
    all.get(place.ok()?)
}
