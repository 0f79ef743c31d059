//! Newsgroups: which names they can have, and where their articles, their list and what was read of them are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::driver::error::{Error, Result};
use crate::driver::local_file::is_missing;
use crate::driver::news::active::Active;
use crate::driver::place::Place;
use crate::mail::name::NameKind;
use crate::os::environment::Environment;

/// What stands in front of every group's name.
pub const PREFIX: &[u8] = b"#news.";

/// INN's articles, and where older programs kept theirs.
const SPOOLS: [&str; 2] = ["/var/spool/news/articles", "/var/spool/news"];
const ACTIVE: [&str; 2] = ["/var/lib/news/active", "/usr/lib/news/active"];

/// The root of the articles.
pub fn spool_path(environment: &Environment) -> PathBuf {
    usual(
        environment,
        environment.naming.news.spool.as_deref(),
        SPOOLS,
    )
}

/// The list of groups.
pub fn active_path(environment: &Environment) -> PathBuf {
    usual(
        environment,
        environment.naming.news.active.as_deref(),
        ACTIVE,
    )
}

/// Which articles the user has read.
pub fn newsrc_path(environment: &Environment) -> PathBuf {
    let given = environment.naming.news.newsrc.clone();
    given.unwrap_or_else(|| environment.home.join(".newsrc"))
}

/// The place that was given, else the first of the usual ones that is there.
fn usual(environment: &Environment, given: Option<&Path>, usual: [&str; 2]) -> PathBuf {
    let there = |path: &&str| environment.files.metadata(Path::new(path)).is_ok();
    let [first, _] = usual;
    let found = || usual.into_iter().find(there).unwrap_or(first);
    given.map_or_else(|| found().into(), Path::to_owned)
}

/// Why no group can have this name; `None` where one can. What is let through leads to nowhere but below the spool, and to
/// a line of its own in `.newsrc`.
pub fn why_no_group(name: &[u8]) -> Option<&'static str> {
    let parts = || name.split(|&byte| byte == b'.');
    if parts().any(<[u8]>::is_empty) {
        return Some("a part of the newsgroup's name is empty");
    }
    if std::str::from_utf8(name).is_err() {
        return Some("the newsgroup's name is not UTF-8");
    }
    let odd = |&byte: &u8| byte <= b' ' || byte == 0x7f || b"/:!,;*?[]\\".contains(&byte);
    name.iter()
        .any(odd)
        .then_some("the newsgroup's name holds a character that no such name can have")
}

/// Where the articles of a group are.
pub fn directory_of(spool: &Path, group: &[u8]) -> PathBuf {
    let mut path = spool.to_owned();
    for part in group.split(|&byte| byte == b'.') {
        path.push(OsStr::from_bytes(part));
    }
    path
}

/// The group that a place is.
pub fn group_of(place: &Place) -> Option<&[u8]> {
    match place.name.kind() {
        NameKind::News(group) => Some(group),
        _ => None,
    }
}

/// Reads the list of groups; an error names the file.
pub fn read_active(environment: &Environment) -> Result<Active> {
    let path = active_path(environment);
    Active::read(&*environment.files, &path).map_err(Error::io(&path))
}

/// The group, and its highest number where that is known. Fails unless there is such a group.
pub fn require<'a>(environment: &Environment, place: &'a Place) -> Result<(&'a [u8], Option<u64>)> {
    let missing = || Error::NoSuchMailbox {
        path: place.path.clone(),
        can_create: false,
    };
    let group = group_of(place).ok_or_else(missing)?;
    if let Some(why) = why_no_group(group) {
        return Err(Error::Refused(why));
    }
    let active = match read_active(environment) {
        Err(Error::Io { source, .. }) if is_missing(&source) => return Err(missing()),
        other => other?,
    };
    let spool = spool_path(environment);
    let spool = environment.files.metadata(&spool);
    let entry = active.find(group).ok_or_else(missing)?;
    match spool {
        Ok(found) if found.is_dir() => Ok((group, entry.high)),
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_leads_below_the_spool_or_nowhere() {
        for good in ["comp.lang.c++", "a", "de.alt.f\u{e4}", "x_y.1-2"] {
            assert_eq!(why_no_group(good.as_bytes()), None, "{good}");
        }
        let long = vec![b'a'; 300];
        assert_eq!(why_no_group(&long), None);
        for bad in [
            &b""[..],
            b".",
            b"..",
            b".a",
            b"a.",
            b"a..b",
            b"a/b",
            b"a b",
            b"a:b",
            b"a!",
            b"a,b",
            b"a\n",
            b"a\x7f",
            b"caf\xe9",
        ] {
            assert!(why_no_group(bad).is_some(), "{bad:?}");
        }
        let path = directory_of(Path::new("/spool"), b"a.b.c");
        assert_eq!(path, Path::new("/spool/a/b/c"));
    }
}
