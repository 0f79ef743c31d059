//! LIST over the local files (RFC 3501, 6.3.8, by c-client's rules): every regular file and every directory has a name.
//!
//! The walk starts at the directory in front of the first wildcard and goes as many levels down as the user says (20). Names come sorted
//! within each directory, INBOX last. Links are followed, but a directory that was walked already is not entered again
//! through one. Files that no name can stand for are left out: those with a line end in their name, with a name longer
//! than 256 bytes, called `~x` or `#x` in the mail home, or `x.lock` beside `x`; below `#mh/` all but directories whose names
//! are plain. No mailbox is opened, so no access time changes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::mem::discriminant;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::backend::error::{Error, Result};
use crate::backend::newsgroups;
use crate::backend::resolve::{Target, mail_home, resolve};
use crate::driver::directories::Directory;
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::mail::listing::{Attribute, ListEntry, Root, could_match_below, matches};
use crate::mail::name::{MailboxName, NameError, NameKind};
use crate::mail::text::Foreign;
use crate::os::environment::Environment;
use crate::os::guard::FileId;

/// How many wildcards a pattern may have, as in c-client.
pub const MAX_WILDCARDS: usize = 10;
/// How many names are handed over at once.
pub const BATCH: usize = 500;

/// Tells every name that matches, in batches.
///
/// Fails when the place where the walk starts is forbidden, unknown or unreadable; one that is missing has no names.
pub fn list(
    environment: &Environment,
    reference: &[u8],
    pattern: &[u8],
    job: &Job,
    found: &mut dyn FnMut(Vec<ListEntry>),
) -> Result<()> {
    let pattern = full_pattern(reference, pattern);
    if pattern.len() > MailboxName::MAX_LOCAL {
        let (length, limit) = (pattern.len(), MailboxName::MAX_LOCAL);
        return Err(NameError::TooLong { length, limit }.into());
    }
    if pattern.iter().filter(|byte| b"*%".contains(byte)).count() > MAX_WILDCARDS {
        return Err(Error::TooManyWildcards(MAX_WILDCARDS));
    }
    if pattern.eq_ignore_ascii_case(MH_INBOX) {
        found(mh_inbox(environment)?);
        return Ok(());
    }
    if newsgroups::asks_for_groups(&pattern) {
        return newsgroups::list(environment, &pattern, job, found);
    }
    let (path, kind) = start_place(environment, &pattern)?;
    let mut walk = Walk {
        environment,
        pattern: &pattern,
        kind,
        job,
        batch: Vec::new(),
        found,
        walked: BTreeSet::new(),
    };
    walk.run(path, start_of(&pattern))?;
    if !pattern.contains(&b'/') && matches(&pattern.to_ascii_uppercase(), b"INBOX", Some(b'/')) {
        walk.tell(ListEntry {
            name: MailboxName::inbox(),
            delimiter: None,
            attributes: vec![Attribute::NoInferiors],
            description: None,
        });
    }
    walk.flush();
    Ok(())
}

/// The pattern with what it is relative to in front of it.
pub fn full_pattern(reference: &[u8], pattern: &[u8]) -> Vec<u8> {
    match (pattern.first(), reference.first()) {
        (Some(b'/'), Some(b'#')) => {
            let end = reference.iter().position(|&byte| byte == b'/');
            let root = reference.split_at(end.unwrap_or(reference.len())).0;
            [root, pattern].concat()
        }
        (Some(b'#' | b'/' | b'~' | b'{'), _) => pattern.to_vec(),
        // Of two dots in a row one is meant.
        (Some(b'.'), Some(b'#')) if reference.ends_with(b".") => {
            let (_, pattern) = pattern.split_at(1);
            [reference, pattern].concat()
        }
        _ => [reference, pattern].concat(),
    }
}

/// The root part of `reference`: up to its first `/`, or `#news.`, whose levels end with dots.
pub fn root(reference: &[u8]) -> Root {
    let (name, delimiter) = if newsgroups::asks_for_groups(reference) {
        (&b"#news."[..], '.')
    } else {
        let end = reference.iter().position(|&byte| byte == b'/');
        let (root, _) = reference.split_at(end.map_or(0, |slash| slash + 1));
        (root, '/')
    };
    Root {
        name: Foreign::new(String::from_utf8_lossy(name)),
        delimiter,
    }
}

/// The directory in front of the first wildcard, with its slash; may be empty.
fn start_of(pattern: &[u8]) -> &[u8] {
    let fixed = pattern.split(|byte| b"*%".contains(byte)).next();
    let fixed = fixed.unwrap_or_default();
    let slash = fixed.iter().rposition(|&byte| byte == b'/');
    fixed.split_at(slash.map_or(0, |slash| slash + 1)).0
}

const MH_INBOX: &[u8] = b"#mhinbox";
const MH: &[u8] = b"#mh/";

/// The mailbox into which MH programs put new mail, whether it is there already or not.
fn mh_inbox(environment: &Environment) -> Result<Vec<ListEntry>> {
    let name = MailboxName::parse(MH_INBOX)?;
    resolve(environment, &name)?;
    Ok(vec![ListEntry {
        name,
        delimiter: None,
        attributes: vec![Attribute::NoInferiors],
        description: None,
    }])
}

/// Where the walk starts, and of what kind the names below are.
fn start_place(environment: &Environment, pattern: &[u8]) -> Result<(PathBuf, NameKind)> {
    let start = start_of(pattern);
    let is_elsewhere = pattern.starts_with(b"{");
    if is_elsewhere || (start.is_empty() && pattern.starts_with(b"#")) {
        return Err(NameError::UnknownNamespace.into());
    }
    if start.is_empty() {
        return Ok((mail_home(environment), NameKind::Relative));
    }
    if start.eq_ignore_ascii_case(MH) {
        let first = MailboxName::parse(&[MH, b"inbox"].concat())?;
        return match resolve(environment, &first)? {
            Target::Local(place) => {
                let folder = place.path.parent().unwrap_or(Path::new("/"));
                Ok((folder.to_owned(), first.kind().clone()))
            }
            Target::Remote(..) => Err(NameError::UnknownNamespace.into()),
        };
    }
    let name = MailboxName::parse(start)?;
    match resolve(environment, &name)? {
        Target::Local(place) => Ok((place.path, name.kind().clone())),
        Target::Remote(..) => Err(Error::NotYet {
            namespace: "{server}",
        }),
    }
}

fn is_missing(refusal: &io::Error) -> bool {
    matches!(
        refusal.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

struct Walk<'a> {
    environment: &'a Environment,
    pattern: &'a [u8],
    kind: NameKind,
    job: &'a Job,
    batch: Vec<ListEntry>,
    found: &'a mut dyn FnMut(Vec<ListEntry>),
    walked: BTreeSet<FileId>,
}

/// A directory being walked.
struct Level {
    path: PathBuf,
    /// Its name, with the slash; empty for the mail home.
    name: Vec<u8>,
    /// What is in it and still to be looked at, last first.
    rest: Vec<PathBuf>,
}

impl Walk<'_> {
    fn run(&mut self, path: PathBuf, name: &[u8]) -> Result<()> {
        let metadata = match self.environment.files.metadata(&path) {
            Ok(metadata) if metadata.is_dir() => metadata,
            Ok(_) => return Ok(()),
            Err(missing) if is_missing(&missing) => return Ok(()),
            Err(refusal) => return Err(DriverError::io(&path)(refusal).into()),
        };
        self.walked.insert(FileId::of(&metadata));
        let rest = self.names_in(&path).map_err(DriverError::io(&path))?;
        let mailbox = Directory::at(self.environment, &path);
        // Below #mh/ no directory comes with a slash behind its name.
        let shown = !name.is_empty() && !self.is_of_mh();
        if shown && matches(self.pattern, name, Some(b'/')) {
            let children = !rest.is_empty();
            self.tell_directory(name, Some(children), mailbox.map(|kind| (kind, &*path)));
        }
        let mut levels = vec![Level {
            path,
            name: name.to_vec(),
            rest,
        }];
        while let Some(level) = levels.last_mut() {
            self.job.checkpoint()?;
            let Some(entry) = level.rest.pop() else {
                levels.pop();
                continue;
            };
            let Some((path, name)) = level.child(&entry) else {
                continue;
            };
            let below = self.look(path, name);
            if levels.len() <= self.environment.list_depth {
                levels.extend(below);
            }
        }
        Ok(())
    }

    /// Tells of one file or directory; gives the directory back where it is to be walked.
    fn look(&mut self, path: PathBuf, name: Vec<u8>) -> Option<Level> {
        let files = &self.environment.files;
        let metadata = files.metadata(&path).ok()?;
        if metadata.is_file() {
            // What is no directory is no mailbox of MH.
            if !self.is_of_mh() && matches(self.pattern, &name, Some(b'/')) {
                self.tell_file(&name, &metadata);
            }
            return None;
        }
        if !metadata.is_dir() {
            return None;
        }
        let with_slash = [&name, &b"/"[..]].concat();
        let plain = matches(self.pattern, &name, Some(b'/'));
        let listed = plain || matches(self.pattern, &with_slash, Some(b'/'));
        let deeper = could_match_below(self.pattern, &with_slash, Some(b'/'));
        if !listed && !deeper {
            return None;
        }
        let is_link = files
            .link_metadata(&path)
            .is_ok_and(|link| link.is_symlink());
        let rest = self.names_in(&path).ok();
        if listed {
            let shown = if plain { &name } else { &with_slash };
            let mailbox = Directory::at(self.environment, &path).map(|kind| (kind, &*path));
            let children = rest.as_ref().map(|names| !names.is_empty());
            self.tell_directory(shown, children, mailbox);
        }
        let new = self.walked.insert(FileId::of(&metadata));
        let walk = deeper && (new || !is_link);
        walk.then_some(Level {
            path,
            name: with_slash,
            rest: rest?,
        })
    }

    fn is_of_mh(&self) -> bool {
        matches!(self.kind, NameKind::Mh(_))
    }

    /// The names in a directory that are listed, last first: no locks, and no dot names where these are hidden. In a mailbox
    /// they are the mailboxes below it, which have dot names by custom.
    fn names_in(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let files = &self.environment.files;
        let mut names = files.read_dir(path)?;
        names.sort_by(|one, other| other.cmp(one));
        if let Some(mailbox) = Directory::at(self.environment, path) {
            let hidden = |name: &PathBuf| mailbox == Directory::Mh && is_dot_name(name);
            let is_folder = |name: &PathBuf| {
                let metadata = files.metadata(&path.join(name));
                let other = !mailbox.is_inner(name) && !hidden(name);
                other && metadata.is_ok_and(|it| it.is_dir())
            };
            names.retain(is_folder);
            return Ok(names);
        }
        let hides = self.environment.hide_dot_files || self.is_of_mh();
        let hidden = |name: &PathBuf| hides && is_dot_name(name);
        let listed = names
            .iter()
            .filter(|name| !is_lock(&names, name) && !hidden(name));
        Ok(listed.cloned().collect())
    }

    /// Tells of a directory, which may be a mailbox at that path.
    fn tell_directory(
        &mut self,
        name: &[u8],
        children: Option<bool>,
        mailbox: Option<(Directory, &Path)>,
    ) {
        let mark = mailbox.map(|(kind, path)| match kind.has_new(self.environment, path) {
            true => Attribute::Marked,
            false => Attribute::Unmarked,
        });
        let mut attributes = vec![mark.unwrap_or(Attribute::NoSelect)];
        attributes.extend(children.map(|some| {
            if some {
                Attribute::HasChildren
            } else {
                Attribute::HasNoChildren
            }
        }));
        self.tell_name(name, attributes);
    }

    /// New mail came since a file was last read when its access time lies before its change time. Whole seconds count:
    /// that is how drivers set them.
    fn tell_file(&mut self, name: &[u8], metadata: &Metadata) {
        let marked = metadata.len() > 0 && metadata.atime() < metadata.ctime();
        let mark = if marked {
            Attribute::Marked
        } else {
            Attribute::Unmarked
        };
        self.tell_name(name, vec![Attribute::NoInferiors, mark]);
    }

    /// Tells of a file, unless its name would mean something else.
    fn tell_name(&mut self, name: &[u8], attributes: Vec<Attribute>) {
        let Ok(name) = MailboxName::parse(name) else {
            return;
        };
        if discriminant(name.kind()) == discriminant(&self.kind) {
            self.tell(ListEntry {
                name,
                delimiter: Some('/'),
                attributes,
                description: None,
            });
        }
    }

    fn tell(&mut self, entry: ListEntry) {
        self.batch.push(entry);
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.batch.is_empty() {
            (self.found)(std::mem::take(&mut self.batch));
        }
    }
}

fn file_name(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_bytes()
}

fn is_dot_name(path: &Path) -> bool {
    file_name(path).starts_with(b".")
}

/// Whether a name is that of a dot lock, or of a file that is to become one, for another name of the directory.
fn is_lock(names: &[PathBuf], path: &Path) -> bool {
    const LOCK: &[u8] = b".lock";
    let whole = file_name(path);
    let Some(at) = memchr::memmem::rfind(whole, LOCK) else {
        return false;
    };
    let (locked, end) = whole.split_at(at);
    let ours = match end.split_at(LOCK.len()).1 {
        [] => true,
        [b'.', digit, ..] => digit.is_ascii_digit(),
        _ => false,
    };
    let locked = path.with_file_name(OsStr::from_bytes(locked));
    ours && names.binary_search_by(|name| locked.cmp(name)).is_ok()
}

impl Level {
    /// The path and the name of what is called `entry` here.
    fn child(&self, entry: &Path) -> Option<(PathBuf, Vec<u8>)> {
        let file: &OsStr = entry.file_name()?;
        let name = [&self.name, file.as_bytes()].concat();
        Some((self.path.join(file), name))
    }
}
