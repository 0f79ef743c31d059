//! `index`: the lines of the message index, as the screen shows them.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::Ask;
use crate::cli::args::Messages;
use crate::cli::client::{Client, Heard, OpenMailbox};
use crate::cli::failure::Failure;
use crate::cli::open::{Sequence, with_mailbox};
use crate::cli::output::Output;
use crate::cli::search::{criteria, find};
use crate::cli::setup::Setup;
use crate::mail::envelope::Envelope;
use crate::mail::message_list::MessageList;
use crate::mail::order::{Order, SortKey};
use crate::mail::status::Access;
use crate::mail::summary::Summary;
use crate::mail::uid::{MsgNo, Uid, UidSet};
use crate::present::index_line::{IndexContext, IndexRow, index_line, number_width};

/// How many lines are made at once.
const BATCH: usize = 500;

#[derive(Serialize)]
struct IndexRecord<'l> {
    msgno: u32,
    uid: u32,
    line: &'l str,
    depth: u32,
}

/// Which lines, and in which order.
pub struct Wanted<'w> {
    /// The messages.
    pub messages: &'w Messages,
    /// Their order.
    pub order: Order,
    /// What they must be, too.
    pub search: Option<&'w OsStr>,
}

/// Prints the lines.
pub fn index(
    client: &mut Client,
    output: &mut Output,
    setup: &Setup,
    wanted: &Wanted<'_>,
) -> Result<(), Failure> {
    let sequence = Sequence::parse(wanted.messages.sequence.as_deref(), wanted.messages.uid)?;
    let criteria = wanted.search.map(|words| criteria(&[words])).transpose()?;
    let name = &wanted.messages.mailbox;
    with_mailbox(client, name, Access::ReadOnly, |client, mailbox| {
        let mut set = sequence.resolve(&mailbox.list)?;
        if let Some(criteria) = criteria {
            let found: UidSet = find(client, mailbox, Ask::Search(criteria))?
                .into_iter()
                .collect();
            set = set.iter().filter(|&uid| found.contains(uid)).collect();
        }
        if wanted.order.key == SortKey::Arrival && !wanted.order.reverse {
            return stream(client, output, setup, mailbox, &set);
        }
        let rows = ordered(client, mailbox, wanted.order, &set)?;
        let mut batches = rows.chunks(BATCH);
        batches.try_for_each(|batch| print(client, output, setup, (mailbox, batch)))
    })
}

/// Prints lines in the order in which their envelopes come, while more are on their way.
fn stream(
    client: &mut Client,
    output: &mut Output,
    setup: &Setup,
    mailbox: &mut OpenMailbox,
    set: &UidSet,
) -> Result<(), Failure> {
    let zone = TimeZone::system();
    let context = context(output, setup, mailbox, &zone);
    // As they are now: answers may bring changes of the mailbox with them.
    let all = mailbox.list.messages().iter().enumerate();
    let known: Vec<(MsgNo, Summary)> = all
        .filter(|(_, summary)| set.contains(summary.uid))
        .filter_map(|(row, summary)| Some((MsgNo::from_index(row)?, summary.clone())))
        .collect();
    let mut rows = known.iter().peekable();
    client.ask(mailbox, Ask::Envelopes(set.clone()), &mut |heard| {
        let Heard::Piece(Piece::Envelopes(batch)) = heard else {
            return Ok(());
        };
        for (uid, envelope) in &*batch {
            // Those that are left out are gone by now: what is known of them is shown.
            while let Some(gone) = rows.next_if(|row| row.1.uid < *uid) {
                print_row(output, context, gone, None)?;
            }
            if let Some(row) = rows.next_if(|row| row.1.uid == *uid) {
                print_row(output, context, row, Some(envelope))?;
            }
        }
        Ok(())
    })?;
    rows.try_for_each(|gone| print_row(output, context, gone, None))
}

fn context<'a>(
    output: &Output,
    setup: &'a Setup,
    mailbox: &OpenMailbox,
    zone: &'a TimeZone,
) -> IndexContext<'a> {
    IndexContext {
        now: Timestamp::now().as_second(),
        zone,
        me: &setup.me,
        width: usize::from(output.width()),
        number_width: number_width(mailbox.list.len()),
    }
}

/// A message of the list with its number.
fn known_row(list: &MessageList, uid: Uid) -> Option<(MsgNo, Summary)> {
    let row = list.index_of(uid)?;
    Some((MsgNo::from_index(row)?, list.messages().get(row)?.clone()))
}

fn print_row(
    output: &mut Output,
    context: IndexContext<'_>,
    (msgno, summary): &(MsgNo, Summary),
    envelope: Option<&Envelope>,
) -> Result<(), Failure> {
    let msgno = *msgno;
    let row = IndexRow {
        msgno,
        summary,
        envelope,
        selected: false,
    };
    let line = index_line(row, context);
    let record = IndexRecord {
        msgno: msgno.get(),
        uid: summary.uid.get(),
        line: line.as_str(),
        depth: 0,
    };
    output.record_or_line(&record, &line)
}

fn ordered(
    client: &mut Client,
    mailbox: &mut OpenMailbox,
    order: Order,
    set: &UidSet,
) -> Result<Vec<Uid>, Failure> {
    if order.key != SortKey::Arrival {
        let mut rows = find(client, mailbox, Ask::Sort(order))?;
        rows.retain(|&uid| set.contains(uid));
        return Ok(rows);
    }
    let mut rows: Vec<Uid> = set.iter().collect();
    if order.reverse {
        rows.reverse();
    }
    Ok(rows)
}

fn print(
    client: &mut Client,
    output: &mut Output,
    setup: &Setup,
    (mailbox, rows): (&mut OpenMailbox, &[Uid]),
) -> Result<(), Failure> {
    let mut envelopes = BTreeMap::new();
    let set = rows.iter().copied().collect();
    client.ask(mailbox, Ask::Envelopes(set), &mut |heard| {
        if let Heard::Piece(Piece::Envelopes(batch)) = heard {
            envelopes.extend(batch.keep());
        }
        Ok(())
    })?;
    let zone = TimeZone::system();
    let context = context(output, setup, mailbox, &zone);
    for &uid in rows {
        if let Some(row) = known_row(&mailbox.list, uid) {
            print_row(output, context, &row, envelopes.get(&uid))?;
        }
    }
    Ok(())
}
