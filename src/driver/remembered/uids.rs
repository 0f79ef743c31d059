//! Gives the messages of a mailbox the UIDs and keywords that they had before, whatever other programs did to it meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::memory::Memory;
use crate::driver::layout::prefile::record::{Base, Record};
use crate::driver::layout::prefile::words::Words;
use crate::driver::remembered::follow::{follow, inside, outside};
use crate::driver::remembered::names::Names;
use crate::driver::remembered::table::{self, FileState, PUT_OFF, Remembered, Table};
use crate::mail::status::Access;
use crate::os::environment::Environment;

/// The memory of one mailbox.
pub struct Uids {
    environment: Arc<Environment>,
    driver: &'static str,
    path: PathBuf,
    place: PathBuf,
    /// The keywords that have a bit in the file.
    in_file: Words,
    sticky: bool,
    /// Whether the table could not be read: it is not written over then.
    unreadable: bool,
    /// Whether the table lacks what this session knows.
    unsaved: bool,
    trouble: Option<Error>,
}

impl Uids {
    /// The memory of the mailbox at `path`, whose keyword bits have the names `words`.
    pub fn new(
        environment: &Arc<Environment>,
        driver: &'static str,
        path: &Path,
        words: Words,
        access: Access,
    ) -> Self {
        let mut uids = Self {
            place: table::place(environment, path),
            environment: Arc::clone(environment),
            driver,
            path: path.to_owned(),
            in_file: words,
            sticky: false,
            unreadable: false,
            unsaved: false,
            trouble: None,
        };
        let will_write = access == Access::ReadWrite && !environment.read_only;
        uids.sticky = will_write || uids.read().is_some();
        uids
    }

    /// The table, where there is one that can be used.
    fn read(&mut self) -> Option<Table> {
        match Table::read(&self.environment, &self.place, self.driver) {
            Ok(table) => table,
            Err(refusal) => {
                if !self.unreadable {
                    self.trouble = Some(Error::io(&self.place)(refusal));
                }
                self.unreadable = true;
                None
            }
        }
    }

    fn write(&mut self, mut table: Table) {
        if self.unreadable {
            return;
        }
        table.file = FileState::of(&self.environment, &self.path);
        table.tidy();
        let written = table.write(&self.environment, &self.place, self.driver);
        let failed = written.is_err();
        if let Err(refusal) = written
            && !self.unsaved
        {
            self.trouble = Some(Error::io(&self.place)(refusal));
        }
        self.unsaved = failed;
    }

    /// The keywords of the mailbox: those that are known already, or those in the file, and those in the table.
    fn names(&self, known: Option<&Base>, table: Option<&Table>) -> Names {
        let kept = table.map(|table| &*table.keywords).unwrap_or_default();
        Names::new(known.map_or(&self.in_file, |base| &base.words), kept)
    }

    /// The table of these messages.
    fn table_of(&mut self, source: Source<'_>, base: &Base, records: &[Record]) -> Result<Table> {
        let found = self.read();
        let names = self.names(Some(base), found.as_ref());
        let known = found.map(|table| table.messages).unwrap_or_default();
        let mut messages = Vec::with_capacity(records.len());
        for record in records {
            let place = known.binary_search_by_key(&record.uid, |it| it.uid);
            let entry = place.ok().and_then(|at| known.get(at));
            messages.push(match entry.filter(|it| it.outside == outside(record)) {
                Some(entry) => Remembered {
                    state: state_of(record, &names, entry.state),
                    ..*entry
                },
                None => self.remember(source, record, &names)?,
            });
        }
        Ok(Table {
            uid_validity: base.uid_validity,
            last_uid: base.last_uid,
            file: FileState::default(),
            keywords: names.kept(),
            messages,
        })
    }

    fn remember(&self, source: Source<'_>, record: &Record, names: &Names) -> Result<Remembered> {
        Ok(Remembered {
            uid: record.uid,
            outside: outside(record),
            inside: inside(source, record)?,
            state: state_of(record, names, 0),
        })
    }
}

impl Memory for Uids {
    fn words_in_file(&self) -> Words {
        self.in_file.clone()
    }

    fn is_sticky(&self) -> bool {
        self.sticky
    }

    fn number(
        &mut self,
        source: Source<'_>,
        base: &mut Base,
        (records, known): (&mut [Record], usize),
        access: Access,
    ) -> Result<()> {
        let found = self.read();
        // What is known of messages that were told is in the bits of the names that were told.
        let names = self.names(Some(&*base).filter(|_| known > 0), found.as_ref());
        let first_time = found.is_none();
        let now = FileState::of(&self.environment, &self.path);
        // Who wrote meanwhile may have changed what was meant.
        let still_meant = found.as_ref().is_some_and(|found| found.file == now);
        let mut table = found.unwrap_or_else(|| table::fresh(&self.environment));
        let before = table.last_uid;
        let told = records.get(..known).and_then(<[Record]>::last);
        let told = told.map_or(0, |record| record.uid);
        if known > 0 && table.uid_validity != base.uid_validity {
            // Told UIDs must hold as long as the mailbox is open: they go on with what was told.
            (table.uid_validity, table.last_uid) = (base.uid_validity, base.last_uid);
            table.messages.clear();
            self.unsaved = true;
        }
        let first = table.messages.partition_point(|it| it.uid <= told);
        let behind = table.messages.split_off(first);
        let new = records.get_mut(known..).unwrap_or_default();
        let followed = follow(source, &behind, new)?;
        if followed.is_torn && known == 0 {
            // UIDs ascend as messages do: those that are in another order now cannot keep theirs.
            table.uid_validity = table::fresh(&self.environment)
                .uid_validity
                .max(table.uid_validity.saturating_add(1));
            table.last_uid = 0;
        }
        let keep = if followed.is_torn && known == 0 {
            0
        } else {
            followed.in_order
        };
        let mut last = table
            .last_uid
            .max(if known == 0 { 0 } else { base.last_uid });
        let mut kept = Vec::with_capacity(new.len());
        for (place, record) in new.iter_mut().enumerate() {
            let same = followed.same.get(place).copied().flatten();
            let same = same.and_then(|at| behind.get(at)).copied();
            let uid = match same.filter(|_| place < keep) {
                Some(entry) => entry.uid,
                None => {
                    last = last.saturating_add(1);
                    last
                }
            };
            record.uid = uid;
            record.keywords &= self.in_file.in_file_bits();
            let entry = match same {
                Some(entry) => {
                    record.kept = names.bits_of_state(entry.state);
                    record.put_off =
                        still_meant && entry.state & PUT_OFF != 0 && record.is_deleted();
                    Remembered {
                        uid,
                        state: state_of(record, &names, entry.state),
                        ..entry
                    }
                }
                // Who only looks keeps nothing, and need not read what it would be known by.
                None if access == Access::ReadOnly => continue,
                None => self.remember(source, record, &names)?,
            };
            kept.push(entry);
        }
        table.last_uid = last;
        (base.uid_validity, base.last_uid) = (table.uid_validity, last);
        base.words = names.words();
        if access == Access::ReadOnly {
            return Ok(());
        }
        let changed = kept != behind || first_time || before != last;
        table.messages.extend(kept);
        if self.unsaved {
            return self.keep(source, base, records);
        }
        if changed {
            self.write(table);
        }
        Ok(())
    }

    fn keep(&mut self, source: Source<'_>, base: &Base, records: &[Record]) -> Result<()> {
        let table = self.table_of(source, base, records)?;
        self.write(table);
        Ok(())
    }

    fn foresee(
        &mut self,
        source: Source<'_>,
        base: &mut Base,
        records: &[Record],
        new: &mut [(Record, u64)],
    ) -> Result<()> {
        for (record, _) in new.iter_mut() {
            base.last_uid = base
                .last_uid
                .checked_add(1)
                .ok_or(Error::Refused("the mailbox has no UIDs left"))?;
            record.uid = base.last_uid;
        }
        let mut table = self.table_of(source, base, records)?;
        let names = Names::new(&self.in_file, &table.keywords);
        table
            .messages
            .extend(new.iter().map(|(record, inside)| Remembered {
                uid: record.uid,
                outside: outside(record),
                inside: *inside,
                state: state_of(record, &names, 0),
            }));
        self.write(table);
        match self.trouble.take() {
            Some(trouble) => Err(trouble),
            None if self.unreadable => Err(Error::Refused(
                "what is remembered of the mailbox cannot be read, so its keywords cannot be kept",
            )),
            None => Ok(()),
        }
    }

    fn look_again(&mut self, base: &mut Base, records: &mut [Record]) -> (Vec<usize>, bool) {
        // What could not be written is known here only.
        let table = self.read().filter(|_| !self.unsaved);
        let Some(table) = table.filter(|table| table.uid_validity == base.uid_validity) else {
            return (Vec::new(), false);
        };
        let names = self.names(Some(base), Some(&table));
        base.words = names.words();
        let mut entries = table.messages.iter().peekable();
        let (mut changed, mut outdated) = (Vec::new(), false);
        for (place, record) in records.iter_mut().enumerate() {
            while entries.next_if(|it| it.uid < record.uid).is_some() {}
            let Some(entry) = entries.next_if(|it| it.uid == record.uid) else {
                continue;
            };
            let before = record.all_keywords();
            record.kept = names.bits_of_state(entry.state);
            let is_put_off = entry.state & PUT_OFF != 0;
            outdated |= is_put_off && !record.is_deleted();
            record.put_off = is_put_off && record.is_deleted();
            if record.all_keywords() != before {
                changed.push(place);
            }
        }
        (changed, outdated)
    }

    fn trouble(&mut self) -> Option<Error> {
        self.trouble.take()
    }
}

/// The state of a message in the table; `before` has what this session has no bit for.
fn state_of(record: &Record, names: &Names, before: u32) -> u32 {
    let put_off = if record.put_off { PUT_OFF } else { 0 };
    names.state_of_bits(record.kept, before) | put_off
}
