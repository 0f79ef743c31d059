//! Reads a large file a few blocks ahead of whoever goes over it, so that the kernel's copying and the scanning share
//! the time of two processors.
//!
//! Blocks travel in buffers that keep room in front: what is left of the block before is put there, so that no
//! byte of a block is copied again.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, available_parallelism, scope};

use crate::os::files::MailFile;

/// Room in front of each block, in bytes.
pub const ROOM: usize = 64 * 1024;
/// Bytes of a block. Small enough for a processor's cache, large enough that hand-overs do not count.
pub const BLOCK: usize = 512 * 1024;
/// How many blocks are read ahead.
const BLOCKS: usize = 3;
/// Shorter files are not worth a thread.
const WORTH_IT: u64 = 8 * 1024 * 1024;

/// Blocks that are read by another thread, in order.
pub struct Ahead {
    filled: Receiver<io::Result<Block>>,
    spent: SyncSender<Vec<u8>>,
}

/// A part of the file, behind [`ROOM`] bytes that mean nothing yet.
pub struct Block {
    /// The room, the bytes of the file, then bytes that mean nothing.
    pub buffer: Vec<u8>,
    /// How many bytes of the file there are; 0 only at its end.
    pub length: usize,
    /// Whether a CR is among them.
    pub holds_cr: bool,
}

impl Ahead {
    /// The next block; `None` when the reader stopped.
    pub fn next_block(&self) -> Option<io::Result<Block>> {
        self.filled.recv().ok()
    }

    /// Gives a buffer back to be filled again.
    pub fn give_back(&self, buffer: Vec<u8>) {
        // a reader that came to the end wants no more buffers
        let _ = self.spent.try_send(buffer);
    }
}

/// Does `work` while the bytes of `file` up to `end` are read ahead, where that is worth a thread.
pub fn reading_ahead<T>(file: &dyn MailFile, end: u64, work: impl FnOnce(Option<Ahead>) -> T) -> T {
    let processors = available_parallelism().map_or(1, usize::from);
    if end < WORTH_IT || processors < 2 {
        return work(None);
    }
    scope(|threads| {
        let (filled, blocks) = sync_channel(BLOCKS);
        let (spent, buffers) = sync_channel(BLOCKS + 1);
        for _ in 0..BLOCKS {
            let _ = spent.try_send(vec![0; ROOM + BLOCK]);
        }
        let reader = Builder::new().name("mugo-read-ahead".to_owned());
        let started = reader.spawn_scoped(threads, move || fill(file, end, &buffers, &filled));
        // without the thread all is read when it is needed; once `work` is done the channels end the thread
        work(started.is_ok().then_some(Ahead {
            filled: blocks,
            spent,
        }))
    })
}

/// Reads blocks until the end, an error, or until nobody wants them any longer.
fn fill(
    file: &dyn MailFile,
    end: u64,
    buffers: &Receiver<Vec<u8>>,
    filled: &SyncSender<io::Result<Block>>,
) {
    let mut at = 0;
    while let Ok(mut buffer) = buffers.recv() {
        let block = read_block(file, at, end, &mut buffer).map(|length| {
            let bytes = buffer.get(ROOM..ROOM + length).unwrap_or_default();
            let holds_cr = memchr::memchr(b'\r', bytes).is_some();
            Block {
                buffer,
                length,
                holds_cr,
            }
        });
        let length = block.as_ref().map_or(0, |block| block.length as u64);
        if filled.send(block).is_err() || length == 0 {
            return;
        }
        at += length;
    }
}

fn read_block(file: &dyn MailFile, at: u64, end: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let wanted = usize::try_from(end.saturating_sub(at)).map_or(BLOCK, |left| left.min(BLOCK));
    let mut length = 0;
    while length < wanted {
        let room = buffer
            .get_mut(ROOM + length..ROOM + wanted)
            .unwrap_or_default();
        match file.read_at(room, at + length as u64) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(again) if again.kind() == io::ErrorKind::Interrupted => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;
    use std::sync::Arc;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::driver::job::{Job, Reports};
    use crate::driver::layout::file::content::Source;
    use crate::driver::layout::file::framing::Framing;
    use crate::driver::layout::file::record::{Marks, Record};
    use crate::driver::layout::file::scan::Scan;
    use crate::mail::change::Change;
    use crate::mail::text::Foreign;
    use crate::os::files::{FileLayer, OpenMode};
    use crate::os::real_files::RealFiles;

    struct Nobody;

    impl Reports for Nobody {
        fn change(&self, _: Change) {}
        fn progress(&self, _: u64, _: u64) {}
        fn notice(&self, _: Foreign) {}
    }

    /// More than 8 MiB of messages, in the second half one header and body in a hundred with lines longer than the room in front of a block.
    fn mailbox(path: &Path) -> u64 {
        let mut file = std::fs::File::create(path).expect("a file");
        let from = "From ada@example.org Mon Mar  2 10:20:31 2026\n";
        let long = "x".repeat(3 * ROOM);
        for number in 0..6000 {
            let (head, body) = if number > 3000 && number % 100 == 7 {
                (&*long, &*long)
            } else {
                ("", "")
            };
            let text = "word ".repeat(number % 400);
            let status = "Status: RO\nX-UID: 7\n";
            let cr = if number % 500 == 3 { "\r" } else { "" };
            write!(
                file,
                "{from}Subject: {number}{head}\n{status}\n{text}\n{body}{cr}\n\n"
            )
            .expect("room");
        }
        file.metadata().expect("there").len()
    }

    fn records(file: &dyn MailFile, length: u64, path: &Path, ahead: Option<Ahead>) -> Vec<Record> {
        let job = Job::new(Arc::new(Nobody), CancellationToken::new());
        let mut scan = Scan::whole(
            Source { file, path },
            &Framing::FROM_LINES,
            length,
            ahead,
            &job,
        )
        .expect("mail");
        std::iter::from_fn(|| scan.next_message().expect("mail")).collect()
    }

    #[test]
    fn what_is_read_ahead_is_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("box");
        let length = mailbox(&path);
        assert!(length > WORTH_IT);
        let file = RealFiles.open(&path, OpenMode::Read).expect("open");
        let plain = records(&*file, length, &path, None);
        assert_eq!(plain.len(), 6000);
        let with_cr = plain
            .iter()
            .enumerate()
            .filter(|(_, record)| record.marks.has(Marks::HAS_CR));
        assert!(with_cr.map(|(number, _)| number).eq((3..6000).step_by(500)));
        let ahead = reading_ahead(&*file, length, |ahead| {
            records(&*file, length, &path, ahead)
        });
        assert!(plain == ahead);
        // a file that is shorter than it was said to be ends where it ends
        let more = reading_ahead(&*file, length + 9, |ahead| {
            records(&*file, length + 9, &path, ahead)
        });
        assert!(plain == more);
    }
}
