//! `watch`: keeps a mailbox open and prints what happens in it.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::client::{Client, Heard};
use crate::cli::expunge::imap_numbers;
use crate::cli::failure::Failure;
use crate::cli::open::with_mailbox;
use crate::cli::output::Output;
use crate::cli::records::{flag_names, flags_in_words, keyword_names};
use crate::cli::setup::Setup;
use crate::mail::change::{Change, Why};
use crate::mail::message_list::MessageList;
use crate::mail::status::{Access, MailboxState};
use crate::mail::text::{Foreign, Printable};

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum EventRecord<'e> {
    Exists {
        messages: usize,
    },
    Expunged {
        msgno: usize,
        uid: u32,
    },
    Flags {
        msgno: usize,
        uid: u32,
        flags: Vec<&'static str>,
        keywords: Vec<&'e str>,
    },
    Reset,
    ReadOnly {
        reason: Option<&'e str>,
    },
    Closed {
        reason: Option<&'e str>,
    },
}

/// Prints how many messages there are, then events until the mailbox closes or `seconds` are over.
pub fn watch(
    client: &mut Client,
    output: &mut Output,
    setup: &Setup,
    mailbox: &OsStr,
    seconds: Option<u64>,
) -> Result<(), Failure> {
    let end = seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    with_mailbox(client, mailbox, setup.access(), |client, mailbox| {
        let messages = mailbox.list.len();
        print(output, &EventRecord::Exists { messages })?;
        let fell = mailbox
            .list
            .state()
            .filter(|state| fell_to_read_only(state, setup));
        fell.map_or(Ok(()), |state| print_read_only(output, state))?;
        output.flush()?;
        client.listen(mailbox, end, &mut |heard| {
            if let Heard::Change(change, before) = heard {
                tell(output, change, before)?;
            }
            output.flush()
        })
    })
}

fn tell(output: &mut Output, change: &Change, before: &MessageList) -> Result<(), Failure> {
    match change {
        Change::Arrived(new) => {
            let messages = before.len() + new.len();
            print(output, &EventRecord::Exists { messages })
        }
        Change::Expunged(gone) => {
            let mut pairs = imap_numbers(gone, before)
                .into_iter()
                .zip(gone_uids(gone, before));
            pairs.try_for_each(|(msgno, uid)| print(output, &EventRecord::Expunged { msgno, uid }))
        }
        Change::Flags(changed) => {
            let mut known = changed
                .iter()
                .filter_map(|(uid, flags)| Some((before.index_of(*uid)?, uid, flags)));
            known.try_for_each(|(row, uid, flags)| {
                let record = EventRecord::Flags {
                    msgno: row + 1,
                    uid: uid.get(),
                    flags: flag_names(flags),
                    keywords: keyword_names(flags),
                };
                output.record(&record, |_| {
                    Printable::own(format!("flags {} {}", row + 1, flags_in_words(flags)))
                })
            })
        }
        Change::State(state) => {
            let was = before.state().map(|state| state.access);
            if state.access == Access::ReadOnly && was == Some(Access::ReadWrite) {
                return print_read_only(output, state);
            }
            Ok(())
        }
        Change::Measured(_) => Ok(()),
        Change::Reset => print(output, &EventRecord::Reset),
        Change::Closed(why) => {
            let reason = match why {
                Why::Asked => None,
                Why::Failed(text) => Some(text.raw()),
            };
            print(output, &EventRecord::Closed { reason })
        }
    }
}

fn fell_to_read_only(state: &MailboxState, setup: &Setup) -> bool {
    state.access == Access::ReadOnly && setup.access() == Access::ReadWrite
}

fn print_read_only(output: &mut Output, state: &MailboxState) -> Result<(), Failure> {
    let reason = state.why_read_only.as_ref().map(Foreign::raw);
    print(output, &EventRecord::ReadOnly { reason })
}

fn gone_uids(gone: &crate::mail::uid::UidSet, before: &MessageList) -> Vec<u32> {
    let summaries = before.messages().iter();
    summaries
        .map(|summary| summary.uid)
        .filter(|&uid| gone.contains(uid))
        .map(|uid| uid.get())
        .collect()
}

fn print(output: &mut Output, record: &EventRecord<'_>) -> Result<(), Failure> {
    output.record(record, |record| {
        let with_reason = |event: &'static str, reason: &Option<&str>| {
            let reason = Foreign::new(reason.unwrap_or_default()).line();
            Printable::concat([&Printable::from_static(event), &reason])
        };
        match record {
            EventRecord::Exists { messages } => Printable::own(format!("exists {messages}")),
            EventRecord::Expunged { msgno, .. } => Printable::own(format!("expunged {msgno}")),
            EventRecord::Flags { msgno, .. } => Printable::own(format!("flags {msgno}")),
            EventRecord::Reset => Printable::from_static("reset"),
            EventRecord::ReadOnly { reason } => with_reason("read-only ", reason),
            EventRecord::Closed { reason } => with_reason("closed ", reason),
        }
    })
}
