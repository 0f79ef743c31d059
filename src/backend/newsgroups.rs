//! Newsgroups as names: which there are, by the active file, and which are subscribed, by `.newsrc`.

use std::collections::{BTreeMap, HashMap};

use crate::backend::error::{Error, Result};
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::driver::local_file::is_missing;
use crate::driver::news::group::{
    PREFIX, active_path, newsrc_path, read_active, require, why_no_group,
};
use crate::driver::news::newsrc::Edit;
use crate::driver::news::newsrc_file;
use crate::driver::place::Place;
use crate::mail::listing::{Attribute, ListEntry, matches};
use crate::mail::name::MailboxName;
use crate::mail::text::Foreign;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::transfer::read_full_at;

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
    if !matching.found.is_empty() {
        matching.describe(&descriptions(environment));
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

/// A name that matches.
#[derive(Default)]
struct Found {
    is_group: bool,
    has_children: bool,
    description: Option<Foreign>,
}

/// The names that match a pattern.
struct Matching<'p> {
    pattern: &'p [u8],
    /// What every name begins with that can match.
    fixed: &'p [u8],
    found: BTreeMap<Vec<u8>, Found>,
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

    /// The group with what stands in front of every name.
    fn set_name(&mut self, group: &[u8]) {
        self.name.clear();
        self.name.extend_from_slice(PREFIX);
        self.name.extend_from_slice(group);
    }

    fn look_at(&mut self, group: &[u8]) {
        let is_long = group.len() > MailboxName::MAX_LOCAL - PREFIX.len();
        if is_long || why_no_group(group).is_some() {
            return;
        }
        self.set_name(group);
        if !self.name.starts_with(self.fixed) {
            return;
        }
        if matches(self.pattern, &self.name, Some(b'.')) {
            self.found.entry(self.name.clone()).or_default().is_group = true;
        }
        if !self.pattern.ends_with(b"%") {
            return;
        }
        for dot in memchr::memchr_iter(b'.', &self.name).skip(1) {
            let parent = self.name.get(..dot).unwrap_or_default();
            if let Some(found) = self.found.get_mut(parent) {
                found.has_children = true;
            } else if matches(self.pattern, parent, Some(b'.')) {
                let found = Found {
                    has_children: true,
                    ..Found::default()
                };
                self.found.insert(parent.to_vec(), found);
            }
        }
    }

    /// Takes in what groups are about: lines of a name, blanks and words.
    fn describe(&mut self, text: &[u8]) {
        for line in text.split(|&byte| byte == b'\n') {
            let end = line.iter().position(u8::is_ascii_whitespace);
            let (group, rest) = line.split_at(end.unwrap_or(line.len()));
            let words = rest.trim_ascii();
            if words.is_empty() {
                continue;
            }
            self.set_name(group);
            if let Some(found) = self.found.get_mut(self.name.as_slice()) {
                let words = words.get(..LONGEST.min(words.len())).unwrap_or_default();
                found.description = Some(Foreign::new(String::from_utf8_lossy(words)));
            }
        }
    }

    fn tell(self, found: &mut dyn FnMut(Vec<ListEntry>)) {
        let entries = self.found.into_iter().filter_map(|(name, entry)| {
            let name = MailboxName::parse(&name).ok()?;
            let attributes = match (entry.is_group, entry.has_children) {
                (false, _) => vec![Attribute::NoSelect],
                (true, true) => vec![Attribute::HasChildren],
                (true, false) => Vec::new(),
            };
            Some(ListEntry {
                name,
                delimiter: Some('.'),
                attributes,
                description: entry.description,
            })
        });
        let entries: Vec<ListEntry> = entries.collect();
        for batch in entries.chunks(BATCH) {
            found(batch.to_vec());
        }
    }
}

/// Bytes of a description that are told.
const LONGEST: usize = 200;
/// The largest file of descriptions that is read, in bytes.
const MOST_DESCRIPTIONS: u64 = 64 << 20;

/// What the groups are about, by the file that stands beside the list of them; nothing where it cannot be read.
fn descriptions(environment: &Environment) -> Vec<u8> {
    let path = active_path(environment).with_file_name("newsgroups");
    let read = || -> std::io::Result<Vec<u8>> {
        let file = environment.files.open(&path, OpenMode::Read)?;
        let length = file.metadata()?.len().min(MOST_DESCRIPTIONS);
        let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
        let count = read_full_at(&*file, &mut text, 0)?;
        text.truncate(count);
        Ok(text)
    };
    read().unwrap_or_default()
}
