//! Which directories are MH mailboxes, and which names in them are theirs.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::layout::folder::numbers::is_digits;
use crate::driver::local_file::{self, is_missing};
use crate::driver::mh::profile::Profile;
use crate::driver::mh::row::CHARACTERISTICS;
use crate::driver::mh::sequence_file;
use crate::driver::mh::sequences::is_sequence_file;
use crate::driver::place::Place;
use crate::os::environment::Environment;

/// What the names of messages begin with that come or go.
const OURS: &[u8] = b".mugo-";

/// Whether a name in a mailbox is none of another mailbox below it: messages, those that MH programs removed, sequences.
pub fn is_own(name: &[u8]) -> bool {
    let removed = name.strip_prefix(b",").unwrap_or(name);
    let sequences = is_sequence_file(Path::new(OsStr::from_bytes(name)));
    is_digits(removed) || sequences || name.starts_with(OURS)
}

/// Whether `path` is a mailbox in this format: a directory below that of all such mailboxes.
pub fn is_mailbox(environment: &Environment, path: &Path) -> io::Result<bool> {
    match environment.files.metadata(path) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Ok(false),
        Err(missing) if is_missing(&missing) => return Ok(false),
        Err(refusal) => return Err(refusal),
    }
    // A profile that cannot be read makes no mailboxes; those who ask for one by name are told why.
    let profile = Profile::read(environment).unwrap_or_default();
    Ok(profile.is_some_and(|profile| profile.covers(path)))
}

/// The profile of a user who has MH mailboxes.
pub fn profile(environment: &Environment) -> Result<Profile> {
    let path = environment.home.join(".mh_profile");
    let profile = Profile::read(environment).map_err(Error::io(&path))?;
    profile.ok_or(Error::Refused(
        "MH mailboxes need a file .mh_profile in the home folder, or the setting local.mh_path",
    ))
}

/// The profile, where there is a mailbox in this format; else fails.
pub fn require(environment: &Environment, place: &Place) -> Result<Profile> {
    let refused = |refusal| local_file::no_access(place, refusal);
    let found = environment.files.metadata(&place.path).map_err(refused)?;
    let profile = profile(environment)?;
    if found.is_dir() && profile.covers(&place.path) {
        return Ok(profile);
    }
    let driver = CHARACTERISTICS.driver;
    let why = "it is no directory below that of the MH mailboxes";
    Err(Error::NotThisFormat { driver, why })
}

/// Whether this is the mailbox called `inbox`, which is made where it is not there.
pub fn is_inbox(environment: &Environment, place: &Place) -> bool {
    let profile = Profile::read(environment).unwrap_or_default();
    profile.is_some_and(|profile| profile.folder.join("inbox") == place.path)
}

/// Whether a sequence says that something was not seen, as far as that can be told at a glance.
pub fn has_unseen(environment: &Environment, path: &Path) -> bool {
    let Ok(Some(profile)) = Profile::read(environment) else {
        return false;
    };
    let sequences = sequence_file::glance(environment, &path.join(&profile.sequences));
    let mut unseen = profile.unseen.iter();
    sequences.is_ok_and(|sequences| {
        unseen.any(|name| {
            sequences
                .iter()
                .any(|(it, all)| it == name && !all.is_empty())
        })
    })
}
