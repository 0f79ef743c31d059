//! Moving the mail of one mailbox into another one, safely while both are used by others.
//!
//! The order of things, which no kill can turn into a loss, and hardly into a double:
//! 1. The record is locked, the source is opened for writing: silently, and only if no other program has it open.
//! 2. What an earlier move copied but did not remove is removed.
//! 3. A batch is written down in the record, then appended to the destination, durable; then the next one.
//! 4. The messages that were copied are removed from the source, in one step. What came meanwhile stays.
//! 5. The record is emptied.
//!
//! Locks of source and destination are never held together, but for the opener lock of the source, for which nobody waits.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::floor::Floor;
use crate::driver::job::Job;
use crate::driver::local_file::same_file;
use crate::driver::place::Place;
use crate::driver::snarf::batch::{self, Handover};
use crate::driver::snarf::leftovers;
use crate::driver::snarf::quiet::{NoticesOnly, Overheard};
use crate::driver::snarf::record::Record;
use crate::driver::snarf::route::{Deleted, End, Host, Route, Snarfed};
use crate::mail::flags::{Keyword, SystemFlags};
use crate::mail::status::Access;
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::UidSet;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;

/// How long a source that somebody has locked is tried again.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Moves what is in the source now. `host` is told of each batch.
///
/// Cancelled, it stops after the batch at hand, and removes what was copied. Fails with `Locked` when somebody else has
/// the source, and with what is wrong with either mailbox; then everything that was not moved is where it was.
pub fn snarf(
    environment: &Environment,
    route: &Route<'_>,
    host: &mut dyn Host,
    job: &Job,
) -> Snarfed {
    let mut snarfed = Snarfed {
        moved: 0,
        settled: 0,
        ended: Ok(()),
    };
    snarfed.ended = run(environment, route, &mut snarfed, host, job);
    snarfed
}

fn run(
    environment: &Environment,
    route: &Route<'_>,
    snarfed: &mut Snarfed,
    host: &mut dyn Host,
    job: &Job,
) -> Result<()> {
    let (from, to) = (route.from.place, route.to.place);
    if environment.read_only {
        return Err(Error::ReadOnly);
    }
    if !has_something(environment, from)? {
        return Ok(());
    }
    if same_file(environment, &from.path, &to.path) {
        return Err(Error::Refused(
            "it is the mailbox that its mail is to go to",
        ));
    }
    let mut record = Record::open(environment, &from.path, &to.path)?;
    let mut source = open(route.from, job)?;
    if let Some(left_over) = record.left_over()? {
        snarfed.settled = leftovers::settle(left_over, &mut *source, &route.to, job)?;
    }
    record.clear()?;
    let left = to_move(&*source, route.deleted);
    if !left.is_empty() {
        let mut mover = Mover {
            route,
            source: &mut *source,
            record: &mut record,
            copied: UidSet::new(),
        };
        let copied = mover.copy(left, host, job);
        snarfed.moved = mover.copied.len();
        let copied_uids = mover.copied;
        if let Err(unsure @ Error::Pending { .. }) = copied {
            // Whether that batch is there is known only later; the record stays, and so do all originals.
            return Err(unsure);
        }
        leftovers::remove(&mut *source, &copied_uids, job)?;
        record.clear()?;
        copied?;
    }
    let is_empty = source.uids().is_empty();
    // Nothing else shall be written to it: new mail in it stays new.
    drop(source);
    if is_empty && route.leave_empty {
        route.from.driver.leave_empty(from, &job.uncancelled())?;
    }
    Ok(())
}

/// Whether there is anything at the source to be looked at. What cannot be written is refused here, before it is read.
fn has_something(environment: &Environment, from: &Place) -> Result<bool> {
    let files = &environment.files;
    let metadata = match files.metadata(&from.path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            // A dangling link is a mistake that should not go unseen.
            return match files.link_metadata(&from.path) {
                Ok(_) => Err(Error::io(&from.path)(missing)),
                Err(_) => Ok(false),
            };
        }
        other => other.map_err(Error::io(&from.path))?,
    };
    if metadata.is_dir() {
        return Ok(true);
    }
    if !metadata.is_file() {
        let why = "it is neither a file nor a folder";
        return Err(Error::NotThisFormat {
            driver: "dummy",
            why,
        });
    }
    if metadata.len() == 0 {
        return Ok(false);
    }
    let writable = files.open(&from.path, OpenMode::ReadWrite);
    writable.map(|_file| true).map_err(Error::io(&from.path))
}

/// Opens the source for writing. Somebody who delivers has it for a moment only, so a lock is tried for a while.
fn open(from: End<'_>, job: &Job) -> Result<Box<dyn LocalMailbox>> {
    let start = Instant::now();
    loop {
        job.checkpoint()?;
        let overheard = Arc::new(Overheard::default());
        let hurried = overheard.job(job).hurried();
        match from.driver.open(from.place, Access::ReadWrite, &hurried) {
            Ok(source) => {
                return match overheard.writable() {
                    Ok(()) => Ok(source),
                    Err(why) => Err(Error::Io {
                        path: from.place.path.clone(),
                        source: cannot_be_written(why),
                    }),
                };
            }
            Err(Error::Locked { .. }) if start.elapsed() < PATIENCE => sleep(PAUSE),
            Err(refusal) => return Err(refusal),
        }
    }
}

fn cannot_be_written(why: Option<Foreign>) -> io::Error {
    let why = why.map_or_else(
        || "it can only be read".to_owned(),
        |why| why.line().to_string(),
    );
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

fn to_move(source: &dyn LocalMailbox, deleted: Deleted) -> Vec<Summary> {
    let uids = source.uids();
    let all = uids.iter().filter_map(|uid| source.summary(uid));
    let goes =
        |summary: &Summary| deleted == Deleted::Moved || !summary.flags.has(SystemFlags::DELETED);
    all.filter(goes).collect()
}

/// Every keyword that one of the messages has, once.
fn keywords(messages: &[Summary]) -> Vec<Keyword> {
    let all = messages.iter().flat_map(|it| it.flags.keywords());
    let once: BTreeSet<&str> = all.map(Keyword::as_str).collect();
    once.into_iter().filter_map(Keyword::new).collect()
}

/// A move under way.
struct Mover<'a> {
    route: &'a Route<'a>,
    source: &'a mut dyn LocalMailbox,
    record: &'a mut Record,
    copied: UidSet,
}

impl Mover<'_> {
    /// Copies batch after batch. When it fails, `copied` are the messages that are durable in the destination.
    fn copy(&mut self, left: Vec<Summary>, host: &mut dyn Host, job: &Job) -> Result<()> {
        let to = self.route.to;
        let quiet = Arc::new(Overheard::default()).job(job);
        let floor = match to.driver.own_status(to.place, &quiet) {
            Ok(status) => Floor::of(&status),
            // An empty file, or none: every message in it is a copy.
            Err(Error::NotThisFormat { .. } | Error::NoSuchMailbox { .. }) => Floor::default(),
            Err(refusal) => return Err(refusal),
        };
        let total: u64 = left.iter().map(|summary| summary.rfc822_size).sum();
        let mut done = 0;
        let mut left = VecDeque::from(left);
        while !left.is_empty() {
            job.checkpoint()?;
            let batch = batch::take(&mut left);
            self.copy_batch(&batch, floor, host, job)?;
            host.arrived();
            done += batch.iter().map(|it| it.rfc822_size).sum::<u64>();
            job.progress(done, total);
        }
        Ok(())
    }

    fn copy_batch(
        &mut self,
        batch: &[Summary],
        floor: Floor,
        host: &mut dyn Host,
        job: &Job,
    ) -> Result<()> {
        let mut entries = Vec::new();
        let mut messages = Vec::new();
        for summary in batch {
            // One without any bytes stays: no mailbox takes it.
            if let Some(entry) = batch::entry(self.source, summary, job)? {
                entries.push(entry);
                messages.push(summary.clone());
            }
        }
        if messages.is_empty() {
            return Ok(());
        }
        let keywords = keywords(&messages);
        if !keywords.is_empty() {
            host.expect(&keywords);
        }
        self.record.add(floor, &entries)?;
        let to = self.route.to;
        let mut handover = Handover::new(self.source, &messages);
        let appended = to
            .driver
            .append(to.place, &mut handover, &NoticesOnly::of(job))?;
        if appended.count != messages.len() as u64 {
            return Err(Error::Refused("the destination did not take every message"));
        }
        for summary in &messages {
            self.copied.insert(summary.uid);
        }
        Ok(())
    }
}
