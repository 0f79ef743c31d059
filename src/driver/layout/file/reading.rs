//! Reading messages of an open mailbox while other programs may change it: never at places where a message was once.
//!
//! No lock is waited for where the message can be seen to be as it was. What was read counts only when the file has the
//! same stamp afterwards; else the mailbox is looked at again.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::access::{self, Stamp, TRIES};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::framing::Framing;
use crate::driver::layout::file::handing::Handing;
use crate::driver::layout::file::mailbox::FileMailbox;
use crate::driver::layout::file::record::{Base, Record};
use crate::driver::layout::file::scan::Scan;
use crate::driver::waiting;
use crate::mail::structure::Part;
use crate::mail::uid::Uid;
use crate::os::environment::Environment;
use crate::os::files::Flock;

/// Messages up to this size are handed on only when they are known to be whole, in bytes. A larger one is handed on
/// while it is read, as far as can be vouched for.
const VOUCHED: u64 = 1 << 20;

/// How many headers are read under one lock.
const AT_ONCE: usize = 200;
/// After so many bytes of headers those that were read are handed on.
const BYTES_AT_ONCE: usize = 1 << 20;

/// Headers one behind the other, in memory that serves many of them.
#[derive(Default)]
struct Headers {
    bytes: Vec<u8>,
    ends: Vec<(Uid, usize)>,
    raw: Vec<u8>,
}

impl Headers {
    fn each(&self, found: &mut dyn FnMut(Uid, &[u8])) {
        let mut start = 0;
        for &(uid, end) in &self.ends {
            found(uid, self.bytes.get(start..end).unwrap_or_default());
            start = end;
        }
    }
}

impl FileMailbox {
    /// Writes a part of a message.
    pub(super) fn read_part(
        &mut self,
        uid: Uid,
        part: Part,
        into: &mut dyn Write,
        job: &Job,
    ) -> Result<()> {
        let (environment, path) = (Arc::clone(&self.environment), self.path.clone());
        let mut whole = Vec::new();
        let mut handing = Handing::new(into);
        let mut is_handed = false;
        let done = self.steadily(uid, job, &mut |source, record, stamp| {
            whole.clear();
            if record.head + record.text <= VOUCHED && !is_handed {
                return source.read(record, part, &mut whole, job);
            }
            is_handed = true;
            let (environment, path) = (&environment, &path);
            let steady = move || stamp_of(environment, path).is_ok_and(|now| now == stamp);
            handing.begin(Box::new(steady));
            source.read(record, part, &mut handing, job)?;
            handing.end().map_err(Error::io(path))
        });
        if handing.is_spoilt() {
            return Err(access::unsteady());
        }
        done?;
        drop(handing);
        into.write_all(&whole).map_err(Error::io(&self.path))
    }

    /// Reads headers, many under one lock and one look at the stamp where nobody changes the file meanwhile.
    pub(super) fn read_headers(
        &mut self,
        uids: &[Uid],
        found: &mut dyn FnMut(Uid, &[u8]),
        job: &Job,
    ) -> Result<()> {
        let mut left = uids;
        let mut batch = Headers::default();
        while let Some((&uid, rest)) = left.split_first() {
            job.checkpoint()?;
            self.headers_at_once(left, &mut batch, job);
            if !batch.ends.is_empty() {
                left = left.get(batch.ends.len()..).unwrap_or_default();
                batch.each(found);
                continue;
            }
            left = rest;
            let mut header = Vec::new();
            match self.read_part(uid, Part::Header, &mut header, job) {
                Ok(()) => found(uid, &header),
                Err(Error::NoSuchMessage) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Puts the headers of the first of `uids` into `batch`, as many as are there and wanted in memory at once; none when
    /// the file is not as it was, or something is wrong with the first of them.
    fn headers_at_once(&mut self, uids: &[Uid], batch: &mut Headers, job: &Job) {
        batch.bytes.clear();
        batch.ends.clear();
        let as_it_was = |now: Stamp, mailbox: &Self| {
            now == mailbox.stamp && now.length == mailbox.contents.length
        };
        if !self.stamp_now().is_ok_and(|now| as_it_was(now, self)) {
            return;
        }
        let locked = self.file.try_lock(Flock::Shared).unwrap_or(false);
        for &uid in uids.iter().take(AT_ONCE) {
            let into = (&mut batch.raw, &mut batch.bytes);
            let read = self
                .record_of(uid)
                .and_then(|record| self.source().header(&record, into, job));
            if read.is_err() {
                break;
            }
            batch.ends.push((uid, batch.bytes.len()));
            if batch.bytes.len() >= BYTES_AT_ONCE {
                break;
            }
        }
        if locked {
            // Fails only for files that cannot be locked, which are not locked then.
            let _ = self.file.unlock();
        }
        if !self.stamp_now().is_ok_and(|now| as_it_was(now, self)) {
            batch.ends.clear();
        }
    }

    /// The envelope sender of a message.
    pub(super) fn read_sender(&mut self, uid: Uid, job: &Job) -> Result<Option<Vec<u8>>> {
        let mut sender = None;
        let framing = self.contents.framing;
        self.steadily(uid, job, &mut |source, record, _| {
            sender = source.sender(framing, record)?;
            Ok(())
        })?;
        Ok(sender)
    }

    /// Has a message read until nobody changed the file meanwhile.
    fn steadily(
        &mut self,
        uid: Uid,
        job: &Job,
        read: &mut dyn FnMut(Source<'_>, &Record, Stamp) -> Result<()>,
    ) -> Result<()> {
        for _ in 0..TRIES {
            let (record, stamp) = self.find(uid, job)?;
            // Keeps away who honours it; whoever has it already is noticed afterwards.
            let locked = self.file.try_lock(Flock::Shared).unwrap_or(false);
            let done = read(self.source(), &record, stamp);
            if locked {
                // Fails only for files that cannot be locked, which are not locked then.
                let _ = self.file.unlock();
            }
            if self.stamp_now().is_ok_and(|now| now == stamp) {
                return done;
            }
            job.checkpoint()?;
            sleep(waiting::PAUSE);
        }
        Err(access::unsteady())
    }

    /// A message, after making sure that it is still there, and the stamp with which the file has it there.
    fn find(&mut self, uid: Uid, job: &Job) -> Result<(Record, Stamp)> {
        let record = self.record_of(uid)?;
        let resets = self.resets;
        let now = self.stamp_now().unwrap_or_default();
        if !self.is_vouched_for(job) {
            self.refresh(job)?;
            return Ok((self.record_of(uid)?, self.stamp));
        }
        if now == self.stamp && now.length == self.contents.length {
            return Ok((record, now));
        }
        match self.refresh(&job.hurried()) {
            Err(Error::Locked { .. }) if job.may_wait() => {
                if now.file == self.stamp.file
                    && is_as_it_was(self.source(), self.contents.framing, &record, job)?
                {
                    return Ok((record, now));
                }
                self.refresh(job)?;
            }
            refreshed => refreshed?,
        }
        if self.resets != resets {
            return Err(Error::NoSuchMessage);
        }
        Ok((self.record_of(uid)?, self.stamp))
    }

    fn record_of(&self, uid: Uid) -> Result<Record> {
        let place = self.contents.place_of(uid.get());
        let record = place.and_then(|place| self.contents.records.get(place));
        record.copied().ok_or(Error::NoSuchMessage)
    }

    fn stamp_now(&self) -> Result<Stamp> {
        stamp_of(&self.environment, &self.path)
    }
}

fn stamp_of(environment: &Environment, path: &Path) -> Result<Stamp> {
    let metadata = environment.files.metadata(path);
    metadata
        .map(|metadata| Stamp::of(&metadata))
        .map_err(Error::io(path))
}

/// Whether a message is where it was, with as many bytes of header and text. Looks at all of it.
fn is_as_it_was(
    source: Source<'_>,
    framing: &'static Framing,
    record: &Record,
    job: &Job,
) -> Result<bool> {
    let length = source
        .file
        .metadata()
        .map_err(Error::io(source.path))?
        .len();
    if length <= record.offset {
        return Ok(false);
    }
    let part = record.offset..length;
    match Scan::resume(source, framing, part, Base::default(), 0, job).next_message() {
        Ok(Some(found)) => Ok(
            (found.head, found.text) == (record.head, record.text) && found.is_same_text(record)
        ),
        Ok(None) | Err(Error::Damaged { .. }) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}
