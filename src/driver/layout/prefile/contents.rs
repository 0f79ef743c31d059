//! What is in a mailbox file: its messages and its own data, and how they are read.
//!
//! UIDs have to ascend and not to pass the last UID of the header. From the first one that does not, all are given out
//! anew, under a new UIDVALIDITY. A damaged line ends the reading, unless lines that follow each other are found behind it.

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::format::Format;
use crate::driver::layout::prefile::header::{self, Header};
use crate::driver::layout::prefile::line::OLD;
use crate::driver::layout::prefile::parts::{Parts, Way};
use crate::driver::layout::prefile::record::{Base, Record};
use crate::driver::layout::prefile::scan::Scan;
use crate::os::transfer::read_full_at;

/// The messages of a file and what it says of itself.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The mailbox's data as they hold now.
    pub base: Base,
    /// The header as it stands in the file, where the format has one.
    pub header: Option<Header>,
    /// The messages that are not hidden, UIDs ascending.
    pub records: Vec<Record>,
    /// Bytes that were read, from the start of the file.
    pub length: u64,
    /// Bytes of hidden messages, with their lines.
    pub hidden: u64,
    /// The first damage: where it is, and what.
    pub damaged: Option<(u64, &'static str)>,
    /// The UID of the message before the next one; hidden ones count.
    previous: u32,
    /// Whether UIDs are given out anew.
    renumbering: bool,
}

/// How far a mailbox is known: what reading on may change, besides adding messages.
#[derive(Debug)]
pub struct Extent {
    base: Base,
    records: usize,
    length: u64,
    hidden: u64,
    damaged: Option<(u64, &'static str)>,
    previous: u32,
    renumbering: bool,
}

/// What a reading needs to know besides the file.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The format.
    pub format: &'static Format,
    /// The file.
    pub source: Source<'a>,
    /// The UIDVALIDITY of UIDs that are given out anew.
    pub validity: u32,
    /// What to report to.
    pub job: &'a Job,
    /// Whether the size with CRLF of each message is found out, where the file does not tell it.
    pub counts: bool,
}

impl Contents {
    /// Reads a whole file of `length` bytes. `found` hears of each message that is not hidden, in order.
    pub fn read(
        reading: Reading<'_>,
        length: u64,
        found: &mut dyn FnMut(&Base, &Record),
    ) -> Result<Self> {
        let mut contents = Self {
            length: reading.format.front(),
            ..Self::default()
        };
        contents.base.uid_validity = reading.validity;
        if reading.format.is_numbered() {
            contents.take_header(read_header(reading.source)?);
        }
        contents.read_on(reading, length, found)?;
        contents.records.shrink_to_fit();
        Ok(contents)
    }

    /// How far the mailbox is known now.
    pub fn extent(&self) -> Extent {
        Extent {
            base: self.base.clone(),
            records: self.records.len(),
            length: self.length,
            hidden: self.hidden,
            damaged: self.damaged,
            previous: self.previous,
            renumbering: self.renumbering,
        }
    }

    /// Forgets what was read since: whoever did not finish reading on must not take a message for known, or for gone.
    pub fn go_back_to(&mut self, extent: Extent) {
        self.base = extent.base;
        self.records.truncate(extent.records);
        self.length = extent.length;
        self.hidden = extent.hidden;
        self.damaged = extent.damaged;
        self.previous = extent.previous;
        self.renumbering = extent.renumbering;
    }

    /// Reads the messages behind those that are known, up to `length`. A header that was read before is believed.
    pub fn read_on(
        &mut self,
        reading: Reading<'_>,
        length: u64,
        found: &mut dyn FnMut(&Base, &Record),
    ) -> Result<()> {
        let way = Way {
            format: reading.format,
            source: reading.source,
            job: reading.job,
            counts: reading.counts,
        };
        let scan = way.scan(self.length, length);
        way.in_parts(self.length, length, |parts| {
            self.go_over(reading, scan, parts, found)
        })?;
        self.length = length;
        Ok(())
    }

    fn go_over(
        &mut self,
        reading: Reading<'_>,
        mut scan: Scan<'_>,
        mut parts: Parts<'_>,
        found: &mut dyn FnMut(&Base, &Record),
    ) -> Result<()> {
        let start = self.records.len();
        let mut untold = Untold { next: start, found };
        let outcome = loop {
            if let Some(part) = parts.at(scan.offset()) {
                scan.go_to(part.end);
                let mut part = part.records.into_iter();
                if !part.all(|record| self.take(record, reading, &mut untold)) {
                    break Ok(());
                }
            }
            match scan.next_message() {
                Ok(None) => break Ok(()),
                Ok(Some(record)) => {
                    if !self.take(record, reading, &mut untold) {
                        break Ok(());
                    }
                }
                Err(Error::Damaged { offset, what }) => {
                    self.damaged.get_or_insert((offset, what));
                    if !self.find_next(&mut scan, start)? {
                        break Ok(());
                    }
                }
                Err(refusal) => break Err(refusal),
            }
        };
        if outcome.is_ok() && reading.format.is_numbered() {
            untold.tell(self, self.records.len());
        }
        outcome
    }

    /// Finds the next message behind damage. One before it whose size was too large is cut, unless it was known before:
    /// there were `known` such.
    fn find_next(&mut self, scan: &mut Scan<'_>, known: usize) -> Result<bool> {
        let last = self.records.get(known..).and_then(<[Record]>::last);
        let last = last.copied();
        let last = last.filter(|record| record.end() == scan.offset());
        // A message has a byte at least.
        let least = last.map_or(scan.offset() + 1, |record| record.text_offset() + 1);
        if !scan.resynchronise(least)? {
            return Ok(false);
        }
        if let Some(record) = last.filter(|record| record.end() > scan.offset()) {
            let cut = scan.cut(&record, scan.offset())?;
            if let Some(last) = self.records.last_mut() {
                (last.size, last.rfc822_size) = (cut.size, cut.rfc822_size);
            }
        }
        Ok(true)
    }

    /// Takes in a header: its last UID only where it is higher, because messages may have been numbered in memory.
    pub fn take_header(&mut self, header: Header) {
        self.base.uid_validity = header.uid_validity;
        self.base.last_uid = self.base.last_uid.max(header.last_uid);
        self.base.words = header.words.clone();
        self.header = Some(header);
    }

    /// Where the message with this UID is among the records.
    pub fn place_of(&self, uid: u32) -> Option<usize> {
        let found = self.records.binary_search_by_key(&uid, |record| record.uid);
        found.ok()
    }

    /// Whether something is not in the file that belongs there: UIDs, or that messages were seen by a session.
    pub fn is_dirty(&self) -> bool {
        let lacks = |record: &Record| record.flags & OLD == 0 || record.renumbered;
        let base = self.header.as_ref().is_some_and(|header| {
            (header.uid_validity, header.last_uid) != (self.base.uid_validity, self.base.last_uid)
        });
        base || self.records.iter().any(lacks)
    }

    /// Takes in the next message; `false` where it and all behind it cannot have a UID.
    fn take(&mut self, mut record: Record, reading: Reading<'_>, untold: &mut Untold<'_>) -> bool {
        let is_numbered = reading.format.is_numbered();
        if is_numbered && !self.number(&mut record, reading.validity) {
            self.damaged.get_or_insert((
                record.offset,
                "no UIDs are left; a repaired copy has new ones",
            ));
            return false;
        }
        if record.is_hidden() {
            self.hidden += record.end() - record.offset;
            return true;
        }
        record.recent = record.flags & OLD == 0;
        if is_numbered {
            untold.tell(self, self.records.len());
        }
        self.records.push(record);
        true
    }

    /// Sees to the UID of the next message; `false` when there is none left to give.
    fn number(&mut self, record: &mut Record, validity: u32) -> bool {
        let told = record.uid;
        if record.is_hidden() {
            if told > self.previous && told <= self.base.last_uid && !self.renumbering {
                self.previous = told;
            }
            return true;
        }
        let broken = told != 0 && (told <= self.previous || told > self.base.last_uid);
        if broken && !self.renumbering {
            self.renumbering = true;
            self.base.uid_validity = validity.max(self.base.uid_validity.saturating_add(1));
            self.base.last_uid = self.previous;
        }
        if told == 0 || self.renumbering {
            let Some(next) = self.base.last_uid.checked_add(1) else {
                return false;
            };
            self.base.last_uid = next;
            record.uid = next;
            record.renumbered = true;
        }
        self.previous = record.uid;
        true
    }

    /// Whether UIDs were given out anew, because those in the file made no sense.
    pub fn is_renumbered(&self) -> bool {
        self.renumbering
    }

    /// Everything is in the file now.
    pub fn settle(&mut self, header: Option<Header>) {
        for record in &mut self.records {
            record.flags |= OLD;
            record.renumbered = false;
        }
        self.renumbering = false;
        if header.is_some() {
            self.header = header;
        }
    }
}

/// Messages that were taken in and not told yet: the last one, because damage behind it may show that it is shorter.
struct Untold<'a> {
    next: usize,
    found: &'a mut dyn FnMut(&Base, &Record),
}

impl Untold<'_> {
    fn tell(&mut self, contents: &Contents, end: usize) {
        for record in contents.records.get(self.next..end).unwrap_or_default() {
            (self.found)(&contents.base, record);
        }
        self.next = end;
    }
}

/// Reads the header of a file.
pub fn read_header(source: Source<'_>) -> Result<Header> {
    let mut bytes = vec![0; header::LENGTH];
    let count = read_full_at(source.file, &mut bytes, 0).map_err(Error::io(source.path))?;
    bytes.truncate(count);
    Header::parse(&bytes).ok_or(Error::Damaged {
        offset: 0,
        what: "the header of the mailbox is damaged",
    })
}
