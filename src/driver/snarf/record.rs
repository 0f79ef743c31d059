//! The record of what is being moved: on disk before the first copy is made, so that a kill between copying and removing
//! doubles nothing.
//!
//! `STATE/snarf/NAME`, mode 0600, one for each pair of mailboxes, empty while nothing is under way. Who moves holds its
//! kernel lock, which a dead process cannot keep. What stands behind the last whole `end` line was never begun.
//! ```text
//! mugo-snarf 2
//! to UIDVALIDITY UIDNEXT COUNT the destination before the first copy; 0 where unknown
//! SECONDS LENGTH SHA-256       a message: its internal date, and its mark
//! end COUNT                    so many messages so far; one such line a batch
//! ```

use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::driver::error::{Error, Result};
use crate::driver::floor::Floor;
use crate::driver::mark::Mark;
use crate::mail::text::Foreign;
use crate::os::environment::Environment;
use crate::os::files::{Flock, MailFile, OpenMode};
use crate::os::hex::hex;
use crate::os::home::private_folder;
use crate::os::transfer::{read_full_at, write_all_at};

/// A message as the record knows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// Its internal date, in seconds since 1970.
    pub seconds: i64,
    /// Its content.
    pub mark: Mark,
}

/// The record of one pair of mailboxes, locked for as long as this lives.
pub struct Record {
    file: Box<dyn MailFile>,
    path: PathBuf,
    length: u64,
    count: u64,
}

/// The largest record that is read, in bytes.
const LARGEST: u64 = 256 << 20;
const FIRST_LINE: &str = "mugo-snarf 2";

/// How often a busy record is asked for, and how long is waited in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

impl Record {
    /// Opens the record of moves between two files or folders and locks it. Fails with `Locked` while another program of
    /// ours moves between them.
    pub fn open(environment: &Environment, from: &Path, to: &Path) -> Result<Self> {
        let folder = environment.state.join("snarf");
        let files = environment.files.as_ref();
        private_folder(files, &folder).map_err(Error::io(&folder))?;
        let path = folder.join(name(from, to));
        let mut file = open_or_make(environment, &path).map_err(Error::io(&path))?;
        // A program that is just being started holds our locks for a moment, until it is another program.
        let mut tries = TRIES;
        while !file.try_lock(Flock::Exclusive).map_err(Error::io(&path))? {
            tries -= 1;
            if tries > 0 {
                sleep(PAUSE);
                continue;
            }
            let by = Foreign::new("another Mugo, which moves its mail");
            return Err(Error::Locked { by });
        }
        let length = file.metadata().map_err(Error::io(&path))?.len();
        Ok(Self {
            file,
            path,
            length,
            count: 0,
        })
    }

    /// What an earlier move left unfinished.
    pub fn left_over(&self) -> Result<Option<(Floor, Vec<Entry>)>> {
        if self.length == 0 {
            return Ok(None);
        }
        let failed = Error::io(&self.path);
        let length = usize::try_from(self.length.min(LARGEST)).unwrap_or(0);
        let mut bytes = vec![0; length];
        let got = read_full_at(&*self.file, &mut bytes, 0).map_err(failed)?;
        bytes.truncate(got);
        Ok(parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Brings another batch to disk, before anything of it is copied. The first one begins the record.
    pub fn add(&mut self, floor: Floor, batch: &[Entry]) -> Result<()> {
        let mut text = String::new();
        if self.length == 0 {
            text.push_str(&first_lines(floor));
        }
        for Entry { seconds, mark } in batch {
            // Writing into a `String` cannot fail.
            let _ = writeln!(text, "{seconds} {}", mark.to_text());
        }
        let count = self.count + batch.len() as u64;
        let _ = writeln!(text, "end {count}");
        let written = write_all_at(&mut *self.file, text.as_bytes(), self.length)
            .and_then(|()| self.file.sync());
        written.map_err(Error::io(&self.path))?;
        self.length += text.len() as u64;
        self.count = count;
        Ok(())
    }

    /// The move is over: nothing is under way any more.
    pub fn clear(&mut self) -> Result<()> {
        if self.file.metadata().is_ok_and(|now| now.len() == 0) {
            self.length = 0;
            return Ok(());
        }
        let cleared = self.file.set_len(0).and_then(|()| self.file.sync());
        cleared.map_err(Error::io(&self.path))?;
        (self.length, self.count) = (0, 0);
        Ok(())
    }
}

fn open_or_make(environment: &Environment, path: &Path) -> io::Result<Box<dyn MailFile>> {
    let files = &environment.files;
    match files.open(path, OpenMode::ReadWriteNoFollow) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    match files.open(path, OpenMode::CreateNew(0o600)) {
        Err(made) if made.kind() == io::ErrorKind::AlreadyExists => {
            files.open(path, OpenMode::ReadWriteNoFollow)
        }
        other => {
            let file = other?;
            files.sync_dir(path.parent().unwrap_or(Path::new("/")))?;
            Ok(file)
        }
    }
}

fn name(from: &Path, to: &Path) -> String {
    let mut digest = Sha256::new();
    digest.update(from.as_os_str().as_bytes());
    digest.update([0]);
    digest.update(to.as_os_str().as_bytes());
    hex(digest.finalize().get(..16).unwrap_or_default())
}

/// The messages of all whole batches; `None` where there is none.
fn parse(text: &str) -> Option<(Floor, Vec<Entry>)> {
    let mut lines = text.split_inclusive('\n');
    if lines.next()? != format!("{FIRST_LINE}\n") {
        return None;
    }
    let floor = lines.next()?.strip_suffix('\n')?.strip_prefix("to ")?;
    let floor = Floor::from_text(floor)?;
    let mut entries = Vec::new();
    let mut whole = 0;
    for line in lines {
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        if let Some(count) = line.strip_prefix("end ") {
            if count.parse() != Ok(entries.len()) {
                break;
            }
            whole = entries.len();
            continue;
        }
        let Some(entry) = parse_entry(line) else {
            break;
        };
        entries.push(entry);
    }
    entries.truncate(whole);
    (whole > 0).then_some((floor, entries))
}

fn first_lines(floor: Floor) -> String {
    format!("{FIRST_LINE}\nto {}\n", floor.to_text())
}

fn parse_entry(line: &str) -> Option<Entry> {
    let (seconds, mark) = line.split_once(' ')?;
    Some(Entry {
        seconds: seconds.parse().ok()?,
        mark: Mark::from_text(mark)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::message::Content;
    use crate::mail::uid::{Uid, UidValidity};

    #[test]
    fn only_whole_batches_count() {
        let entry = |seconds: i64| {
            let mut content = Content::from_bytes(b"Subject: x\r\n\r\n").expect("in memory");
            let mark = Mark::of(&mut content).expect("in memory");
            Entry { seconds, mark }
        };
        let floor = Floor {
            uid_validity: UidValidity::new(7),
            uid_next: Uid::new(9),
            messages: 4,
        };
        let line = |entry: &Entry| format!("{} {}\n", entry.seconds, entry.mark.to_text());
        let one = format!("{}{}end 1\n", first_lines(floor), line(&entry(-5)));
        let two = format!("{one}{}end 2\n", line(&entry(6)));
        for end in 0..=two.len() {
            let expected = match end {
                _ if end == two.len() => Some((floor, vec![entry(-5), entry(6)])),
                _ if end >= one.len() => Some((floor, vec![entry(-5)])),
                _ => None,
            };
            assert_eq!(parse(&two[..end]), expected, "{end}");
        }
    }
}
