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
use crate::mail::order::{Order, SortKey};
use crate::mail::status::Access;
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
        let rows = ordered(client, mailbox, wanted.order, &set)?;
        let mut batches = rows.chunks(BATCH);
        batches.try_for_each(|batch| print(client, output, setup, (mailbox, batch)))
    })
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
            envelopes.extend(batch);
        }
        Ok(())
    })?;
    let context = IndexContext {
        now: Timestamp::now().as_second(),
        zone: &TimeZone::system(),
        me: &setup.me,
        width: usize::from(output.width()),
        number_width: number_width(mailbox.list.len()),
    };
    for &uid in rows {
        let Some((row, msgno)) = row_of(mailbox, uid) else {
            continue;
        };
        let Some(summary) = mailbox.list.messages().get(row) else {
            continue;
        };
        let row = IndexRow {
            msgno,
            summary,
            envelope: envelopes.get(&uid),
            selected: false,
        };
        let line = index_line(row, context);
        let record = IndexRecord {
            msgno: msgno.get(),
            uid: uid.get(),
            line: line.as_str(),
            depth: 0,
        };
        output.record(&record, |_| line.clone())?;
    }
    Ok(())
}

fn row_of(mailbox: &OpenMailbox, uid: Uid) -> Option<(usize, MsgNo)> {
    let row = mailbox.list.index_of(uid)?;
    Some((row, MsgNo::from_index(row)?))
}
