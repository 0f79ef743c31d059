//! `show`: a mailbox and its messages in every detail, with a checksum over the exact bytes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::backend::event::Piece;
use crate::backend::request::Ask;
use crate::cli::args::Messages;
use crate::cli::client::{Client, Heard, OpenMailbox};
use crate::cli::failure::Failure;
use crate::cli::open::{Sequence, with_mailbox};
use crate::cli::output::{Output, messages};
use crate::cli::records::{
    BodyRecord, EnvelopeRecord, flag_names, flags_in_words, keyword_names, rfc3339,
};
use crate::cli::setup::Setup;
use crate::mail::flags::SystemFlags;
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::text::{Foreign, Printable};
use crate::mail::uid::{Uid, UidSet};

/// How many messages are described at once.
const BATCH: usize = 100;

#[derive(Serialize)]
struct MailboxRecord<'m> {
    name: &'m str,
    path: Option<String>,
    driver: &'static str,
    messages: usize,
    recent: usize,
    unseen: usize,
    uid_validity: Option<u32>,
    uid_next: Option<u32>,
    read_only: bool,
    keywords: Vec<&'m str>,
    permanent_flags: Vec<&'static str>,
}

#[derive(Serialize)]
struct MessageRecord<'m> {
    msgno: usize,
    uid: u32,
    flags: Vec<&'static str>,
    keywords: Vec<&'m str>,
    internal_date: String,
    size: u64,
    header_size: u64,
    text_size: u64,
    sha256: String,
    envelope: Option<EnvelopeRecord>,
    body: Option<BodyRecord>,
}

/// What was read of one message.
struct Bytes {
    header_size: u64,
    text_size: u64,
    sha256: String,
}

/// Prints the mailbox, then each message.
pub fn show(
    client: &mut Client,
    output: &mut Output,
    setup: &Setup,
    messages: &Messages,
) -> Result<(), Failure> {
    let sequence = Sequence::parse(messages.sequence.as_deref(), messages.uid)?;
    with_mailbox(
        client,
        &messages.mailbox,
        setup.access(),
        |client, mailbox| {
            let wanted = sequence.resolve(&mailbox.list)?;
            print_mailbox(output, mailbox, &messages.mailbox)?;
            let uids: Vec<Uid> = wanted.iter().collect();
            let mut batches = uids.chunks(BATCH);
            batches.try_for_each(|batch| describe(client, output, mailbox, batch))
        },
    )
}

fn print_mailbox(output: &mut Output, mailbox: &OpenMailbox, name: &OsStr) -> Result<(), Failure> {
    let Some(state) = mailbox.list.state() else {
        return Ok(());
    };
    let having = |flag| {
        let messages = mailbox.list.messages().iter();
        messages.filter(|summary| summary.flags.has(flag)).count()
    };
    let name = name.to_string_lossy();
    let record = MailboxRecord {
        name: &name,
        path: state
            .path
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned()),
        driver: state.driver,
        messages: mailbox.list.len(),
        recent: having(SystemFlags::RECENT),
        unseen: mailbox.list.len() - having(SystemFlags::SEEN),
        uid_validity: state.uid_validity.map(|validity| validity.get()),
        uid_next: state.uid_next.map(|uid| uid.get()),
        read_only: state.access == Access::ReadOnly,
        keywords: state
            .keywords
            .iter()
            .map(|keyword| keyword.as_str())
            .collect(),
        permanent_flags: state.permanent_flags.names().collect(),
    };
    output.record(&record, |record| {
        let access = if record.read_only { ", read-only" } else { "" };
        let counts = format!(
            ": {}, {} unseen, {} recent ({}{access})",
            messages(record.messages as u64),
            record.unseen,
            record.recent,
            record.driver
        );
        Printable::concat([&Foreign::new(record.name).field(), &Printable::own(counts)])
    })
}

fn describe(
    client: &mut Client,
    output: &mut Output,
    mailbox: &mut OpenMailbox,
    uids: &[Uid],
) -> Result<(), Failure> {
    let set: UidSet = uids.iter().copied().collect();
    let mut envelopes = BTreeMap::new();
    client.ask(mailbox, Ask::Envelopes(set.clone()), &mut |heard| {
        if let Heard::Piece(Piece::Envelopes(batch)) = heard {
            envelopes.extend(batch.keep());
        }
        Ok(())
    })?;
    let mut structures = BTreeMap::new();
    client.ask(mailbox, Ask::Structures(set), &mut |heard| {
        if let Heard::Piece(Piece::Structures(batch)) = heard {
            structures.extend(batch);
        }
        Ok(())
    })?;
    for &uid in uids {
        let bytes = read(client, mailbox, uid)?;
        let Some(row) = mailbox.list.index_of(uid) else {
            continue;
        };
        let Some(summary) = mailbox.list.messages().get(row) else {
            continue;
        };
        let record = MessageRecord {
            msgno: row + 1,
            uid: uid.get(),
            flags: flag_names(&summary.flags),
            keywords: keyword_names(&summary.flags),
            internal_date: rfc3339(summary.internal_date),
            size: summary.rfc822_size,
            header_size: bytes.header_size,
            text_size: bytes.text_size,
            sha256: bytes.sha256,
            envelope: envelopes.get(&uid).map(EnvelopeRecord::new),
            body: structures.get(&uid).map(BodyRecord::new),
        };
        output.record(&record, |record| plain(record, summary))?;
    }
    Ok(())
}

fn read(client: &mut Client, mailbox: &mut OpenMailbox, uid: Uid) -> Result<Bytes, Failure> {
    let mut digest = Sha256::new();
    let mut length = |part| {
        let mut length = 0;
        client.ask(mailbox, Ask::Read(uid, part), &mut |heard| {
            if let Heard::Piece(Piece::Bytes(bytes)) = heard {
                length += bytes.len() as u64;
                digest.update(&bytes);
            }
            Ok(())
        })?;
        Ok::<u64, Failure>(length)
    };
    let header_size = length(Part::Header)?;
    let text_size = length(Part::Text)?;
    let mut sha256 = String::with_capacity(64);
    for byte in digest.finalize() {
        let _ = write!(sha256, "{byte:02x}");
    }
    Ok(Bytes {
        header_size,
        text_size,
        sha256,
    })
}

fn plain(record: &MessageRecord<'_>, summary: &Summary) -> Printable {
    let facts = format!(
        "{}  uid {}  {}  {} octets  [{}]  {}  ",
        record.msgno,
        record.uid,
        record.internal_date,
        record.size,
        flags_in_words(&summary.flags),
        record.sha256
    );
    let subject = record.envelope.as_ref().and_then(EnvelopeRecord::subject);
    let subject = subject.map(|subject| Foreign::new(subject).field());
    Printable::concat([&Printable::own(facts), &subject.unwrap_or_default()])
}
