//! Subscriptions: `.mailboxlist` in the home, one name a line, as c-client keeps it; those of newsgroups are in `.newsrc`.
//!
//! The file is changed under a dot lock and replaced whole, so that a kill leaves the old list or the new one. Lines that
//! Mugo does not understand stay as they are, byte for byte. INBOX is stored in upper case, every other name as typed.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::backend::browse::full_pattern;
use crate::backend::error::{Error, Result};
use crate::backend::newsgroups;
use crate::backend::resolve::{Target, resolve};
use crate::driver::directories::Directory;
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::driver::place::Place;
use crate::driver::waiting::{NoDotLock, Offer, Waiting, held_by};
use crate::mail::listing::{Attribute, ListEntry, matches};
use crate::mail::name::{MailboxName, NameKind};
use crate::os::dot_lock::{DotLock, DotLockError};
use crate::os::environment::Environment;
use crate::os::files::{FileLayer, OpenMode};
use crate::os::replace::replace;

/// The longest list that is read, in bytes.
pub const MAX_SIZE: u64 = 16 << 20;

/// Adds a name. Refused when it is there already, or when no such mailbox exists; a directory is taken with a notice.
pub fn subscribe(environment: &Environment, name: &MailboxName, job: &Job) -> Result<()> {
    if matches!(name.kind(), NameKind::Driver { .. }) {
        return Err(Error::Forbidden {
            what: "#driver.",
            why: "is for new mailboxes only",
        });
    }
    if let Some((place, group)) = newsgroup(environment, name)? {
        return newsgroups::set_subscribed(environment, &place, group, true, job);
    }
    refuse_missing(environment, name, job)?;
    edit(environment, job, |list| {
        if lines(list).any(|line| is_line_of(environment, line, name)) {
            return Err(Error::Subscribed(name.to_foreign()));
        }
        let mut list = list.to_vec();
        if list.last().is_some_and(|&byte| byte != b'\n') {
            list.push(b'\n');
        }
        list.extend_from_slice(stored(name));
        list.push(b'\n');
        Ok(list)
    })
}

/// Takes a name away. Refused when it is not there; the mailbox itself need not exist.
pub fn unsubscribe(environment: &Environment, name: &MailboxName, job: &Job) -> Result<()> {
    if let Some((place, group)) = newsgroup(environment, name)? {
        return newsgroups::set_subscribed(environment, &place, group, false, job);
    }
    edit(environment, job, |list| {
        if !lines(list).any(|line| is_line_of(environment, line, name)) {
            return Err(Error::NotSubscribed(name.to_foreign()));
        }
        Ok(map_lines(list, |line| {
            (!is_line_of(environment, line, name)).then(|| line.to_vec())
        }))
    })
}

/// The place and the name of a newsgroup, whose subscription is in `.newsrc`.
fn newsgroup<'n>(
    environment: &Environment,
    name: &'n MailboxName,
) -> Result<Option<(Place, &'n [u8])>> {
    let NameKind::News(group) = name.kind() else {
        return Ok(None);
    };
    match resolve(environment, name)? {
        Target::Local(place) => Ok(Some((place, group))),
        Target::Remote(..) => Ok(None),
    }
}

/// Lets the list follow a mailbox that was deleted.
pub fn follow_delete(environment: &Environment, name: &MailboxName, job: &Job) -> Result<()> {
    follow(environment, job, |list| {
        Ok(map_lines(list, |line| {
            (!is_line_of(environment, line, name)).then(|| line.to_vec())
        }))
    })
}

/// Lets the list follow a mailbox or directory that was renamed, with everything below it. INBOX stays: there is always one.
pub fn follow_rename(
    environment: &Environment,
    from: &MailboxName,
    to: &MailboxName,
    job: &Job,
) -> Result<()> {
    if from.is_inbox() {
        return Ok(());
    }
    let old = without_slash(stored(from));
    let new = without_slash(stored(to));
    let path = path_of(environment, old);
    follow(environment, job, |list| {
        Ok(map_lines(list, |line| {
            let as_typed = line.strip_prefix(old).map(<[u8]>::to_vec);
            let below = as_typed.filter(|rest| rest.is_empty() || rest.starts_with(b"/"));
            // The list may have it under another name: `~/x`, or its whole path.
            let below = below.or_else(|| {
                let there = path_of(environment, line)?;
                let rest = there.strip_prefix(path.as_ref()?).ok()?;
                let rest = rest.as_os_str().as_bytes();
                let slash: &[u8] = if rest.is_empty() { b"" } else { b"/" };
                Some([slash, rest].concat())
            });
            Some(below.map_or_else(|| line.to_vec(), |rest| [new, &rest].concat()))
        }))
    })
}

/// The file or folder that a stored name leads to; `None` for INBOX and what is not local.
fn path_of(environment: &Environment, stored: &[u8]) -> Option<PathBuf> {
    let name = MailboxName::parse(stored).ok()?;
    match resolve(environment, &name) {
        Ok(Target::Local(place)) if !place.is_inbox => Some(place.path),
        _ => None,
    }
}

/// Tells every subscribed name that matches, sorted, INBOX last (RFC 3501, 6.3.9). With a pattern that ends in `%`, parents of
/// deeper names are told too, as `\NoSelect`. Names on servers are told only where the pattern begins with `{`.
pub fn list(
    environment: &Environment,
    reference: &[u8],
    pattern: &[u8],
    found: &mut dyn FnMut(Vec<ListEntry>),
) -> Result<()> {
    let pattern = full_pattern(reference, pattern);
    let mut text = read(environment.files.as_ref(), &list_path(environment))?;
    if newsgroups::asks_for_groups(&pattern) {
        text.push(b'\n');
        text.extend(newsgroups::subscribed(environment)?);
    }
    let mut entries = BTreeMap::new();
    let mut inbox = None;
    for line in lines(&text) {
        let Ok(name) = MailboxName::parse(line) else {
            continue;
        };
        if name.is_remote() && !pattern.starts_with(b"{") {
            continue;
        }
        let delimiter = delimiter_of(&name);
        let separator = delimiter.and_then(|character| u8::try_from(character).ok());
        if name.is_inbox() {
            let matched = matches(&pattern.to_ascii_uppercase(), b"INBOX", Some(b'/'));
            inbox = matched
                .then(|| entry(MailboxName::inbox(), delimiter, &[]))
                .or(inbox);
        } else if matches(&pattern, line, separator) {
            entries.insert(line.to_vec(), entry(name, delimiter, &[]));
        } else if pattern.ends_with(b"%") {
            for parent in parents(line, separator) {
                let matched = matches(&pattern, parent, separator);
                if let Some(name) = MailboxName::parse(parent).ok().filter(|_| matched) {
                    let row = entry(name, delimiter, &[Attribute::NoSelect]);
                    entries.entry(parent.to_vec()).or_insert(row);
                }
            }
        }
    }
    let entries: Vec<ListEntry> = entries.into_values().chain(inbox).collect();
    if !entries.is_empty() {
        found(entries);
    }
    Ok(())
}

fn entry(name: MailboxName, delimiter: Option<char>, attributes: &[Attribute]) -> ListEntry {
    ListEntry {
        name,
        delimiter,
        attributes: attributes.to_vec(),
        description: None,
    }
}

fn delimiter_of(name: &MailboxName) -> Option<char> {
    match name.kind() {
        NameKind::Inbox | NameKind::MhInbox | NameKind::Remote { .. } => None,
        NameKind::News(_) => Some('.'),
        _ => Some('/'),
    }
}

/// What stands in front of each delimiter, shortest first.
fn parents(line: &[u8], separator: Option<u8>) -> impl Iterator<Item = &[u8]> {
    let places = line.iter().enumerate();
    places
        .filter(move |&(place, &byte)| place > 0 && Some(byte) == separator)
        .map(|(place, _)| line.split_at(place).0)
}

fn refuse_missing(environment: &Environment, name: &MailboxName, job: &Job) -> Result<()> {
    let place = match resolve(environment, name) {
        Ok(Target::Local(place)) => place,
        Ok(Target::Remote(..)) => return Ok(()),
        Err(unknown) => return Err(unknown),
    };
    match environment.files.metadata(&place.path) {
        Ok(metadata) if metadata.is_dir() && Directory::at(environment, &place.path).is_none() => {
            job.notice("this is a directory: it can be looked into, but not opened");
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(_) if place.is_inbox => Ok(()),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            let (path, can_create) = (place.path, true);
            Err(DriverError::NoSuchMailbox { path, can_create }.into())
        }
        Err(refusal) => Err(DriverError::io(&place.path)(refusal).into()),
    }
}

fn list_path(environment: &Environment) -> PathBuf {
    environment.home.join(".mailboxlist")
}

/// What stands in the list for a name.
fn stored(name: &MailboxName) -> &[u8] {
    if name.is_inbox() {
        b"INBOX"
    } else {
        name.as_bytes()
    }
}

/// Whether a line is the mailbox `name`, also where it has it by another name.
fn is_line_of(environment: &Environment, line: &[u8], name: &MailboxName) -> bool {
    if name.is_inbox() {
        return line.eq_ignore_ascii_case(b"INBOX");
    }
    line == name.as_bytes()
        || path_of(environment, line)
            .is_some_and(|path| path_of(environment, name.as_bytes()) == Some(path))
}

fn without_slash(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"/").unwrap_or(name)
}

fn lines(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
}

/// The list with every line changed; `None` takes a line away. Empty lines, and a missing line end after the last, stay.
fn map_lines(list: &[u8], change: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut changed = Vec::with_capacity(list.len());
    for line in list.split_inclusive(|&byte| byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let Some(text) = (if text.is_empty() {
            Some(Vec::new())
        } else {
            change(text)
        }) else {
            continue;
        };
        changed.extend_from_slice(&text);
        if line.ends_with(b"\n") {
            changed.push(b'\n');
        }
    }
    changed
}

/// Reads the list under its lock, and replaces it where `change` gives something else.
fn edit(
    environment: &Environment,
    job: &Job,
    change: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
) -> Result<()> {
    if environment.read_only {
        return Err(Error::ReadOnlyRun);
    }
    let path = real_path(list_path(environment));
    let lock = lock(environment, &path, job)?;
    let files = environment.files.as_ref();
    let outcome = read(files, &path).and_then(|old| {
        let new = change(&old)?;
        if new == old {
            return Ok(());
        }
        replace(files, &path, &new).map_err(|refusal| DriverError::io(&path)(refusal).into())
    });
    let released = lock.release().map_err(DriverError::io(&path));
    outcome.and(released.map_err(Error::from))
}

fn lock(environment: &Environment, path: &Path, job: &Job) -> Result<DotLock> {
    let mut waiting = Waiting::new(environment, path, Offer::Nothing, job);
    waiting
        .dot_lock(environment, path)
        .map_err(|why| match why {
            NoDotLock::Ended(why) => why.into(),
            NoDotLock::Refused(refusal) => lock_error(path, refusal),
        })
}

/// The same for a change that mostly changes nothing: then neither lock nor file is made.
fn follow(
    environment: &Environment,
    job: &Job,
    change: impl Fn(&[u8]) -> Result<Vec<u8>>,
) -> Result<()> {
    let list = read(environment.files.as_ref(), &list_path(environment))?;
    if change(&list)? == list {
        return Ok(());
    }
    edit(environment, job, change)
}

/// Where a link leads: it shall still be a link afterwards.
fn real_path(path: PathBuf) -> PathBuf {
    std::fs::canonicalize(&path).unwrap_or(path)
}

fn lock_error(path: &Path, refusal: DotLockError) -> Error {
    match refusal {
        DotLockError::Cancelled => Error::Cancelled,
        DotLockError::Held { holder, .. } => held_by(&holder).into(),
        DotLockError::CannotCreate { path, source } => DriverError::Io { path, source }.into(),
        DotLockError::TooLong => DriverError::Refused("the path is too long for a lock").into(),
        DotLockError::NotPlain(_) => {
            let source = io::Error::other("its lock is not a plain file");
            DriverError::io(path)(source).into()
        }
    }
}

/// The list's bytes; none where there is no list.
fn read(files: &dyn FileLayer, path: &Path) -> Result<Vec<u8>> {
    let failed = DriverError::io(path);
    let file = match files.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(refusal) => return Err(failed(refusal).into()),
    };
    let too_large = || DriverError::Refused("the list of subscriptions is no file of sane size");
    let metadata = file.metadata().map_err(&failed)?;
    if !metadata.is_file() || metadata.len() > MAX_SIZE {
        return Err(too_large().into());
    }
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file
            .read_at(&mut buffer, bytes.len() as u64)
            .map_err(&failed)?;
        bytes.extend(buffer.iter().take(count));
        if count == 0 {
            return Ok(bytes);
        }
        if bytes.len() as u64 > MAX_SIZE {
            return Err(too_large().into());
        }
    }
}
