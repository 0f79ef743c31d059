//! Appending. In an order in which a crash leaves what every program reads: the messages, behind the others in data files;
//! the last UID, the keywords and the current data file; their flags; and then their entries in the index, which are what
//! makes them be there.

use std::io::{Read, Write};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::prefile::locks::open_shared;
use crate::driver::layout::prefile::record::bits_of;
use crate::driver::local_file::is_missing;
use crate::driver::message::{Content, Messages, NewMessage, granted};
use crate::driver::mix::contents::{Contents, Record};
use crate::driver::mix::data::Writer;
use crate::driver::mix::fields::sequence_patch;
use crate::driver::mix::index::Entry;
use crate::driver::mix::locked::{Locked, share_of};
use crate::driver::mix::manage::{create, require};
use crate::driver::mix::store::TOO_MANY_KEYWORDS;
use crate::driver::mix::{expunge, store};
use crate::driver::place::Place;
use crate::mail::appended::Appended;
use crate::mail::date::InternalDate;
use crate::mail::flags::{Flags, SystemFlags};
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::OpenMode;

/// Appends all messages or none, durable on return.
pub fn append(
    environment: &Environment,
    place: &Place,
    messages: &mut dyn Messages,
    job: &Job,
) -> Result<Appended> {
    let found = environment.files.metadata(&place.path);
    if place.is_inbox && found.is_err_and(|refusal| is_missing(&refusal)) {
        create(environment, place)?;
    }
    require(environment, place)?;
    let mut batch = Batch::default();
    while let Some(message) = messages.next(job)? {
        job.checkpoint()?;
        batch.stage(environment, message)?;
    }
    if batch.letters.is_empty() {
        return Ok(Appended::default());
    }
    let share = open_shared(environment, &share_of(place), OpenMode::Read, job)?;
    let mut locked = Locked::to_change(environment, place, job)?;
    let appended = batch.deliver(environment, place, &mut locked, job);
    drop(locked);
    drop(share);
    appended
}

/// Messages that shall be appended.
#[derive(Default)]
struct Batch {
    letters: Vec<Letter>,
    /// Their bytes, one behind the other.
    content: Content,
}

struct Letter {
    flags: Flags,
    date: InternalDate,
    wish: Option<Uid>,
    size: u32,
    header: u32,
}

const BLOCK: usize = 64 << 10;

impl Batch {
    fn stage(&mut self, environment: &Environment, mut message: NewMessage) -> Result<()> {
        let scratch = std::env::temp_dir();
        let failed = Error::io(&scratch);
        let too_large = |_| Error::Refused("the message is too large for this format");
        let size = u32::try_from(message.content.len()).map_err(too_large)?;
        let mut reader = message.content.reader().map_err(&failed)?;
        let mut end = HeaderEnd::default();
        let mut block = vec![0; BLOCK.min(size as usize + 1)];
        loop {
            let count = reader.read(&mut block).map_err(&failed)?;
            if count == 0 {
                break;
            }
            let bytes = block.get(..count).unwrap_or_default();
            end.look(bytes);
            self.content.write_all(bytes).map_err(&failed)?;
        }
        let now = || InternalDate {
            seconds: (environment.clock)(),
            offset: 0,
        };
        self.letters.push(Letter {
            flags: message.flags.clone(),
            date: message.internal_date.unwrap_or_else(now),
            wish: message.uid,
            size,
            header: end.found.map_or(size, |end| end as u32),
        });
        Ok(())
    }

    fn deliver(
        &mut self,
        environment: &Environment,
        place: &Place,
        locked: &mut Locked,
        job: &Job,
    ) -> Result<Appended> {
        let mut contents = Contents::read(locked, None, job)?.unwrap_or_default();
        contents.require_sound()?;
        let mut meta = contents.meta.clone();
        let wishes = self.letters.iter().map(|letter| letter.wish);
        let uids = granted(contents.last_uid(), wishes);
        let uids = uids.ok_or(Error::Refused("the mailbox has no UIDs left"))?;
        let sequence = locked.next_sequence(environment, &meta)?;
        if contents.index.stamp.length == 0 {
            // With its sequence in it nobody takes it for one that got lost.
            locked
                .index
                .replace(environment, expunge::text_of(sequence, &[]))?;
            contents.index_is_regular = true;
        }
        let inside = contents.records.iter().map(|record| record.entry);
        let inside = inside.filter(|entry| entry.file == meta.current);
        let end = inside.map(|entry| entry.end()).max().unwrap_or(0);
        let mut writer = Writer::begin(environment, place, meta.current, end);
        let mut records = self.write(&mut writer, &uids, job)?;
        if meta.uid_validity == 0 {
            meta.uid_validity = environment.fresh_uid_validity();
        }
        let mut are_kept = true;
        for (record, letter) in records.iter_mut().zip(&self.letters) {
            meta.words.define(letter.flags.keywords());
            are_kept &= meta.words.know(letter.flags.keywords());
            record.state.keywords = meta.words.bits_of(letter.flags.keywords());
            record.state.flags = bits_of(letter.flags.system.only(SystemFlags::SETTABLE));
            record.state.changed = sequence;
        }
        meta.sequence = sequence;
        meta.last_uid = uids.last().copied().unwrap_or(contents.last_uid());
        meta.current = writer.current;
        writer.name_current();
        locked.write_meta(environment, &meta)?;
        add_states(environment, locked, &contents, &records, sequence)?;
        let added = add_entries(environment, locked, &contents, &records, sequence);
        if matches!(added, Ok(()) | Err(Error::Pending { .. })) {
            // What is to be finished needs them.
            writer.keep();
        }
        added?;
        if !are_kept {
            job.notice(TOO_MANY_KEYWORDS);
        }
        Ok(Appended {
            uid_validity: UidValidity::new(meta.uid_validity),
            count: uids.len() as u64,
            uids: uids.into_iter().filter_map(Uid::new).collect(),
        })
    }

    /// Writes the messages into data files, to disk.
    fn write(&mut self, writer: &mut Writer<'_>, uids: &[u32], job: &Job) -> Result<Vec<Record>> {
        let scratch = std::env::temp_dir();
        let failed = Error::io(&scratch);
        let mut reader = self.content.reader().map_err(&failed)?;
        let mut block = vec![0; BLOCK];
        let mut records = Vec::with_capacity(uids.len());
        for (letter, &uid) in self.letters.iter().zip(uids) {
            job.checkpoint()?;
            let mut entry = Entry::new(uid, letter.date, letter.size, letter.header);
            writer.front(&mut entry)?;
            let mut left = letter.size as usize;
            while left > 0 {
                let room = block.get_mut(..left.min(BLOCK)).unwrap_or_default();
                reader.read_exact(room).map_err(&failed)?;
                writer.write(room)?;
                left -= room.len();
            }
            records.push(Record::new(entry));
        }
        writer.sync()?;
        Ok(records)
    }
}

fn add_states(
    environment: &Environment,
    locked: &mut Locked,
    contents: &Contents,
    records: &[Record],
    sequence: u32,
) -> Result<()> {
    if contents.status_is_regular {
        let lines = records.iter().map(|it| it.state.to_line(it.entry.uid));
        let behind: String = lines.collect();
        let patches = [sequence_patch(sequence)];
        return locked
            .status
            .patch(environment, &patches, behind.as_bytes());
    }
    let all = [&contents.records[..], records].concat();
    locked
        .status
        .replace(environment, store::text_of(sequence, &all))
}

fn add_entries(
    environment: &Environment,
    locked: &mut Locked,
    contents: &Contents,
    records: &[Record],
    sequence: u32,
) -> Result<()> {
    if contents.index_is_regular {
        let behind: String = records.iter().map(|it| it.entry.to_line()).collect();
        let patches = [sequence_patch(sequence)];
        return locked.index.patch(environment, &patches, behind.as_bytes());
    }
    let all = [&contents.records[..], records].concat();
    locked
        .index
        .replace(environment, expunge::text_of(sequence, &all))
}

/// Finds where a header ends, in bytes that come part by part.
#[derive(Default)]
struct HeaderEnd {
    /// The bytes up to behind the blank line.
    found: Option<u64>,
    seen: u64,
    /// Whether the line has anything but a CR so far.
    in_line: bool,
}

impl HeaderEnd {
    fn look(&mut self, bytes: &[u8]) {
        if self.found.is_some() {
            return;
        }
        let mut from = 0;
        for place in memchr::memchr_iter(b'\n', bytes) {
            let line = bytes.get(from..place).unwrap_or_default();
            if !self.in_line && matches!(line, b"" | b"\r") {
                self.found = Some(self.seen + place as u64 + 1);
                return;
            }
            (from, self.in_line) = (place + 1, false);
        }
        let rest = bytes.get(from..).unwrap_or_default();
        self.in_line |= !matches!(rest, b"" | b"\r");
        self.seen += bytes.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_behind_its_blank_line_wherever_the_parts_end() {
        for (text, expected) in [
            (&b"a: b\r\n\r\ntext\r\n\r\n"[..], Some(8)),
            (b"\r\ntext", Some(2)),
            (b"a: b\n\nx", Some(6)),
            (b"a: b\r\n", None),
            (b"\ra\r\n\n", Some(5)),
        ] {
            for cut in 0..=text.len() {
                let mut end = HeaderEnd::default();
                end.look(&text[..cut]);
                end.look(&text[cut..]);
                assert_eq!(end.found, expected, "{text:?} {cut}");
            }
        }
    }
}
