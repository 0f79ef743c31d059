//! Changes of flags: `\Deleted` goes to `.newsrc`, for the same article in other groups too, all else to the state folder.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::driver::layout::prefile::record::bits_of;
use crate::driver::news::crosspost::{self, Elsewhere};
use crate::driver::news::group::read_active;
use crate::driver::news::mailbox::{Newsgroup, Record};
use crate::driver::news::marks::{Mark, Marks};
use crate::driver::news::newsrc::{Edit, Edits, Newsrc};
use crate::driver::news::newsrc_file;
use crate::driver::news::ranges::Ranges;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::uid::{Uid, UidSet};

impl Newsgroup {
    pub(super) fn change_flags(
        &mut self,
        uids: &UidSet,
        change: &FlagChange,
        job: &Job,
    ) -> Result<()> {
        self.standing.require_writable(job)?;
        if !self.listed {
            // What is kept for a faster opening is no ground to write on.
            self.settled = false;
        }
        self.look(job)?;
        self.look_at_changed(uids, job)?;
        let is_wanted = |record: &Record| {
            let uid = Uid::new(record.facts.number);
            !record.hidden && uid.is_some_and(|uid| uids.contains(uid))
        };
        let all = self.records.iter().enumerate();
        let wanted = all.filter(|(_, record)| is_wanted(record));
        let wanted: Vec<usize> = wanted.map(|(place, _)| place).collect();
        if let Some(read) = reads(change) {
            self.mark_read(&wanted, read, job)?;
        }
        self.mark(&wanted, change, job)
    }

    /// Writes down which articles were read.
    fn mark_read(&mut self, wanted: &[usize], read: bool, job: &Job) -> Result<()> {
        let elsewhere = self.elsewhere(wanted, read, job)?;
        let numbers: Vec<u32> = self.records.iter().map(|it| it.facts.number).collect();
        let last = numbers.last().map_or(0, |&last| u64::from(last));
        let limit = self.highest().max(last);
        let environment = Arc::clone(&self.environment);
        let group = self.group.clone();
        let mut odd = BTreeSet::new();
        let found = newsrc_file::update_known(&environment, &mut self.known, job, &mut |newsrc| {
            let before = ranges_of(newsrc, &group);
            let is_read = |number: u32| before.contains(u64::from(number));
            let mut after: Vec<bool> = numbers.iter().map(|&number| is_read(number)).collect();
            let mut changed = false;
            for place in wanted {
                if let Some(slot) = after.get_mut(*place) {
                    changed |= std::mem::replace(slot, read) != read;
                }
            }
            let mut edits = HashMap::new();
            if changed {
                let is_read = |place: usize| after.get(place).copied().unwrap_or(false);
                let mut ranges = Ranges::of_articles(&numbers, is_read);
                // What another newsreader knows of newer articles stays; what is beyond all of them is of an older spool.
                before
                    .between(last, limit)
                    .for_each(|(low, high)| ranges.insert(low, high));
                let read = Some(ranges);
                let subscribed = None;
                edits.insert(group.clone(), Edit { subscribed, read });
            }
            odd.clear();
            edits.extend(edits_elsewhere(newsrc, &elsewhere, read, &mut odd));
            Ok(edits)
        })?;
        for group in odd {
            let group = String::from_utf8_lossy(&group);
            job.notice(format!(
                "something in the line of {group} in .newsrc could not be read; it is left out"
            ));
        }
        self.take_newsrc(&found, job);
        Ok(())
    }

    /// Where else the articles stand that change.
    fn elsewhere(&self, wanted: &[usize], read: bool, job: &Job) -> Result<Elsewhere> {
        let mut elsewhere = Elsewhere::new();
        let changing = wanted.iter().filter_map(|&place| self.records.get(place));
        let changing = changing.filter(|it| it.facts.crossposted && it.read != read);
        let mut changing = changing.peekable();
        if changing.peek().is_none() {
            return Ok(elsewhere);
        }
        let active = read_active(&self.environment)?;
        let active: HashSet<&[u8]> = active.entries().map(|it| it.group).collect();
        for record in changing {
            job.checkpoint()?;
            let number = record.facts.number;
            crosspost::find(&self.articles(), number, &active, &mut elsewhere);
        }
        Ok(elsewhere)
    }

    /// The highest number that the group has had.
    fn highest(&self) -> u64 {
        let active = read_active(&self.environment);
        let high = active.map(|active| active.find(&self.group).and_then(|it| it.high));
        high.ok().flatten().unwrap_or(u64::MAX)
    }

    /// Writes down all other flags.
    fn mark(&mut self, wanted: &[usize], change: &FlagChange, job: &Job) -> Result<()> {
        let named = change.flags();
        let flags = kept(named.system);
        let is_set = matches!(change, FlagChange::Set(_));
        if !is_set && flags.is_empty() && named.keywords().is_empty() {
            return Ok(());
        }
        let ids = wanted.iter().filter_map(|&place| self.records.get(place));
        let ids: Vec<_> = ids.map(|record| record.facts).collect();
        if ids.iter().any(|facts| !facts.measured) {
            job.notice("articles that cannot be read keep no flags");
        }
        let ids = ids.iter().filter(|facts| facts.measured);
        let ids: Vec<u64> = ids.map(|facts| facts.id).collect();
        let new_words = match change {
            FlagChange::Remove(_) => &[],
            _ => named.keywords(),
        };
        let changed = |marks: &Marks| changed(marks, &ids, change);
        if self.marks.words.know(new_words) && changed(&self.marks).is_empty() {
            return Ok(());
        }
        self.marks.keep(new_words, changed, job)?;
        if !self.marks.words.know(new_words) {
            job.notice("there is room for 30 keywords only; the others are not kept");
        }
        self.take_marks(job);
        Ok(())
    }
}

/// Whether articles become read by a change, or unread; `None` where that stays.
fn reads(change: &FlagChange) -> Option<bool> {
    let flags = change.flags();
    let named = flags.has(SystemFlags::DELETED);
    match change {
        FlagChange::Set(_) => Some(named),
        FlagChange::Add(_) => named.then_some(true),
        // What is deleted but not seen has no place in .newsrc.
        FlagChange::Remove(_) => (named || flags.has(SystemFlags::SEEN)).then_some(false),
    }
}

/// The flags that are kept in the state folder.
fn kept(flags: SystemFlags) -> SystemFlags {
    flags
        .only(SystemFlags::SETTABLE)
        .without(SystemFlags::DELETED)
}

/// The marks that are others after a change.
fn changed(marks: &Marks, ids: &[u64], change: &FlagChange) -> Vec<(u64, Mark)> {
    let named = change.flags();
    let system = bits_of(kept(named.system));
    let keywords = marks.words.bits_of(named.keywords());
    let after = |mark: Mark| match change {
        FlagChange::Set(_) => Mark {
            flags: system,
            keywords,
        },
        FlagChange::Add(_) => Mark {
            flags: mark.flags | system,
            keywords: mark.keywords | keywords,
        },
        FlagChange::Remove(_) => Mark {
            flags: mark.flags & !system,
            keywords: mark.keywords & !keywords,
        },
    };
    let both = ids.iter().map(|&id| (id, marks.of(id)));
    let both = both.filter(|&(_, mark)| after(mark) != mark);
    both.map(|(id, mark)| (id, after(mark))).collect()
}

fn ranges_of(newsrc: &Newsrc, group: &[u8]) -> Ranges {
    let line = newsrc.line(group);
    line.map(|line| Ranges::parse(line.rest).0)
        .unwrap_or_default()
}

/// The same article is read in every group that has a line, or in none. Groups with words in their lines that cannot be read
/// are added to `odd`.
fn edits_elsewhere(
    newsrc: &Newsrc,
    elsewhere: &Elsewhere,
    read: bool,
    odd: &mut BTreeSet<Vec<u8>>,
) -> Edits {
    let mut edits = Edits::new();
    for (group, numbers) in elsewhere {
        let Some(line) = newsrc.line(group) else {
            continue;
        };
        let (before, is_odd) = Ranges::parse(line.rest);
        let mut after = before.clone();
        match read {
            true => after.add(numbers),
            false => after.remove(numbers),
        }
        if after == before {
            continue;
        }
        if is_odd {
            odd.insert(group.clone());
        }
        let edit = Edit {
            subscribed: None,
            read: Some(after),
        };
        edits.insert(group.clone(), edit);
    }
    edits
}
