//! From arguments to an open mailbox and some of its messages.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::cli::client::{Client, OpenMailbox};
use crate::cli::failure::Failure;
use crate::mail::message_list::MessageList;
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::status::Access;
use crate::mail::uid::{SequenceSet, Uid, UidSet};

/// Reads a mailbox's name.
pub fn mailbox_name(argument: &OsStr) -> Result<MailboxName, Failure> {
    Ok(MailboxName::parse(argument.as_bytes())?)
}

/// Reads the name of a mailbox that may have to be made, in this format where one is given.
pub fn new_name(argument: &OsStr, format: Option<&str>) -> Result<MailboxName, Failure> {
    let Some(format) = format else {
        return mailbox_name(argument);
    };
    let two = Failure::Argument("the format is named twice: by --format and by #driver.");
    let name = mailbox_name(argument)?;
    let plain = !matches!(name.kind(), NameKind::Driver { .. });
    let name = plain.then_some(name).ok_or(two)?;
    let wrong = Failure::Argument("--format takes one word, as mugo about lists them");
    if !format.bytes().all(|byte| byte.is_ascii_alphanumeric()) || format.is_empty() {
        return Err(wrong);
    }
    Ok(name.in_format(format)?)
}

/// Opens a mailbox, does `work` with it and closes it, whatever became of the work. The first failure counts.
pub fn with_mailbox(
    client: &mut Client,
    argument: &OsStr,
    access: Access,
    work: impl FnOnce(&mut Client, &mut OpenMailbox) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut mailbox = client.open(mailbox_name(argument)?, access)?;
    let done = work(client, &mut mailbox);
    let closed = client.close(mailbox);
    done.and(closed)
}

/// Messages as they were named on the command line, by numbers or by UIDs.
pub struct Sequence {
    set: Option<SequenceSet>,
    by_uid: bool,
}

impl Sequence {
    /// Reads a sequence set; absent means every message.
    pub fn parse(text: Option<&str>, by_uid: bool) -> Result<Self, Failure> {
        let set = text.map(|text| {
            SequenceSet::parse(text).ok_or(Failure::Argument(
                "messages are named as in 1:5,9,* (numbers from 1, * is the last one)",
            ))
        });
        let set = set.transpose()?;
        Ok(Self { set, by_uid })
    }

    /// The messages that are meant. A number beyond the mailbox is refused; UIDs that are not there name nothing.
    pub fn resolve(&self, list: &MessageList) -> Result<UidSet, Failure> {
        let Some(set) = &self.set else {
            return Ok(list.messages().iter().map(|summary| summary.uid).collect());
        };
        if self.by_uid {
            let last = list
                .messages()
                .last()
                .map_or(0, |summary| summary.uid.get());
            return Ok(present(&set.resolve(last), list));
        }
        let ranges = set.resolve(u32::try_from(list.len()).unwrap_or(u32::MAX));
        let beyond = ranges.iter().find(|range| range.1 as usize > list.len());
        match beyond {
            Some(range) => Err(Failure::BeyondMailbox(range.1, list.len())),
            None if ranges.is_empty() && !list.is_empty() => Ok(UidSet::new()),
            None if ranges.is_empty() => Err(Failure::BeyondMailbox(1, 0)),
            None => Ok(list.uids_at(&ranges)),
        }
    }
}

/// One message named by its number or UID; `*` is the last one.
pub fn one_message(text: &str, by_uid: bool, list: &MessageList) -> Result<Uid, Failure> {
    let single = !text.contains([',', ':']);
    let sequence = Sequence::parse(Some(text), by_uid).ok().filter(|_| single);
    let sequence = sequence.ok_or(Failure::Argument("a message is named by one number"))?;
    let found = sequence.resolve(list)?.last();
    found.ok_or_else(|| Failure::NoSuchUid(text.parse().unwrap_or(0)))
}

fn present(ranges: &[(u32, u32)], list: &MessageList) -> UidSet {
    let messages = list.messages();
    let mut found = UidSet::new();
    for &(first, last) in ranges {
        let start = messages.partition_point(|summary| summary.uid.get() < first);
        let inside = messages.iter().skip(start);
        for summary in inside.take_while(|summary| summary.uid.get() <= last) {
            found.insert(summary.uid);
        }
    }
    found
}
