//! Article files: which are to be trusted, what is known of each, and what its header says of other groups.

use std::borrow::Cow;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memmem::Finder;
use rustix::io::Errno;

use crate::driver::job::Job;
use crate::driver::layout::folder::cache::Facts;
use crate::driver::layout::folder::in_threads::in_threads;
use crate::driver::layout::folder::numbers::{file_of, number as parse_number};
use crate::driver::layout::lines::{WIRE_END, bare_ends, header_length, is_wire};
use crate::driver::local_file::is_missing;
use crate::driver::news::facts::{date_of, digest};
use crate::os::environment::Environment;
use crate::os::files::{MailFile, OpenMode};
use crate::os::guard::FileId;

/// So much of an article is read at once; of its header no more is looked at.
const BLOCK: usize = 64 << 10;

/// No article has more bytes; where a file has, they are its size, and are not read to tell it.
const LARGE: u64 = 64 << 20;

/// How often a file is opened that is another one each time.
const TRIES: usize = 3;

/// After so many articles it is told how far the work is.
const STEP: u64 = 1000;

/// Where the articles of an open group are.
pub struct Articles<'a> {
    /// Where and as whom.
    pub environment: &'a Environment,
    /// The root of the spool.
    pub spool: &'a Path,
    /// The group's own directory.
    pub directory: &'a Path,
    /// Its name.
    pub group: &'a [u8],
}

impl Articles<'_> {
    /// Opens an article; what is no plain file, or a link that leads out of the spool, is as if it were not there.
    pub fn open(&self, number: u32) -> io::Result<Box<dyn MailFile>> {
        self.open_at(&self.directory.join(file_of(number)))
            .map(|(file, _)| file)
    }

    fn open_at(&self, path: &Path) -> io::Result<(Box<dyn MailFile>, Metadata)> {
        let files = &self.environment.files;
        match files.open(path, OpenMode::ReadNoFollow) {
            Err(refusal) if is_code(&refusal, Errno::LOOP) => {}
            other => {
                let file = other?;
                let opened = file.metadata()?;
                return match opened.is_file() {
                    true => Ok((file, opened)),
                    false => Err(io::ErrorKind::NotFound.into()),
                };
            }
        }
        for _ in 0..TRIES {
            let (end, found) = self.look(path)?;
            let file = files.open(&end, OpenMode::Read)?;
            let opened = file.metadata()?;
            // Between the two another file may have come there, which may be a link to anywhere.
            if FileId::of(&opened) == FileId::of(&found) {
                return Ok((file, opened));
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Those of these articles whose files are others than is known, or were never read.
    pub fn changed(&self, known: &[Facts], job: &Job) -> io::Result<Vec<u32>> {
        let looked = in_threads(known, job, |(): &mut (), facts| {
            let found = self.look(&self.directory.join(file_of(facts.number)));
            let same = found.is_ok_and(|(_, found)| date_of(&found) == facts.date);
            Ok(Some(facts.number).filter(|_| !same || !facts.measured))
        });
        Ok(looked?.into_iter().flatten().collect())
    }

    /// The digests of the Message-IDs of these articles; of those that can be read.
    pub fn ids(&self, numbers: &[u32], job: &Job) -> io::Result<Vec<u64>> {
        let ids = in_threads(numbers, job, |buffer: &mut Vec<u8>, &number| {
            buffer.resize(BLOCK, 0);
            let read = self.open(number);
            let read = read.and_then(|file| file.read_at(buffer, 0));
            let front = read.ok().and_then(|count| buffer.get(..count));
            let facts = front.map(|front| self.facts_of(number, (0, 0), front));
            Ok(facts.map(|facts| facts.id))
        });
        Ok(ids?.into_iter().flatten().collect())
    }

    /// What is known of each of these articles; `None` for those that are gone by now, or are no articles.
    pub fn measure(&self, numbers: &[u32], job: &Job) -> io::Result<Vec<Option<Facts>>> {
        let (done, all) = (AtomicU64::new(0), numbers.len() as u64);
        in_threads(numbers, job, |buffer: &mut Vec<u8>, &number| {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(STEP) {
                job.progress(done, all);
            }
            buffer.resize(BLOCK, 0);
            self.facts(number, buffer, job)
        })
    }

    fn facts(&self, number: u32, buffer: &mut [u8], job: &Job) -> io::Result<Option<Facts>> {
        let path = self.directory.join(file_of(number));
        let opened = self.open_at(&path);
        let found = match &opened {
            Ok((_, found)) => Ok(found.clone()),
            Err(_) => self.look(&path).map(|(_, found)| found),
        };
        let (length, date) = match found {
            Ok(found) => (found.len(), date_of(&found)),
            Err(missing) if is_missing(&missing) => return Ok(None),
            Err(_) => (0, 0),
        };
        match opened.and_then(|(file, _)| measured(&*file, length, buffer, job)) {
            Ok((size, front)) => Ok(Some(self.facts_of(number, (size, date), front))),
            Err(missing) if is_missing(&missing) => Ok(None),
            Err(ended) if ended.kind() == io::ErrorKind::Interrupted => Err(ended),
            // Whoever reads it is told why that fails.
            Err(_) => Ok(Some(Facts {
                number,
                crossposted: false,
                measured: false,
                size: length,
                date,
                id: self.no_id(number),
            })),
        }
    }

    fn facts_of(&self, number: u32, (size, date): (u64, i64), front: &[u8]) -> Facts {
        let header = header_length(front).and_then(|length| front.get(..length));
        let header = header.unwrap_or(front);
        let id = field(header, b"message-id");
        let refs = field(header, b"xref").map_or(0, |xref| refs_in(&xref).take(2).count());
        Facts {
            number,
            crossposted: refs > 1,
            measured: true,
            size,
            date,
            id: id.map_or_else(|| self.no_id(number), |id| digest(&id)),
        }
    }

    /// What stands for the Message-ID of an article that has none: no other article's, in whichever group.
    fn no_id(&self, number: u32) -> u64 {
        digest(
            &[
                self.group,
                format!(" {number} has no Message-ID").as_bytes(),
            ]
            .concat(),
        )
    }

    /// What stands at `path`, and where that is in the end: a plain file, or a link to one inside the spool, as INN links
    /// articles that stand in several groups. A link that cannot be followed leads to nothing.
    fn look(&self, path: &Path) -> io::Result<(PathBuf, Metadata)> {
        let files = &self.environment.files;
        let mut found = files.link_metadata(path)?;
        let mut end = path.to_path_buf();
        if found.is_symlink() {
            end = path.canonicalize().map_err(to_nothing)?;
            let inside = |root: &Path| root.canonicalize().is_ok_and(|root| end.starts_with(root));
            if !inside(self.spool) && !inside(self.directory) {
                return Err(io::ErrorKind::NotFound.into());
            }
            found = files.link_metadata(&end)?;
        }
        match found.is_file() {
            true => Ok((end, found)),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// A link that leads round, or where nobody may look, is as good as one that leads nowhere.
fn to_nothing(refusal: io::Error) -> io::Error {
    match is_code(&refusal, Errno::LOOP) || is_code(&refusal, Errno::ACCESS) {
        true => io::ErrorKind::NotFound.into(),
        false => refusal,
    }
}

fn is_code(refusal: &io::Error, code: Errno) -> bool {
    refusal.raw_os_error() == Some(code.raw_os_error())
}

/// The octets of a file of `length` bytes as they are read, which are not counted where it is large, and its first bytes,
/// which are left in `buffer`.
fn measured<'b>(
    file: &dyn MailFile,
    length: u64,
    buffer: &'b mut [u8],
    job: &Job,
) -> io::Result<(u64, &'b [u8])> {
    let mut octets = Octets::default();
    let first = file.read_at(buffer, 0)?;
    let front = buffer.get(..first).unwrap_or_default();
    if length > LARGE {
        return Ok((length, front));
    }
    octets.count(front);
    let mut more = Vec::new();
    let mut count = first;
    while count > 0 && octets.bytes != length {
        job.checkpoint().map_err(|_| io::ErrorKind::Interrupted)?;
        more.resize(BLOCK, 0);
        count = file.read_at(&mut more, octets.bytes)?;
        octets.count(more.get(..count).unwrap_or_default());
    }
    Ok((octets.size(), front))
}

/// A line that begins with a dot, behind another one.
static DOTTED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\n."));

/// Counts the octets that an article has when it is read: with CRLF line ends, without what only wire format has.
struct Octets {
    bytes: u64,
    /// LF without a CR in front.
    bare: u64,
    /// Lines that begin with a dot.
    dots: u64,
    tail: [u8; 5],
}

impl Default for Octets {
    fn default() -> Self {
        Self {
            bytes: 0,
            bare: 0,
            dots: 0,
            tail: *b"    \n",
        }
    }
}

impl Octets {
    fn count(&mut self, bytes: &[u8]) {
        let last = self.tail[4];
        if last == b'\n' && bytes.first() == Some(&b'.') {
            self.dots += 1;
        }
        self.bare += bare_ends(bytes, last) as u64;
        self.dots += DOTTED.find_iter(bytes).count() as u64;
        self.bytes += bytes.len() as u64;
        let begin = bytes.len().saturating_sub(self.tail.len());
        for &byte in bytes.get(begin..).unwrap_or_default() {
            self.tail.rotate_left(1);
            self.tail[4] = byte;
        }
    }

    fn size(&self) -> u64 {
        let plain = self.bytes + self.bare;
        match is_wire(&self.tail) {
            // The dot at the end is one of those that were counted.
            true => plain - WIRE_END.len() as u64 + 1 - self.dots,
            false => plain,
        }
    }
}

/// The lines of a header without their LFs.
fn lines(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let bytes = rest.take()?;
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return Some(bytes);
        };
        rest = bytes.get(end + 1..);
        bytes.get(..end)
    })
}

/// The value of a header field, given by its name in lower case; what is folded is one line again.
pub fn field<'h>(header: &'h [u8], name: &[u8]) -> Option<Cow<'h, [u8]>> {
    let mut lines = lines(header).peekable();
    while let Some(line) = lines.next() {
        let named = line
            .split_at_checked(name.len())
            .filter(|parts| parts.0.eq_ignore_ascii_case(name))
            .and_then(|parts| parts.1.strip_prefix(b":"));
        let Some(value) = named else {
            continue;
        };
        let mut value = Cow::Borrowed(value.trim_ascii());
        while let Some(more) = lines.next_if(|it| matches!(it.first(), Some(b' ' | b'\t'))) {
            let whole = value.to_mut();
            if !whole.is_empty() {
                whole.push(b' ');
            }
            whole.extend_from_slice(more.trim_ascii());
        }
        if !value.is_empty() {
            return Some(value);
        }
    }
    None
}

/// The groups and numbers of an Xref field's value: what stands behind the server's name.
pub fn refs_in(xref: &[u8]) -> impl Iterator<Item = (&[u8], u32)> {
    let words = xref.split(|byte| byte.is_ascii_whitespace());
    let words = words.filter(|word| !word.is_empty()).skip(1);
    words.filter_map(|word| {
        let colon = word.iter().rposition(|&byte| byte == b':')?;
        let (group, number) = word.split_at(colon);
        let number = parse_number(number.get(1..)?)?;
        Some((group, number))
    })
}

/// The file of an article in a group's directory.
pub fn path_in(directory: &Path, number: u32) -> PathBuf {
    directory.join(file_of(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_those_that_are_read() {
        for (bytes, size) in [
            (&b""[..], 0),
            (b"a\nb\r\n", 6),
            (b"a\r\n..b\r\n.\r\n", 7),
            (b"..\r\n.\r\n", 3),
            (b".\r\n", 3),
            (b"\r\n.\r\n", 2),
            (b"..\n.\n", 7),
            (b"a\r\n...\r\n.x\r\n.\r\n", 10),
        ] {
            for cut in 0..=bytes.len() {
                let mut octets = Octets::default();
                octets.count(&bytes[..cut]);
                octets.count(&bytes[cut..]);
                assert_eq!(octets.size(), size, "{bytes:?} {cut}");
            }
        }
    }

    #[test]
    fn fields_and_refs_are_found() {
        let header =
            b"Path: a\r\nXref-x: no\r\nmessage-ID:  <1@x>\r\nXref: host a.b:7 c:x d:0 e.f:12\r\n\r\n";
        let id = |header: &'static [u8]| field(header, b"message-id").map(Cow::into_owned);
        assert_eq!(id(header), Some(b"<1@x>".to_vec()));
        assert_eq!(id(b"Message-Id:\r\n\t<2@x>\r\n"), Some(b"<2@x>".to_vec()));
        let folded = field(b"Xref: h\n a:1\n\tb:2\nX: y\n", b"xref").expect("there");
        assert_eq!(&*folded, b"h a:1 b:2");
        let xref = field(header, b"xref").expect("there");
        let refs: Vec<_> = refs_in(&xref).collect();
        assert_eq!(refs, [(&b"a.b"[..], 7), (b"e.f", 12)]);
        assert_eq!(id(b"Message-ID:\n"), None);
    }
}
