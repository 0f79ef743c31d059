//! Transfer of a whole mailbox into another one, of any format, and its receipt.
//!
//! The target gets all messages or none. Then it is opened anew and every message is read and compared with what was
//! sent. A target that was made for it goes again when anything fails, or when it differs in a way that its format does
//! not explain; messages in one that was there before stay, and that is told.

use std::path::PathBuf;
use std::sync::Arc;

use crate::backend::choose::for_append;
use crate::backend::context::Context;
use crate::backend::drivers::Choice;
use crate::backend::error::{Error, Result};
use crate::backend::event::Piece;
use crate::backend::manifest::{Exact, Fingerprint, Loose, Manifest, Sent};
use crate::backend::outlet::Outlet;
use crate::backend::source::{LocalSource, Source, run_now};
use crate::backend::transfer::{Delivered, Target, destination_path, pour};
use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::contract::LocalMailbox;
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::name::MailboxName;
use crate::mail::receipt::{Difference, Limit, Receipt, What};
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::uid::{Uid, UidSet};

/// Appends every message of one mailbox to another, which is made where it is missing, and compares the copies.
pub fn transfer(
    context: &Arc<Context>,
    from: &MailboxName,
    to: MailboxName,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    let choice = context.choice(from)?;
    let same = |there: PathBuf| context.is_same_file(&there, &choice.place.path);
    if destination_path(context, &to).is_some_and(same) {
        let why = "source and destination are the same mailbox; nothing was changed";
        return Err(Error::Unsupported(why));
    }
    // Drivers count in bytes; here messages are counted.
    let quiet = job.without_progress();
    let opened = choice
        .driver
        .open(&choice.place, Access::ReadOnly, &quiet)?;
    let mut source = LocalSource(opened);
    let before =
        messages_at(context, &to, &quiet).map_err(|error| error.of_destination(to.to_foreign()))?;
    let mut manifest = Manifest {
        messages: Vec::new(),
        bytes: 0,
        keep_uids: before == 0 && holds_uids(choice.driver.characteristics()),
    };
    let target = Target {
        context: Arc::clone(context),
        name: to.clone(),
        create: true,
        staged: false,
    };
    let uids: Vec<Uid> = source.uids().iter().collect();
    let poured = pour(&mut source, &uids, target, &mut manifest, outlet, job);
    let delivered = run_now(poured)?;
    let comparison = Comparison {
        context,
        asked: &to,
        to: to.without_format(),
        manifest: &manifest,
        delivered: &delivered,
        before,
    };
    let row = choice.driver.characteristics();
    let compared = comparison.run((source.0.as_mut(), row), &quiet, job);
    let closed = source.0.close(&quiet);
    let receipt = comparison.judge(compared, outlet, &quiet)?;
    outlet.piece_blocking(Piece::Appended(delivered.appended));
    outlet.piece_blocking(Piece::Receipt(Box::new(receipt)));
    Ok(closed?)
}

/// How many messages the destination holds; none where it is not there yet.
fn messages_at(context: &Context, to: &MailboxName, job: &Job) -> Result<u64> {
    match for_append(&context.drivers, &context.place(to)?) {
        // What is empty may be taken for any format, so nobody but `dummy` counts it.
        Ok(_) => match context.choice(&to.without_format()) {
            Ok(choice) => match choice.driver.own_status(&choice.place, job) {
                // A server tells only now that it is not there.
                Err(DriverError::NoSuchMailbox {
                    can_create: true, ..
                }) => Ok(0),
                counted => Ok(counted?.messages.into()),
            },
            Err(error) => Err(error),
        },
        Err(error) if error.can_create() => Ok(0),
        Err(error) => Err(error),
    }
}

fn holds_uids(row: &Characteristics) -> bool {
    row.sticky_uids != Ability::No
}

/// A copy that is to be compared with what was sent.
struct Comparison<'a> {
    context: &'a Context,
    /// The target as it was named, perhaps with a format.
    asked: &'a MailboxName,
    /// The target.
    to: MailboxName,
    manifest: &'a Manifest,
    delivered: &'a Delivered,
    /// How many messages the target held before.
    before: u64,
}

/// The copies, open.
struct Copies<'a> {
    mailbox: Box<dyn LocalMailbox>,
    row: &'static Characteristics,
    source: &'a mut dyn LocalMailbox,
    quiet: &'a Job,
    /// Whether there is no room for more keywords.
    is_full: bool,
}

impl Comparison<'_> {
    /// Reads the copies, each from its mailbox as it is on disk now.
    fn run(
        &self,
        (source, from): (&mut dyn LocalMailbox, &'static Characteristics),
        quiet: &Job,
        job: &Job,
    ) -> Result<Receipt> {
        let Choice { driver, place, .. } = self.context.choice(&self.to)?;
        let asked = self.context.place(self.asked)?;
        let row = for_append(&self.context.drivers, &asked)?
            .driver
            .characteristics();
        let mut receipt = Receipt {
            from_format: from.driver,
            to_format: row.driver,
            messages: self.manifest.messages.len() as u64,
            bytes: self.manifest.bytes,
            ..Receipt::default()
        };
        limits_of_uids(&mut receipt, from, row);
        let mailbox = driver.open(&place, Access::ReadOnly, quiet)?;
        let mut copies = Copies {
            is_full: distinct_keywords(&*mailbox) >= MOST_KEYWORDS,
            mailbox,
            row,
            source,
            quiet,
        };
        let places = self.places(&*copies.mailbox);
        let compared = self.compare_all(&mut copies, &places, &mut receipt, job);
        copies.mailbox.close(quiet)?;
        compared.map(|()| receipt)
    }

    fn compare_all(
        &self,
        copies: &mut Copies<'_>,
        places: &[Option<Uid>],
        receipt: &mut Receipt,
        job: &Job,
    ) -> Result<()> {
        let all = self.manifest.messages.len() as u64;
        for (sent, (uid, number)) in self.manifest.messages.iter().zip(places.iter().zip(1..)) {
            job.checkpoint()?;
            copies.compare((number, sent), *uid, receipt)?;
            job.progress(all + number, 2 * all);
        }
        Ok(())
    }

    /// The UID of each copy: as the append told, else by its place behind what was there before.
    fn places(&self, mailbox: &dyn LocalMailbox) -> Vec<Option<Uid>> {
        let there = mailbox.uids();
        let told = &self.delivered.appended.uids;
        let count = self.manifest.messages.len();
        let mut places: Vec<Option<Uid>> = if told.len() == count {
            let still = told
                .iter()
                .map(|&uid| Some(uid).filter(|&uid| there.contains(uid)));
            still.collect()
        } else {
            let skipped = usize::try_from(self.before).unwrap_or(usize::MAX);
            there.iter().skip(skipped).map(Some).take(count).collect()
        };
        places.resize(count, None);
        places
    }

    /// What the comparison means for the target.
    fn judge(&self, compared: Result<Receipt>, outlet: &Outlet, quiet: &Job) -> Result<Receipt> {
        let (error, receipt) = match compared {
            Ok(receipt) if receipt.unexplained == 0 => return Ok(receipt),
            Ok(receipt) => (None, Some(receipt)),
            Err(error) => (Some(error), None),
        };
        let gone = self.delivered.made && self.take_back(&quiet.uncancelled()).is_ok();
        let count = receipt.as_ref().map_or(0, |receipt| receipt.unexplained);
        if let Some(receipt) = receipt {
            outlet.piece_blocking(Piece::Receipt(Box::new(receipt)));
        }
        Err(match (error, gone) {
            (None, gone) => Error::NotTheSame { count, gone },
            (Some(error), true) => error.of_destination(self.to.to_foreign()),
            (Some(error), false) => Error::NotCompared(Box::new(error)),
        })
    }

    /// Removes the copies from a mailbox that was made for them, and then the mailbox, unless somebody delivered to it.
    fn take_back(&self, job: &Job) -> Result<()> {
        let Choice { driver, place, .. } = self.context.choice(&self.to)?;
        let mut mailbox = driver.open(&place, Access::ReadWrite, job)?;
        let told = self.delivered.appended.uids.len() == self.manifest.messages.len();
        if !told && mailbox.uids().len() != self.manifest.messages.len() as u64 {
            // Which ones are the copies is known by their places only: somebody else delivered there.
            mailbox.close(job)?;
            return Err(DriverError::Refused("it holds other messages by now").into());
        }
        let copies: UidSet = self.places(&*mailbox).into_iter().flatten().collect();
        let delete = FlagChange::Add(Flags::system(SystemFlags::DELETED));
        let removed = mailbox
            .store(&copies, &delete, job)
            .and_then(|()| mailbox.expunge(Some(&copies), job));
        let closed = mailbox.close(job);
        removed.and(closed)?;
        Ok(driver.delete_empty(&place, job)?)
    }
}

impl Copies<'_> {
    fn compare(
        &mut self,
        (msgno, sent): (u64, &Sent),
        uid: Option<Uid>,
        receipt: &mut Receipt,
    ) -> Result<()> {
        let found = uid.and_then(|uid| Some((uid, self.mailbox.summary(uid)?)));
        let difference = |what, limit: Option<Limit>| Difference {
            msgno,
            source_uid: sent.uid,
            uid,
            what,
            expected: limit.is_some(),
        };
        let note = |receipt: &mut Receipt, what, limit| {
            receipt.note(difference(what, limit), limit);
        };
        let Some((uid, summary)) = found else {
            note(receipt, What::Missing, None);
            return Ok(());
        };
        receipt.same_uids += u64::from(uid == sent.uid && holds_uids(self.row));
        if self.fingerprint(uid)? == sent.fingerprint {
            receipt.same_content += 1;
        } else {
            let limit = self.is_same_loosely(uid, sent.uid)?.then_some(REWORKED);
            note(receipt, What::Content, limit);
        }
        let (was, is) = (
            sent.flags.system,
            summary.flags.system.only(SystemFlags::SETTABLE),
        );
        if was == is {
            receipt.same_flags += 1;
        } else {
            note(receipt, What::Flags(was, is), None);
        }
        let (was, is) = (sent.flags.keywords(), summary.flags.keywords());
        if was.len() == is.len() && was.iter().all(|word| is.contains(word)) {
            receipt.same_keywords += 1;
        } else {
            let what = What::Keywords(was.to_vec(), is.to_vec());
            note(receipt, what, self.keyword_limit());
        }
        let (was, is) = (sent.date, summary.internal_date);
        if was == is {
            receipt.same_dates += 1;
        } else {
            let limit = if was.seconds == is.seconds {
                Some(ZONE)
            } else {
                (was.storable().seconds == is.seconds).then_some(YEARS)
            };
            note(receipt, What::Date(was, is), limit);
        }
        Ok(())
    }

    fn fingerprint(&mut self, uid: Uid) -> Result<Fingerprint> {
        let mut exact = Exact::default();
        self.mailbox
            .read(uid, Part::Whole, &mut exact, self.quiet)?;
        Ok(exact.finish())
    }

    /// Whether the copy differs only by what its format must do to it.
    fn is_same_loosely(&mut self, copy: Uid, original: Uid) -> Result<bool> {
        let (mut one, mut other) = (Loose::default(), Loose::default());
        self.mailbox.read(copy, Part::Whole, &mut one, self.quiet)?;
        self.source
            .read(original, Part::Whole, &mut other, self.quiet)?;
        Ok(one.finish() == other.finish())
    }

    fn keyword_limit(&self) -> Option<Limit> {
        let of = "keywords";
        match self.row.keywords {
            Ability::No => Some(Limit {
                of,
                how: "none are kept",
            }),
            Ability::Limited(how) => Some(Limit { of, how }),
            Ability::Yes if self.is_full => Some(Limit {
                of,
                how: "a mailbox has room for 30 of them",
            }),
            Ability::Yes => None,
        }
    }
}

const REWORKED: Limit = Limit {
    of: "content",
    how: "lines that begin with \"From \" are marked with >, header fields that the mailbox uses itself with X-Original-; \
          NUL and CR alone are not kept",
};

const ZONE: Limit = Limit {
    of: "date",
    how: "the moment is kept, its time zone is not",
};

const YEARS: Limit = Limit {
    of: "date",
    how: "years before 1970 and after 2097 become the nearest date within",
};

/// How many keywords a mailbox has room for.
const MOST_KEYWORDS: usize = 30;

fn distinct_keywords(mailbox: &dyn LocalMailbox) -> usize {
    let mut found = Vec::new();
    for uid in mailbox.uids().iter() {
        let flags = mailbox.summary(uid).map(|summary| summary.flags);
        for keyword in flags.unwrap_or_default().keywords() {
            if !found.contains(keyword) {
                found.push(keyword.clone());
            }
        }
        if found.len() >= MOST_KEYWORDS {
            break;
        }
    }
    found.len()
}

fn limits_of_uids(receipt: &mut Receipt, from: &Characteristics, to: &Characteristics) {
    let of = "UIDs";
    for (row, none) in [
        (from, "the source has none that hold beyond a session"),
        (to, "the target has none that hold beyond a session"),
    ] {
        match row.sticky_uids {
            Ability::Yes => {}
            Ability::No => receipt.limit(Limit { of, how: none }),
            Ability::Limited(how) => receipt.limit(Limit { of, how }),
        }
    }
}
