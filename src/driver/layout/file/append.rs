//! Appending: all messages are brought into file form first, then written behind the others in one journalled step.
//!
//! When the opener lock is free, the new messages get their UIDs at once. While another program has the mailbox open it
//! gives them out itself, so they are appended without; likewise to a file that has no UIDs yet, unless there are
//! keywords to be kept. Keywords that the mailbox does not define yet are defined in the first case, while there is
//! room, and left out in the second: which ones is told.

use std::collections::VecDeque;
use std::io::{self, Read};

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access;
use crate::driver::layout::file::filter::{self, Filtered};
use crate::driver::layout::file::framing::Framing;
use crate::driver::layout::file::from_line;
use crate::driver::layout::file::metadata;
use crate::driver::layout::file::opener::{self, Manners, Opener};
use crate::driver::layout::file::record::{Marks, Record};
use crate::driver::layout::file::target::Target;
use crate::driver::message::{Content, Messages, NewMessage};
use crate::driver::place::Place;
use crate::mail::appended::Appended;
use crate::mail::date::InternalDate;
use crate::mail::flags::{Flags, Keyword, SystemFlags};
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::journal::redo::Journal;

/// Appends to a mailbox file that is there, empty or in this format. Durable on return; on failure the file is as before.
pub fn append(
    environment: &Environment,
    framing: &'static Framing,
    place: &Place,
    messages: &mut dyn Messages,
    job: &Job,
) -> Result<Appended> {
    let mut batch = Batch::collect(environment, framing, messages, job)?;
    if batch.messages.is_empty() {
        return Ok(Appended::default());
    }
    let path = &place.path;
    let opener = opener::ask(environment, path, Manners::Silent, job)?;
    let mut locked = access::lock_to_change(environment, path, job)?;
    let whose = (path.as_path(), Manners::Silent);
    let opener = opener::follow(environment, opener, &*locked.file, whose, job)?;
    let count = batch.messages.len() as u32;
    let mut target = if matches!(opener, Opener::Held(_)) {
        let keywords = batch.keywords();
        let wishes: Vec<Option<Uid>> = batch.messages.iter().map(|message| message.uid).collect();
        Target::owned(
            environment,
            path,
            &mut *locked.file,
            framing,
            (&wishes, &keywords),
            job,
        )?
    } else {
        Target::shared(path, &*locked.file, framing, job)?
    };
    let pieces = batch.pieces(&mut target, job);
    let mut source = Assembled {
        content: batch.content.reader().map_err(Error::io(path))?,
        length: pieces.iter().map(Piece::length).sum(),
        pieces,
    };
    let length = source.length;
    Journal::of(environment, framing.name)
        .append(
            path,
            &mut *locked.file,
            &target.patches,
            &mut source,
            length,
            &mut |done, total| job.progress(done, total),
        )
        .map_err(|refusal| access::journal_error(path, refusal))?;
    access::mark_as_new(&mut *locked.file, (environment.clock)());
    drop(locked);
    drop(opener);
    Ok(target.appended(count))
}

/// Messages in file form, waiting to be written.
struct Batch {
    framing: &'static Framing,
    content: Content,
    messages: Vec<Waiting>,
}

struct Waiting {
    from_line: Vec<u8>,
    flags: Flags,
    date: InternalDate,
    uid: Option<Uid>,
    filtered: Filtered,
}

impl Batch {
    fn collect(
        environment: &Environment,
        framing: &'static Framing,
        messages: &mut dyn Messages,
        job: &Job,
    ) -> Result<Self> {
        let mut batch = Self {
            framing,
            content: Content::new(),
            messages: Vec::new(),
        };
        while let Some(message) = messages.next(job)? {
            job.checkpoint()?;
            batch.add(environment, message)?;
        }
        Ok(batch)
    }

    fn add(&mut self, environment: &Environment, mut message: NewMessage) -> Result<()> {
        if message.content.is_empty() {
            return Err(Error::Refused("a message without any bytes"));
        }
        let now = (environment.clock)();
        let date = message
            .internal_date
            .unwrap_or_else(|| InternalDate::in_zone(now, &jiff::tz::TimeZone::system()));
        let sender = message.sender.as_deref().unwrap_or_default();
        let scratch = std::env::temp_dir();
        let failed = Error::io(&scratch);
        let mut reader = message.content.reader().map_err(&failed)?;
        let filtered =
            filter::filter(&mut reader, self.framing.guard, &mut self.content).map_err(&failed)?;
        self.messages.push(Waiting {
            from_line: from_line::write(sender, &environment.owner(), &date),
            flags: message.flags,
            date,
            uid: message.uid,
            filtered,
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

    /// Tells which keywords the messages do not get.
    fn tell_left_out(&self, target: &Target, job: &Job) {
        let mut left_out = self.keywords();
        left_out.retain(|word| target.base.bits_of([word.as_str().as_bytes()].into_iter()) == 0);
        if left_out.is_empty() {
            return;
        }
        let why = if target.gives_uids() {
            "a mailbox has room for 30 keywords"
        } else {
            "another program has the mailbox open"
        };
        let words: Vec<&str> = left_out.iter().map(Keyword::as_str).collect();
        job.notice(format!("{why}; not set: {}", words.join(" ")));
    }

    /// The bytes to append, in order.
    fn pieces(&self, target: &mut Target, job: &Job) -> VecDeque<Piece> {
        let mut pieces = VecDeque::new();
        pieces.push_back(Piece::Bytes(std::mem::take(&mut target.separator)));
        for (place, message) in self.messages.iter().enumerate() {
            let wanted = message.flags.keywords();
            let mut record = Record::new(0, 0, message.date);
            record.system = message.flags.system.only(SystemFlags::SETTABLE);
            record.marks.set(Marks::NEW);
            record.uid = target.uid_of(place as u32);
            record.keywords = if target.is_fresh {
                target.base.define(wanted)
            } else {
                let words = wanted.iter().map(|word| word.as_str().as_bytes());
                target.base.bits_of(words)
            };
            let before = self.framing.before;
            pieces.push_back(Piece::Bytes([before, &message.from_line].concat()));
            pieces.push_back(Piece::Copy(message.filtered.header));
            pieces.push_back(Piece::State(record));
            pieces.push_back(Piece::Copy(message.filtered.text));
            pieces.push_back(Piece::Bytes(self.framing.after.to_vec()));
        }
        self.tell_left_out(target, job);
        let mut first = target.is_fresh;
        for piece in &mut pieces {
            if let Piece::State(record) = piece {
                let mut block = metadata::block(record, &target.base, first, 0);
                block.push(b'\n');
                *piece = Piece::Bytes(block);
                first = false;
            }
        }
        pieces
    }
}

/// How many keywords of one append are told apart: far more than a mailbox has room for.
const MOST_COUNTED: usize = 100;

/// A piece of what is appended.
enum Piece {
    Bytes(Vec<u8>),
    /// So many bytes of the filtered messages.
    Copy(u64),
    /// Metadata, until all keywords are known.
    State(Record),
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Copy(length) => *length,
            Self::State(_) => 0,
        }
    }
}

/// Reads the pieces one after the other.
struct Assembled<R> {
    content: R,
    pieces: VecDeque<Piece>,
    length: u64,
}

impl<R: Read> Read for Assembled<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.front_mut() {
            let count = match piece {
                Piece::Bytes(bytes) => {
                    let count = bytes.len().min(buffer.len());
                    for (to, from) in buffer.iter_mut().zip(bytes.drain(..count)) {
                        *to = from;
                    }
                    count
                }
                Piece::Copy(left) => {
                    let most = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(buffer.len());
                    let room = buffer.get_mut(..most).unwrap_or_default();
                    let count = self.content.read(room)?;
                    if count == 0 && most > 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    *left -= count as u64;
                    count
                }
                Piece::State(_) => 0,
            };
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.pieces.pop_front();
        }
        Ok(0)
    }
}

impl Target {
    /// What the append came to.
    fn appended(&self, count: u32) -> Appended {
        let uids = (0..count).filter_map(|place| Uid::new(self.uid_of(place)));
        Appended {
            uid_validity: UidValidity::new(self.base.uid_validity).filter(|_| self.gives_uids()),
            uids: uids.collect(),
            count: u64::from(count),
        }
    }
}
