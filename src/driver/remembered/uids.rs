//! Gives the messages of a mailbox the UIDs that they had before, whatever other programs did to it meanwhile.
//!
//! Messages keep their order. As long as date and size of all that are remembered are where they were, they are the same
//! ones; else each is looked for by its first bytes too, behind the one before. Who is not found is new; from the first
//! new message on all are numbered behind the last UID, so that UIDs ascend and none is ever given out twice.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::memory::Memory;
use crate::driver::layout::prefile::record::{Base, Record};
use crate::driver::layout::prefile::words::Words;
use crate::driver::remembered::table::{self, Remembered, Table};
use crate::mail::status::Access;
use crate::os::environment::Environment;
use crate::os::transfer::read_full_at;

/// The memory of one mailbox.
pub struct Uids {
    environment: Arc<Environment>,
    driver: &'static str,
    place: PathBuf,
    words: Words,
    access: Access,
}

/// Bytes of a message that are digested.
const LOOKED_AT: usize = 512;

impl Uids {
    /// The memory of the mailbox at `path`, whose keyword bits have the names `words`. With read-only access nothing is
    /// written.
    pub fn new(
        environment: &Arc<Environment>,
        driver: &'static str,
        path: &std::path::Path,
        words: Words,
        access: Access,
    ) -> Self {
        let access = if environment.read_only {
            Access::ReadOnly
        } else {
            access
        };
        Self {
            place: table::place(environment, path),
            environment: Arc::clone(environment),
            driver,
            words,
            access,
        }
    }

    fn fresh(&self) -> Table {
        let now = (self.environment.clock)();
        Table {
            uid_validity: u32::try_from(now).unwrap_or(1).max(1),
            ..Table::default()
        }
    }

    fn read(&self) -> Result<Option<Table>> {
        Table::read(&self.environment, &self.place, self.driver).map_err(Error::io(&self.place))
    }

    fn write(&self, table: &Table) -> Result<()> {
        if self.access == Access::ReadOnly {
            return Ok(());
        }
        table
            .write(&self.environment, &self.place, self.driver)
            .map_err(Error::io(&self.place))
    }
}

impl Memory for Uids {
    fn words(&self) -> Words {
        self.words.clone()
    }

    fn is_sticky(&self) -> bool {
        true
    }

    fn number(
        &mut self,
        source: Source<'_>,
        base: &mut Base,
        records: &mut [Record],
        known: usize,
    ) -> Result<()> {
        let found = self.read()?;
        let mut table = found.clone().unwrap_or_else(|| self.fresh());
        let told = records.get(..known).and_then(<[Record]>::last);
        let told = told.map_or(0, |record| record.uid);
        let lost = known > 0 && table.uid_validity != base.uid_validity;
        if lost {
            // Told UIDs must hold as long as the mailbox is open: they go on with what was told.
            (table.uid_validity, table.last_uid) = (base.uid_validity, base.last_uid);
            table.messages.clear();
        }
        let first = table.messages.partition_point(|it| it.uid <= told);
        let behind = table.messages.split_off(first);
        let new = records.get_mut(known..).unwrap_or_default();
        let same = follow(source, &behind, new)?;
        let mut last = table.last_uid.max(base.last_uid);
        let mut kept = Vec::with_capacity(new.len());
        for (place, record) in new.iter_mut().enumerate() {
            let entry = same.get(place).and_then(|&at| behind.get(at)).copied();
            let entry = match entry {
                Some(entry) => entry,
                None => {
                    last = last.saturating_add(1);
                    let inside = inside(source, record)?;
                    remember(record, last, inside)
                }
            };
            record.uid = entry.uid;
            kept.push(entry);
        }
        table.last_uid = last;
        (base.uid_validity, base.last_uid) = (table.uid_validity, last);
        let changed = kept != behind || found.is_none_or(|found| found.last_uid != last);
        table.messages.extend(kept);
        if changed || lost {
            self.write(&table)?;
        }
        Ok(())
    }

    fn keep(&mut self, source: Source<'_>, base: &Base, records: &[Record]) -> Result<()> {
        let found = self.read()?;
        let known = found.map(|table| table.messages).unwrap_or_default();
        let mut messages = Vec::with_capacity(records.len());
        for record in records {
            let entry = known.binary_search_by_key(&record.uid, |it| it.uid);
            let inside = match entry.ok().and_then(|at| known.get(at)) {
                Some(entry) => entry.inside,
                None => inside(source, record)?,
            };
            messages.push(remember(record, record.uid, inside));
        }
        self.write(&Table {
            uid_validity: base.uid_validity,
            last_uid: base.last_uid,
            messages,
        })
    }
}

/// The places among `remembered` of the first messages of `records`, as many as are known again one behind the other.
fn follow(source: Source<'_>, remembered: &[Remembered], records: &[Record]) -> Result<Vec<usize>> {
    let as_before = remembered.len() <= records.len()
        && remembered
            .iter()
            .zip(records)
            .all(|(old, record)| old.outside == outside(record));
    if as_before {
        return Ok((0..remembered.len()).collect());
    }
    let mut places: HashMap<(u32, u64), Vec<usize>> = HashMap::new();
    for (place, old) in remembered.iter().enumerate().rev() {
        places
            .entry((old.outside, old.inside))
            .or_default()
            .push(place);
    }
    let mut same = Vec::new();
    let mut next = 0;
    for record in records {
        let key = (outside(record), inside(source, record)?);
        let list = places.get_mut(&key);
        let place = list.and_then(|list| {
            while list.last().is_some_and(|&place| place < next) {
                list.pop();
            }
            list.pop()
        });
        let Some(place) = place else {
            break;
        };
        same.push(place);
        next = place + 1;
    }
    Ok(same)
}

fn remember(record: &Record, uid: u32, inside: u64) -> Remembered {
    Remembered {
        uid,
        outside: outside(record),
        inside,
    }
}

fn outside(record: &Record) -> u32 {
    let date = record.date();
    let mut bytes = [0; 18];
    let numbers = record.size.to_le_bytes().into_iter();
    let numbers = numbers.chain(date.seconds.to_le_bytes());
    let numbers = numbers.chain(date.offset.to_le_bytes());
    for (to, from) in bytes.iter_mut().zip(numbers) {
        *to = from;
    }
    xxh3_64(&bytes) as u32
}

fn inside(source: Source<'_>, record: &Record) -> Result<u64> {
    let length = usize::try_from(record.size).map_or(LOOKED_AT, |size| size.min(LOOKED_AT));
    let mut bytes = [0; LOOKED_AT];
    let room = bytes.get_mut(..length).unwrap_or_default();
    let count = read_full_at(source.file, room, record.text_offset());
    let count = count.map_err(Error::io(source.path))?;
    Ok(xxh3_64(bytes.get(..count).unwrap_or_default()))
}
