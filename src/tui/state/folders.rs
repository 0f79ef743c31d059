//! The folder list.

use std::collections::VecDeque;

use crate::mail::listing::{Attribute, ListEntry};
use crate::mail::name::MailboxName;
use crate::mail::text::Foreign;

/// A folder or directory of the list.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its full name.
    pub name: MailboxName,
    /// Its last part, as the list shows it.
    pub label: Foreign,
    /// Whether it is looked into, not opened.
    pub is_directory: bool,
    /// How many messages were not read, once that is known.
    pub unseen: Option<u32>,
}

/// The folder list of one directory.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// What it shows.
    pub entries: Vec<Folder>,
    /// The entry under the cursor.
    pub cursor: usize,
    /// The first row that is visible.
    pub top: usize,
    /// The directory below the collection, `work/`; empty at its root.
    pub directory: String,
    /// The text that the shown folders hold, where only those are shown.
    pub holding: Option<String>,
    /// Whether the list has come.
    pub loaded: bool,
    /// Folders whose counts are still to be asked for.
    pub uncounted: VecDeque<MailboxName>,
    /// Whether a count is being waited for.
    pub counting: bool,
    found: Vec<ListEntry>,
}

impl Folders {
    /// Takes in a piece of the list.
    pub fn add(&mut self, entries: Vec<ListEntry>) {
        self.found.extend(entries);
    }

    /// Puts what came in order: INBOX, then what `first` names, then the rest by name. `prefix` is left out of labels.
    pub fn finish(&mut self, prefix: &str, first: &[&str]) {
        let current = self
            .current()
            .map(|entry| (entry.name.clone(), entry.is_directory));
        let at_root = self.directory.is_empty();
        let found = std::mem::take(&mut self.found);
        let found_inbox = found.iter().any(|entry| entry.name.is_inbox());
        let mut entries: Vec<Folder> = found
            .into_iter()
            .filter(|entry| !entry.name.is_inbox())
            .flat_map(|entry| folders(&entry, prefix))
            .collect();
        let rank = |entry: &Folder| {
            let label = entry.label.raw();
            let place = first.iter().position(|name| at_root && *name == label);
            let place = place.unwrap_or(first.len());
            (
                place,
                label.to_lowercase(),
                label.to_owned(),
                entry.is_directory,
            )
        };
        entries.sort_by_cached_key(rank);
        entries.dedup_by(|a, b| a.name == b.name && a.is_directory == b.is_directory);
        let inbox_too = found_inbox || self.holding.is_none();
        if at_root && inbox_too {
            let inbox = Folder {
                name: MailboxName::inbox(),
                label: Foreign::new("INBOX"),
                is_directory: false,
                unseen: None,
            };
            entries.insert(0, inbox);
        }
        for entry in &mut entries {
            let old = self.entries.iter().find(|old| old.name == entry.name);
            entry.unseen = old.and_then(|old| old.unseen);
        }
        self.uncounted = entries
            .iter()
            .filter(|entry| !entry.is_directory)
            .map(|entry| entry.name.clone())
            .collect();
        let same = |entry: &Folder| {
            current.as_ref().is_some_and(|(name, is_directory)| {
                entry.name == *name && entry.is_directory == *is_directory
            })
        };
        self.cursor = entries.iter().position(same).unwrap_or(0);
        self.entries = entries;
        self.loaded = true;
    }

    /// The entry under the cursor.
    pub fn current(&self) -> Option<&Folder> {
        self.entries.get(self.cursor)
    }

    /// Notes how many messages of `name` were not read.
    pub fn count(&mut self, name: &MailboxName, unseen: u32) {
        for entry in &mut self.entries {
            if !entry.is_directory && entry.name == *name {
                entry.unseen = Some(unseen);
            }
        }
    }

    /// How many columns of names fit into `width`, and how wide each is.
    pub fn grid(&self, width: u16) -> (usize, usize) {
        let widest = self.entries.iter().map(|entry| entry.cell_width()).max();
        let cell = widest.unwrap_or(0) + 2;
        let width = usize::from(width);
        ((width / cell).max(1), cell.min(width))
    }
}

impl Folder {
    /// Columns that the name takes with its count.
    fn cell_width(&self) -> usize {
        // room for a count that is still to come, so that names do not jump about
        let count = if self.is_directory { 1 } else { 5 };
        self.label.field().width() + count
    }
}

/// A name as it is shown: one that can be opened and has others below it stands there twice, for each of its uses.
fn folders(entry: &ListEntry, prefix: &str) -> Vec<Folder> {
    let has = |attribute| entry.attributes.contains(&attribute);
    let uses = match (has(Attribute::NoSelect), has(Attribute::HasChildren)) {
        (true, _) => &[true][..],
        (false, true) => &[false, true],
        (false, false) => &[false],
    };
    let folder = |&is_directory: &bool| folder(entry, prefix, is_directory);
    uses.iter().filter_map(folder).collect()
}

fn folder(entry: &ListEntry, prefix: &str, is_directory: bool) -> Option<Folder> {
    let raw = String::from_utf8_lossy(entry.name.as_bytes()).into_owned();
    let label = raw.strip_prefix(prefix).unwrap_or(&raw);
    let label = match entry.delimiter {
        Some(delimiter) => label.trim_end_matches(delimiter),
        None => label,
    };
    let known = !label.is_empty();
    known.then(|| Folder {
        label: Foreign::new(label),
        name: entry.name.clone(),
        is_directory,
        unseen: None,
    })
}
