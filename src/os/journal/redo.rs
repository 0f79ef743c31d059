//! The journal as drivers use it: rewrite, append, recover.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::os::environment::Environment;
use crate::os::files::MailFile;
use crate::os::journal::check::{before, digest, digest_of_window, guards, is_filling, sample};
use crate::os::journal::error::{JournalError, Recovered};
use crate::os::journal::header::{Header, Identity, Kind};
use crate::os::journal::order::{Move, Windows, moves, unmoved};
use crate::os::journal::plan::Plan;
use crate::os::journal::record::{OVERHEAD, Record, Step, WRITE, Write};
use crate::os::journal::recovery::{self, Outcome};
use crate::os::journal::run::{Run, foreign_change, window_record};
use crate::os::journal::store::{NotMade, Store};

/// Bytes of a window in which large changes are made.
const WINDOW: usize = 8 << 20;
/// Bytes that the plan of a large change may take.
const LARGEST_PLAN: usize = 32 << 20;
/// Appends up to this size go through the journal whole: fewer syncs than streaming.
const SMALL_APPEND: u64 = 1 << 20;
/// Bytes that a slot of the journal holds at least, in which what others append meanwhile is moved.
const SMALLEST_SLOT: u64 = 64 << 10;

/// Changes of mailbox files that are complete or absent, whenever the program or the machine stops.
///
/// Whoever calls holds the mailbox's write locks, and has recovered what was pending.
pub struct Journal<'a> {
    store: Store<'a>,
    window: usize,
    format: &'static str,
}

/// An old journal found in the state folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOver {
    /// The journal.
    pub journal: PathBuf,
    /// The mailbox it was made for, as far as it can be read.
    pub mailbox: Option<PathBuf>,
    /// Whether it awaits a recovery; else it was put aside by one that found a conflict.
    pub pending: bool,
}

impl<'a> Journal<'a> {
    /// The journals of this user.
    pub fn new(environment: &'a Environment) -> Self {
        Self {
            store: Store::new(environment),
            window: WINDOW,
            format: "",
        }
    }

    /// The same for changes of mailboxes in this format.
    pub fn of(environment: &'a Environment, format: &'static str) -> Self {
        Self {
            format,
            ..Self::new(environment)
        }
    }

    /// The same with another size of the windows in which large changes are made, in bytes. For tests.
    #[must_use]
    pub fn with_window(mut self, bytes: usize) -> Self {
        self.window = bytes.max(WRITE + 1);
        self
    }

    /// Gives `file` the content of `plan`, in place and all or nothing, durable on return. `progress` is told how
    /// many parts of how many are done.
    ///
    /// Bytes that lie beyond the length the plan was made for are kept behind the new content.
    pub fn rewrite(
        &self,
        path: &Path,
        file: &mut dyn MailFile,
        plan: &Plan,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), JournalError> {
        let touch = |source| untouched(path, source);
        if let Some(fault) = plan.fault() {
            return Err(JournalError::BadPlan(fault));
        }
        let (mut header, length) = self.begin(path, file)?;
        if length < plan.old_length() {
            return Err(JournalError::Changed {
                expected: plan.old_length(),
                found: length,
            });
        }
        let plan = covering(plan, length);
        header.new_length = plan.new_length();
        let moves = moves(&plan);
        let mut windows = Windows::new(&moves, self.window);
        let first = windows.next().unwrap_or_default();
        if first.is_empty() && header.new_length == length {
            return Ok(());
        }
        if windows.next().is_some() {
            self.enlarge(&mut header, &plan, &moves, file)?;
        }
        let record = window_record(&first, &plan, file, length, 0).map_err(touch)?;
        header.guards = guards(file, &unmoved(&plan)).map_err(touch)?;
        self.carry_out(header, record, file, progress)
    }

    /// Appends `length` bytes of `source`, all or none, durable on return, and overwrites `patches` (offset
    /// and bytes, inside the old content, ascending) in the same transaction. Returns the offset at which the
    /// new bytes begin. `progress` is told how many bytes of how many have arrived.
    pub fn append(
        &self,
        path: &Path,
        file: &mut dyn MailFile,
        patches: &[(u64, Vec<u8>)],
        source: &mut dyn Read,
        length: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, JournalError> {
        let touch = |source| untouched(path, source);
        let (mut header, begin) = self.begin(path, file)?;
        header.new_length = begin
            .checked_add(length)
            .filter(|end| i64::try_from(*end).is_ok())
            .ok_or(JournalError::BadPlan("the mailbox would be too long"))?;
        let (mut record, unchanged) = patching(patches, begin)?;
        header.guards = guards(file, &unchanged).map_err(touch)?;
        record.before = before(file, &record, begin).map_err(touch)?;
        if length > SMALL_APPEND.min(self.window as u64) {
            self.append_streaming(header, record, file, source, progress)?;
            return Ok(begin);
        }
        let held = record.data.len() as u64;
        source
            .take(length)
            .read_to_end(&mut record.data)
            .map_err(touch)?;
        if record.data.len() as u64 - held < length {
            return Err(touch(io::ErrorKind::UnexpectedEof.into()));
        }
        if length > 0 {
            let length = record.data.len() - usize::try_from(held).unwrap_or_default();
            record.writes.push(Write { to: begin, length });
        }
        if !record.data.is_empty() {
            self.carry_out(header, record, file, progress)?;
        }
        Ok(begin)
    }

    /// Whether an interrupted change of this file awaits [`Journal::recover`]. Needs no lock.
    pub fn is_pending(&self, file: &dyn MailFile) -> io::Result<bool> {
        self.store
            .exists(&self.store.path_of(Identity::of(&file.metadata()?)))
    }

    /// Whether the change that awaits [`Journal::recover`] makes the file shorter, so that bytes of it move. `false` where
    /// the journal cannot be read.
    pub fn pending_shrinks(&self, file: &dyn MailFile) -> io::Result<bool> {
        let journal = self.store.path_of(Identity::of(&file.metadata()?));
        let lengths = self.store.lengths(&journal)?;
        Ok(lengths.is_some_and(|(old, new)| new < old))
    }

    /// The format of this file as the interrupted change told it that awaits [`Journal::recover`]: the file itself may be
    /// torn where it could be recognised. Needs no lock.
    pub fn pending_format(&self, file: &dyn MailFile) -> io::Result<Option<String>> {
        let journal = self.store.path_of(Identity::of(&file.metadata()?));
        if !self.store.exists(&journal)? {
            return Ok(None);
        }
        let header = self.store.header_of(&journal);
        let format = header.map(|header| header.format);
        Ok(format.filter(|format| !format.is_empty()))
    }

    /// The journal of a change of this file that a recovery put aside because it did not fit. While it is there nobody
    /// should write: the mailbox may be torn, and what is missing in it may be in the journal.
    pub fn conflict(&self, file: &dyn MailFile) -> io::Result<Option<PathBuf>> {
        self.store.conflict(Identity::of(&file.metadata()?))
    }

    /// Finishes or takes back an interrupted change. The caller holds the mailbox's write locks.
    pub fn recover(&self, path: &Path, file: &mut dyn MailFile) -> Result<Recovered, JournalError> {
        let metadata = file.metadata().map_err(|source| untouched(path, source))?;
        let journal = self.store.path_of(Identity::of(&metadata));
        let failed = |source| JournalError::Recovery {
            journal: journal.clone(),
            source,
        };
        self.store.sweep(&journal).map_err(failed)?;
        if !self.store.exists(&journal).map_err(failed)? {
            return Ok(Recovered::Nothing);
        }
        let outcome = match self.store.load(&journal).map_err(failed)? {
            Ok(loaded) => recovery::recover(&self.store, file, loaded).map_err(failed)?,
            Err(why) => Outcome::Conflict(why),
        };
        match outcome {
            Outcome::Finished => Ok(Recovered::Finished),
            Outcome::RolledBack => Ok(Recovered::RolledBack),
            Outcome::Conflict(why) => {
                let aside = self.store.set_aside(&journal).map_err(failed)?;
                Ok(Recovered::Conflict {
                    journal: aside,
                    why,
                })
            }
        }
    }

    /// Journals that an earlier run left.
    pub fn left_over(&self) -> io::Result<Vec<LeftOver>> {
        let kind = |path: &PathBuf| {
            path.extension()
                .map(|end| end.to_string_lossy().into_owned())
        };
        let mut found = Vec::new();
        for journal in self.store.list()? {
            let kind = kind(&journal).unwrap_or_default();
            if kind == "journal" || kind.starts_with("conflict-") {
                let header = self.store.header_of(&journal);
                let mailbox = header.map(|header| header.path);
                found.push(LeftOver {
                    pending: kind == "journal",
                    mailbox,
                    journal,
                });
            }
        }
        found.sort_by(|a, b| a.journal.cmp(&b.journal));
        Ok(found)
    }

    /// A header for a change of `file`, and the file's length; refuses while an earlier change is pending.
    fn begin(&self, path: &Path, file: &dyn MailFile) -> Result<(Header, u64), JournalError> {
        let touch = |source| untouched(path, source);
        let metadata = file.metadata().map_err(touch)?;
        let identity = Identity::of(&metadata);
        let journal = self.store.path_of(identity);
        if self.store.exists(&journal).map_err(touch)? {
            return Err(JournalError::Unrecovered { journal });
        }
        let header = Header {
            kind: Kind::Rewrite,
            identity,
            old_length: metadata.len(),
            new_length: metadata.len(),
            window: self.window as u64,
            slot: 0,
            guards: Vec::new(),
            garbage: 0,
            dropped: 0,
            digests: Vec::new(),
            plan: None,
            path: path.to_path_buf(),
            format: self.format.to_owned(),
        };
        Ok((header, metadata.len()))
    }

    /// Adds to the header what a change of several windows needs to be resumed.
    fn enlarge(
        &self,
        header: &mut Header,
        plan: &Plan,
        moves: &[Move],
        file: &dyn MailFile,
    ) -> Result<(), JournalError> {
        if plan.cost() > LARGEST_PLAN {
            return Err(JournalError::TooCostly {
                cost: plan.cost(),
                limit: LARGEST_PLAN,
            });
        }
        for window in Windows::new(moves, self.window) {
            let record = window_record(&window, plan, file, header.old_length, 0);
            let record = record.map_err(|source| untouched(&header.path, source))?;
            header.digests.push(digest_of_window(&record));
        }
        header.plan = Some(plan.clone());
        Ok(())
    }

    /// Makes the journal, claims the space, and goes through the change to its end.
    fn carry_out(
        &self,
        mut header: Header,
        record: Record,
        file: &mut dyn MailFile,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), JournalError> {
        let path = header.path.clone();
        let touch = |source| untouched(&path, source);
        let (old, new) = (header.old_length, header.new_length);
        if new <= old {
            header.garbage = sample(file, new, old).map_err(touch)?;
            header.dropped = digest(file, new, old).map_err(touch)?;
        }
        header.slot = slot_for(&header, &record);
        let mut run = self.start(&header, &record, file)?;
        let pending = |journal: &Path, source| JournalError::Pending {
            journal: journal.to_path_buf(),
            source,
        };
        if let Err(source) = run.apply(&record) {
            // What is told as failed must not happen later, or repeating it does it twice.
            return Err(if header.plan.is_none() && run.take_back(&record).is_ok() {
                touch(source)
            } else {
                pending(&run.handle.path, source)
            });
        }
        let result = run.windows(1, progress).and_then(|()| run.finish(0));
        result.map_err(|source| pending(&run.handle.path, source))
    }

    fn append_streaming(
        &self,
        mut header: Header,
        patches: Record,
        file: &mut dyn MailFile,
        source: &mut dyn Read,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), JournalError> {
        header.kind = Kind::Append;
        header.slot = slot_for(&header, &patches);
        let mut run = self.start(&header, &Record::mark(Step::Claimed), file)?;
        let journal = run.handle.path.clone();
        let pending = |source| JournalError::Pending {
            journal: journal.clone(),
            source,
        };
        if let Err(source) = run.stream(source, patches.clone(), progress) {
            run.finish(0).map_err(pending)?;
            return Err(untouched(&header.path, source));
        }
        run.apply(&patches).map_err(pending)?;
        self.store.remove(&journal).map_err(pending)
    }

    /// Claims space, makes the journal, extends the file. When it fails, nothing has changed.
    fn start<'r>(
        &'r self,
        header: &'r Header,
        first: &Record,
        file: &'r mut dyn MailFile,
    ) -> Result<Run<'r>, JournalError> {
        let touch = |source| untouched(&header.path, source);
        let (old, new) = (header.old_length, header.new_length);
        let journal = self.store.path_of(header.identity);
        // What the guards saw must outlive a power cut if the journal does: else it would fit no more.
        file.sync().map_err(touch)?;
        if let Err(source) = claim(file, old, new) {
            let _ = unclaim(file, old, new);
            return Err(touch(source));
        }
        let handle = match self.store.create(header, first) {
            Ok(handle) => handle,
            Err(NotMade {
                source,
                lingers: true,
            }) => {
                return Err(JournalError::Pending { journal, source });
            }
            Err(NotMade { source, .. }) => {
                let _ = unclaim(file, old, new);
                return Err(untouched(&journal, source));
            }
        };
        if let Err(source) = grow(file, old, new) {
            let undone = unclaim(file, old, new).and_then(|()| self.store.remove(&journal));
            return Err(match undone {
                Ok(()) => touch(source),
                Err(_) => JournalError::Pending { journal, source },
            });
        }
        Ok(Run {
            store: &self.store,
            file,
            header,
            handle,
        })
    }
}

fn untouched(path: &Path, source: io::Error) -> JournalError {
    JournalError::Untouched {
        path: path.to_path_buf(),
        source,
    }
}

/// The plan, extended to keep what lies beyond the length it was made for.
fn covering(plan: &Plan, length: u64) -> Cow<'_, Plan> {
    if plan.old_length() == length {
        return Cow::Borrowed(plan);
    }
    Cow::Owned(plan.clone().extended_to(length))
}

/// Patches as a record's writes, and the ranges of the old content that they leave alone.
fn patching(
    patches: &[(u64, Vec<u8>)],
    length: u64,
) -> Result<(Record, Vec<(u64, u64)>), JournalError> {
    let mut record = Record::mark(Step::Window { index: 0 });
    let mut unchanged = Vec::new();
    let mut at = 0;
    for (to, bytes) in patches {
        let end = to
            .checked_add(bytes.len() as u64)
            .filter(|end| *to >= at && *end <= length);
        let Some(end) = end else {
            return Err(JournalError::BadPlan(
                "patches overlap, descend or pass the end",
            ));
        };
        unchanged.push((at, to - at));
        at = end;
        record.writes.push(Write {
            to: *to,
            length: bytes.len(),
        });
        record.data.extend_from_slice(bytes);
    }
    unchanged.push((at, length - at));
    unchanged.retain(|(_, length)| *length > 0);
    Ok((record, unchanged))
}

fn slot_for(header: &Header, record: &Record) -> u64 {
    let needed = record.data.len() + record.before.len() + record.writes.len() * WRITE;
    let least = if header.plan.is_some() {
        2 * header.window
    } else {
        SMALLEST_SLOT
    };
    OVERHEAD + least.max(needed as u64)
}

fn claim(file: &mut dyn MailFile, old: u64, new: u64) -> io::Result<()> {
    if new <= old {
        return Ok(());
    }
    match file.reserve(new) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        other => other,
    }
}

/// Extends the file by NULs, and on disk. When that fails it has its old length again or [`unclaim`] must see to it.
fn grow(file: &mut dyn MailFile, old: u64, new: u64) -> io::Result<()> {
    if new <= old {
        return Ok(());
    }
    if !file.resize(old, new)? {
        return Err(foreign_change());
    }
    file.sync()
}

/// Gives back what was claimed beyond the old end. Bytes that others appended meanwhile are left alone.
fn unclaim(file: &mut dyn MailFile, old: u64, new: u64) -> io::Result<()> {
    let length = file.metadata()?.len();
    if new <= old || (length != old && length < new) {
        return Ok(());
    }
    let ours = Record::mark(Step::Claimed);
    if length > new || (length == new && !is_filling(file, old, new, &ours)?) {
        return Err(foreign_change());
    }
    if !file.resize(length, old)? {
        return Err(foreign_change());
    }
    file.sync()
}
