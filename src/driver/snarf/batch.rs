//! A batch of messages on its way from the source: first looked at, to be written down, then handed over.

use std::collections::VecDeque;

use crate::driver::contract::LocalMailbox;
use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::mark::Mark;
use crate::driver::message::{Content, Messages, NewMessage};
use crate::driver::snarf::record::Entry;
use crate::mail::flags::{Flags, SystemFlags};
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::Uid;

/// How many messages a batch has at most.
const MOST: usize = 500;
/// How many bytes of messages make a batch full. One message alone may be larger.
const FULL: u64 = 8 << 20;

/// Takes the first messages of `left` that make a batch; at least one where there is any.
pub fn take(left: &mut VecDeque<Summary>) -> Vec<Summary> {
    let mut bytes = 0;
    let mut batch = Vec::new();
    while batch.len() < MOST
        && let Some(next) = left.pop_front_if(|next| {
            bytes += next.rfc822_size;
            batch.is_empty() || bytes <= FULL
        })
    {
        batch.push(next);
    }
    batch
}

/// One message of a mailbox as the record knows it; `None` for one without any bytes, which no mailbox takes.
pub fn entry(
    mailbox: &mut dyn LocalMailbox,
    summary: &Summary,
    job: &Job,
) -> Result<Option<Entry>> {
    let mut content = content(mailbox, summary.uid, job)?;
    if content.is_empty() {
        return Ok(None);
    }
    let mark = Mark::of(&mut content).map_err(Error::io(&std::env::temp_dir()))?;
    Ok(Some(Entry {
        seconds: summary.internal_date.seconds,
        mark,
    }))
}

/// Hands over the messages of a batch with flags, keywords, date and sender; the source's own metadata is no part of
/// their content.
pub struct Handover<'a> {
    mailbox: &'a mut dyn LocalMailbox,
    messages: std::slice::Iter<'a, Summary>,
}

impl<'a> Handover<'a> {
    /// Hands over these messages.
    pub fn new(mailbox: &'a mut dyn LocalMailbox, messages: &'a [Summary]) -> Self {
        Self {
            mailbox,
            messages: messages.iter(),
        }
    }
}

impl Messages for Handover<'_> {
    fn next(&mut self, job: &Job) -> Result<Option<NewMessage>> {
        let Some(summary) = self.messages.next() else {
            return Ok(None);
        };
        let system = summary.flags.system.only(SystemFlags::SETTABLE);
        Ok(Some(NewMessage {
            flags: Flags::new(system, summary.flags.keywords().to_vec()),
            internal_date: Some(summary.internal_date),
            sender: self.mailbox.sender(summary.uid, job)?,
            uid: None,
            content: content(self.mailbox, summary.uid, job)?,
        }))
    }
}

fn content(mailbox: &mut dyn LocalMailbox, uid: Uid, job: &Job) -> Result<Content> {
    job.checkpoint()?;
    let mut content = Content::new();
    mailbox.read(uid, Part::Whole, &mut content, job)?;
    Ok(content)
}
