//! Counts a group, by the names in its directory and by `.newsrc`: lists of folders ask for that often. An article is looked
//! into only where the flags say that some were seen, and then at its beginning.

use std::collections::HashSet;
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::cache::{Cache, Facts};
use crate::driver::layout::folder::numbers::number;
use crate::driver::layout::prefile::record::system_of;
use crate::driver::news::facts::KEPT;
use crate::driver::news::group::read_active;
use crate::driver::news::mailbox::{Newsgroup, UID_VALIDITY};
use crate::driver::news::newsrc_file;
use crate::driver::news::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::mail::flags::SystemFlags;
use crate::mail::status::{Access, MailboxStatus};
use crate::mail::uid::UidValidity;
use crate::os::environment::Environment;

impl Newsgroup {
    /// Counts a group.
    pub fn status(
        environment: &Arc<Environment>,
        place: &Place,
        job: &Job,
    ) -> Result<MailboxStatus> {
        let mut group = Self::new(environment, place, Access::ReadOnly)?;
        // What cannot be read is told by the opening.
        let _ = group.marks.read_on();
        if let Ok(found) = newsrc_file::read(environment) {
            group.take_newsrc(&found, job);
        }
        group.directory = group.directory_now()?;
        let known = match &group.directory {
            Some(now) => KEPT.read(environment, &place.path, now),
            None => Cache::default(),
        };
        let numbers = match known.complete {
            true => known.facts.iter().map(|it| it.number).collect(),
            false => group.articles_by_name(job)?,
        };
        let is_read = |number: u32| group.read.contains(number.into());
        let unread = numbers.iter().copied().filter(|&it| !is_read(it));
        let unread: Vec<u32> = unread.collect();
        let last = group.read.last();
        let is_recent = |number: u32| last.is_none_or(|last| u64::from(number) > last);
        let seen = group.seen(&unread, &known.facts, job)?;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(MailboxStatus {
            driver: CHARACTERISTICS.driver,
            messages: count(numbers.len()),
            recent: count(unread.iter().filter(|&&it| is_recent(it)).count()),
            unseen: count(unread.len() - seen),
            uid_next: group.uid_next(numbers.last().copied().unwrap_or(0)),
            uid_validity: UidValidity::new(UID_VALIDITY),
        })
    }

    /// The numbers in the directory, ascending, without those that are the directories of other groups.
    fn articles_by_name(&mut self, job: &Job) -> Result<Vec<u32>> {
        let mut numbers = self.list(job)?;
        let active = read_active(&self.environment)?;
        let below = active.entries().filter_map(|it| {
            let rest = it.group.strip_prefix(&*self.group)?.strip_prefix(b".")?;
            number(rest.split(|&byte| byte == b'.').next()?)
        });
        let below: HashSet<u32> = below.collect();
        numbers.retain(|number| !below.contains(number));
        Ok(numbers)
    }

    /// How many of these articles have `\Seen` among the flags that are kept.
    fn seen(&self, unread: &[u32], known: &[Facts], job: &Job) -> Result<usize> {
        let is_seen = |id: u64| system_of(self.marks.of(id).flags).contains(SystemFlags::SEEN);
        if !self
            .marks
            .any(|mark| system_of(mark.flags).contains(SystemFlags::SEEN))
        {
            return Ok(0);
        }
        let (mut ids, mut others) = (Vec::new(), Vec::new());
        for &number in unread {
            match known.binary_search_by_key(&number, |it| it.number) {
                Ok(place) => ids.extend(known.get(place).map(|it| it.id)),
                Err(_) => others.push(number),
            }
        }
        let read = self.articles().ids(&others, job);
        ids.extend(read.map_err(Error::io(&self.place.path))?);
        Ok(ids.into_iter().filter(|&id| is_seen(id)).count())
    }
}
