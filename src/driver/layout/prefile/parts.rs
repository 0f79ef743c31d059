//! Goes over the later parts of a large file in other threads. A line says where the next one is, so that there is no
//! other way to go over it by several processors than to guess: each thread looks for lines that follow each other from
//! somewhere in the middle. Its part counts when the way from the front of the file leads exactly to where it began.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, available_parallelism, scope};

use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::format::Format;
use crate::driver::layout::prefile::record::Record;
use crate::driver::layout::prefile::scan::Scan;

/// What a thread has found.
pub struct Part {
    /// The messages, hidden ones too.
    pub records: Vec<Record>,
    /// Where the next line is.
    pub end: u64,
}

/// The parts that are gone over.
#[derive(Default)]
pub struct Parts<'s> {
    list: Vec<(&'s AtomicU64, Receiver<Part>)>,
}

/// A file, and whether sizes with CRLF are found out.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// The format.
    pub format: &'static Format,
    /// The file.
    pub source: Source<'a>,
    /// The job, which may be cancelled.
    pub job: &'a Job,
    /// See [`Scan::of_lines`].
    pub counts: bool,
}

/// No start is known yet, or there is none.
const UNKNOWN: u64 = u64::MAX;
/// Shorter files are not worth threads.
const WORTH_IT: u64 = 8 << 20;
const MOST_THREADS: usize = 4;

impl<'a> Way<'a> {
    /// A scan from `start` to `length`.
    pub fn scan(self, start: u64, length: u64) -> Scan<'a> {
        let scan = Scan::new(self.format, self.source, start, length, self.job);
        if self.counts { scan } else { scan.of_lines() }
    }

    /// Does `work` while other threads go over the later parts of the bytes from `start` to `length`, where that is
    /// worth it.
    pub fn in_parts<T>(self, start: u64, length: u64, work: impl FnOnce(Parts<'_>) -> T) -> T {
        let processors = available_parallelism().map_or(1, usize::from);
        let count = processors.min(MOST_THREADS) as u64;
        let share = length.saturating_sub(start) / count.max(1);
        if share < WORTH_IT || count < 2 {
            return work(Parts::default());
        }
        let starts: Vec<AtomicU64> = (1..count).map(|_| AtomicU64::new(UNKNOWN)).collect();
        scope(|threads| {
            let mut parts = Parts::default();
            for (number, mine) in starts.iter().enumerate() {
                let (found, part) = sync_channel(1);
                let others = starts.get(number + 1..).unwrap_or_default();
                let from = start + share * (number as u64 + 1);
                let thread = Builder::new().name("mugo-scan".to_owned());
                let walk = move || {
                    // whoever reads the file may have come to an end
                    let _ = found.send(self.walk(from..from + share, length, mine, others));
                };
                if thread.spawn_scoped(threads, walk).is_ok() {
                    parts.list.push((mine, part));
                }
            }
            work(parts)
        })
    }

    /// Goes over a part: from the first place in `within` that leads on, to the start of another part.
    fn walk(
        self,
        within: std::ops::Range<u64>,
        length: u64,
        mine: &AtomicU64,
        others: &[AtomicU64],
    ) -> Part {
        let mut part = Part {
            records: Vec::new(),
            end: UNKNOWN,
        };
        let mut search = self.scan(within.start, within.end.min(length));
        if !matches!(search.resynchronise(search.offset() + 1), Ok(true)) {
            return part;
        }
        let start = search.offset();
        mine.store(start, Ordering::Relaxed);
        let mut scan = self.scan(start, length).in_silence();
        let reached = |offset| others.iter().any(|it| it.load(Ordering::Relaxed) <= offset);
        while !reached(scan.offset()) {
            match scan.next_message() {
                Ok(Some(record)) => part.records.push(record),
                // What is wrong there will be seen again by whoever comes there.
                Ok(None) | Err(_) => break,
            }
        }
        part.end = scan.offset();
        part
    }
}

impl Parts<'_> {
    /// The part that begins at `offset`, when its thread has gone over it; `None` when none begins there.
    pub fn at(&mut self, offset: u64) -> Option<Part> {
        let start = |entry: &(&AtomicU64, _)| entry.0.load(Ordering::Relaxed);
        let place = self.list.iter().position(|it| start(it) == offset)?;
        let (_, part) = self.list.swap_remove(place);
        part.recv().ok().filter(|part| part.end > offset)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::driver::job::Reports;
    use crate::driver::layout::prefile::format::{Newline, State};
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

    static MTX: Format = Format {
        driver: "mtx",
        newline: Newline::CrLf,
        state: State::Bare,
    };

    #[test]
    fn parts_are_what_one_way_over_the_whole_file_finds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("box");
        let mut file = std::fs::File::create(&path).expect("a file");
        let line = |size| format!(" 2-Mar-2026 10:20:31 +0100,{size};000000000020\r\n");
        let mut starts = Vec::new();
        let mut length = 0;
        for number in 0..30_000 {
            // Every tenth message holds a mailbox of its own, from which another way leads nowhere.
            let text = match number % 10 {
                7 => format!("{}abc", line(3)).repeat(20),
                _ => "x".repeat(number % 3000),
            };
            let message = format!("{}Subject: x\r\n\r\n{text}", line(14 + text.len()));
            file.write_all(message.as_bytes()).expect("room");
            starts.push(length);
            length += message.len() as u64;
        }
        let file = RealFiles.open(&path, OpenMode::Read).expect("open");
        let job = Job::new(Arc::new(Nobody), CancellationToken::new());
        let source = Source {
            file: &*file,
            path: &path,
        };
        let way = Way {
            format: &MTX,
            source,
            job: &job,
            counts: true,
        };
        let share = length / 3;
        let known: Vec<AtomicU64> = (0..2).map(|_| AtomicU64::new(UNKNOWN)).collect();
        let later = way.walk(2 * share..length, length, &known[1], &[]);
        let middle = way.walk(share..2 * share, length, &known[0], &known[1..]);
        for (part, start) in [(middle, &known[0]), (later, &known[1])] {
            let start = start.load(Ordering::Relaxed);
            let found: Vec<u64> = part.records.iter().map(|record| record.offset).collect();
            let from = starts.iter().position(|&it| it == start);
            let Some(from) = from else {
                continue;
            };
            assert_eq!(found, starts[from..from + found.len()]);
            assert_eq!(starts.get(from + found.len()).unwrap_or(&length), &part.end);
        }
        let mut all = Vec::new();
        way.in_parts(0, length, |mut parts| {
            let mut scan = way.scan(0, length);
            loop {
                if let Some(part) = parts.at(scan.offset()) {
                    all.extend(part.records.iter().map(|record| record.offset));
                    scan.go_to(part.end);
                } else if let Some(record) = scan.next_message().expect("sound") {
                    all.push(record.offset);
                } else {
                    break;
                }
            }
        });
        assert_eq!(all, starts);
    }
}
