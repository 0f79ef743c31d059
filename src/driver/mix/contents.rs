//! What the three small files say, as it was read last.

use std::fmt;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::prefile::line::{DELETED, OLD, SEEN};
use crate::driver::mix::index::{Entry, Index};
use crate::driver::mix::locked::Locked;
use crate::driver::mix::meta::Meta;
use crate::driver::mix::names::{INDEX, META, STATUS};
use crate::driver::mix::small::Mark;
use crate::driver::mix::status::{State, Status};

/// A message, in 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Where it is.
    pub entry: Entry,
    /// Its flags.
    pub state: State,
    /// Whether the status has a line for it.
    pub has_state: bool,
    /// Whether this session is the first to see it.
    pub recent: bool,
}

impl Record {
    /// The message of an entry, without flags.
    pub fn new(entry: Entry) -> Self {
        Self {
            entry,
            state: State::default(),
            has_state: false,
            recent: true,
        }
    }

    /// Whether no session that may write has seen it.
    pub fn is_new(&self) -> bool {
        self.state.flags & OLD == 0
    }

    /// Whether it was seen.
    pub fn is_seen(&self) -> bool {
        self.state.flags & SEEN != 0
    }

    /// Whether it is marked deleted.
    pub fn is_deleted(&self) -> bool {
        self.state.flags & DELETED != 0
    }
}

/// A line that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Damage {
    file: &'static str,
    /// Its number, from 1; 0 where all of the file is gone.
    line: u64,
}

impl Damage {
    /// Whether nothing is left of the file.
    pub fn is_total(&self) -> bool {
        self.line == 0
    }

    /// What that means to a user.
    pub fn meaning(&self) -> &'static str {
        match self.file {
            META => "it can only be read",
            STATUS => "some flags are not known",
            _ => "some messages may not be shown",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (self.file, self.line);
        match line {
            0 => write!(into, "its {file} is lost"),
            _ => write!(into, "its {file} is damaged in line {line}"),
        }
    }
}

/// What the files say.
#[derive(Clone, Default)]
pub struct Contents {
    /// `.mixmeta`.
    pub meta: Meta,
    /// The messages, UIDs ascending.
    pub records: Vec<Record>,
    /// `.mixindex` as it was read.
    pub index: Mark,
    /// `.mixstatus` as it was read.
    pub status: Mark,
    /// Whether each entry is where its record's place tells.
    pub index_is_regular: bool,
    /// Whether nothing follows the last line of the index.
    pub index_is_whole: bool,
    /// Whether the status has a line for each record, where its place tells.
    pub status_is_regular: bool,
    /// Which file is missing.
    missing: Option<Damage>,
    /// What is wrong with the index.
    index_damage: Option<Damage>,
    /// The highest UID that the status has a line for.
    highest_state: u32,
    /// A line of flags that was passed over.
    pub lost_flags: Option<Damage>,
}

impl Contents {
    /// Reads what is not as it was in `before`; `None` where all is.
    pub fn read(locked: &Locked, before: Option<&Self>, job: &Job) -> Result<Option<Self>> {
        let meta = locked.read_meta()?;
        let (index, status) = (locked.index.mark()?, locked.status.mark()?);
        let same_index = before.is_some_and(|before| before.index == index);
        let same_status = same_index && before.is_some_and(|before| before.status == status);
        if same_status && before.is_some_and(|before| before.meta == meta) {
            return Ok(None);
        }
        let mut contents = before.filter(|_| same_index).cloned().unwrap_or_default();
        (contents.meta, contents.index, contents.status) = (meta, index, status);
        if !same_index {
            contents.read_index(locked, job)?;
        }
        if !same_status {
            contents.read_status(locked, job)?;
        }
        let files = [(&locked.index, INDEX), (&locked.status, STATUS)];
        let missing = files.into_iter().find(|(small, _)| small.is_missing());
        contents.missing = missing.map(|(_, file)| Damage { file, line: 0 });
        Ok(Some(contents))
    }

    /// What forbids to write.
    pub fn damage(&self) -> Option<Damage> {
        let line = self.meta.damaged;
        let of_meta = line.map(|line| Damage { file: META, line });
        let damage = of_meta.or(self.missing).or(self.index_damage);
        damage.or_else(|| self.lost_tail())
    }

    /// Whether the NULs behind the index are what was left of an expunge that was killed before it cut the file: the other
    /// files do not have its sequence yet.
    pub fn tail_is_waste(&self) -> bool {
        let index = self.index.sequence;
        !self.index_is_whole && index > self.meta.sequence && index > self.status.sequence
    }

    /// NULs behind the index where something tells that messages stood there.
    fn lost_tail(&self) -> Option<Damage> {
        let last = self.records.last().map_or(0, |it| it.entry.uid);
        let told = self.meta.last_uid.max(self.highest_state);
        let is_lost = !self.index_is_whole && told > last && !self.tail_is_waste();
        is_lost.then(|| Damage {
            file: INDEX,
            line: self.records.len() as u64 + 2,
        })
    }

    fn read_index(&mut self, locked: &Locked, job: &Job) -> Result<()> {
        let length = self.index.stamp.length;
        let index = match locked.index.source() {
            Some(source) => Index::read(source, length, job)?,
            None => Index {
                is_whole: true,
                ..Index::default()
            },
        };
        // Where there have been messages not even the sequence is left: to go on would be to drop their data.
        let is_lost = length == 0 && self.meta.last_uid > 0;
        let line = index.damaged.or(is_lost.then_some(0));
        self.index_damage = line.map(|line| Damage { file: INDEX, line });
        self.index_is_regular = index.is_regular;
        self.index_is_whole = index.is_whole;
        self.records = index.entries.into_iter().map(Record::new).collect();
        self.records.shrink_to_fit();
        Ok(())
    }

    fn read_status(&mut self, locked: &Locked, job: &Job) -> Result<()> {
        for record in &mut self.records {
            (record.state, record.has_state) = (State::default(), false);
        }
        self.lost_flags = None;
        self.status_is_regular = false;
        self.highest_state = 0;
        let Some(source) = locked.status.source() else {
            return Ok(());
        };
        let (records, highest) = (&mut self.records, &mut self.highest_state);
        let (mut next, mut count, mut in_order) = (0, 0_usize, true);
        let mut found = |uid: u32, state: State| {
            *highest = uid.max(*highest);
            let expected = records.get(next).is_some_and(|it| it.entry.uid == uid);
            let place = match expected {
                true => Some(next),
                false => place_of(records, uid),
            };
            in_order &= place == Some(count);
            count += 1;
            if let Some((record, place)) = place.and_then(|at| Some((records.get_mut(at)?, at))) {
                (record.state, record.has_state) = (state, true);
                next = place + 1;
            }
        };
        let read = Status::read(source, self.status.stamp.length, &mut found, job)?;
        self.status_is_regular = read.is_regular && in_order && count == self.records.len();
        let is_lost = read.is_blank && !self.records.is_empty();
        let line = read.damaged.or(is_lost.then_some(0));
        self.lost_flags = line.map(|line| Damage { file: STATUS, line });
        Ok(())
    }

    /// The place of a message.
    pub fn place_of(&self, uid: u32) -> Option<usize> {
        place_of(&self.records, uid)
    }

    /// The last UID that was given out, as far as is known.
    pub fn last_uid(&self) -> u32 {
        let last = self.records.last().map_or(0, |record| record.entry.uid);
        last.max(self.meta.last_uid)
    }

    /// Refuses to write into what is damaged.
    pub fn require_sound(&self) -> Result<()> {
        let what = match self.damage().map(|damage| damage.file) {
            None => return Ok(()),
            Some(META) => "its .mixmeta is damaged",
            Some(STATUS) => "its .mixstatus is lost",
            Some(_) => "its .mixindex is damaged",
        };
        Err(Error::Refused(what))
    }
}

fn place_of(records: &[Record], uid: u32) -> Option<usize> {
    records
        .binary_search_by_key(&uid, |record| record.entry.uid)
        .ok()
}
