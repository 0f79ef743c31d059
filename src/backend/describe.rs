//! What can be told of a mailbox and its format without opening it.

use std::io;
use std::path::Path;

use crate::backend::context::Context;
use crate::backend::drivers::Drivers;
use crate::backend::error::{Result, io_line};
use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::job::Job;
use crate::driver::network;
use crate::driver::news::newsrc_file;
use crate::mail::format::{About, Degree, Format, FormatAbility};
use crate::mail::name::MailboxName;
use crate::mail::text::Foreign;
use crate::os::files::OpenMode;
use crate::os::openers::openers;

/// Every format, in probing order.
pub fn formats(drivers: &Drivers) -> Vec<Format> {
    let rows = drivers.iter().map(|driver| driver.characteristics());
    rows.map(format).collect()
}

/// One row of the table, in the words of faces.
pub fn format(row: &Characteristics) -> Format {
    let cells = [
        ("CA", "read and written by several", row.concurrent_access),
        ("CE", "expunged while shared", row.shared_expunge),
        ("UID", "UIDs that stay", row.sticky_uids),
        ("Kwd", "keywords", row.keywords),
        ("Sub", "mailboxes below it", row.submailboxes),
        ("NFS", "on network file systems", row.nfs),
    ];
    let ability = |(head, words, ability)| FormatAbility {
        head,
        words,
        degree: match ability {
            Ability::No => Degree::No,
            Ability::Limited(how) => Degree::Limited(how),
            Ability::Yes => Degree::Yes,
        },
    };
    Format {
        name: row.driver,
        abilities: cells.map(ability).into(),
        performance: row.performance,
        layout: row.layout,
        can_be_made: Drivers::can_be_made(row.driver),
    }
}

/// Tells of one mailbox. Changes no file and no access time.
pub fn about(context: &Context, name: &MailboxName, job: &Job) -> Result<About> {
    let choice = context.choice(name)?;
    let row = choice.driver.characteristics();
    let path = &choice.place.path;
    let status = choice.driver.status(&choice.place, &job.glancing())?;
    let found = context.environment.files.metadata(path);
    let mut all: Vec<Foreign> = Vec::new();
    if context.open.forbid(path).is_err() {
        all.push(Foreign::new("this program"));
    }
    if found.is_ok() {
        all.extend(
            openers(&context.environment, path)
                .into_iter()
                .map(Foreign::new),
        );
    }
    Ok(About {
        name: name.to_foreign(),
        format: format(row),
        size: found.as_ref().map_or(0, std::fs::Metadata::len),
        why_read_only: why_read_only(context, path, row),
        path: found.is_ok().then(|| path.clone()),
        status,
        openers: all,
    })
}

fn why_read_only(context: &Context, path: &Path, row: &Characteristics) -> Option<Foreign> {
    if context.environment.read_only {
        return Some(Foreign::new("Mugo runs read-only"));
    }
    if row.driver == "news" {
        let refusal = newsrc_file::refusal(&context.environment);
        return refusal.map(|refusal| Foreign::new(io_line(&refusal)));
    }
    if Drivers::is_read_only(row.driver) {
        return Some(Foreign::new("files of this format are only read"));
    }
    if row.nfs == network::READ_ONLY
        && let Some(why) = network::forbids_writing(&context.environment, path)
    {
        return Some(Foreign::new(why));
    }
    match context.environment.files.open(path, OpenMode::ReadWrite) {
        Err(refusal) if refusal.kind() == io::ErrorKind::NotFound => None,
        Err(refusal) => Some(Foreign::new(io_line(&refusal))),
        Ok(_) => None,
    }
}
