//! Mail from mailbox to mailbox: copy and move; the pipe that a transfer uses too; and append, which has the same end.
//!
//! The source's own thread or task reads, a thread of its own appends. The destination gets all messages or none: it may
//! commit only after the pipe said that it is complete. A move removes the originals only after that.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;
use tokio::task::block_in_place;

use crate::backend::choose::{for_append, for_create};
use crate::backend::contained::contained;
use crate::backend::context::Context;
use crate::backend::error::{Error, Result};
use crate::backend::event::Piece;
use crate::backend::move_record::{Ledger, Origin};
use crate::backend::outlet::{Footing, Outlet};
use crate::backend::pipe::{PipeEnd, PipeStart, pipe};
use crate::backend::source::{Source, members, scratch};
use crate::backend::staged::Staged;
use crate::driver::contract::{CopiedThere, CopyWish, LocalDriver};
use crate::driver::error::Error as DriverError;
use crate::driver::floor::Floor;
use crate::driver::job::Job;
use crate::driver::message::{Messages, NewMessage};
use crate::driver::place::Place;
use crate::mail::appended::Appended;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::name::MailboxName;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};
use crate::os::environment::Environment;

/// What shall be copied where.
pub struct CopyOrder {
    /// The messages.
    pub uids: UidSet,
    /// The destination.
    pub to: MailboxName,
    /// Whether it is made when it is missing.
    pub create: bool,
    /// Whether the originals go afterwards.
    pub remove: bool,
}

/// Copies or moves messages of an open mailbox.
pub async fn copy<S: Source>(
    source: &mut S,
    order: CopyOrder,
    context: &Arc<Context>,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    let delete = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    if order.remove {
        // A read-only mailbox refuses even this, and better now than after the copies were made.
        source.store(&UidSet::new(), &delete, job).await?;
    }
    let uids = members(source, &order.uids);
    if let Some(there) = copy_there(source, &uids, &order, job).await? {
        let originals: UidSet = uids.into_iter().collect();
        outlet
            .piece(Piece::Copied(originals.clone(), there.appended))
            .await;
        if order.remove && !there.is_moved {
            return remove(source, &originals, job).await;
        }
        return Ok(());
    }
    let here = outlet
        .mailbox
        .and_then(|mailbox| context.open.path(mailbox));
    let there = destination_path(context, &order.to);
    let staged =
        matches!((&here, &there), (Some(here), Some(there)) if context.is_same_file(here, there));
    // Within one mailbox the record could not tell copies from originals.
    let origin = here.map(Origin::File);
    let origin = origin.or_else(|| source.identity().map(Origin::Server));
    let mut ledger = match origin.filter(|_| order.remove && !staged) {
        Some(origin) => {
            let quiet = job.without_progress();
            let counted = match outlet.footing {
                Footing::Thread => floor_of(context, &order.to, &quiet),
                Footing::Task => block_in_place(|| floor_of(context, &order.to, &quiet)),
            };
            let floor = counted.map_err(|error| error.of_destination(order.to.to_foreign()))?;
            Ledger::of_move(origin, &order.to, floor)
        }
        None => Ledger::of_copy(),
    };
    let target = Target {
        context: Arc::clone(context),
        name: order.to,
        create: order.create,
        staged,
    };
    let poured = pour(source, &uids, target, &mut ledger, outlet, job).await;
    // Copies that may yet be are looked for when the source is opened next.
    if poured.as_ref().is_err_and(|error| !error.may_yet_be()) {
        ledger.close(&context.environment);
    }
    let appended = poured?.appended;
    let originals: UidSet = uids.into_iter().collect();
    let copied = Piece::Copied(originals.clone(), appended);
    outlet.piece(copied).await;
    if order.remove {
        let removed = remove(source, &originals, job).await;
        ledger.close(&context.environment);
        removed?;
    }
    Ok(())
}

/// Copies on the server of the mailbox, where the destination is there too.
async fn copy_there<S: Source>(
    source: &mut S,
    uids: &[Uid],
    order: &CopyOrder,
    job: &Job,
) -> Result<Option<CopiedThere>> {
    if uids.is_empty() || !order.to.is_remote() {
        return Ok(None);
    }
    let wanted: UidSet = uids.iter().copied().collect();
    let wish = CopyWish {
        uids: &wanted,
        to: &order.to,
        create: order.create,
        remove: order.remove,
    };
    let copied = source.copy(&wish, job).await;
    copied.map_err(|error| error.of_destination(order.to.to_foreign()))
}

/// Removes the originals of durable copies. From here on nobody can cancel: half a move would be a surprise.
pub async fn remove<S: Source>(source: &mut S, originals: &UidSet, job: &Job) -> Result<()> {
    let job = job.uncancelled();
    let delete = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    let removed = match source.store(originals, &delete, &job).await {
        Ok(()) => source.expunge(Some(originals), &job).await,
        Err(error) => Err(error),
    };
    removed.map_err(|error| Error::NotRemoved(Box::new(error)))
}

/// What the destination holds before the first message comes.
fn floor_of(context: &Context, to: &MailboxName, job: &Job) -> Result<Floor> {
    let choice = match for_append(&context.drivers, &context.place(to)?) {
        // A file that is empty may be taken for any format.
        Ok(_) => context.choice(&to.without_format())?,
        Err(error) if error.can_create() => return Ok(Floor::default()),
        Err(error) => return Err(error),
    };
    match choice.driver.own_status(&choice.place, job) {
        // A server tells only now that it is not there.
        Err(DriverError::NoSuchMailbox {
            can_create: true, ..
        }) => Ok(Floor::default()),
        counted => Ok(Floor::of(&counted?)),
    }
}

/// What was delivered to a mailbox.
#[derive(Default)]
pub struct Delivered {
    /// What the append came to.
    pub appended: Appended,
    /// Whether the mailbox was made for it.
    pub made: bool,
}

/// Appends messages to a local mailbox, all or none, and lets those who have it open here know.
///
/// With `create` a missing mailbox is made; if nothing can be appended after all it goes again.
pub fn append(
    context: &Context,
    to: &MailboxName,
    create: bool,
    messages: &mut dyn Messages,
    job: &Job,
) -> Result<Delivered> {
    let place = context.place(to)?;
    let mut made = None;
    let choice = match for_append(&context.drivers, &place) {
        Err(Error::Driver(DriverError::NoSuchMailbox {
            can_create: true, ..
        })) if create => {
            let new = for_create(&context.drivers, &place)?;
            new.driver.create(&new.place, job)?;
            let choice = for_append(&context.drivers, &place)?;
            made = Some((new.driver, new.place));
            choice
        }
        other => other?,
    };
    if create && to.is_remote() {
        // Only the server knows whether it is there.
        match choice.driver.status(&choice.place, job) {
            Err(DriverError::NoSuchMailbox {
                can_create: true, ..
            }) => {
                choice.driver.create(&choice.place, job)?;
                made = Some((choice.driver, choice.place.clone()));
            }
            other => {
                other?;
            }
        }
    }
    let appended = choice.driver.append(&choice.place, messages, job);
    match (appended, made) {
        (Ok(appended), made) => {
            context.open.nudge(&choice.place.path);
            let made = made.is_some();
            Ok(Delivered { appended, made })
        }
        (Err(error), made) => {
            if let Some((driver, place)) = made
                && !matches!(error, DriverError::Pending { .. })
            {
                unmake(driver, &place, &job.uncancelled());
            }
            Err(error.into())
        }
    }
}

/// Where messages go.
pub struct Target {
    /// What everybody has in common.
    pub context: Arc<Context>,
    /// The mailbox.
    pub name: MailboxName,
    /// Whether it is made when it is missing.
    pub create: bool,
    /// Whether all messages are set down before the first one is appended.
    pub staged: bool,
}

/// What is noted of messages while they are on their way.
pub trait Notes: Send {
    /// Notes a message, and may still change what it wishes for.
    fn note(&mut self, summary: &Summary, message: &mut NewMessage) -> Result<()>;
    /// All were sent; after this the destination commits.
    fn sent(&mut self, environment: &Environment) -> Result<()>;
    /// How many units of work a message is, sending it being the first.
    fn work(&self) -> u64;
}

impl Notes for Ledger {
    fn note(&mut self, summary: &Summary, message: &mut NewMessage) -> Result<()> {
        self.note(summary.uid, &mut message.content)
    }

    fn sent(&mut self, environment: &Environment) -> Result<()> {
        self.write(environment)
    }

    fn work(&self) -> u64 {
        1
    }
}

/// Reads `uids` here and appends them there, on a thread of its own.
pub async fn pour<S: Source, N: Notes>(
    source: &mut S,
    uids: &[Uid],
    target: Target,
    notes: &mut N,
    outlet: &Outlet,
    job: &Job,
) -> Result<Delivered> {
    if uids.is_empty() && !target.create {
        return Ok(Delivered::default());
    }
    let footing = outlet.footing;
    let (start, end) = pipe(footing);
    let (tell, told) = oneshot::channel();
    let appending = job.clone();
    let context = Arc::clone(&target.context);
    let spawned = thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(move || {
            let outcome = contained(|| receive(&target, end, &appending))
                .map_err(|error| error.of_destination(target.name.to_foreign()));
            let _nobody_waits = tell.send(outcome).is_err();
        });
    spawned.map_err(|source| Error::System {
        what: "cannot start a thread for the destination",
        source,
    })?;
    let sent = match send_all(source, uids, &start, notes, job).await {
        Ok(Sent::All) => match notes.sent(&context.environment) {
            Ok(()) => {
                let _taken = start.complete().await;
                Ok(())
            }
            Err(error) => {
                drop(start);
                Err(error)
            }
        },
        other => {
            drop(start);
            other.map(|_refused| ())
        }
    };
    let outcome = match footing {
        Footing::Thread => told.blocking_recv(),
        Footing::Task => told.await,
    };
    let outcome = outcome.unwrap_or(Err(Error::Ending));
    // A source that failed is why the destination failed; one that was not let finish is not.
    sent.and(outcome)
}

/// How far the sending came.
enum Sent {
    /// To the end.
    All,
    /// The destination takes no more, and says itself why.
    Refused,
}

/// Sends every message, and lets it be noted.
async fn send_all<S: Source, N: Notes>(
    source: &mut S,
    uids: &[Uid],
    start: &PipeStart,
    notes: &mut N,
    job: &Job,
) -> Result<Sent> {
    let total = uids.len() as u64 * notes.work();
    let wanted: UidSet = uids.iter().copied().collect();
    source.measure(&wanted, job).await?;
    for (place, &uid) in uids.iter().enumerate() {
        job.checkpoint()?;
        let summary = source.summary(uid).ok_or(Error::NoSuchMessage)?;
        let mut message = NewMessage {
            flags: Flags {
                system: source.copied(summary.flags.system),
                keywords: summary.flags.keywords.clone(),
            },
            internal_date: Some(summary.internal_date),
            sender: source.sender(uid, job).await?,
            uid: None,
            content: source.content(uid, job).await?,
        };
        notes.note(&summary, &mut message)?;
        if !start.send(message).await {
            return Ok(Sent::Refused);
        }
        job.progress(place as u64 + 1, total);
    }
    job.checkpoint()?;
    Ok(Sent::All)
}

fn receive(target: &Target, mut end: PipeEnd, job: &Job) -> Result<Delivered> {
    let Target { context, name, .. } = target;
    if !target.staged {
        return append(context, name, target.create, &mut end, job);
    }
    let mut staged = Staged::new().map_err(scratch)?;
    while let Some(message) = end.next(job)? {
        staged.push(message).map_err(scratch)?;
    }
    staged.rewind().map_err(scratch)?;
    append(context, name, target.create, &mut staged, job)
}

/// Takes back a mailbox that was made a moment ago, unless somebody delivered to it since.
fn unmake(driver: &dyn LocalDriver, place: &Place, job: &Job) {
    // If even this fails an empty mailbox stays, which does no harm.
    let _stays = driver.delete_empty(place, job).is_err();
}

/// The file or folder that messages for `name` go to; `None` where there is none yet.
pub fn destination_path(context: &Context, name: &MailboxName) -> Option<PathBuf> {
    let place = context.place(name).ok()?;
    let choice = for_append(&context.drivers, &place).ok()?;
    Some(choice.place.path)
}

/// What the threads of destinations are called.
pub const THREAD_NAME: &str = "mugo-append";
