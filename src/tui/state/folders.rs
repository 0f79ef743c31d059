//! The folder list.

use std::collections::VecDeque;

use crate::mail::listing::{Attribute, ListEntry};
use crate::mail::name::MailboxName;
use crate::mail::text::Foreign;
use crate::tui::options::Collection;

/// An entry of the list.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where it leads.
    pub target: Target,
    /// The last part of its name, as the list shows it.
    pub label: Foreign,
    /// What it is about, where somebody says so.
    pub description: Option<Foreign>,
    /// How many messages were not read, once that is known.
    pub unseen: Option<u32>,
    /// What parts its levels, where it has some.
    pub delimiter: Option<char>,
    /// How it stands: the account of a collection.
    pub note: Option<&'static str>,
}

/// Where an entry of the list leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// To the folder of this name, which is opened.
    Folder(MailboxName),
    /// To the directory of this name, which is looked into.
    Directory(MailboxName),
    /// To another collection, by its place among all.
    Collection(usize),
}

impl Folder {
    /// The name of the folder or directory; a collection has none.
    pub fn name(&self) -> Option<&MailboxName> {
        match &self.target {
            Target::Folder(name) | Target::Directory(name) => Some(name),
            Target::Collection(_) => None,
        }
    }

    /// The name of the folder that opens.
    pub fn folder(&self) -> Option<&MailboxName> {
        match &self.target {
            Target::Folder(name) => Some(name),
            Target::Directory(_) | Target::Collection(_) => None,
        }
    }

    /// Whether it is looked into, not opened.
    pub fn is_directory(&self) -> bool {
        self.folder().is_none()
    }
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
    /// The collection, by its place among all; the first is the default one.
    pub collection: usize,
    /// The directory below the collection, `work/`; empty at its root.
    pub directory: String,
    /// The text that the shown folders hold, where only those are shown.
    pub holding: Option<String>,
    /// What parts the levels of its names, as its server says.
    pub delimiter: Option<char>,
    /// Whether the list has come.
    pub loaded: bool,
    /// Why it has not come.
    pub failure: Option<String>,
    /// Folders whose counts are still to be asked for.
    pub uncounted: VecDeque<MailboxName>,
    /// Whether a count is being waited for.
    pub counting: bool,
    /// What was shown before, where the cursor shall be when the list has come.
    pub came_from: Option<Target>,
    found: Vec<ListEntry>,
}

impl Folders {
    /// A list begins anew.
    pub fn begin(&mut self) {
        self.found.clear();
    }

    /// Takes in a piece of the list.
    pub fn add(&mut self, entries: Vec<ListEntry>) {
        self.found.extend(entries);
    }

    /// Whether INBOX and the other collections belong to what is shown.
    pub fn is_at_root(&self) -> bool {
        self.directory.is_empty() && self.collection == 0
    }

    /// Puts what came in order: INBOX, then what `first` names, then the rest by name, then the collections but for the
    /// first of them. `prefix` is left out of labels. Of newsgroups those that are subscribed come first.
    pub fn finish(&mut self, prefix: &str, first: &[&str], collections: &[Collection]) {
        let current = self.current().map(|entry| entry.target.clone());
        let at_root = self.is_at_root();
        let found = std::mem::take(&mut self.found);
        let is_news = prefix.starts_with("#news.");
        let delimiter = found.iter().find_map(|entry| entry.delimiter);
        self.delimiter = delimiter.or(self.delimiter);
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
            let is_inbox = prefix.ends_with('}') && label.eq_ignore_ascii_case("INBOX");
            (
                !is_inbox,
                place,
                // What is named as a whole comes before what is looked into.
                is_news && entry.is_directory(),
                label.to_lowercase(),
                label.to_owned(),
                entry.is_directory(),
            )
        };
        entries.sort_by_cached_key(rank);
        entries.dedup_by(|a, b| a.target == b.target);
        let inbox_too = found_inbox || self.holding.is_none();
        if at_root && inbox_too {
            let inbox = Folder {
                target: Target::Folder(MailboxName::inbox()),
                label: Foreign::new("INBOX"),
                description: None,
                unseen: None,
                delimiter: None,
                note: None,
            };
            entries.insert(0, inbox);
        }
        if at_root && self.holding.is_none() {
            let others = collections.iter().enumerate().skip(1);
            entries.extend(others.map(|(place, collection)| Folder {
                target: Target::Collection(place),
                label: Foreign::new(collection.name.as_str()),
                description: None,
                unseen: None,
                delimiter: None,
                note: None,
            }));
        }
        for entry in &mut entries {
            let old = self.entries.iter().find(|old| old.target == entry.target);
            entry.unseen = old.and_then(|old| old.unseen);
        }
        let folders = entries.iter().filter_map(Folder::folder);
        // A server counts all of its folders at once.
        let one_by_one = !prefix.starts_with('{');
        let folders = folders.filter(|name| one_by_one || !name.is_remote());
        self.uncounted = folders.cloned().collect();
        let current = self.came_from.take().or(current);
        let same = |entry: &Folder| current.as_ref() == Some(&entry.target);
        self.cursor = entries.iter().position(same).unwrap_or(0);
        self.entries = entries;
        self.loaded = true;
    }

    /// Columns of the widest name, with room for its count.
    pub fn widest_name(&self) -> usize {
        let widths = self.entries.iter().map(Folder::cell_width);
        widths.max().unwrap_or(0)
    }

    /// The entry under the cursor.
    pub fn current(&self) -> Option<&Folder> {
        self.entries.get(self.cursor)
    }

    /// Notes how the accounts of collections stand.
    pub fn note(&mut self, word: impl Fn(usize) -> Option<&'static str>) {
        for entry in &mut self.entries {
            if let Target::Collection(place) = entry.target {
                entry.note = word(place);
            }
        }
    }

    /// Notes how many messages of `name` were not read.
    pub fn count(&mut self, name: &MailboxName, unseen: u32) {
        for entry in &mut self.entries {
            if entry.folder() == Some(name) {
                entry.unseen = Some(unseen);
            }
        }
    }

    /// How many columns of names fit into `width`, and how wide each is. What is described has a line for itself.
    pub fn grid(&self, width: u16) -> (usize, usize) {
        if self.entries.iter().any(|entry| entry.description.is_some()) {
            return (1, usize::from(width));
        }
        let cell = self.widest_name() + 2;
        let width = usize::from(width);
        ((width / cell).max(1), cell.min(width))
    }
}

impl Folder {
    /// Columns that the name takes with its count.
    fn cell_width(&self) -> usize {
        // room for a count that is still to come, so that names do not jump about
        let count = if self.is_directory() { 1 } else { 5 };
        let note = self.note.map_or(0, |note| note.len() + 3);
        self.label.field().width() + count + note
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
    let name = entry.name.clone();
    known.then(|| Folder {
        label: Foreign::new(label),
        target: match is_directory {
            true => Target::Directory(name),
            false => Target::Folder(name),
        },
        description: entry.description.clone(),
        unseen: None,
        delimiter: entry.delimiter,
        note: None,
    })
}
