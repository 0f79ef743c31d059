//! `copy` and `move`: messages to another mailbox, of any driver.

use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::Ask;
use crate::cli::args::Copying;
use crate::cli::client::{Client, Heard};
use crate::cli::failure::Failure;
use crate::cli::open::{Sequence, mailbox_name, with_mailbox};
use crate::cli::output::Output;
use crate::mail::status::Access;

#[derive(Serialize)]
struct CopyRecord {
    source_uid: u32,
    uid: Option<u32>,
}

/// What becomes of the originals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Originals {
    /// They stay.
    Stay,
    /// They go once the copies are durable.
    Go,
}

/// Copies the messages and prints which UIDs they got, where the driver can know.
pub fn copy(
    client: &mut Client,
    output: &mut Output,
    copying: &Copying,
    originals: Originals,
) -> Result<(), Failure> {
    let sequence = Sequence::parse(Some(&copying.sequence), copying.uid)?;
    let to = mailbox_name(&copying.destination)?;
    let access = match originals {
        Originals::Stay => Access::ReadOnly,
        Originals::Go => Access::ReadWrite,
    };
    with_mailbox(client, &copying.mailbox, access, |client, mailbox| {
        let ask = Ask::Copy {
            uids: sequence.resolve(&mailbox.list)?,
            to,
            create: copying.create,
            remove: originals == Originals::Go,
        };
        client.ask(mailbox, ask, &mut |heard| {
            let Heard::Piece(Piece::Copied(sources, appended)) = heard else {
                return Ok(());
            };
            let mut uids = appended.uids.iter();
            sources.iter().try_for_each(|source| {
                output.record_only(&CopyRecord {
                    source_uid: source.get(),
                    uid: uids.next().map(|uid| uid.get()),
                })
            })
        })
    })
}
