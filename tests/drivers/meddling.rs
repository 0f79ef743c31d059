//! A program that knows none of our locks writes a mailbox in the middle of a reading: what was read so far does not count.

use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::unix::Unix;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::uid::Uid;
use mugo::os::files::{FileLayer, Flock, MailFile, OpenMode};
use mugo::os::real_files::RealFiles;

use crate::desk::{Desk, job, open};

/// The real files; before one of the reads of one of them it is overwritten.
struct Meddling {
    path: PathBuf,
    new: Vec<u8>,
    reads: AtomicUsize,
}

struct Read {
    inner: Box<dyn MailFile>,
    meddling: Arc<Meddling>,
}

struct Layer(Arc<Meddling>);

impl Meddling {
    /// Overwrites `path` with `new` before its read number `at`.
    fn layer(path: &Path, new: &[u8], at: usize) -> (Arc<dyn FileLayer>, Arc<Self>) {
        let meddling = Arc::new(Self {
            path: path.to_owned(),
            new: new.to_owned(),
            reads: AtomicUsize::new(at),
        });
        (Arc::new(Layer(Arc::clone(&meddling))), meddling)
    }

    fn has_meddled(&self) -> bool {
        self.reads.load(Ordering::SeqCst) == usize::MAX
    }

    fn read(&self) {
        let left = self.reads.load(Ordering::SeqCst);
        if left == 0 {
            fs::write(&self.path, &self.new).expect("written");
        }
        if left != usize::MAX {
            self.reads.store(left.wrapping_sub(1), Ordering::SeqCst);
        }
    }
}

impl FileLayer for Layer {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn MailFile>> {
        let inner = RealFiles.open(path, mode)?;
        if path != self.0.path {
            return Ok(inner);
        }
        let meddling = Arc::clone(&self.0);
        Ok(Box::new(Read { inner, meddling }))
    }
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        RealFiles.metadata(path)
    }
    fn link_metadata(&self, path: &Path) -> io::Result<Metadata> {
        RealFiles.link_metadata(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.rename(from, to)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.rename_new(from, to)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.hard_link(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealFiles.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealFiles.remove_dir(path)
    }
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        RealFiles.create_dir(path, mode)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        RealFiles.read_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealFiles.sync_dir(path)
    }
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        RealFiles.set_mode(path, mode)
    }
    fn may_write(&self, path: &Path) -> io::Result<bool> {
        RealFiles.may_write(path)
    }
    fn is_network(&self, path: &Path) -> io::Result<bool> {
        RealFiles.is_network(path)
    }
    fn is_local_disk(&self, path: &Path) -> io::Result<bool> {
        RealFiles.is_local_disk(path)
    }
}

impl MailFile for Read {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.meddling.read();
        self.inner.read_at(buffer, offset)
    }
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.inner.write_at(bytes, offset)
    }
    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.inner.set_len(length)
    }
    fn reserve(&mut self, length: u64) -> io::Result<()> {
        self.inner.reserve(length)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.inner.sync()
    }
    fn metadata(&self) -> io::Result<Metadata> {
        self.inner.metadata()
    }
    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.inner.set_mode(mode)
    }
    fn set_times(&mut self, accessed: i64, modified: i64) -> io::Result<()> {
        self.inner.set_times(accessed, modified)
    }
    fn try_record_lock(&mut self, kind: Flock) -> io::Result<bool> {
        self.inner.try_record_lock(kind)
    }
    fn try_lock(&mut self, kind: Flock) -> io::Result<bool> {
        self.inner.try_lock(kind)
    }
    fn unlock(&mut self) -> io::Result<()> {
        self.inner.unlock()
    }
}

/// So many messages of about 10 KB, all with this header field.
fn mailbox(count: usize, field: &str) -> Vec<u8> {
    let text = "a line of text\n".repeat(700);
    let message = |number| {
        format!("From a@b Mon Mar  2 09:00:00 2026\nSubject: {number}\n{field}\n\n{text}\n")
    };
    (0..count).map(message).collect::<String>().into_bytes()
}

#[test]
fn a_count_and_an_opening_hold_one_state_of_the_file() {
    let (unread, read) = (mailbox(400, "Status: O"), mailbox(400, "Status: RO"));
    for at in [1, 2, 3, 5, 8, 13] {
        let desk = Desk::new();
        let place = desk.place("box", &unread);
        let (layer, meddling) = Meddling::layer(&place.path, &read, at);
        let mut environment = desk.world.another(layer);
        // Nothing is written, no lock is made: the stamp alone tells.
        environment.read_only = true;
        let environment = Arc::new(environment);
        let (job, _log) = job();
        let status = Unix::new(&environment)
            .status(&place, &job)
            .expect("counted");
        let want = if meddling.has_meddled() { 0 } else { 400 };
        assert_eq!((status.messages, status.unseen), (400, want), "read {at}");

        fs::write(&place.path, &unread).expect("as before");
        meddling.reads.store(at, Ordering::SeqCst);
        let mut opened = open(&Unix::new(&environment), &place, Access::ReadOnly).expect("open");
        assert_eq!(opened.uids().len(), 400);
        opened.hear();
        let unseen = opened
            .list
            .messages()
            .iter()
            .filter(|one| !one.flags.has(mugo::mail::flags::SystemFlags::SEEN));
        let want = if meddling.has_meddled() { 0 } else { 400 };
        assert_eq!(unseen.count(), want, "read {at}");
    }
}

/// One who gets a message, and has somebody write the mailbox once he has some of it.
struct Taker {
    taken: Vec<u8>,
    path: PathBuf,
    new: Option<Vec<u8>>,
}

impl Write for Taker {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.taken.extend_from_slice(bytes);
        if self.taken.len() > 1 << 20
            && let Some(new) = self.new.take()
        {
            fs::write(&self.path, new).expect("written");
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_large_message_that_moves_while_it_is_read_arrives_whole() {
    let text: String = (0..400_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    let large = format!("From a@b Mon Mar  2 09:00:00 2026\nSubject: large\n\n{text}\n");
    let small = "From a@b Mon Mar  2 09:00:00 2026\nSubject: small\n\nx\n\n";
    let before = format!("{small}{large}");
    let moved = before.replace(
        "Subject: small\n",
        "Subject: small\nStatus: RO\nX-Status: F\n",
    );
    let other = before.replace("line 7\n", "LINE 7\n");
    for (new, whole) in [(moved, true), (other, false)] {
        let desk = Desk::new();
        let place = desk.place("box", before.as_bytes());
        let mut opened =
            open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
        let mut taker = Taker {
            taken: Vec::new(),
            path: place.path.clone(),
            new: Some(new.into_bytes()),
        };
        let (job, _log) = job();
        let uid = Uid::new(2).expect("not 0");
        let done = opened.mailbox.read(uid, Part::Text, &mut taker, &job);
        assert!(taker.new.is_none());
        if whole {
            done.expect("read");
            assert!(taker.taken == text.replace('\n', "\r\n").as_bytes());
        } else {
            assert!(
                matches!(done, Err(Error::Locked { .. } | Error::NoSuchMessage)),
                "{done:?}"
            );
        }
    }
}
