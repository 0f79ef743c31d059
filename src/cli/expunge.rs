//! `expunge`: removes the messages that are marked as deleted.

use serde::Serialize;

use crate::backend::request::Ask;
use crate::cli::args::Messages;
use crate::cli::client::{Client, Heard};
use crate::cli::failure::Failure;
use crate::cli::open::{Sequence, with_mailbox};
use crate::cli::output::Output;
use crate::mail::change::Change;
use crate::mail::message_list::MessageList;
use crate::mail::status::Access;
use crate::mail::uid::UidSet;

#[derive(Serialize)]
struct ExpungeRecord {
    expunged: usize,
}

/// Expunges, of the messages that were named or of all, and prints the numbers as IMAP does.
pub fn expunge(
    client: &mut Client,
    output: &mut Output,
    messages: &Messages,
) -> Result<(), Failure> {
    let sequence = Sequence::parse(messages.sequence.as_deref(), messages.uid)?;
    let access = Access::ReadWrite;
    with_mailbox(client, &messages.mailbox, access, |client, mailbox| {
        let named = sequence.resolve(&mailbox.list)?;
        let uids = messages.sequence.is_some().then_some(named);
        client.ask(mailbox, Ask::Expunge(uids), &mut |heard| {
            let Heard::Change(Change::Expunged(gone), before) = heard else {
                return Ok(());
            };
            let mut numbers = imap_numbers(gone, before).into_iter();
            numbers.try_for_each(|expunged| output.record_only(&ExpungeRecord { expunged }))
        })
    })
}

/// The message numbers of EXPUNGE responses: each is counted when those before it have left.
pub fn imap_numbers(gone: &UidSet, before: &MessageList) -> Vec<usize> {
    let rows = gone_rows(gone, before);
    rows.into_iter()
        .enumerate()
        .map(|(left, row)| row + 1 - left)
        .collect()
}

/// Where the messages that are gone stood, counted from 0.
fn gone_rows(gone: &UidSet, before: &MessageList) -> Vec<usize> {
    let rows = before.messages().iter().enumerate();
    rows.filter(|(_, summary)| gone.contains(summary.uid))
        .map(|(row, _)| row)
        .collect()
}
