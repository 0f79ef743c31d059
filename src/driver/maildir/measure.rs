//! Size and date of messages that are seen for the first time, by several threads where there are many.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::{Builder, available_parallelism, scope};

use crate::driver::job::Job;
use crate::driver::local_file::is_missing;
use crate::driver::maildir::folder::Found;
use crate::mail::date::InternalDate;
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};

/// Octets with CRLF line ends, and when the file was changed last: the internal date.
pub type Measures = (u64, InternalDate);

const MOST_THREADS: usize = 8;
/// Fewer messages are not worth a thread.
const WORTH_IT: usize = 256;
const BLOCK: usize = 64 << 10;

/// Measures each of `all`; `None` for those that are gone by now, or are no plain files.
pub fn measure(
    environment: &Environment,
    mailbox: &Path,
    all: &[&Found],
    job: &Job,
) -> io::Result<Vec<Option<Measures>>> {
    // Most of the time goes by in waiting for the file system, not for a processor.
    let threads = available_parallelism().map_or(1, usize::from) * 2;
    let threads = threads.min(MOST_THREADS).min(all.len() / WORTH_IT).max(1);
    let share = all.len().div_ceil(threads).max(1);
    let part = |part: &[&Found]| -> io::Result<Vec<Option<Measures>>> {
        let mut buffer = vec![0; BLOCK];
        let one = |found: &&Found| {
            job.checkpoint().map_err(|_| io::ErrorKind::Interrupted)?;
            of_one(environment, mailbox, found, &mut buffer)
        };
        part.iter().map(one).collect()
    };
    let mut parts = all.chunks(share);
    let first = parts.next().unwrap_or_default();
    scope(|threads| {
        let spawn = |chunk| {
            let name = Builder::new().name("mugo-measure".to_owned());
            // Where there is no thread to be had this one does it.
            (chunk, name.spawn_scoped(threads, move || part(chunk)))
        };
        let others: Vec<_> = parts.map(spawn).collect();
        let mut measures = part(first)?;
        for (chunk, other) in others {
            measures.extend(match other {
                Ok(thread) => thread
                    .join()
                    .map_err(|_| io::Error::other("a thread broke"))??,
                Err(_) => part(chunk)?,
            });
        }
        Ok(measures)
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
    let metadata = match files.link_metadata(&path) {
        Err(missing) if is_missing(&missing) => return Ok(None),
        other => other?,
    };
    if !metadata.is_file() {
        return Ok(None);
    }
    let date = date_of(&metadata);
    if let Some(told) = found.name.told_size() {
        return Ok(Some((told, date)));
    }
    let read = files.open(&path, OpenMode::Read);
    match read.and_then(|file| size_with_crlf(&*file, buffer)) {
        Ok(size) => Ok(Some((size, date))),
        Err(missing) if is_missing(&missing) => Ok(None),
        // Whoever reads it is told why that fails.
        Err(_) => Ok(Some((metadata.len(), date))),
    }
}

fn date_of(metadata: &Metadata) -> InternalDate {
    InternalDate {
        seconds: metadata.mtime(),
        offset: 0,
    }
}

/// The octets of a file with CRLF line ends, by way of `buffer`.
fn size_with_crlf(file: &dyn MailFile, buffer: &mut [u8]) -> io::Result<u64> {
    let (mut at, mut size, mut last) = (0, 0, 0);
    loop {
        let count = file.read_at(buffer, at)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(size);
        }
        let bare = memchr::memchr_iter(b'\n', bytes).filter(|&place| {
            let before = place.checked_sub(1).and_then(|place| bytes.get(place));
            before.copied().unwrap_or(last) != b'\r'
        });
        size += (count + bare.count()) as u64;
        at += count as u64;
        last = bytes.last().copied().unwrap_or(last);
    }
}
