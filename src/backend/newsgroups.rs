//! Newsgroups as names: which there are, by the active file, and which are subscribed, by `.newsrc`.

use std::collections::{BTreeMap, HashMap};

use crate::backend::error::{Error, Result};
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::driver::local_file::is_missing;
use crate::driver::news::group::{PREFIX, newsrc_path, read_active, require, why_no_group};
use crate::driver::news::newsrc::Edit;
use crate::driver::news::newsrc_file;
use crate::driver::place::Place;
use crate::mail::listing::{Attribute, ListEntry, matches};
use crate::mail::name::MailboxName;
use crate::os::environment::Environment;

/// How many names are handed over at once.
const BATCH: usize = 500;

/// Whether a pattern asks for newsgroups.
pub fn asks_for_groups(pattern: &[u8]) -> bool {
    pattern.starts_with(PREFIX)
}

/// Tells every group that matches, sorted. With a pattern that ends in `%` the levels above deeper groups are told too, as
/// `\NoSelect`. Where there is no list of groups there is none.
pub fn list(
    environment: &Environment,
    pattern: &[u8],
    job: &Job,
    found: &mut dyn FnMut(Vec<ListEntry>),
) -> Result<()> {
    let active = match read_active(environment) {
        Err(DriverError::Io { source, .. }) if is_missing(&source) => return Ok(()),
        other => other?,
    };
    let mut matching = Matching::new(pattern);
    for entry in active.entries() {
        job.checkpoint()?;
        matching.look_at(entry.group);
    }
    matching.tell(found);
    Ok(())
}

/// The names of the groups that are subscribed, a line for each.
pub fn subscribed(environment: &Environment) -> Result<Vec<u8>> {
    let path = newsrc_path(environment);
    let found = newsrc_file::read(environment).map_err(DriverError::io(&path))?;
    let mut names = Vec::new();
    for line in found.newsrc.lines().filter(|line| line.subscribed) {
        if why_no_group(line.group).is_none() {
            names.extend_from_slice(PREFIX);
            names.extend_from_slice(line.group);
            names.push(b'\n');
        }
    }
    Ok(names)
}

/// Subscribes to the group at `place`, or takes that back. Refused where it is so already.
pub fn set_subscribed(
    environment: &Environment,
    place: &Place,
    group: &[u8],
    wanted: bool,
    job: &Job,
) -> Result<()> {
    if environment.read_only {
        return Err(Error::ReadOnlyRun);
    }
    if wanted {
        require(environment, place)?;
    }
    let mut so_already = false;
    newsrc_file::update(environment, job, &mut |newsrc| {
        let line = newsrc.line(group);
        so_already = line.is_some_and(|line| line.subscribed) == wanted;
        if so_already {
            return Ok(HashMap::new());
        }
        let edit = Edit {
            subscribed: Some(wanted),
            read: None,
        };
        Ok(HashMap::from([(group.to_vec(), edit)]))
    })?;
    let name = place.name.to_foreign();
    match so_already {
        true if wanted => Err(Error::Subscribed(name)),
        true => Err(Error::NotSubscribed(name)),
        false => Ok(()),
    }
}

/// The names that match a pattern.
struct Matching<'p> {
    pattern: &'p [u8],
    /// What every name begins with that can match.
    fixed: &'p [u8],
    found: BTreeMap<Vec<u8>, Vec<Attribute>>,
    name: Vec<u8>,
}

impl<'p> Matching<'p> {
    fn new(pattern: &'p [u8]) -> Self {
        let fixed = pattern.split(|byte| b"*%".contains(byte)).next();
        Self {
            pattern,
            fixed: fixed.unwrap_or_default(),
            found: BTreeMap::new(),
            name: Vec::new(),
        }
    }

    fn look_at(&mut self, group: &[u8]) {
        if why_no_group(group).is_some() {
            return;
        }
        self.name.clear();
        self.name.extend_from_slice(PREFIX);
        self.name.extend_from_slice(group);
        if !self.name.starts_with(self.fixed) {
            return;
        }
        if matches(self.pattern, &self.name, Some(b'.')) {
            self.found.insert(self.name.clone(), Vec::new());
        } else if self.pattern.ends_with(b"%") {
            let dots = memchr::memchr_iter(b'.', &self.name);
            for dot in dots.skip(1) {
                let parent = self.name.get(..dot).unwrap_or_default();
                let new = !self.found.contains_key(parent);
                if new && matches(self.pattern, parent, Some(b'.')) {
                    self.found
                        .insert(parent.to_vec(), vec![Attribute::NoSelect]);
                }
            }
        }
    }

    fn tell(self, found: &mut dyn FnMut(Vec<ListEntry>)) {
        let entries = self.found.into_iter().filter_map(|(name, attributes)| {
            let name = MailboxName::parse(&name).ok()?;
            Some(ListEntry {
                name,
                delimiter: Some('.'),
                attributes,
            })
        });
        let entries: Vec<ListEntry> = entries.collect();
        for batch in entries.chunks(BATCH) {
            found(batch.to_vec());
        }
    }
}
