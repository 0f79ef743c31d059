//! Using a journal that a crash left: first whether the mailbox is what the journal was made for, then the rest.

use std::io;

use crate::os::files::MailFile;
use crate::os::journal::check::{
    done, half_done, is_digest, is_filling, sample, unharmed, untouched,
};
use crate::os::journal::header::{Header, Identity, Kind};
use crate::os::journal::record::{Record, Step};
use crate::os::journal::run::{Run, ends};
use crate::os::journal::store::{Loaded, Store};

/// What is to be done with a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// Nothing was changed yet: drop the journal.
    Drop,
    /// All was done, only the journal is left.
    Complete,
    /// Write the record again and go on behind it.
    Resume,
    /// Take the append back.
    Undo,
    /// Only the cut is missing.
    Cut,
    /// It does not fit.
    Conflict(&'static str),
}

const SHORT: Verdict = Verdict::Conflict("the mailbox is shorter than it can be");
const CHANGED: Verdict = Verdict::Conflict("the mailbox was changed by another program");

/// How a recovery ended.
pub(crate) enum Outcome {
    Finished,
    RolledBack,
    Conflict(&'static str),
}

/// Verifies and uses a journal.
pub(crate) fn recover(
    store: &Store<'_>,
    file: &mut dyn MailFile,
    loaded: Loaded,
) -> io::Result<Outcome> {
    let Loaded {
        header,
        handle,
        record,
    } = loaded;
    let verdict = judge(file, &header, &record)?;
    let mut run = Run {
        store,
        file,
        header: &header,
        handle,
    };
    match verdict {
        Verdict::Conflict(why) => Ok(Outcome::Conflict(why)),
        Verdict::Drop => {
            store.remove(&run.handle.path)?;
            Ok(Outcome::RolledBack)
        }
        Verdict::Complete => {
            // The cut may have been made but not be on disk yet.
            run.file.sync()?;
            store.remove(&run.handle.path)?;
            Ok(ending(&header, record.step))
        }
        Verdict::Undo => {
            run.finish(0)?;
            Ok(Outcome::RolledBack)
        }
        Verdict::Cut => {
            let moved = match record.step {
                Step::Cut { to, .. } => to.saturating_sub(ends(&header).1),
                _ => 0,
            };
            run.finish(moved)?;
            Ok(ending(&header, record.step))
        }
        Verdict::Resume => resume(run, &record),
    }
}

fn resume(mut run: Run<'_>, record: &Record) -> io::Result<Outcome> {
    let first = match record.step {
        Step::Window { index } => index.saturating_add(1),
        _ => u64::MAX,
    };
    if !run.windows_fit(first)? {
        return Ok(Outcome::Conflict(
            "the mailbox was changed by another program",
        ));
    }
    run.apply(record)?;
    match record.step {
        Step::Window { .. } => {
            run.windows(first, &mut |_, _| {})?;
            run.finish(0)?;
        }
        Step::Tail { moved } => run.finish(moved + record.data.len() as u64)?,
        _ => run.store.remove(&run.handle.path)?,
    }
    Ok(ending(run.header, record.step))
}

fn ending(header: &Header, step: Step) -> Outcome {
    match (header.kind, step) {
        (Kind::Append, Step::Tail { .. } | Step::Cut { .. }) => Outcome::RolledBack,
        _ => Outcome::Finished,
    }
}

fn judge(file: &dyn MailFile, header: &Header, record: &Record) -> io::Result<Verdict> {
    let metadata = file.metadata()?;
    if Identity::of(&metadata) != header.identity {
        return Ok(Verdict::Conflict("the mailbox is another file now"));
    }
    if !is_sound(header, record) {
        return Ok(Verdict::Conflict("the journal contradicts itself"));
    }
    if !unharmed(file, &header.guards)? {
        return Ok(CHANGED);
    }
    let length = metadata.len();
    match record.step {
        Step::Window { index } if header.new_length > header.old_length => {
            judge_growing(file, header, record, length, index)
        }
        Step::Window { index } => judge_shrinking(file, header, record, length, index),
        Step::Claimed => judge_claimed(file, header, length),
        Step::Grown if length < header.new_length => Ok(SHORT),
        Step::Grown => Ok(Verdict::Undo),
        Step::Commit { content } => judge_commit(file, header, record, content),
        Step::Tail { moved } => {
            let reached = ends(header).0 + moved + record.data.len() as u64;
            Ok(if length < reached {
                SHORT
            } else if half_done(file, record, u64::MAX)? {
                Verdict::Resume
            } else {
                CHANGED
            })
        }
        Step::Cut { from, to, garbage } => judge_cut(file, length, from, to, garbage),
    }
}

/// Whether the numbers of a journal fit each other, so that using them cannot overflow or write beyond the mailbox.
fn is_sound(header: &Header, record: &Record) -> bool {
    let (end, target) = ends(header);
    let limit = 1 << 62;
    let inside = match record.step {
        Step::Tail { moved } => moved < limit && target < end,
        Step::Cut { from, to, .. } => {
            target < end && from >= end && to >= target && from - end == to - target
        }
        Step::Window { index } => index < header.windows() && header.kind == Kind::Rewrite,
        Step::Claimed | Step::Grown | Step::Commit { .. } => header.kind == Kind::Append,
    };
    let bound = if matches!(record.step, Step::Tail { .. }) {
        limit
    } else {
        header.new_length
    };
    let writes = record
        .writes
        .iter()
        .all(|write| write.to + write.length as u64 <= bound);
    let whole = header.windows() == 1 || header.plan.is_some();
    inside && writes && whole && end < limit
}

fn judge_growing(
    file: &dyn MailFile,
    header: &Header,
    record: &Record,
    length: u64,
    index: u64,
) -> io::Result<Verdict> {
    let (old, new) = (header.old_length, header.new_length);
    let grown = length >= new && (index > 0 || is_filling(file, old, new, record)?);
    if grown {
        return Ok(if half_done(file, record, old)? {
            Verdict::Resume
        } else {
            CHANGED
        });
    }
    if index > 0 || length < old {
        return Ok(SHORT);
    }
    // The file was not extended, so nothing was written: what lies behind the old end is foreign.
    Ok(if untouched(file, record, old)? {
        Verdict::Drop
    } else {
        CHANGED
    })
}

fn judge_shrinking(
    file: &dyn MailFile,
    header: &Header,
    record: &Record,
    length: u64,
    index: u64,
) -> io::Result<Verdict> {
    let (old, new) = (header.old_length, header.new_length);
    let last = index + 1 == header.windows();
    let uncut = length >= old && sample(file, new, old)? == header.garbage;
    if uncut {
        let known = is_digest(file, new, old, header.dropped)? && half_done(file, record, old)?;
        return Ok(if known { Verdict::Resume } else { CHANGED });
    }
    if !last || length < new {
        return Ok(if length < old { SHORT } else { CHANGED });
    }
    Ok(if done(file, record)? {
        Verdict::Complete
    } else {
        CHANGED
    })
}

fn judge_claimed(file: &dyn MailFile, header: &Header, length: u64) -> io::Result<Verdict> {
    let (old, new) = (header.old_length, header.new_length);
    if length < old {
        return Ok(SHORT);
    }
    let nothing = Record::mark(Step::Claimed);
    let grown = length >= new && is_filling(file, old, new, &nothing)?;
    Ok(if grown { Verdict::Undo } else { Verdict::Drop })
}

fn judge_commit(
    file: &dyn MailFile,
    header: &Header,
    record: &Record,
    content: u128,
) -> io::Result<Verdict> {
    let arrived = is_digest(file, header.old_length, header.new_length, content)?;
    Ok(if arrived && half_done(file, record, header.old_length)? {
        Verdict::Resume
    } else {
        CHANGED
    })
}

fn judge_cut(
    file: &dyn MailFile,
    length: u64,
    from: u64,
    to: u64,
    garbage: u128,
) -> io::Result<Verdict> {
    if length < to {
        return Ok(SHORT);
    }
    let uncut = length >= from && sample(file, to, from)? == garbage;
    Ok(if uncut {
        Verdict::Cut
    } else {
        Verdict::Complete
    })
}
