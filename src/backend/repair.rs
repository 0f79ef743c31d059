//! Repairing a damaged mailbox: what can be made out of it goes into a new one beside it. The damaged one is only read.

use std::path::{Path, PathBuf};

use crate::backend::choose::in_format;
use crate::backend::context::Context;
use crate::backend::error::{Error, Result};
use crate::backend::event::Finding;
use crate::backend::resolve::mail_home;
use crate::driver::contract::LocalDriver;
use crate::driver::error::Error as DriverError;
use crate::driver::job::Job;
use crate::driver::place::Place;
use crate::driver::repaired::Repaired;
use crate::mail::name::MailboxName;
use crate::mail::text::Foreign;

/// How many names are tried for the copy.
const MOST_COPIES: u32 = 1000;

/// Writes a repaired copy of the mailbox `name`, which is of `format` where its beginning does not show it any more. Tells
/// where the copy is, how many messages it holds, and what was left out.
pub fn repair(
    context: &Context,
    name: &MailboxName,
    format: Option<&str>,
    job: &Job,
    tell: &mut dyn FnMut(Finding),
) -> Result<()> {
    let choice = context.choice(name)?;
    let driver = match format {
        Some(format) => in_format(&context.drivers, format)?,
        None => choice.driver,
    };
    if ["dummy", "phile"].contains(&driver.characteristics().driver) {
        return Err(Error::Unsupported(
            "it does not begin as a mailbox does; where it is one all the same, --format says of which format",
        ));
    }
    let from = &choice.place;
    let beside = from.path.parent().map(Path::to_path_buf);
    let home = mail_home(&context.environment);
    let at = |folder: &Path| -> Result<Place> {
        Ok(Place {
            path: free_name(context, folder, &from.path)?,
            is_inbox: false,
            ..from.clone()
        })
    };
    let mut to = at(beside.as_deref().unwrap_or(&home))?;
    let mut repaired = driver.repair(from, &to, job);
    if repaired.as_ref().is_err_and(forbids_writing) {
        to = at(&home)?;
        repaired = driver.repair(from, &to, job);
    }
    let repaired = repaired?;
    tell(told(driver, &to.path, &repaired));
    for (offset, length) in repaired.left_out {
        tell(Finding {
            check: "left out",
            ok: false,
            detail: Foreign::new(format!(
                "{length} bytes from byte {offset} on belong to no message"
            )),
        });
    }
    Ok(())
}

fn told(driver: &dyn LocalDriver, path: &Path, repaired: &Repaired) -> Finding {
    let count = repaired.messages;
    let format = driver.characteristics().driver;
    let path = path.to_string_lossy();
    Finding {
        check: "repaired copy",
        ok: repaired.left_out.is_empty(),
        detail: Foreign::new(format!("{path}: {count} messages, format {format}")),
    }
}

/// Whether the folder of the damaged mailbox may not be written: then the copy goes to the mail home.
fn forbids_writing(refusal: &DriverError) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(refusal, DriverError::Io { source, .. }
        if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem))
}

/// A path in `folder` that nothing has yet.
fn free_name(context: &Context, folder: &Path, damaged: &Path) -> Result<PathBuf> {
    let files = &context.environment.files;
    let name = damaged.file_name().unwrap_or_default().to_os_string();
    for number in 1..MOST_COPIES {
        let mut name = name.clone();
        name.push(".repaired");
        if number > 1 {
            name.push(format!("-{number}"));
        }
        let path = folder.join(name);
        if files.link_metadata(&path).is_err() {
            return Ok(path);
        }
    }
    Err(Error::Unsupported(
        "there are too many repaired copies of it",
    ))
}
