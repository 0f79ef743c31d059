//! Search and sort where the mailbox cannot do it itself, reading only what the question needs.
//!
//! A message is judged by what is at hand; when that does not decide, the judgement says what is missing, that is read, and
//! it is judged again. So `UNSEEN` reads nothing, `FROM x` headers, and `UNSEEN BODY x` only unseen messages.

use std::collections::HashMap;

use crate::backend::error::Result;
use crate::backend::event::Piece;
use crate::backend::outlet::Outlet;
use crate::backend::reading::{SHOWN, header};
use crate::backend::source::Source;
use crate::driver::job::Job;
use crate::mail::criteria::{Candidate, Criteria, Source as Text};
use crate::mail::date::InternalDate;
use crate::mail::order::{Order, SortKey};
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::uid::{MsgNo, Uid, UidSet};
use crate::mime::decode::decoded_cow;
use crate::mime::fields::{fields, header_length};
use crate::mime::header::envelope;
use crate::mime::parse::{charset, date};
use crate::mime::tree::{Kind, tree};

/// How many headers are read at once.
const HEADERS: usize = 200;

/// Hands up the messages that meet `criteria`, in the order of the mailbox.
pub async fn search<S: Source>(
    source: &mut S,
    criteria: &Criteria,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    let found = match source.search(criteria, job).await? {
        Some(found) => found.iter().collect(),
        None => search_here(source, criteria, job).await?,
    };
    outlet.piece(Piece::Found(found)).await;
    Ok(())
}

/// Hands up all messages in `order`.
pub async fn sort<S: Source>(
    source: &mut S,
    order: Order,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    if let Some(sorted) = source.sort(order, job).await? {
        outlet.piece(Piece::Found(sorted)).await;
        return Ok(());
    }
    if matches!(order.key, SortKey::Size | SortKey::Date) {
        source.measure(&source.uids(), job).await?;
    }
    let uids: Vec<Uid> = source.uids().iter().collect();
    let mut keyed = Vec::with_capacity(uids.len());
    for (number, batch) in uids.chunks(HEADERS).enumerate() {
        let mut envelopes = HashMap::new();
        if order.key.needs_envelope() {
            let mut found = |uid, header: &[u8]| {
                envelopes.insert(uid, envelope(header));
            };
            source.headers(batch, &mut found, job).await?;
        }
        let there = batch.iter().filter_map(|&uid| source.summary(uid));
        keyed.extend(there.map(|summary| {
            let value = order.key.value(&summary, envelopes.get(&summary.uid));
            (value, summary.uid)
        }));
        let done = number * HEADERS + batch.len();
        job.progress(done as u64, uids.len() as u64);
    }
    job.checkpoint()?;
    outlet.piece(Piece::Found(order.sort(keyed))).await;
    Ok(())
}

async fn search_here<S: Source>(
    source: &mut S,
    criteria: &Criteria,
    job: &Job,
) -> Result<Vec<Uid>> {
    let uids: UidSet = source.uids();
    if criteria.needs_measure() {
        source.measure(&uids, job).await?;
    }
    let total = uids.len();
    let Some(last) = last(&uids) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (index, uid) in uids.iter().enumerate() {
        job.checkpoint()?;
        job.progress(index as u64 + 1, total);
        let (Some(summary), Some(number)) = (source.summary(uid), MsgNo::from_index(index)) else {
            continue;
        };
        let mut message = Judged {
            number,
            last,
            summary,
            header: None,
            whole: None,
        };
        if judge(source, criteria, &mut message, job).await? {
            found.push(uid);
        }
    }
    Ok(found)
}

fn last(uids: &UidSet) -> Option<(MsgNo, Uid)> {
    let number = u32::try_from(uids.len()).ok().and_then(MsgNo::new)?;
    Some((number, uids.last()?))
}

async fn judge<S: Source>(
    source: &mut S,
    criteria: &Criteria,
    message: &mut Judged,
    job: &Job,
) -> Result<bool> {
    let uid = message.summary.uid;
    loop {
        match criteria.evaluate(message) {
            Ok(verdict) => return Ok(verdict),
            Err(Missing::Header) => match header(source, uid, job).await? {
                Some(bytes) => message.header = Some(bytes),
                None => return Ok(false),
            },
            Err(Missing::Whole) if message.summary.rfc822_size > SHOWN => {
                job.notice("a message is too large to be searched; only its header was");
                message.whole = Some(message.header.clone().unwrap_or_default());
            }
            Err(Missing::Whole) => {
                message.whole = Some(source.read(uid, Part::Whole, job).await?);
            }
        }
    }
}

/// What must be read before the message can be judged.
enum Missing {
    Header,
    Whole,
}

struct Judged {
    number: MsgNo,
    last: (MsgNo, Uid),
    summary: Summary,
    header: Option<Vec<u8>>,
    whole: Option<Vec<u8>>,
}

impl Judged {
    fn header(&self) -> std::result::Result<&[u8], Missing> {
        let header = self.header.as_deref().or(self.whole.as_deref());
        header.ok_or(Missing::Header)
    }
}

impl Candidate for Judged {
    type Error = Missing;

    fn number(&self) -> MsgNo {
        self.number
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn last(&self) -> (MsgNo, Uid) {
        self.last
    }

    fn sent(&mut self) -> std::result::Result<Option<InternalDate>, Missing> {
        let header = self.header()?;
        let field = fields(header).find(|field| field.is("Date"));
        Ok(field.and_then(|field| date(&field.unfolded())))
    }

    fn texts(
        &mut self,
        source: Text<'_>,
        visit: &mut dyn FnMut(&str),
    ) -> std::result::Result<(), Missing> {
        match source {
            Text::Field(name) => {
                for field in fields(self.header()?).filter(|field| field.is(name)) {
                    visit(&field.decoded());
                }
            }
            Text::Header => {
                for field in fields(self.header()?) {
                    let name = String::from_utf8_lossy(field.name);
                    visit(&format!("{name}: {}", field.decoded()));
                }
            }
            Text::Body => body_texts(self.whole.as_deref().ok_or(Missing::Whole)?, visit),
        }
        Ok(())
    }
}

/// The text of every part that is text, decoded.
fn body_texts(message: &[u8], visit: &mut dyn FnMut(&str)) {
    if header_length(message) >= message.len() {
        return;
    }
    for node in tree(message) {
        if node.kind != Kind::Leaf || node.about.media_type != "TEXT" {
            continue;
        }
        let body = message.get(node.body.clone()).unwrap_or_default();
        let bytes = decoded_cow(&node.about.encoding, body);
        visit(&charset(
            node.about.content_type.parameter("CHARSET"),
            &bytes,
        ));
    }
}
