//! The files of a mailbox: which there are, and what stands in those that nobody knows.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use crate::driver::job::Job;
use crate::driver::layout::folder::in_threads::in_threads;
use crate::driver::layout::folder::numbers::{file_of, numbers_in};
use crate::driver::layout::lines::size_with_crlf;
use crate::driver::local_file::is_missing;
use crate::driver::mh::entry::{Entry, Key};
use crate::mail::uid::Uid;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;

/// The highest number that other programs know.
pub const HIGHEST: u32 = i32::MAX.cast_unsigned();

/// A file that is a message.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Its name.
    pub number: u32,
    /// What tells it from others.
    pub key: Key,
    /// Whether nobody has read it since it was written.
    pub unread: bool,
}

/// A message that nobody knows yet.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Where it is, without a UID.
    pub entry: Entry,
    /// Whether nobody has read the file since it was written.
    pub unread: bool,
    /// The UID that it would like to have.
    pub wish: Option<Uid>,
}

impl Listed {
    /// The same with the measures of its content: octets and digest.
    pub fn to_found(self, (size, digest): Measures) -> Found {
        Found {
            entry: Entry {
                uid: 0,
                number: self.number,
                key: self.key,
                size,
                digest,
            },
            unread: self.unread,
            wish: Uid::new(self.number),
        }
    }
}

/// The numbers of files that may be messages, ascending.
pub fn numbers(environment: &Environment, mailbox: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = numbers_in(&*environment.files, mailbox)?;
    numbers.retain(|&number| number <= HIGHEST);
    Ok(numbers)
}

/// Those of these files that are messages. What is no plain file is none.
pub fn list(
    environment: &Environment,
    mailbox: &Path,
    numbers: &[u32],
    job: &Job,
) -> io::Result<Vec<Listed>> {
    let files = &environment.files;
    let listed = in_threads(numbers, job, |(): &mut (), &number| {
        match files.link_metadata(&mailbox.join(file_of(number))) {
            Err(missing) if is_missing(&missing) => Ok(None),
            Err(refusal) => Err(refusal),
            Ok(found) => Ok(found.is_file().then(|| Listed {
                number,
                key: Key::of(&found),
                unread: (found.atime(), found.atime_nsec()) <= (found.mtime(), found.mtime_nsec()),
            })),
        }
    })?;
    Ok(listed.into_iter().flatten().collect())
}

const BLOCK: usize = 64 << 10;

/// What a message is measured to be: its octets with CRLF line ends, and the digest of its bytes. One whose file cannot be
/// read has the digest 0, and is measured again when the mailbox is looked at again.
pub type Measures = (u64, u64);

/// The measures of each; `None` for those that are gone by now.
pub fn measure(
    environment: &Environment,
    mailbox: &Path,
    all: &[Listed],
    job: &Job,
) -> io::Result<Vec<Option<Measures>>> {
    in_threads(all, job, |buffer: &mut Vec<u8>, listed| {
        let path = mailbox.join(file_of(listed.number));
        match content(environment, &path, listed.key.length, buffer) {
            Err(missing) if is_missing(&missing) => Ok(None),
            // Whoever reads it is told why that fails.
            Err(_) => Ok(Some((listed.key.length, 0))),
            measures => measures.map(Some),
        }
    })
}

/// The measures of the first `length` bytes of a file, by way of `buffer`.
pub fn content(
    environment: &Environment,
    path: &Path,
    length: u64,
    buffer: &mut Vec<u8>,
) -> io::Result<Measures> {
    buffer.resize(BLOCK, 0);
    let file = environment.files.open(path, OpenMode::Read)?;
    let mut digest = Xxh3Default::new();
    let size = size_with_crlf(&*file, length, buffer, &mut |bytes| digest.update(bytes))?;
    // 0 stands for what is not known.
    Ok((size, digest.digest().max(1)))
}
