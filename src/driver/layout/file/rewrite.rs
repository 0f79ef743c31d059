//! Plans the new content of a mailbox file. Only messages whose header changes are written; what follows is moved along.
//!
//! Metadata lines stand at the end of the header. They are padded, so that most changes of flags stay in place.

use memchr::memmem;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::{Retained, Source};
use crate::driver::layout::file::contents::Contents;
use crate::driver::layout::file::framing::{Division, Framing};
use crate::driver::layout::file::from_line::{self, FromLine};
use crate::driver::layout::file::metadata::{self, Kind, Origin};
use crate::driver::layout::file::record::{Base, Marks, Pseudo, Record};
use crate::driver::layout::file::window::Window;
use crate::mail::date::InternalDate;
use crate::os::journal::plan::Plan;

/// What a rewrite shall do besides writing flags and UIDs.
pub struct Wish<'a> {
    /// Which messages shall go.
    pub remove: &'a dyn Fn(&Record) -> bool,
    /// Whether messages that no session has seen stay so: they get no `O`.
    pub keep_new: bool,
    /// Whose mailbox it is, for From lines that have to be made.
    pub owner: &'a str,
    /// The host's name, for a pseudo message.
    pub host: &'a str,
    /// The time, for a pseudo message.
    pub now: InternalDate,
}

/// A new content, ready to be written.
pub struct Rewrite {
    /// How it is made of the old one.
    pub plan: Plan,
    /// What it will hold.
    pub contents: Contents,
    /// Whether everything that was to be written is; else another rewrite has to follow.
    pub complete: bool,
}

/// What a plan may take in the journal before the rest is left to another rewrite, in bytes: enough for the first marking
/// of three million messages.
const COSTLIEST: usize = 28 << 20;
/// What it may take in memory, in bytes.
const LARGEST: usize = 384 << 20;
/// CRs are taken out of texts up to this size, in bytes; larger ones are moved as they are.
const LARGEST_WITHOUT_CR: u64 = 256 * 1024;
/// Into how many pieces CRs, or lines that are left out, may cut one message. Senders decide how many there are: beyond
/// this CRs stay, and a header is put anew as a whole.
const MOST_PIECES: usize = 1 << 14;
/// Headers up to this size are put anew where they would be too many pieces, in bytes. Larger ones stay as they are,
/// and the message's flags are not saved.
const LARGEST_HEADER: u64 = 4 << 20;
/// How much longer than needed a header may stay so that what follows does not move, in bytes.
const MOST_SLACK: u64 = 512;

impl Rewrite {
    /// Whether it would leave every byte as it is.
    pub fn is_idle(&self) -> bool {
        self.plan.fresh().is_empty() && self.plan.new_length() == self.plan.old_length()
    }
}

/// Plans the new content of the file that `contents` describes.
pub fn plan(
    source: Source<'_>,
    contents: &Contents,
    wish: &Wish<'_>,
    job: &Job,
) -> Result<Rewrite> {
    let mut writer = Writer {
        source,
        plan: Plan::new(contents.length),
        framing: contents.framing,
        base: contents.base.clone(),
        records: Vec::with_capacity(contents.records.len()),
        wish,
        complete: true,
        cuts: 0,
        kept_crs: false,
    };
    let first = contents.records.first().map(|record| record.offset);
    let pseudo = contents.base.pseudo;
    let start = pseudo.map(|pseudo| pseudo.offset).or(first);
    writer.plan.keep(0, start.unwrap_or(contents.length));
    let base_changed = contents.base != contents.on_disk;
    if let Some(pseudo) = pseudo {
        writer.pseudo(pseudo, base_changed);
    }
    for (place, record) in contents.records.iter().enumerate() {
        if place.is_multiple_of(1024) {
            job.checkpoint()?;
        }
        if (wish.remove)(record) {
            continue;
        }
        let leads = writer.records.is_empty() && pseudo.is_none();
        let must = leads && (base_changed || place > 0);
        writer.message(record, leads, must)?;
    }
    if writer.records.is_empty() && pseudo.is_none() {
        writer.new_pseudo();
    }
    Ok(Rewrite {
        contents: Contents {
            damaged: None,
            hidden: contents.hidden,
            framing: contents.framing,
            on_disk: writer.base.clone(),
            base: writer.base,
            records: writer.records,
            length: writer.plan.new_length(),
        },
        plan: writer.plan,
        complete: writer.complete,
    })
}

struct Writer<'a> {
    source: Source<'a>,
    plan: Plan,
    framing: &'static Framing,
    base: Base,
    records: Vec<Record>,
    wish: &'a Wish<'a>,
    complete: bool,
    /// Into how many more pieces the message at hand may be cut.
    cuts: usize,
    /// Whether CRs of it stay.
    kept_crs: bool,
}

impl Writer<'_> {
    /// The pseudo message as it is, but for its X-IMAP line.
    fn pseudo(&mut self, old: Pseudo, changed: bool) {
        let offset = self.plan.new_length();
        let mut new = Pseudo {
            offset,
            line: offset + (old.line - old.offset),
            ..old
        };
        if changed {
            let line = metadata::imap_line(&self.base);
            let after = old.line + old.line_length;
            self.plan.keep(old.offset, old.line - old.offset);
            self.plan.put(&line);
            self.plan.keep(after, old.offset + old.length - after);
            new.line_length = line.len() as u64;
            new.length = self.plan.new_length() - offset;
        } else {
            self.plan.keep(old.offset, old.length);
        }
        self.base.pseudo = Some(new);
    }

    /// A pseudo message for a mailbox that would be an empty file, which could not keep its UIDs.
    fn new_pseudo(&mut self) {
        let offset = self.plan.new_length();
        let origin = Origin {
            host: self.wish.host,
            now: self.wish.now,
            is_new: false,
        };
        let text = metadata::pseudo_message(&self.base, &origin, self.framing);
        let line = memmem::find(&text, b"X-IMAP:").unwrap_or(0) as u64;
        self.plan.put(&text);
        self.base.pseudo = Some(Pseudo {
            offset,
            length: text.len() as u64,
            line: offset + line,
            line_length: metadata::imap_line(&self.base).len() as u64,
        });
    }

    fn message(&mut self, record: &Record, leads: bool, must: bool) -> Result<()> {
        let marks = record.marks;
        let new = marks.has(Marks::NEW) && !self.wish.keep_new;
        if !must && !new && !marks.has(Marks::CHANGED) && !marks.has(Marks::NO_UID) {
            self.unchanged(record);
            return Ok(());
        }
        if self.plan.cost() > COSTLIEST || self.plan.size() > LARGEST {
            self.complete = false;
            self.unchanged(record);
            return Ok(());
        }
        self.changed(record, leads)
    }

    fn unchanged(&mut self, record: &Record) {
        let mut new = record.moved_to(self.plan.new_length());
        if new.offset == 0 && record.marks.has(Marks::SHARED) {
            self.plan.put(self.framing.before);
            new.own_delimiter(self.framing);
        }
        self.plan.keep(record.offset, record.end() - record.offset);
        self.records.push(new);
    }

    fn changed(&mut self, record: &Record, leads: bool) -> Result<()> {
        let retained = self.source.retained(record)?;
        let is_in_shreds = retained.ranges.len() > MOST_PIECES;
        if is_in_shreds && record.head > LARGEST_HEADER {
            self.unchanged(record);
            return Ok(());
        }
        self.cuts = MOST_PIECES;
        self.kept_crs = false;
        let mut new = record.moved_to(self.plan.new_length());
        new.marks.clear(Marks::CHANGED);
        new.marks.clear(Marks::NO_UID);
        if !self.wish.keep_new {
            new.marks.clear(Marks::NEW);
        }
        let without_cr = record.marks.has(Marks::HAS_CR) && self.framing.drops_cr;
        self.lead(record, &mut new, without_cr)?;
        self.header(record, &mut new, &retained, leads)?;
        new.head = self.plan.new_length() - new.offset;
        let without_cr = without_cr
            && record.text <= LARGEST_WITHOUT_CR
            && !self.would_turn(record.text_offset(), record.text, divides)?;
        new.text = self.copy(record.text_offset(), record.text, without_cr)?;
        if without_cr && !self.kept_crs {
            new.marks.clear(Marks::HAS_CR);
        }
        self.separator(record, &mut new)?;
        self.records.push(new);
        Ok(())
    }

    /// The lead, with everything that the framing wants there: a date of its own is written down, too.
    fn lead(&mut self, record: &Record, new: &mut Record, without_cr: bool) -> Result<()> {
        if record.marks.has(Marks::SHARED) {
            self.plan.put(self.framing.before);
            new.marks.clear(Marks::SHARED);
        }
        self.copy(record.offset, u64::from(record.lead), without_cr)?;
        if record.marks.has(Marks::UNDATED) {
            let line = from_line::write(b"", self.wish.owner, &record.date());
            self.plan.put(&line);
            new.marks.clear(Marks::UNDATED);
        }
        new.lead = (self.plan.new_length() - new.offset) as u32;
        Ok(())
    }

    fn header(
        &mut self,
        record: &Record,
        new: &mut Record,
        retained: &Retained,
        leads: bool,
    ) -> Result<()> {
        let has_cr = record.marks.has(Marks::HAS_CR);
        let mut without_cr = has_cr && self.framing.drops_cr && record.head <= LARGEST_HEADER;
        for &(offset, length) in &retained.ranges {
            without_cr = without_cr && !self.would_turn(offset, length, is_no_field)?;
        }
        let is_in_shreds = retained.ranges.len() > MOST_PIECES;
        let rest = self.open_crs(record, retained)?;
        let last = retained.ranges.last().copied();
        for &(offset, length) in &retained.ranges {
            let length = length
                - if last == Some((offset, length)) {
                    rest
                } else {
                    0
                };
            if is_in_shreds {
                self.put_anew(offset, length)?;
            } else {
                self.copy(offset, length, without_cr)?;
            }
        }
        self.kept_crs |= (is_in_shreds || !without_cr) && has_cr;
        if !retained.ended && rest == 0 {
            self.plan.put(b"\n");
            new.size += 2;
        }
        if !retained.blank_line {
            new.marks.clear(Marks::CUT);
            new.size += 2;
        }
        let mut block = metadata::block(new, &self.base, leads, 0);
        let written = self.plan.new_length() - new.offset;
        let needed = written + block.len() as u64 + 1;
        let slack = record.head.saturating_sub(needed);
        if slack > 0 && slack <= MOST_SLACK && !without_cr {
            block = metadata::block(new, &self.base, leads, slack);
        }
        block.push(b'\n');
        self.plan.put(&block);
        Ok(())
    }

    /// Ends a text as the framing wants it; a last line that has no LF of its own gets one.
    fn separator(&mut self, record: &Record, new: &mut Record) -> Result<()> {
        let after = self.framing.after;
        new.separator = after.len() as u8;
        if usize::from(record.separator) == after.len() {
            let length = after.len() as u64;
            self.plan.keep(record.end() - length, length);
            return Ok(());
        }
        let is_open = record.separator == 0 && record.text > 0 && !self.ends_line(record)?;
        if !is_open {
            self.plan.put(after);
            return Ok(());
        }
        self.plan.put(b"\n");
        new.text += 1;
        new.size += 2;
        match self.framing.division {
            Division::FromLines => new.separator = 0,
            Division::Delimiters => self.plan.put(after),
        }
        Ok(())
    }

    fn ends_line(&self, record: &Record) -> Result<bool> {
        let mut last = Window::new(self.source.file, record.end() - 1, record.end());
        last.more().map_err(Error::io(self.source.path))?;
        Ok(last.rest() == b"\n")
    }

    /// Takes over a range of the file, with or without its CRs. Returns how many bytes that makes.
    fn copy(&mut self, offset: u64, length: u64, without_cr: bool) -> Result<u64> {
        let before = self.plan.new_length();
        if !without_cr || !self.may_cut(offset, length)? {
            self.plan.keep(offset, length);
            return Ok(self.plan.new_length() - before);
        }
        let mut window = Window::new(self.source.file, offset, offset + length);
        while window.more().map_err(Error::io(self.source.path))? {
            let at = window.offset();
            let bytes = window.rest();
            let mut from = 0;
            for place in memchr::memchr_iter(b'\r', bytes) {
                self.plan.keep(at + from as u64, (place - from) as u64);
                from = place + 1;
            }
            let count = bytes.len();
            self.plan.keep(at + from as u64, (count - from) as u64);
            window.consume(count);
        }
        Ok(self.plan.new_length() - before)
    }

    /// How many CRs, and nothing else, are the last line of a header that is cut off: with a LF they would end it.
    fn open_crs(&self, record: &Record, retained: &Retained) -> Result<u64> {
        let last = retained.ranges.last().filter(|_| !retained.ended);
        let Some(&(offset, length)) = last.filter(|_| record.head <= LARGEST_HEADER) else {
            return Ok(0);
        };
        let bytes = self.bytes(offset, length)?;
        let line = bytes
            .rsplit(|&byte| byte == b'\n')
            .next()
            .unwrap_or_default();
        let is_bare = line.iter().all(|&byte| byte == b'\r');
        Ok(if is_bare { line.len() as u64 } else { 0 })
    }

    /// A range of the file, which is known to be small.
    fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut window = Window::new(self.source.file, offset, offset + length);
        while window.more().map_err(Error::io(self.source.path))? {
            bytes.extend_from_slice(window.rest());
            let count = window.rest().len();
            window.consume(count);
        }
        Ok(bytes)
    }

    /// Whether a line of this range would turn into something else if it had no CRs in it.
    fn would_turn(&self, offset: u64, length: u64, into: fn(&[u8]) -> bool) -> Result<bool> {
        let text = self.bytes(offset, length)?;
        let turns = |line: &[u8]| {
            let bare: Vec<u8> = line.iter().copied().filter(|&byte| byte != b'\r').collect();
            into(&bare)
        };
        let lines = text.split(|&byte| byte == b'\n');
        // The CR of a CRLF means nothing: what such a line is it is without it, too.
        let mut lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        Ok(lines.any(|line| memchr::memchr(b'\r', line).is_some() && turns(line)))
    }

    /// Whether the CRs of a range are few enough to be left out.
    fn may_cut(&mut self, offset: u64, length: u64) -> Result<bool> {
        let mut window = Window::new(self.source.file, offset, offset + length);
        let mut found = 0;
        while found <= self.cuts && window.more().map_err(Error::io(self.source.path))? {
            found += memchr::memchr_iter(b'\r', window.rest()).count();
            let count = window.rest().len();
            window.consume(count);
        }
        self.kept_crs |= found > self.cuts;
        let left = self.cuts.checked_sub(found);
        self.cuts = left.unwrap_or(self.cuts);
        Ok(left.is_some())
    }

    fn put_anew(&mut self, offset: u64, length: u64) -> Result<()> {
        let mut window = Window::new(self.source.file, offset, offset + length);
        while window.more().map_err(Error::io(self.source.path))? {
            self.plan.put(window.rest());
            let count = window.rest().len();
            window.consume(count);
        }
        Ok(())
    }
}

/// Whether a line of a text starts a message.
fn divides(line: &[u8]) -> bool {
    FromLine::parse(line).is_some()
}

/// Whether a line of a header ends it, or is one of those that are not handed on.
fn is_no_field(line: &[u8]) -> bool {
    line.is_empty() || metadata::classify(line).0 != Kind::Plain
}
