//! The UID of a file that is read as one message: the same as long as its content is, whatever its times say.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::driver::job::Job;
use crate::driver::remembered::table::{self, FileState, Remembered, Table};
use crate::mail::status::Access;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::Environment;
use crate::os::files::MailFile;
use crate::os::transfer::read_full_at;

/// UID and UIDVALIDITY of the one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Its UID.
    pub uid: Uid,
    /// The UIDVALIDITY: the time of the file when it was first looked at.
    pub validity: Option<UidValidity>,
    /// Whether both hold beyond the session.
    pub is_sticky: bool,
}

const NAME: &str = "phile";
/// Bytes at either end that are digested of a file that is larger than twice that.
const END: u64 = 8 << 20;
const BLOCK: usize = 256 * 1024;

/// Finds out who the message in `file` is; with access to write that is remembered. What cannot be read or noted is as
/// good as unknown: then the UID is 1.
pub fn identify(
    environment: &Environment,
    (path, file): (&Path, &dyn MailFile),
    metadata: &Metadata,
    access: Access,
    job: &Job,
) -> Identity {
    let place = table::place(environment, path);
    let known = Table::read(environment, &place, NAME).ok().flatten();
    let may_write = access == Access::ReadWrite && !environment.read_only;
    let outside = stamp(metadata);
    let before = known.as_ref().and_then(|table| table.messages.last());
    if let (Some(table), Some(before)) = (&known, before)
        && before.outside == outside
    {
        return identity(table, true);
    }
    if known.is_none() && !may_write {
        return identity(&first(metadata), false);
    }
    let Ok(inside) = digest(file, metadata.len(), job) else {
        return identity(&known.unwrap_or_else(|| first(metadata)), false);
    };
    let mut table = known.unwrap_or_else(|| first(metadata));
    let is_other = table
        .messages
        .last()
        .is_some_and(|before| before.inside != inside);
    if is_other {
        table.last_uid = table.last_uid.saturating_add(1);
    }
    table.file = FileState::from_metadata(metadata);
    table.messages = vec![Remembered {
        uid: table.last_uid,
        outside,
        inside,
        state: 0,
    }];
    let written = may_write && table.write(environment, &place, NAME).is_ok();
    identity(&table, written || !may_write)
}

fn first(metadata: &Metadata) -> Table {
    Table {
        uid_validity: u32::try_from(metadata.mtime()).unwrap_or(1).max(1),
        last_uid: 1,
        ..Table::default()
    }
}

fn identity(table: &Table, is_sticky: bool) -> Identity {
    Identity {
        uid: Uid::new(table.last_uid).unwrap_or(Uid::FIRST),
        validity: UidValidity::new(table.uid_validity),
        is_sticky,
    }
}

/// What tells that nobody touched the file.
fn stamp(metadata: &Metadata) -> u32 {
    let numbers = [
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        metadata.mtime().cast_unsigned(),
        metadata.mtime_nsec().cast_unsigned(),
        metadata.ctime().cast_unsigned(),
        metadata.ctime_nsec().cast_unsigned(),
    ];
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    xxh3_64(&bytes) as u32
}

fn digest(file: &dyn MailFile, length: u64, job: &Job) -> io::Result<u64> {
    let mut digest = Xxh3::new();
    digest.update(&length.to_le_bytes());
    let parts = match length > 2 * END {
        true => [0..END, length - END..length],
        false => [0..length, length..length],
    };
    let mut block = vec![0; BLOCK];
    for part in parts {
        let mut at = part.start;
        while at < part.end {
            job.checkpoint().map_err(|_| io::ErrorKind::Interrupted)?;
            let room = usize::try_from(part.end - at).map_or(BLOCK, |left| left.min(BLOCK));
            let block = block.get_mut(..room).unwrap_or_default();
            let count = read_full_at(file, block, at)?;
            digest.update(block.get(..count).unwrap_or_default());
            at += room as u64;
        }
    }
    Ok(digest.digest())
}
