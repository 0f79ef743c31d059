//! A repaired copy of a damaged mailbox: every message that can be made out, with its flags, date and UID, in a new
//! mailbox of the same format. The damaged one may even lack its header, or the line of its first message.

use std::io::Write;

use crate::driver::contract::LocalDriver;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::contents::{Contents, Reading, read_header};
use crate::driver::layout::prefile::format::Format;
use crate::driver::layout::prefile::locks;
use crate::driver::layout::prefile::mailbox::number_elsewhere;
use crate::driver::layout::prefile::memory::Memory;
use crate::driver::layout::prefile::record::{Record, system_of};
use crate::driver::layout::prefile::scan::Scan;
use crate::driver::layout::prefile::words::Words;
use crate::driver::message::{Content, Messages, NewMessage};
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::mail::flags::Flags;
use crate::mail::status::Access;
use crate::mail::uid::Uid;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::transfer::read_exact_at;

/// What was made out of a damaged mailbox.
pub struct Salvage {
    file: Box<dyn MailFile>,
    place: Place,
    words: Words,
    records: std::vec::IntoIter<Record>,
    /// The last UID that was wished for; the highest where none is.
    last: u32,
    done: u64,
    total: u64,
}

/// Whether a file that is not recognised as of `format` has lines of that format all the same, near its beginning.
pub fn is_likely(format: &'static Format, source: Source<'_>, length: u64, job: &Job) -> bool {
    let mut scan = Scan::new(format, source, 0, length, job)
        .of_lines()
        .in_silence();
    scan.find_line(0, LOOKED_AT).unwrap_or(false)
}

/// How far a damaged beginning reaches at most, in bytes.
const LOOKED_AT: u64 = 64 * 1024;

/// Looks for every message in the file at `place`; those that are expunged and only hidden are none.
pub fn salvage(
    environment: &Environment,
    (format, memory): (&'static Format, Option<&mut dyn Memory>),
    place: &Place,
    job: &Job,
) -> Result<(Salvage, Repaired)> {
    let file = locks::open_shared(environment, place, OpenMode::Read, job)?;
    let path = &place.path;
    let source = Source { file: &*file, path };
    let length = file.metadata().map_err(Error::io(path))?.len();
    let header = match format.is_numbered() {
        true => read_header(source).ok(),
        false => None,
    };
    let (all, mut repaired) = find_all(format, source, length, job)?;
    let mut contents = Contents::default();
    contents.records = all.into_iter().filter(|it| !it.is_hidden()).collect();
    let spent = header
        .as_ref()
        .is_some_and(|header| header.last_uid > HIGHEST);
    contents.base.words = header.map(|header| header.words).unwrap_or_default();
    let reading = Reading {
        format,
        source,
        validity: 1,
        job,
        counts: false,
    };
    number_elsewhere(reading, memory, (&mut contents, 0), Access::ReadOnly)?;
    let total = contents.records.len() as u64;
    repaired.messages = total;
    let salvage = Salvage {
        file,
        place: place.clone(),
        words: contents.base.words,
        records: contents.records.into_iter(),
        last: if spent { u32::MAX } else { 0 },
        done: 0,
        total,
    };
    Ok((salvage, repaired))
}

/// Makes the mailbox at `to` of what was salvaged; all of it or nothing.
pub fn fill(driver: &dyn LocalDriver, to: &Place, mut salvage: Salvage, job: &Job) -> Result<()> {
    driver.create(to, job)?;
    if salvage.total == 0 {
        return Ok(());
    }
    let appended = driver.append(to, &mut salvage, job);
    if appended.is_err() {
        let _stays = driver.delete(to, &job.uncancelled()).is_err();
    }
    appended.map(drop)
}

/// Every message, hidden ones too, and what lies between them.
fn find_all(
    format: &'static Format,
    source: Source<'_>,
    length: u64,
    job: &Job,
) -> Result<(Vec<Record>, Repaired)> {
    let mut scan = Scan::new(format, source, format.front().min(length), length, job).of_lines();
    let mut records: Vec<Record> = Vec::new();
    let mut repaired = Repaired::default();
    loop {
        let stopped = match scan.next_message() {
            Ok(Some(record)) => {
                records.push(record);
                continue;
            }
            Ok(None) => return Ok((records, repaired)),
            Err(Error::Damaged { offset, .. }) => offset,
            Err(refusal) => return Err(refusal),
        };
        let last = records.last().copied();
        let last = last.filter(|record| record.end() == stopped);
        let least = match last {
            Some(record) => record.text_offset() + 1,
            // A mailbox whose header is gone may have its first message anywhere.
            None if records.is_empty() => 0,
            None => stopped + 1,
        };
        if !scan.resynchronise(least)? {
            repaired.left_out.push((stopped, length - stopped));
            return Ok((records, repaired));
        }
        let next = scan.offset();
        match last.filter(|record| record.end() > next) {
            Some(record) => {
                let cut = scan.cut(&record, next)?;
                if let Some(last) = records.last_mut() {
                    *last = cut;
                }
            }
            None => repaired
                .left_out
                .push((stopped, next.saturating_sub(stopped))),
        }
    }
}

impl Messages for Salvage {
    fn next(&mut self, job: &Job) -> Result<Option<NewMessage>> {
        job.checkpoint()?;
        let Some(record) = self.records.next() else {
            return Ok(None);
        };
        job.progress(self.done, self.total);
        self.done += 1;
        let failed = Error::io(&self.place.path);
        let mut content = Content::new();
        let mut block = vec![0; BLOCK];
        let (mut at, end) = (record.text_offset(), record.end());
        while at < end {
            let count = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
            let block = block.get_mut(..count).unwrap_or_default();
            read_exact_at(&*self.file, block, at).map_err(&failed)?;
            content.write_all(block).map_err(&failed)?;
            at += count as u64;
        }
        let uid = Uid::new(record.uid).filter(|uid| uid.get() > self.last);
        self.last = uid.map_or(self.last, Uid::get);
        Ok(Some(NewMessage {
            flags: Flags::new(
                system_of(record.flags),
                self.words
                    .names_of(record.all_keywords() & self.words.named_bits()),
            ),
            internal_date: Some(record.date()),
            sender: None,
            uid,
            content,
        }))
    }
}

const BLOCK: usize = 64 * 1024;
/// A mailbox that has given out this UID needs new ones: few are left.
const HIGHEST: u32 = u32::MAX - (1 << 20);
