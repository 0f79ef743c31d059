//! What a reader sees: structures, messages laid out, parts decoded.

use crate::backend::error::{Error, Result};
use crate::backend::event::Piece;
use crate::backend::outlet::Outlet;
use crate::backend::source::{Source, StoredPart, hand_up_bytes, members};
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::outline::Outline;
use crate::mail::structure::{Part, Section};
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};
use crate::mime::document::{Document, Paragraph, ParagraphKind};
use crate::mime::document_builder::{ViewOptions, outlined_document};
use crate::mime::structure::{encoding, holds_together, outlined_structure, section as decoded};

/// The largest message that is taken into memory to be shown, in bytes.
pub const SHOWN: u64 = 64 << 20;
/// The largest message of which a part is decoded, in bytes.
pub const DECODED: u64 = 1 << 30;
/// A message up to this size comes whole as fast as in outline, in bytes.
const WHOLE: u64 = 128 << 10;

const STRUCTURES: usize = 10;

/// A message that shall be seen.
pub struct Look {
    /// The message.
    pub uid: Uid,
    /// How it is laid out.
    pub options: ViewOptions,
    /// Whether `\Seen` stays as it is.
    pub peek: bool,
}

/// Hands up the body structures of `uids`. Messages that are gone are left out.
pub async fn structures<S: Source>(
    source: &mut S,
    uids: &UidSet,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    source.measure(uids, job).await?;
    let wanted = members(source, uids);
    for batch in wanted.chunks(STRUCTURES) {
        let mut rows = Vec::with_capacity(batch.len());
        for &uid in batch {
            job.checkpoint()?;
            match shown(source, uid, job).await {
                Ok(Shown { outline, .. }) => rows.push((uid, outlined_structure(&outline))),
                Err(Error::NoSuchMessage) => {}
                Err(error) => return Err(error),
            }
        }
        outlet.piece(Piece::Structures(rows)).await;
    }
    Ok(())
}

/// Hands up a message as a reader sees it, then sets `\Seen` unless it is a peek or the mailbox read-only.
pub async fn view<S: Source>(
    source: &mut S,
    look: &Look,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    source.measure(&UidSet::one(look.uid), job).await?;
    let summary = source.summary(look.uid).ok_or(Error::NoSuchMessage)?;
    let Shown { outline, is_header } = shown(source, look.uid, job).await?;
    job.checkpoint()?;
    let mut document = outlined_document(&outline, &look.options);
    drop(outline);
    if is_header {
        tell_size(&mut document, summary.rfc822_size);
    }
    outlet
        .piece(Piece::View(look.uid, Box::new(document)))
        .await;
    if look.peek || summary.flags.has(SystemFlags::SEEN) {
        return Ok(());
    }
    let seen = FlagChange::Add(Flags::system(SystemFlags::SEEN));
    match source.store(&UidSet::one(look.uid), &seen, job).await {
        Err(Error::Driver(DriverError::ReadOnly)) => Ok(()),
        other => other,
    }
}

/// Hands up the decoded content of one part.
pub async fn section<S: Source>(
    source: &mut S,
    uid: Uid,
    section: &Section,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    if section.0.is_empty() {
        return source.hand_up(uid, Part::Whole, outlet, job).await;
    }
    source.measure(&UidSet::one(uid), job).await?;
    if let Some(outline) = outline(source, uid, job).await? {
        let missing = || Error::NoSuchPart(section.to_string());
        let encoding = encoding(&outline.message, section).ok_or_else(missing)?;
        let part = StoredPart {
            section,
            encoding: &encoding,
            octets: outline.octets_left_out(section).unwrap_or(0),
        };
        return source.hand_up_part(uid, &part, outlet, job).await;
    }
    if is_larger(source, uid, DECODED) {
        return Err(Error::Unsupported(
            "the message is larger than 1 GiB; save it whole instead",
        ));
    }
    let bytes = source.read(uid, Part::Whole, job).await?;
    let content = decoded(&bytes, section).ok_or_else(|| Error::NoSuchPart(section.to_string()))?;
    drop(bytes);
    hand_up_bytes(&content, outlet, job).await
}

/// The header of a message; `None` when the message is gone.
pub async fn header<S: Source>(source: &mut S, uid: Uid, job: &Job) -> Result<Option<Vec<u8>>> {
    job.checkpoint()?;
    match source.read(uid, Part::Header, job).await {
        Ok(header) => Ok(Some(header)),
        Err(Error::NoSuchMessage) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is read of a message to be shown.
struct Shown {
    outline: Outline,
    /// Whether it is the header alone, of a message that is too large.
    is_header: bool,
}

/// All of a small message, of a large one what is read at once.
async fn shown<S: Source>(source: &mut S, uid: Uid, job: &Job) -> Result<Shown> {
    if let Some(outline) = outline(source, uid, job).await? {
        return Ok(Shown {
            outline,
            is_header: false,
        });
    }
    let is_header = is_larger(source, uid, SHOWN);
    let part = if is_header { Part::Header } else { Part::Whole };
    Ok(Shown {
        outline: Outline::whole(source.read(uid, part, job).await?),
        is_header,
    })
}

/// A message in outline, where that spares anything, and where it holds together.
async fn outline<S: Source>(source: &mut S, uid: Uid, job: &Job) -> Result<Option<Outline>> {
    if !is_larger(source, uid, WHOLE) {
        return Ok(None);
    }
    let outline = source.outline(uid, job).await?;
    Ok(outline.filter(holds_together))
}

fn is_larger<S: Source>(source: &S, uid: Uid, limit: u64) -> bool {
    let summary = source.summary(uid);
    summary.is_some_and(|summary| summary.rfc822_size > limit)
}

fn tell_size(document: &mut Document, size: u64) {
    let text = format!("[The message has {size} bytes, too many to show; it can be saved.]");
    document.body = vec![Paragraph {
        kind: ParagraphKind::Note,
        text: Foreign::new(text),
        ..Paragraph::default()
    }];
}
