//! Finishes moves that were cut off between copy and removal, when their source is opened next.
//!
//! If the destination holds every message of the record, the copy was made and the originals go; otherwise the copy
//! was never made, and nothing is done. A message is only removed when its bytes are still those of the record.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::backend::context::Context;
use crate::backend::error::{Error, Result};
use crate::backend::move_record::{MoveRecord, Origin, Original};
use crate::backend::source::{Source, scratch};
use crate::backend::transfer::remove;
use crate::driver::contract::LocalMailbox;
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::driver::mark::Mark;
use crate::driver::message::Content;
use crate::driver::snarf::quiet::Overheard;
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::uid::{Uid, UidSet};

/// Finishes what is unfinished about a mailbox, which is open for writing; where it is a file or folder, at `path`.
///
/// Fails only when cancelled; what cannot be finished now is told as a notice and tried at the next opening.
pub async fn recover<S: Source>(
    context: &Arc<Context>,
    path: Option<&Path>,
    source: &mut S,
    job: &Job,
) -> Result<()> {
    let environment = &context.environment;
    for (file, record) in MoveRecord::all(environment) {
        let Some((process, record)) = record else {
            continue;
        };
        let is_here = match &record.from {
            Origin::File(from) => path.is_some_and(|path| context.is_same_file(from, path)),
            Origin::Server(from) => source.is(from),
        };
        if !is_here || !MoveRecord::is_abandoned(environment, &file, &process) {
            continue;
        }
        match finish(context, record, source, job).await {
            Ok(0) => {}
            Ok(count) => job.notice(format!(
                "an interrupted move of {count} messages to another mailbox was finished"
            )),
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error) => {
                job.notice(format!(
                    "an interrupted move cannot be finished now: {error}"
                ));
                continue;
            }
        }
        // A record that stays is looked at again, and then finds nothing to do.
        let _stays = MoveRecord::forget(environment, &file).is_err();
    }
    Ok(())
}

/// Removes the originals where the copies are there; says how many.
async fn finish<S: Source>(
    context: &Arc<Context>,
    record: MoveRecord,
    source: &mut S,
    job: &Job,
) -> Result<u64> {
    let mut originals = UidSet::new();
    for (&uid, original) in &record.messages {
        let Some(summary) = source.summary(uid) else {
            continue;
        };
        // What a server says of sizes need not be true, nor known.
        let may_be = matches!(record.from, Origin::Server(_));
        if !may_be && summary.rfc822_size != original.size {
            continue;
        }
        let mut content = source.content(uid, job).await?;
        if Mark::of(&mut content).map_err(scratch)? == original.mark {
            originals.insert(uid);
        }
    }
    if originals.is_empty() || !was_copied_somewhere(context, record, job).await? {
        return Ok(0);
    }
    remove(source, &originals, job).await?;
    Ok(originals.len())
}

/// Whether the destination got every message of the record. It may be on a server, or take long to read: a task that asks
/// waits while a thread looks.
async fn was_copied_somewhere(
    context: &Arc<Context>,
    record: MoveRecord,
    job: &Job,
) -> Result<bool> {
    if matches!(record.from, Origin::File(_)) {
        return was_copied(context, &record, job);
    }
    let (context, job) = (Arc::clone(context), job.clone());
    let looking = tokio::task::spawn_blocking(move || was_copied(&context, &record, &job));
    looking.await.unwrap_or(Err(Error::Ending))
}

/// Whether the destination got every message of the record, each as often as the record has it.
fn was_copied(context: &Context, record: &MoveRecord, job: &Job) -> Result<bool> {
    let choice = match context.choice(&record.to) {
        Err(Error::Driver(DriverError::NoSuchMailbox { .. })) => return Ok(false),
        other => other?,
    };
    let is_source = match &record.from {
        Origin::File(from) => context.is_same_file(&choice.place.path, from),
        Origin::Server(from) => from.name == record.to,
    };
    // What is there are the originals.
    if is_source {
        return Ok(false);
    }
    let mut missing: BTreeMap<&Mark, usize> = BTreeMap::new();
    // Each format changes other lines of a copy, so only what is far too short or too long is passed over unread.
    let (mut least, mut most) = (u64::MAX, 0);
    for Original { size, mark } in record.messages.values() {
        *missing.entry(mark).or_default() += 1;
        least = least.min(size.min(&mark.length) / 2);
        most = most.max(size.max(&mark.length).saturating_mul(2));
    }
    let overheard = Arc::new(Overheard::default());
    let quiet = overheard.job(job);
    let opened = choice.driver.open(&choice.place, Access::ReadOnly, &quiet);
    let mut destination = match opened {
        // A server tells only now that it is not there.
        Err(DriverError::NoSuchMailbox { .. }) => return Ok(false),
        opened => opened?,
    };
    let uids = destination.uids();
    for uid in record.floor.above(uids.iter(), overheard.uid_validity()) {
        if missing.is_empty() {
            break;
        }
        let size = destination.summary(uid).map(|summary| summary.rfc822_size);
        if !size.is_some_and(|size| (least..=most).contains(&size)) {
            continue;
        }
        let mark = mark(&mut *destination, uid, &quiet)?;
        if let Some(count) = missing.get_mut(&mark) {
            *count -= 1;
            if *count == 0 {
                missing.remove(&mark);
            }
        }
    }
    destination.close(&quiet.uncancelled())?;
    Ok(missing.is_empty())
}

fn mark(mailbox: &mut dyn LocalMailbox, uid: Uid, job: &Job) -> Result<Mark> {
    let mut content = Content::new();
    mailbox.read(uid, Part::Whole, &mut content, job)?;
    Mark::of(&mut content).map_err(scratch)
}
