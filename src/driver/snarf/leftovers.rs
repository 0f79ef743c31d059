//! What a move left behind that was cut off between copying and removing: messages of the record that are in the
//! destination already are removed from the source instead of copied again.
//!
//! A message is only removed when its bytes and its date are those of the record, and when the destination got a message
//! with these bytes since the move began, one for each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::floor::Floor;
use crate::driver::job::Job;
use crate::driver::mark::Mark;
use crate::driver::snarf::batch::entry;
use crate::driver::snarf::quiet::Overheard;
use crate::driver::snarf::record::Entry;
use crate::driver::snarf::route::End;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::status::Access;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};

/// Removes from `source` what was copied before; says how many messages.
pub fn settle(
    (floor, entries): (Floor, Vec<Entry>),
    source: &mut dyn LocalMailbox,
    to: &End<'_>,
    job: &Job,
) -> Result<u64> {
    let suspects = suspects(entries, source, job)?;
    if suspects.is_empty() {
        return Ok(0);
    }
    let mut copies = copies(floor, &suspects, to, job)?;
    let mut removed = UidSet::new();
    for (uid, mark) in suspects {
        if let Some(count) = copies.get_mut(&mark).filter(|count| **count > 0) {
            *count -= 1;
            removed.insert(uid);
        }
    }
    remove(source, &removed, job)?;
    Ok(removed.len())
}

/// Removes messages for good. Cannot be cancelled.
pub fn remove(source: &mut dyn LocalMailbox, uids: &UidSet, job: &Job) -> Result<()> {
    if uids.is_empty() {
        return Ok(());
    }
    let job = Arc::new(Overheard::default()).job(&job.uncancelled());
    let deleted = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    source.store(uids, &deleted, &job)?;
    source.expunge(Some(uids), &job)
}

/// The messages of the source that the record names, in order.
fn suspects(
    entries: Vec<Entry>,
    source: &mut dyn LocalMailbox,
    job: &Job,
) -> Result<Vec<(Uid, Mark)>> {
    let dates: BTreeSet<i64> = entries.iter().map(|entry| entry.seconds).collect();
    let mut named: BTreeMap<Entry, usize> = BTreeMap::new();
    for entry in entries {
        *named.entry(entry).or_default() += 1;
    }
    let mut suspects = Vec::new();
    for summary in summaries(source) {
        if !dates.contains(&summary.internal_date.seconds) {
            continue;
        }
        let Some(found) = entry(source, &summary, job)? else {
            continue;
        };
        if let Some(count) = named.get_mut(&found).filter(|count| **count > 0) {
            *count -= 1;
            suspects.push((summary.uid, found.mark));
        }
    }
    Ok(suspects)
}

/// How many messages with each of these marks the destination got.
fn copies(
    floor: Floor,
    suspects: &[(Uid, Mark)],
    to: &End<'_>,
    job: &Job,
) -> Result<BTreeMap<Mark, usize>> {
    let mut copies: BTreeMap<Mark, usize> = BTreeMap::new();
    let overheard = Arc::new(Overheard::default());
    let job = overheard.job(job);
    let opened = to.driver.open(to.place, Access::ReadOnly, &job);
    let mut destination = match opened {
        Err(Error::NoSuchMailbox { .. }) => return Ok(copies),
        other => other?,
    };
    let known: BTreeSet<&Mark> = suspects.iter().map(|(_, mark)| mark).collect();
    let sizes = Sizes::of(&known);
    let uids = destination.uids();
    for uid in floor.above(uids.iter(), overheard.uid_validity()) {
        let Some(summary) = destination.summary(uid) else {
            continue;
        };
        if !sizes.contains(summary.rfc822_size) {
            continue;
        }
        if let Some(found) = entry(&mut *destination, &summary, &job)?
            && known.contains(&found.mark)
        {
            *copies.entry(found.mark).or_default() += 1;
        }
    }
    destination.close(&job.uncancelled())?;
    Ok(copies)
}

/// Between which sizes copies are. The form in which marks are taken may be longer than what a format keeps of a
/// message: by a byte for each line that gets a `>`, by more for header fields that get another name.
struct Sizes {
    least: u64,
    most: u64,
}

impl Sizes {
    fn of(marks: &BTreeSet<&Mark>) -> Self {
        let lengths = || marks.iter().map(|mark| mark.length);
        let least = lengths().min().unwrap_or(0);
        Self {
            least: least - (least / 8 + 1024).min(least),
            most: lengths().max().unwrap_or(0).saturating_add(1024),
        }
    }

    fn contains(&self, size: u64) -> bool {
        (self.least..=self.most).contains(&size)
    }
}

fn summaries(mailbox: &dyn LocalMailbox) -> Vec<Summary> {
    let uids = mailbox.uids();
    uids.iter().filter_map(|uid| mailbox.summary(uid)).collect()
}
