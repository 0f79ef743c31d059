//! What is in a mailbox file: its records and its own data, how they are read, and how two readings are compared.

use std::collections::BTreeMap;

use crate::driver::error::Result;
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::framing::Framing;
use crate::driver::layout::file::read_ahead::reading_ahead;
use crate::driver::layout::file::record::{Base, Marks, Record};
use crate::driver::layout::file::scan::Scan;

/// The messages of a file and what it says of itself.
#[derive(Clone, Debug)]
pub struct Contents {
    /// How the messages are told apart.
    pub framing: &'static Framing,
    /// The mailbox's data as they hold now.
    pub base: Base,
    /// The same as they stand in the file.
    pub on_disk: Base,
    /// The messages, UIDs ascending.
    pub records: Vec<Record>,
    /// Bytes that were read.
    pub length: u64,
    /// The first damage: where it is, and what.
    pub damaged: Option<(u64, &'static str)>,
    /// Where the first message is that NULs hide.
    pub hidden: Option<u64>,
}

/// What became of the messages of an earlier reading.
pub enum Difference {
    /// They are known again; these places of the earlier records are gone, these UIDs have other flags, and what
    /// follows so many records of the new reading is new.
    Followed {
        /// Places in the earlier records.
        gone: Vec<usize>,
        /// UIDs whose flags changed.
        flags: Vec<u32>,
        /// How many records were known before.
        known: usize,
    },
    /// Nothing can be said: other UIDs, or messages in between.
    Lost,
}

impl Contents {
    /// Reads a whole file. `validity`, or a larger one, becomes its UIDVALIDITY when it has none or its UIDs are out of order. `found` hears of every message, in order.
    pub fn read(
        source: Source<'_>,
        framing: &'static Framing,
        length: u64,
        validity: u32,
        job: &Job,
        found: &mut dyn FnMut(&Base, &Record),
    ) -> Result<Self> {
        reading_ahead(source.file, length, |ahead| {
            let scan = Scan::whole(source, framing, length, ahead, job)?;
            Self::take_all(scan, framing, length, validity, job, found)
        })
    }

    fn take_all(
        mut scan: Scan<'_>,
        framing: &'static Framing,
        length: u64,
        validity: u32,
        job: &Job,
        found: &mut dyn FnMut(&Base, &Record),
    ) -> Result<Self> {
        let mut records = Vec::new();
        while let Some(record) = scan.next_message()? {
            found(scan.base(), &record);
            records.push(record);
            if records.len().is_multiple_of(256) {
                job.progress(scan.offset(), length);
            }
        }
        let on_disk = scan.told().clone();
        let mut base = scan.base().clone();
        if base.uid_validity == 0 {
            base.uid_validity = validity.max(on_disk.uid_validity.saturating_add(1));
        }
        records.shrink_to_fit();
        Ok(Self {
            framing,
            base,
            on_disk,
            records,
            length: scan.offset(),
            damaged: scan.damage(),
            hidden: scan.hidden(),
        })
    }

    /// Reads what was added behind the last record. `None` when the last message is another one now, or longer. Where it
    /// does not succeed everything is as before.
    pub fn read_on(&mut self, source: Source<'_>, length: u64, job: &Job) -> Result<Option<usize>> {
        let known = self.records.len();
        let last = self.records.last().copied();
        let read = self.add_new(source, length, job);
        if !matches!(read, Ok(Some(_))) {
            self.records.truncate(known);
            if let (Some(record), Some(as_before)) = (self.records.last_mut(), last) {
                *record = as_before;
            }
        }
        read
    }

    fn add_new(&mut self, source: Source<'_>, length: u64, job: &Job) -> Result<Option<usize>> {
        let last = self.records.len().checked_sub(1);
        let mut base = self.base.clone();
        let (start, previous) = match last.and_then(|at| self.records.get(at)) {
            Some(record) => (record.offset, record.uid - 1),
            None => (self.length, base.last_uid),
        };
        base.last_uid = previous;
        let mut scan = Scan::resume(source, self.framing, start..length, base, previous, job);
        if last.is_some() {
            let Some(again) = scan.next_message()? else {
                return Ok(None);
            };
            let Some(record) = self.records.last_mut() else {
                return Ok(None);
            };
            if !record.is_same_text(&again) || record.uid != again.uid {
                return Ok(None);
            }
            (record.text, record.separator) = (again.text, again.separator);
        }
        scan.raise_last_uid(self.base.last_uid);
        let known = self.records.len();
        while let Some(record) = scan.next_message()? {
            self.records.push(record);
        }
        self.base.last_uid = scan.base().last_uid;
        self.length = scan.offset();
        self.damaged = self.damaged.or(scan.damage());
        self.hidden = self.hidden.or(scan.hidden());
        Ok(Some(known))
    }

    /// Where the message with this UID is among the records.
    pub fn place_of(&self, uid: u32) -> Option<usize> {
        let found = self.records.binary_search_by_key(&uid, |record| record.uid);
        found.ok()
    }

    /// Whether something has to be written for flags and UIDs to last. A file without UIDs gets them only along with a flag.
    pub fn is_dirty(&self) -> bool {
        let any = |mark| self.records.iter().any(|record| record.marks.has(mark));
        any(Marks::CHANGED) || any(Marks::NEW) || self.lacks_uids()
    }

    /// Whether the file has UIDs, but not those of all messages.
    pub fn lacks_uids(&self) -> bool {
        self.on_disk.uid_validity != 0
            && (self.base != self.on_disk
                || self
                    .records
                    .iter()
                    .any(|record| record.marks.has(Marks::NO_UID)))
    }

    /// Compares with an earlier reading of the same mailbox, and takes over its UIDs where the file has none, its flags
    /// where they were not written yet.
    pub fn follow(&mut self, earlier: &Self) -> Difference {
        if self.on_disk.uid_validity == 0 {
            self.base.uid_validity = earlier.base.uid_validity;
            return self.follow_by_text(earlier);
        }
        if self.on_disk.uid_validity != earlier.base.uid_validity {
            return Difference::Lost;
        }
        self.follow_by_uid(earlier)
    }

    /// Messages keep their order: each one is looked for behind the one before.
    fn follow_by_text(&mut self, earlier: &Self) -> Difference {
        let mut gone = Vec::new();
        let mut flags = Vec::new();
        let mut next = 0;
        let mut known = 0;
        for record in &mut self.records {
            let rest = earlier.records.get(next..).unwrap_or_default();
            let Some(place) = rest.iter().position(|old| old.is_same_text(record)) else {
                break;
            };
            gone.extend(next..next + place);
            if let Some(old) = rest.get(place) {
                record.uid = old.uid;
                take_over(record, old, &mut self.base, &earlier.base, &mut flags);
            }
            next += place + 1;
            known += 1;
        }
        gone.extend(next..earlier.records.len());
        let mut last = earlier.base.last_uid;
        for record in self.records.iter_mut().skip(known) {
            last = last.saturating_add(1);
            record.uid = last;
        }
        self.base.last_uid = last;
        Difference::Followed { gone, flags, known }
    }

    fn follow_by_uid(&mut self, earlier: &Self) -> Difference {
        self.base.last_uid = self.base.last_uid.max(earlier.base.last_uid);
        let mut places: BTreeMap<u32, usize> = BTreeMap::new();
        for (place, old) in earlier.records.iter().enumerate() {
            places.insert(old.uid, place);
        }
        let highest = earlier.records.last().map_or(0, |old| old.uid);
        let mut flags = Vec::new();
        let mut known = 0;
        for record in &mut self.records {
            let old = places.remove(&record.uid);
            match old.and_then(|place| earlier.records.get(place)) {
                Some(old) if old.is_same_text(record) => {
                    take_over(record, old, &mut self.base, &earlier.base, &mut flags);
                    known += 1;
                }
                None if record.uid > highest => {}
                _ => return Difference::Lost,
            }
        }
        Difference::Followed {
            gone: places.into_values().collect(),
            flags,
            known,
        }
    }
}

/// Gives a message that was found again the flags that were not written yet, and notes whether they are others than before.
fn take_over(
    record: &mut Record,
    old: &Record,
    base: &mut Base,
    earlier: &Base,
    flags: &mut Vec<u32>,
) {
    if old.marks.has(Marks::CHANGED) {
        let names: Vec<_> = earlier.named(old.keywords).cloned().collect();
        record.system = old.system;
        record.keywords = base.define(&names);
        record.marks.set(Marks::CHANGED);
        return;
    }
    let same_keywords = base.named(record.keywords).eq(earlier.named(old.keywords));
    if record.system != old.system || !same_keywords {
        flags.push(record.uid);
    }
}
