//! Size and date of messages that are seen for the first time, by several threads where there are many.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::driver::job::Job;
use crate::driver::layout::folder::in_threads::in_threads;
use crate::driver::layout::lines::size_with_crlf;
use crate::driver::local_file::is_missing;
use crate::driver::maildir::folder::Found;
use crate::mail::date::InternalDate;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;

/// Octets with CRLF line ends, and when the file was changed last: the internal date.
pub type Measures = (u64, InternalDate);

const BLOCK: usize = 64 << 10;

/// Measures each of `all`; `None` for those that are gone by now, or are no plain files.
pub fn measure(
    environment: &Environment,
    mailbox: &Path,
    all: &[&Found],
    job: &Job,
) -> io::Result<Vec<Option<Measures>>> {
    in_threads(all, job, |buffer: &mut Vec<u8>, found| {
        buffer.resize(BLOCK, 0);
        of_one(environment, mailbox, found, buffer)
    })
}

fn of_one(
    environment: &Environment,
    mailbox: &Path,
    found: &Found,
    buffer: &mut [u8],
) -> io::Result<Option<Measures>> {
    let path = found.path(mailbox);
    let files = &environment.files;
    if found.name.told_size().is_none()
        && let Ok(file) = files.open(&path, OpenMode::ReadNoFollow)
        && let Ok(metadata) = file.metadata()
        && metadata.is_file()
        && let Ok(size) = size_with_crlf(&*file, metadata.len(), buffer, &mut |_| {})
    {
        return Ok(Some((size, date_of(&metadata))));
    }
    let metadata = match files.link_metadata(&path) {
        Err(missing) if is_missing(&missing) => return Ok(None),
        other => other?,
    };
    // Of one that cannot be read whoever reads it is told why.
    let size = found.name.told_size().unwrap_or(metadata.len());
    Ok(metadata.is_file().then(|| (size, date_of(&metadata))))
}

fn date_of(metadata: &Metadata) -> InternalDate {
    InternalDate {
        seconds: metadata.mtime(),
        offset: 0,
    }
}
