//! Search criteria (RFC 3501, 6.4.4): a tree, what has to be read to decide it, and the decision.
//!
//! A tree is built from text by `Criteria::parse` (`criteria_parser.rs`), which also limits its depth.
//! What is cheap to decide is decided first, so that a message is read only when everything else holds.

use std::fmt;

use crate::mail::date::InternalDate;
use crate::mail::flags::{Keyword, SystemFlags};
use crate::mail::fold::Needle;
use crate::mail::summary::Summary;
use crate::mail::uid::{MsgNo, SequenceSet, Uid};

/// What a message must be to be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Criteria {
    /// Every message.
    All,
    /// What meets all of these; build it with [`Criteria::and`].
    And(Vec<Self>),
    /// What meets one of these; build it with [`Criteria::or`].
    Or(Box<Self>, Box<Self>),
    /// What does not meet this.
    Not(Box<Self>),
    /// Whether it has these system flags (`ANSWERED`, `UNSEEN` is the `Not` of it …).
    Flag(SystemFlags),
    /// Whether it has this keyword.
    Keyword(Keyword),
    /// Its internal date (`BEFORE`, `ON`, `SINCE`).
    Arrived(When, Day),
    /// The date in its header (`SENTBEFORE`, `SENTON`, `SENTSINCE`).
    Sent(When, Day),
    /// A header field of this name holds this text; with empty text, is there (`HEADER`, `FROM`, `SUBJECT` …).
    Field(String, Needle),
    /// Its body holds this text.
    Body(Needle),
    /// Its header or its body holds this text.
    Text(Needle),
    /// It has more octets than this.
    Larger(u64),
    /// It has fewer octets than this.
    Smaller(u64),
    /// Its message number is one of these.
    Numbers(SequenceSet),
    /// Its UID is one of these.
    Uids(SequenceSet),
}

/// How a date lies to a given day. Time and zone are disregarded, as IMAP wants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// On an earlier day.
    Before,
    /// On that day.
    On,
    /// On that day or later.
    Since,
}

/// A day of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day {
    year: i64,
    month: u8,
    day: u8,
}

/// What has to be read of a message; each includes what stands before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Needs {
    /// Nothing: the summary tells.
    Summary,
    /// The header.
    Header,
    /// All of it.
    Whole,
}

/// Text of a message that is searched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source<'a> {
    /// The values of all header fields of this name (any letter case), decoded and unfolded.
    Field(&'a str),
    /// The whole header, decoded and unfolded.
    Header,
    /// The text parts of the body, decoded.
    Body,
}

/// A message that may be found. Reads only what is asked of it.
pub trait Candidate {
    /// Why it cannot be read.
    type Error;

    /// Its message number.
    fn number(&self) -> MsgNo;

    /// What is known without reading it.
    fn summary(&self) -> &Summary;

    /// The highest message number and UID of the mailbox: what `*` stands for.
    fn last(&self) -> (MsgNo, Uid);

    /// The date in its header, where it can be understood.
    fn sent(&mut self) -> Result<Option<InternalDate>, Self::Error>;

    /// Hands its text to `visit`, in as many pieces as there are fields or parts. Text is looked for in each piece alone.
    fn texts(&mut self, source: Source<'_>, visit: &mut dyn FnMut(&str))
    -> Result<(), Self::Error>;
}

impl Criteria {
    /// What meets all of `criteria`; what is cheap to decide goes first.
    pub fn and(mut criteria: Vec<Self>) -> Self {
        criteria.sort_by_cached_key(Self::needs);
        match criteria.len() {
            0 => Self::All,
            1 => criteria.swap_remove(0),
            _ => Self::And(criteria),
        }
    }

    /// What meets `one` or `other`; what is cheap to decide goes first.
    pub fn or(one: Self, other: Self) -> Self {
        let (first, second) = if other.needs() < one.needs() {
            (other, one)
        } else {
            (one, other)
        };
        Self::Or(Box::new(first), Box::new(second))
    }

    /// The most that has to be read of a message to decide.
    pub fn needs(&self) -> Needs {
        match self {
            Self::And(all) => all.iter().map(Self::needs).max().unwrap_or(Needs::Summary),
            Self::Or(one, other) => one.needs().max(other.needs()),
            Self::Not(inner) => inner.needs(),
            Self::Sent(..) | Self::Field(..) => Needs::Header,
            Self::Body(_) | Self::Text(_) => Needs::Whole,
            _ => Needs::Summary,
        }
    }

    /// Whether dates or sizes decide.
    pub fn needs_measure(&self) -> bool {
        match self {
            Self::And(all) => all.iter().any(Self::needs_measure),
            Self::Or(one, other) => one.needs_measure() || other.needs_measure(),
            Self::Not(inner) => inner.needs_measure(),
            Self::Arrived(..) | Self::Larger(_) | Self::Smaller(_) => true,
            // One that is too large is not read.
            Self::Body(_) | Self::Text(_) => true,
            _ => false,
        }
    }

    /// Whether `candidate` is found. Fails only when the message has to be read and cannot be.
    pub fn evaluate<C: Candidate + ?Sized>(&self, candidate: &mut C) -> Result<bool, C::Error> {
        let summary = candidate.summary();
        Ok(match self {
            Self::All => true,
            Self::And(all) => {
                for criterion in all {
                    if !criterion.evaluate(candidate)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(one, other) => one.evaluate(candidate)? || other.evaluate(candidate)?,
            Self::Not(inner) => !inner.evaluate(candidate)?,
            Self::Flag(flags) => summary.flags.has(*flags),
            Self::Keyword(keyword) => summary.flags.keywords().contains(keyword),
            Self::Arrived(when, day) => when.holds(Day::of(summary.internal_date), *day),
            Self::Sent(when, day) => {
                let sent = candidate.sent()?;
                sent.is_some_and(|date| when.holds(Day::of(date), *day))
            }
            Self::Field(name, needle) => holds(candidate, Source::Field(name), needle)?,
            Self::Body(needle) => in_body(candidate, needle)?,
            Self::Text(needle) => {
                holds(candidate, Source::Header, needle)? || in_body(candidate, needle)?
            }
            Self::Larger(size) => summary.rfc822_size > *size,
            Self::Smaller(size) => summary.rfc822_size < *size,
            Self::Numbers(set) => {
                is_member(set, candidate.number().get(), candidate.last().0.get())
            }
            Self::Uids(set) => is_member(set, summary.uid.get(), candidate.last().1.get()),
        })
    }
}

impl Day {
    /// The day of this date; `None` when the calendar has none.
    pub fn new(year: i64, month: u8, day: u8) -> Option<Self> {
        let date = jiff::civil::Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        );
        date.ok().map(|_| Self { year, month, day })
    }

    /// The day that a calendar in the date's own zone shows.
    pub fn of(date: InternalDate) -> Self {
        let fields = date.fields();
        Self {
            year: fields.year,
            month: fields.month,
            day: fields.day,
        }
    }
}

impl fmt::Display for Day {
    /// Writes the day as IMAP does: `2-Mar-2026` (`date` of RFC 3501, section 9).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = MONTHS.get(usize::from(self.month).wrapping_sub(1));
        write!(
            f,
            "{}-{}-{:04}",
            self.day,
            month.unwrap_or(&"Jan"),
            self.year
        )
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl When {
    fn holds(self, date: Day, day: Day) -> bool {
        match self {
            Self::Before => date < day,
            Self::On => date == day,
            Self::Since => date >= day,
        }
    }
}

fn in_body<C: Candidate + ?Sized>(candidate: &mut C, needle: &Needle) -> Result<bool, C::Error> {
    if needle.as_str().is_empty() {
        return Ok(true);
    }
    holds(candidate, Source::Body, needle)
}

fn holds<C: Candidate + ?Sized>(
    candidate: &mut C,
    source: Source<'_>,
    needle: &Needle,
) -> Result<bool, C::Error> {
    let mut found = false;
    candidate.texts(source, &mut |text| found = found || needle.is_in(text))?;
    Ok(found)
}

fn is_member(set: &SequenceSet, number: u32, last: u32) -> bool {
    let mut ranges = set.resolve(last).into_iter();
    ranges.any(|(low, high)| (low..=high).contains(&number))
}

#[cfg(test)]
mod tests;
