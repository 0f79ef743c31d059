//! Appending: all messages are brought into file form first, then they appear behind the others in one step. New keywords
//! are defined before that, and the last UID is raised.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;

use jiff::tz::TimeZone;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::contents::{Contents, Reading};
use crate::driver::layout::prefile::ends;
use crate::driver::layout::prefile::format::{Format, Newline};
use crate::driver::layout::prefile::growth::{self, Load};
use crate::driver::layout::prefile::header::{self, LAST_UID};
use crate::driver::layout::prefile::line::{self, OLD, Status};
use crate::driver::layout::prefile::mailbox::lock_to_write;
use crate::driver::layout::prefile::memory::Memory;
use crate::driver::layout::prefile::patches::Patches;
use crate::driver::layout::prefile::record::{Record, bits_of};
use crate::driver::layout::prefile::words::Words;
use crate::driver::local_file;
use crate::driver::message::{Content, Messages, NewMessage, granted};
use crate::driver::place::Place;
use crate::driver::waiting::Offer;
use crate::mail::appended::Appended;
use crate::mail::date::InternalDate;
use crate::mail::flags::{Flags, Keyword, SystemFlags};
use crate::mail::status::Access;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::MailFile;

/// Appends to a mailbox file that is there, in this format, or empty where the format has no header. `memory` keeps the
/// keywords that have no bit in the file. Durable on return; on failure the file is as before.
pub fn append(
    environment: &Environment,
    (format, mut memory): (&'static Format, Option<&mut dyn Memory>),
    place: &Place,
    messages: &mut dyn Messages,
    job: &Job,
) -> Result<Appended> {
    let mut batch = Batch::collect(environment, format, messages, job)?;
    if batch.messages.is_empty() {
        return Ok(Appended::default());
    }
    let (mut file, lock) = lock_to_write(environment, format, place, Offer::Nothing, job)
        .map_err(|refusal| unlocked(place, refusal))?;
    let mut target = Target::look(environment, format, place, &mut *file, job)?;
    if let Some(memory) = memory.as_deref_mut() {
        let source = Source {
            file: &*file,
            path: &place.path,
        };
        target.consult(memory, &batch.keywords(), source)?;
    }
    let uids = target.number(&batch, job)?;
    let mut lines = batch.lines(format, &target, &uids);
    let length = batch.length(&lines);
    target.define(environment, place, &mut *file)?;
    if let Some(memory) = memory.filter(|_| target.has_more_words()) {
        let source = Source {
            file: &*file,
            path: &place.path,
        };
        target.foresee(memory, &mut batch, &lines, (format, source))?;
    }
    let mut source = Assembled {
        pieces: batch.pieces(&mut lines),
        line: Vec::new(),
        left: 0,
        content: batch.content.reader().map_err(Error::io(&place.path))?,
    };
    let load = Load {
        first_line: source.take_line(),
        rest: &mut source,
        length,
        before: target.last_uid_patch(&uids),
    };
    growth::append(environment, format, place, &mut *file, load, job)?;
    drop(source);
    mark_as_new(environment, &mut *file);
    drop(lock);
    Ok(Appended {
        uid_validity: UidValidity::new(target.validity).filter(|_| !uids.is_empty()),
        uids: uids.into_iter().filter_map(Uid::new).collect(),
        count: batch.messages.len() as u64,
    })
}

/// The error of a mailbox that cannot be opened to append to it.
fn unlocked(place: &Place, refusal: Error) -> Error {
    match refusal {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            local_file::no_access(place, source)
        }
        other => other,
    }
}

/// Sets the times that say "new mail came".
fn mark_as_new(environment: &Environment, file: &mut dyn MailFile) {
    if let Ok(metadata) = file.metadata() {
        let now = (environment.clock)();
        // Fails for files of other users, where nothing can be done about it.
        let _ = file.set_times(now - 1, metadata.mtime());
    }
}

/// The mailbox that is appended to.
struct Target {
    validity: u32,
    last_uid: u32,
    numbered: bool,
    words: Words,
    contents: Contents,
}

impl Target {
    /// Looks at the mailbox. Messages without UIDs get them first, because the new ones come behind them.
    fn look(
        environment: &Environment,
        format: &'static Format,
        place: &Place,
        file: &mut dyn MailFile,
        job: &Job,
    ) -> Result<Self> {
        let path = &place.path;
        let length = file.metadata().map_err(Error::io(path))?.len();
        let reading = Reading {
            format,
            source: Source { file, path },
            validity: environment.fresh_uid_validity(),
            job,
            counts: false,
        };
        let mut contents = Contents::read(reading, length, &mut |_, _| {})?;
        if let Some((offset, what)) = contents.damaged {
            return Err(Error::Damaged { offset, what });
        }
        if format.is_numbered() {
            number_all(environment, format, place, file, &mut contents)?;
        }
        let base = &contents.base;
        Ok(Self {
            validity: base.uid_validity,
            last_uid: base.last_uid,
            numbered: format.is_numbered(),
            words: base.words.clone(),
            contents,
        })
    }

    /// Finds out which keywords a mailbox has that are not in its file; all of them only where `wanted` needs it.
    fn consult(
        &mut self,
        memory: &mut dyn Memory,
        wanted: &[Keyword],
        source: Source<'_>,
    ) -> Result<()> {
        self.words = memory.words_in_file();
        if !self.words.know(wanted) {
            let Contents { base, records, .. } = &mut self.contents;
            memory.number(source, base, (records, 0), Access::ReadOnly)?;
            self.words = base.words.clone();
            self.words.define(wanted);
        }
        Ok(())
    }

    /// Whether new messages may have keywords for which the file has no bit.
    fn has_more_words(&self) -> bool {
        self.words.named_bits() & !self.words.in_file_bits() != 0
    }

    /// Has the keywords remembered that new messages with these lines will have besides those in the file.
    fn foresee(
        &mut self,
        memory: &mut dyn Memory,
        batch: &mut Batch,
        lines: &[Vec<u8>],
        (format, source): (&Format, Source<'_>),
    ) -> Result<()> {
        let mut stream = batch.content.reader().map_err(Error::io(source.path))?;
        let mut new = Vec::with_capacity(lines.len());
        for (line, message) in lines.iter().zip(&batch.messages) {
            let read = line::parse(format, line, &TimeZone::UTC);
            let read = read.map_err(|what| Error::Damaged { offset: 0, what })?;
            let mut record = Record::new(0, &read);
            let keywords = self.words.bits_of(message.flags.keywords());
            record.kept = keywords & !self.words.in_file_bits();
            let inside = ends::digest_of_next(message.size, &mut stream);
            new.push((record, inside.map_err(Error::io(source.path))?));
        }
        let Contents { base, records, .. } = &mut self.contents;
        base.words = self.words.clone();
        memory.foresee(source, base, records, &mut new)
    }

    /// Gives the new messages their UIDs and their keywords bits, where the file has such. Tells what is left out.
    fn number(&mut self, batch: &Batch, job: &Job) -> Result<Vec<u32>> {
        let keywords = batch.keywords();
        let mut uids = Vec::new();
        if self.numbered {
            let wishes = batch.messages.iter().map(|message| message.uid);
            uids = granted(self.last_uid, wishes).ok_or(Error::Refused(
                "the mailbox has no UIDs left; `mugo doctor --repair` makes a copy with new ones",
            ))?;
            self.words.define(&keywords);
        }
        let mut left_out = keywords;
        left_out.retain(|word| !self.words.know(std::slice::from_ref(word)));
        if !left_out.is_empty() {
            let names: Vec<&str> = left_out.iter().map(Keyword::as_str).collect();
            let names = names.join(" ");
            job.notice(format!(
                "a mailbox has room for 30 keywords; not set: {names}"
            ));
        }
        Ok(uids)
    }

    /// Writes the keywords that are new into the header: a change of its own, so that a crash behind it leaves a keyword
    /// that no message has.
    fn define(
        &self,
        environment: &Environment,
        place: &Place,
        file: &mut dyn MailFile,
    ) -> Result<()> {
        let mut patches = Patches::default();
        if let Some(header) = &self.contents.header {
            let new = self.words.behind(header.words.len());
            if !new.is_empty() {
                let (offset, lines) = header.with_keywords(&new);
                patches.put(offset, lines);
            }
        }
        patches.write(environment, &place.path, file)
    }

    /// The last UID as the header shall have it. It lies in one sector, and UIDs may be passed over.
    fn last_uid_patch(&self, uids: &[u32]) -> Option<(u64, Vec<u8>)> {
        let last = uids.last().filter(|_| self.numbered)?;
        Some((LAST_UID, format!("{last:08x}").into_bytes()))
    }
}

/// Writes the UIDs of messages that have none yet. Nothing becomes old by it.
fn number_all(
    environment: &Environment,
    format: &Format,
    place: &Place,
    file: &mut dyn MailFile,
    contents: &mut Contents,
) -> Result<()> {
    let mut patches = Patches::default();
    for record in contents.records.iter().filter(|it| it.renumbered) {
        let text = line::write_status(format, record.status());
        patches.put(record.state_offset(format), text);
    }
    if patches.is_empty() {
        return Ok(());
    }
    if let Some(header) = &contents.header {
        let base = &contents.base;
        let mut numbers = header.numbered(base.uid_validity, base.last_uid);
        numbers.truncate(header::RECOGNISED);
        patches.put(0, numbers);
    }
    patches.write(environment, &place.path, file)
}

/// Messages in file form, waiting to be written.
struct Batch {
    content: Content,
    messages: Vec<Waiting>,
}

struct Waiting {
    flags: Flags,
    date: InternalDate,
    uid: Option<Uid>,
    size: u64,
}

/// How many keywords of one append are told apart: far more than a mailbox has room for.
const MOST_COUNTED: usize = 100;

impl Batch {
    fn collect(
        environment: &Environment,
        format: &Format,
        messages: &mut dyn Messages,
        job: &Job,
    ) -> Result<Self> {
        let mut batch = Self {
            content: Content::new(),
            messages: Vec::new(),
        };
        while let Some(message) = messages.next(job)? {
            job.checkpoint()?;
            batch.add(environment, format, message)?;
        }
        Ok(batch)
    }

    fn add(
        &mut self,
        environment: &Environment,
        format: &Format,
        mut message: NewMessage,
    ) -> Result<()> {
        let now = (environment.clock)();
        let date = message
            .internal_date
            .unwrap_or_else(|| InternalDate::in_zone(now, &jiff::tz::TimeZone::system()));
        let scratch = std::env::temp_dir();
        let failed = Error::io(&scratch);
        let before = self.content.len();
        let mut reader = message.content.reader().map_err(&failed)?;
        copy(&mut reader, &mut self.content, format.newline).map_err(&failed)?;
        let size = self.content.len() - before;
        if size == 0 {
            return Err(Error::Refused("a message without any bytes"));
        }
        if size > format.largest() {
            return Err(Error::Refused("the message is too large for this format"));
        }
        self.messages.push(Waiting {
            flags: message.flags,
            date,
            uid: message.uid,
            size,
        });
        Ok(())
    }

    /// Every keyword that a message has, once.
    fn keywords(&self) -> Vec<Keyword> {
        let mut found: Vec<Keyword> = Vec::new();
        for keyword in self.messages.iter().flat_map(|it| it.flags.keywords()) {
            if found.len() < MOST_COUNTED && !found.contains(keyword) {
                found.push(keyword.clone());
            }
        }
        found
    }

    /// Bytes of the messages with these lines.
    fn length(&self, lines: &[Vec<u8>]) -> u64 {
        let texts: u64 = self.messages.iter().map(|message| message.size).sum();
        let lines: u64 = lines.iter().map(|line| line.len() as u64).sum();
        texts.saturating_add(lines)
    }

    /// Each line with the size of the message behind it.
    fn pieces(&self, lines: &mut Vec<Vec<u8>>) -> VecDeque<(Vec<u8>, u64)> {
        let sizes = self.messages.iter().map(|message| message.size);
        lines.drain(..).zip(sizes).collect()
    }

    /// The lines in front of the messages.
    fn lines(&self, format: &Format, target: &Target, uids: &[u32]) -> Vec<Vec<u8>> {
        let with_place = self.messages.iter().enumerate();
        let lines = with_place.map(|(place, message)| {
            let system = message.flags.system.only(SystemFlags::SETTABLE);
            let status = Status {
                keywords: target.words.bits_of(message.flags.keywords())
                    & target.words.in_file_bits(),
                flags: bits_of(system) & !OLD,
                uid: uids.get(place).copied().unwrap_or(0),
            };
            line::write(format, &message.date, message.size, status)
        });
        lines.collect()
    }
}

/// Copies a message as the format stores it.
fn copy(from: &mut dyn Read, into: &mut dyn Write, newline: Newline) -> io::Result<()> {
    let mut from = BufReader::with_capacity(64 * 1024, from);
    loop {
        let bytes = match from.fill_buf() {
            Ok([]) => return Ok(()),
            Ok(bytes) => bytes,
            Err(again) if again.kind() == io::ErrorKind::Interrupted => continue,
            Err(refusal) => return Err(refusal),
        };
        let count = bytes.len();
        match newline {
            Newline::CrLf => into.write_all(bytes)?,
            Newline::Lf => {
                for part in bytes.split(|&byte| byte == b'\r') {
                    into.write_all(part)?;
                }
            }
        }
        from.consume(count);
    }
}

/// Reads lines and messages one after the other.
struct Assembled<R> {
    /// Lines, each with the size of the message behind it.
    pieces: VecDeque<(Vec<u8>, u64)>,
    /// What is left of the line at hand.
    line: Vec<u8>,
    /// How much of the message at hand is left.
    left: u64,
    content: R,
}

impl<R> Assembled<R> {
    /// Takes the next line out.
    fn take_line(&mut self) -> Vec<u8> {
        let (line, size) = self.pieces.pop_front().unwrap_or_default();
        self.left = size;
        line
    }
}

impl<R: Read> Read for Assembled<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() && self.left == 0 {
            self.line = self.take_line();
        }
        if !self.line.is_empty() {
            let count = (&self.line[..]).read(buffer)?;
            self.line.drain(..count);
            return Ok(count);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let room = buffer.get_mut(..most).unwrap_or_default();
        let count = self.content.read(room)?;
        if count == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}
