//! The index line: Pine's columns (pine-workflow.md, 3), as cells that a screen can style and as one line.
//!
//! `+ N   5 Thursday  Dana Ortiz   (8K) Slides and venue`: marks, number, smart date, sender, size, subject.
//! Sender and subject share what the fixed columns leave, one third to two.

use jiff::tz::TimeZone;

use crate::mail::address::Address;
use crate::mail::envelope::Envelope;
use crate::mail::flags::SystemFlags;
use crate::mail::summary::Summary;
use crate::mail::text::{Foreign, Printable};
use crate::mail::uid::MsgNo;
use crate::present::dates::smart_date;
use crate::present::sizes;

/// A message, as the index knows it.
#[derive(Clone, Copy)]
pub struct IndexRow<'a> {
    /// Its number.
    pub msgno: MsgNo,
    /// What is known without reading it.
    pub summary: &'a Summary,
    /// Its envelope, once that has come; cells that need it are blank before.
    pub envelope: Option<&'a Envelope>,
    /// Whether the user selected it.
    pub selected: bool,
}

/// What is the same for all lines of one index.
#[derive(Clone, Copy)]
pub struct IndexContext<'a> {
    /// The time, in seconds since 1970.
    pub now: i64,
    /// The reader's time zone.
    pub zone: &'a TimeZone,
    /// The reader's own addresses, `mailbox@host`.
    pub me: &'a [String],
    /// Columns of a line.
    pub width: usize,
    /// Columns of the number: see [`number_width`].
    pub number_width: usize,
}

/// What a cell shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// Important, to me, copied to me, selected.
    Mark,
    /// Deleted, answered, new.
    Status,
    /// The message number.
    Number,
    /// The smart date.
    Date,
    /// Who it is from, or to whom when it is from me.
    From,
    /// The size.
    Size,
    /// Keywords in front of the subject.
    Keywords,
    /// The subject.
    Subject,
    /// Blanks.
    Gap,
}

/// A stretch of an index line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexCell {
    /// What it shows.
    pub column: Column,
    /// Its text, as wide as its column.
    pub text: Printable,
}

const DATE_WIDTH: usize = 9;
const SIZE_WIDTH: usize = 6;
/// Below this width the date goes, below the next one the size too.
const WITH_DATE: usize = 44;
const WITH_SIZE: usize = 30;

/// Columns that the numbers of an index with `messages` messages need: three at least.
pub fn number_width(messages: usize) -> usize {
    let digits = messages.checked_ilog10().map_or(1, |log| log as usize + 1);
    digits.max(3)
}

/// The line as one piece.
pub fn index_line(row: IndexRow<'_>, context: IndexContext<'_>) -> Printable {
    // Most lines hold few characters of more than a byte.
    let mut whole = Printable::with_capacity(context.width + context.width / 4);
    let mut put = |_, text: &Printable, width| whole.push_fit(text, width);
    lay_out(row, context, &mut put);
    whole
}

/// The line as cells, together exactly `context.width` columns.
pub fn index_cells(row: IndexRow<'_>, context: IndexContext<'_>) -> Vec<IndexCell> {
    let mut cells = Vec::with_capacity(14);
    let mut put = |column, text: &Printable, width| {
        let text = text.fit(width);
        cells.push(IndexCell { column, text });
    };
    lay_out(row, context, &mut put);
    cells
}

/// Puts down cell after cell, each with the columns that it shall take.
fn lay_out(
    row: IndexRow<'_>,
    context: IndexContext<'_>,
    put: &mut dyn FnMut(Column, &Printable, usize),
) {
    let mut line = Line {
        put,
        left: context.width,
    };
    line.put(Column::Mark, &mark(&row, context.me), 1);
    line.gap(1);
    line.put(Column::Status, &status(&row), 1);
    line.gap(1);
    let number = Printable::own(row.msgno.to_string()).pad_left(context.number_width);
    line.put(Column::Number, &number, context.number_width);
    line.gap(1);
    if context.width >= WITH_DATE {
        line.put(Column::Date, &date(&row, &context), DATE_WIDTH);
        line.gap(1);
    }
    let size_room = if context.width >= WITH_SIZE {
        SIZE_WIDTH + 2
    } else {
        1
    };
    let shared = line.left.saturating_sub(size_room);
    let from = (shared * 33 + 50) / 100;
    let sender = row.envelope.map(|envelope| sender(envelope, context.me));
    line.put(Column::From, &sender.unwrap_or_default(), from);
    line.gap(1);
    if context.width >= WITH_SIZE {
        let size = match row.summary.is_measured() {
            true => Printable::own(sizes::narrow(row.summary.rfc822_size)),
            false => Printable::default(),
        };
        line.put(Column::Size, &size.pad_left(SIZE_WIDTH), SIZE_WIDTH);
        line.gap(1);
    }
    subject(&mut line, &row);
}

struct Line<'a> {
    put: &'a mut dyn FnMut(Column, &Printable, usize),
    left: usize,
}

impl Line<'_> {
    fn put(&mut self, column: Column, text: &Printable, width: usize) {
        let width = width.min(self.left);
        self.left -= width;
        if width > 0 {
            (self.put)(column, text, width);
        }
    }

    fn gap(&mut self, width: usize) {
        self.put(Column::Gap, &Printable::default(), width);
    }
}

fn mark(row: &IndexRow<'_>, me: &[String]) -> Printable {
    let to_me = |list: &[Address]| list.iter().any(|address| is_mine(address, me));
    let envelope = row.envelope;
    Printable::from_static(if row.selected {
        "X"
    } else if row.summary.flags.has(SystemFlags::FLAGGED) {
        "*"
    } else if envelope.is_some_and(|envelope| to_me(&envelope.to)) {
        "+"
    } else if envelope.is_some_and(|envelope| to_me(&envelope.cc)) {
        "-"
    } else {
        " "
    })
}

fn status(row: &IndexRow<'_>) -> Printable {
    let flags = &row.summary.flags;
    let forwarded =
        |keyword: &crate::mail::flags::Keyword| keyword.as_str().eq_ignore_ascii_case("$Forwarded");
    Printable::from_static(if flags.has(SystemFlags::DELETED) {
        "D"
    } else if flags.has(SystemFlags::ANSWERED) {
        "A"
    } else if flags.keywords().iter().any(forwarded) {
        "F"
    } else if !flags.has(SystemFlags::SEEN) {
        "N"
    } else {
        " "
    })
}

fn date(row: &IndexRow<'_>, context: &IndexContext<'_>) -> Printable {
    let Some(envelope) = row.envelope else {
        return Printable::default();
    };
    let moment = envelope.sent.unwrap_or(row.summary.internal_date);
    Printable::own(smart_date(moment.seconds, context.now, context.zone))
}

/// Whether `address` is one of the reader's.
pub fn is_mine(address: &Address, me: &[String]) -> bool {
    let (Some(mailbox), Some(host)) = (&address.mailbox, &address.host) else {
        return false;
    };
    let length = mailbox.len() + 1 + host.len();
    me.iter().filter(|mine| mine.len() == length).any(|mine| {
        let parts = mine.rsplit_once('@');
        parts.is_some_and(|(name, place)| {
            name.eq_ignore_ascii_case(mailbox.raw()) && place.eq_ignore_ascii_case(host.raw())
        })
    })
}

fn sender(envelope: &Envelope, me: &[String]) -> Printable {
    let Some(from) = envelope.from.first() else {
        return Printable::default();
    };
    let first_to = envelope
        .to
        .iter()
        .find(|address| address.name.is_some() || address.mailbox.is_some());
    match first_to {
        Some(to) if is_mine(from, me) => {
            let mut text = Printable::from_static("To: ");
            text.push(&name(to));
            text
        }
        _ => name(from),
    }
}

/// The display name, or the address where there is none.
fn name(address: &Address) -> Printable {
    let shown = |name: &&Foreign| !name.raw().trim().is_empty();
    if let Some(name) = address.name.as_ref().filter(shown) {
        return name.field();
    }
    let spec = address.spec().or_else(|| address.mailbox.clone());
    spec.unwrap_or_default().field()
}

fn subject(line: &mut Line<'_>, row: &IndexRow<'_>) {
    let Some(envelope) = row.envelope else {
        return line.gap(line.left);
    };
    let names: Vec<&str> = row
        .summary
        .flags
        .keywords()
        .iter()
        .map(|keyword| keyword.as_str())
        .collect();
    if !names.is_empty() {
        let names = Printable::own(format!("{{{}}} ", names.join(" ")));
        let width = names.width();
        line.put(Column::Keywords, &names, width);
    }
    let subject = envelope.subject.as_ref().map(Foreign::field);
    line.put(Column::Subject, &subject.unwrap_or_default(), line.left);
}
