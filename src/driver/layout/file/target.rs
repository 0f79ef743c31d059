//! What an append has to know of the mailbox that it goes to, and what has to change there first.

use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::contents::Contents;
use crate::driver::layout::file::framing::Framing;
use crate::driver::layout::file::metadata;
use crate::driver::layout::file::record::{Base, Marks};
use crate::driver::layout::file::rewrite::{self, Wish};
use crate::driver::layout::file::scan::Scan;
use crate::driver::layout::file::window::Window;
use crate::driver::message::granted;
use crate::mail::date::InternalDate;
use crate::mail::flags::Keyword;
use crate::mail::uid::Uid;
use crate::os::environment::Environment;
use crate::os::files::MailFile;
use crate::os::journal::redo::Journal;

/// A mailbox that messages are appended to.
pub struct Target {
    /// Its data, the new messages' UIDs counted.
    pub base: Base,
    /// Whether it was an empty file, so that the first message has to hold the mailbox's data.
    pub is_fresh: bool,
    /// What has to be overwritten in the same step: offset and bytes.
    pub patches: Vec<(u64, Vec<u8>)>,
    /// What has to stand before the first new From line.
    pub separator: Vec<u8>,
    uids: Option<Vec<u32>>,
}

impl Target {
    /// A mailbox whose opener lock is ours: a UID for each of `wishes` is taken, and written down, where the file has UIDs; so are
    /// those of `keywords` that it does not define yet, while there is room. A file without UIDs gets them along with
    /// its first keyword. Where the line of keywords does not fit in its place, this is a change of its own before the
    /// append: a crash in between leaves a keyword that no message has.
    pub fn owned(
        environment: &Environment,
        path: &Path,
        file: &mut dyn MailFile,
        framing: &'static Framing,
        (wishes, keywords): (&[Option<Uid>], &[Keyword]),
        job: &Job,
    ) -> Result<Self> {
        let length = file.metadata().map_err(Error::io(path))?.len();
        let now = (environment.clock)();
        let give = |last| granted(last, wishes.iter().copied());
        if length == 0 {
            let uids = give(0);
            let base = Base {
                uid_validity: environment.fresh_uid_validity(),
                last_uid: uids
                    .as_ref()
                    .and_then(|uids| uids.last().copied())
                    .unwrap_or(0),
                ..Base::default()
            };
            return Ok(Self {
                base,
                is_fresh: true,
                patches: Vec::new(),
                separator: Vec::new(),
                uids,
            });
        }
        let source = Source { file, path };
        let validity = u32::try_from(now).unwrap_or(1).max(1);
        let mut contents = Contents::read(source, framing, length, validity, job, &mut |_, _| {})?;
        let uids = give(contents.base.last_uid);
        let last = uids.as_ref().and_then(|uids| uids.last().copied());
        let Some(last) = last else {
            return Self::without_uids(contents.on_disk, file, framing, path);
        };
        if contents.on_disk.uid_validity == 0 && keywords.is_empty() {
            return Self::without_uids(contents.on_disk, file, framing, path);
        }
        contents.base.last_uid = last;
        contents.base.define(keywords);
        let mut patches = Vec::new();
        let lacking = contents
            .records
            .iter()
            .any(|record| record.marks.has(Marks::NO_UID));
        match contents.base.pseudo {
            Some(pseudo) if !lacking && pseudo.line_length == line_length(&contents.base) => {
                patches.push((pseudo.line, metadata::imap_line(&contents.base)));
            }
            _ => write_uids(environment, path, file, &mut contents, job)?,
        }
        Ok(Self {
            separator: separator(file, framing, path)?,
            base: contents.base,
            is_fresh: false,
            patches,
            uids,
        })
    }

    /// A mailbox that another program has open: only its first message is looked at, for the keywords.
    pub fn shared(
        path: &Path,
        file: &dyn MailFile,
        framing: &'static Framing,
        job: &Job,
    ) -> Result<Self> {
        let length = file.metadata().map_err(Error::io(path))?.len();
        let mut scan = Scan::whole(Source { file, path }, framing, length, None, job)?;
        scan.next_message()?;
        Self::without_uids(scan.told().clone(), file, framing, path)
    }

    /// The UID of the new message at `place`; 0 where it gets none yet.
    pub fn uid_of(&self, place: u32) -> u32 {
        let given = self.uids.as_ref().and_then(|uids| uids.get(place as usize));
        given.copied().unwrap_or(0)
    }

    /// Whether the new messages get UIDs at once.
    pub fn gives_uids(&self) -> bool {
        self.uids.is_some()
    }

    fn without_uids(
        base: Base,
        file: &dyn MailFile,
        framing: &Framing,
        path: &Path,
    ) -> Result<Self> {
        Ok(Self {
            base,
            is_fresh: false,
            patches: Vec::new(),
            separator: separator(file, framing, path)?,
            uids: None,
        })
    }
}

fn line_length(base: &Base) -> u64 {
    metadata::imap_line(base).len() as u64
}

/// Writes the UIDs of messages that have none, and the last UID. Nothing becomes old by it.
fn write_uids(
    environment: &Environment,
    path: &Path,
    file: &mut dyn MailFile,
    contents: &mut Contents,
    job: &Job,
) -> Result<()> {
    let wish = Wish {
        remove: &|_| false,
        keep_new: true,
        owner: &environment.owner(),
        host: &environment.process.host,
        now: InternalDate::in_zone((environment.clock)(), &jiff::tz::TimeZone::system()),
    };
    let mut complete = false;
    while !complete {
        let planned = rewrite::plan(Source { file, path }, contents, &wish, job)?;
        let mut progress = |done, total| job.progress(done, total);
        Journal::of(environment, contents.framing.name)
            .rewrite(path, file, &planned.plan, &mut progress)
            .map_err(|refusal| access::journal_error(path, refusal))?;
        *contents = planned.contents;
        complete = planned.complete;
    }
    Ok(())
}

/// What is missing for another message to follow.
fn separator(file: &dyn MailFile, framing: &Framing, path: &Path) -> Result<Vec<u8>> {
    let length = file.metadata().map_err(Error::io(path))?.len();
    let mut window = Window::new(file, length.saturating_sub(Framing::TAIL), length);
    window.more().map_err(Error::io(path))?;
    Ok(framing.missing_end(window.rest()))
}
