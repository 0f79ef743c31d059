//! Serves requests for names: all of them, the subscribed ones, or those in whose file a text stands (SCAN).
//!
//! A scan reads the raw bytes of each file, 64 KiB at a time, and compares ASCII letters in any case; what spans lines or
//! is encoded is found only as it is stored. Its access time is put back, so that a mailbox with new mail stays marked.
//! Where each message has a file of its own all of them are read.

use std::io;
use std::path::PathBuf;

use memchr::memmem::Finder;

use crate::backend::browse;
use crate::backend::context::Context;
use crate::backend::error::{Error, Result};
use crate::backend::subscriptions;
use crate::driver::directories::Directory;
use crate::driver::imap::manage::WantedNames;
use crate::driver::job::Job;
use crate::driver::layout::file::access::restore_times;
use crate::mail::listing::{Attribute, ListEntry, Root};
use crate::mail::name::{MailboxName, NameError, NameKind};
use crate::mail::server::Server;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};

/// What names are wanted.
pub struct Wanted {
    /// What the pattern is relative to.
    pub reference: Vec<u8>,
    /// With `*` and `%`.
    pub pattern: Vec<u8>,
    /// Only subscribed ones.
    pub subscribed: bool,
    /// Only those in whose file this stands.
    pub containing: Option<Vec<u8>>,
}

/// Tells the names, in batches.
pub fn list(
    context: &Context,
    wanted: &Wanted,
    job: &Job,
    found: &mut dyn FnMut(Vec<ListEntry>),
) -> Result<()> {
    let Some(text) = &wanted.containing else {
        return names(context, wanted, job, found);
    };
    if text.is_empty() {
        return Err(Error::Unsupported("there is no text to look for"));
    }
    let mut all = Vec::new();
    names(context, wanted, job, &mut |batch| all.extend(batch))?;
    scan(context, all, text, job, found)
}

fn names(
    context: &Context,
    wanted: &Wanted,
    job: &Job,
    found: &mut dyn FnMut(Vec<ListEntry>),
) -> Result<()> {
    let environment = &context.environment;
    let pattern = browse::full_pattern(&wanted.reference, &wanted.pattern);
    if pattern.starts_with(b"{") {
        return on_server(context, &pattern, wanted, job, found);
    }
    if wanted.subscribed {
        return subscriptions::list(environment, &wanted.reference, &wanted.pattern, found);
    }
    browse::list(environment, &wanted.reference, &wanted.pattern, job, found)
}

/// The names of a server that match; of subscriptions those that it keeps, and those that are kept here.
fn on_server(
    context: &Context,
    pattern: &[u8],
    wanted: &Wanted,
    job: &Job,
    found: &mut dyn FnMut(Vec<ListEntry>),
) -> Result<()> {
    if wanted.containing.is_some() {
        let why = "a server cannot look into all its mailboxes at once; search them one by one";
        return Err(Error::Unsupported(why));
    }
    let (server, typed) = server_of(pattern)?;
    let names = WantedNames {
        server: typed,
        pattern: pattern.get(typed.len()..).unwrap_or_default(),
        subscribed: wanted.subscribed,
    };
    let driver = context.drivers.for_server(&server, b"INBOX")?;
    let mut all = driver.list(&server, &names, job)?;
    if wanted.subscribed {
        let mut here = Vec::new();
        let environment = &context.environment;
        let mut keep = |batch: Vec<ListEntry>| here.extend(batch);
        subscriptions::list(environment, &wanted.reference, &wanted.pattern, &mut keep)?;
        here.retain(|entry| all.iter().all(|known| known.name != entry.name));
        all.extend(here);
    }
    while !all.is_empty() {
        let rest = all.split_off(all.len().min(browse::BATCH));
        found(std::mem::replace(&mut all, rest));
    }
    Ok(())
}

/// Tells how many messages were not read in each mailbox of a server that matches.
pub fn unseen(
    context: &Context,
    reference: &[u8],
    pattern: &[u8],
    job: &Job,
    found: &mut (dyn FnMut(Vec<(MailboxName, u32)>) + Send),
) -> Result<()> {
    let pattern = browse::full_pattern(reference, pattern);
    if !pattern.starts_with(b"{") {
        return Err(Error::Unsupported(
            "only servers count many mailboxes at once",
        ));
    }
    let (server, typed) = server_of(&pattern)?;
    let wanted = WantedNames {
        server: typed,
        pattern: pattern.get(typed.len()..).unwrap_or_default(),
        subscribed: false,
    };
    let driver = context.drivers.for_server(&server, b"INBOX")?;
    Ok(driver.unseen(&server, &wanted, found, job)?)
}

/// The root that an empty pattern asks for.
pub fn root(context: &Context, reference: &[u8], job: &Job) -> Result<Root> {
    if !reference.starts_with(b"{") {
        return Ok(browse::root(reference));
    }
    let (server, typed) = server_of(reference)?;
    let driver = context.drivers.for_server(&server, b"INBOX")?;
    Ok(driver.root(&server, typed, job)?)
}

/// The server of a name or pattern, and the part of it that names the server.
fn server_of(pattern: &[u8]) -> Result<(Server, &[u8])> {
    let name = MailboxName::parse(pattern)?;
    let NameKind::Remote { server, .. } = name.kind() else {
        return Err(NameError::UnknownNamespace.into());
    };
    let end = memchr::memchr(b'}', pattern).map_or(pattern.len(), |end| end + 1);
    Ok(((**server).clone(), pattern.get(..end).unwrap_or(pattern)))
}

/// Tells those of `all` in whose file `text` stands, each as soon as it is found.
fn scan(
    context: &Context,
    all: Vec<ListEntry>,
    text: &[u8],
    job: &Job,
    found: &mut dyn FnMut(Vec<ListEntry>),
) -> Result<()> {
    let mut files = Vec::new();
    for entry in all {
        let selectable = !entry.attributes.contains(&Attribute::NoSelect);
        if let Some(path) = path_of(context, &entry.name).filter(|_| selectable) {
            let paths = mail_files(&context.environment, path);
            let size = |path: &PathBuf| {
                let metadata = context.environment.files.metadata(path);
                metadata.map_or(0, |metadata| metadata.len())
            };
            let size: u64 = paths.iter().map(size).sum();
            files.push((entry, paths, size));
        }
    }
    let mut search = Search {
        text: Finder::new(&text.to_ascii_lowercase()).into_owned(),
        total: files.iter().map(|file| file.2).sum(),
        done: 0,
        buffer: vec![0; text.len() + CHUNK],
        job,
    };
    let mut unread = 0_u64;
    for (entry, paths, size) in files {
        let next = search.done.saturating_add(size);
        for path in paths {
            let file = context.environment.files.open(&path, OpenMode::Read);
            match file.map(|mut file| search.finds_in(&mut *file)) {
                Ok(Ok(true)) => {
                    found(vec![entry]);
                    break;
                }
                Ok(Ok(false)) => {}
                Ok(Err(Stop::Cancelled)) => return Err(Error::Cancelled),
                // an INBOX that is not there yet, or a name whose file went meanwhile
                Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
                Ok(Err(Stop::Unreadable)) | Err(_) => unread += 1,
            }
        }
        search.done = next;
        job.progress(search.done, search.total);
    }
    match unread {
        0 => {}
        1 => job.notice("one file could not be read to its end"),
        count => job.notice(format!("{count} files could not be read to their ends")),
    }
    Ok(())
}

/// The file of a mailbox; INBOX where the rules find it.
fn path_of(context: &Context, name: &MailboxName) -> Option<PathBuf> {
    if name.is_inbox() {
        return context.choice(name).ok().map(|choice| choice.place.path);
    }
    context.place(name).ok().map(|place| place.path)
}

/// The files in which a mailbox keeps its messages.
fn mail_files(environment: &Environment, path: PathBuf) -> Vec<PathBuf> {
    match Directory::at(environment, &path) {
        Some(mailbox) => mailbox.mail_files(environment, &path),
        None => vec![path],
    }
}

/// How much is read at once, in bytes.
const CHUNK: usize = 64 << 10;

struct Search<'a> {
    text: Finder<'static>,
    total: u64,
    done: u64,
    buffer: Vec<u8>,
    job: &'a Job,
}

enum Stop {
    Cancelled,
    Unreadable,
}

impl Search<'_> {
    /// Whether the text stands in this file.
    fn finds_in(&mut self, file: &mut dyn MailFile) -> std::result::Result<bool, Stop> {
        let before = file.metadata().map_err(|_refused| Stop::Unreadable)?;
        let found = self.look(file);
        restore_times(file, &before);
        found
    }

    fn look(&mut self, file: &dyn MailFile) -> std::result::Result<bool, Stop> {
        let overlap = self.text.needle().len() - 1;
        // what is kept of the last piece, in which the text may begin
        let (mut kept, mut offset) = (0, 0);
        loop {
            self.job
                .checkpoint()
                .map_err(|_cancelled| Stop::Cancelled)?;
            let room = self.buffer.get_mut(kept..).unwrap_or_default();
            let read = file.read_at(room, offset);
            let count = read.map_err(|_refused| Stop::Unreadable)?;
            if count == 0 {
                return Ok(false);
            }
            if let Some(new) = self.buffer.get_mut(kept..kept + count) {
                new.make_ascii_lowercase();
            }
            let filled = kept + count;
            let piece = self.buffer.get(..filled).unwrap_or_default();
            if self.text.find(piece).is_some() {
                return Ok(true);
            }
            offset += count as u64;
            kept = overlap.min(filled);
            self.buffer.copy_within(filled - kept..filled, 0);
            let so_far = self.done.saturating_add(offset).min(self.total);
            self.job.progress(so_far, self.total);
        }
    }
}
