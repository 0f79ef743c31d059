//! Looks at many files by several threads: most of the time goes by in waiting for the file system, not for a processor.

use std::io;
use std::thread::{Builder, available_parallelism, scope};

use crate::driver::job::Job;

const MOST_THREADS: usize = 8;
/// Fewer files are not worth a thread.
const WORTH_IT: usize = 256;

/// After so many files a thread looks whether it was cancelled.
const BETWEEN_CHECKPOINTS: usize = 8;

/// What `look` makes of each of `all`, in their order; where `job` was cancelled the error is
/// [`Interrupted`](io::ErrorKind::Interrupted). Each thread has a `Room` of its own to work with.
pub fn in_threads<T: Sync, R: Send, Room: Default>(
    all: &[T],
    job: &Job,
    look: impl Fn(&mut Room, &T) -> io::Result<R> + Sync,
) -> io::Result<Vec<R>> {
    let threads = available_parallelism().map_or(1, usize::from) * 2;
    let threads = threads.min(MOST_THREADS).min(all.len() / WORTH_IT).max(1);
    let share = all.len().div_ceil(threads).max(1);
    let mut parts = all.chunks(share);
    let first = parts.next().unwrap_or_default();
    let work = &|part: &[T]| {
        let mut room = Room::default();
        let mut made = Vec::with_capacity(part.len());
        for (place, one) in part.iter().enumerate() {
            if place.is_multiple_of(BETWEEN_CHECKPOINTS) {
                job.checkpoint().map_err(|_| io::ErrorKind::Interrupted)?;
            }
            made.push(look(&mut room, one)?);
        }
        io::Result::Ok(made)
    };
    scope(|threads| {
        let spawn = |part| {
            let name = Builder::new().name("mugo-files".to_owned());
            // Where there is no thread to be had this one does it.
            (part, name.spawn_scoped(threads, move || work(part)))
        };
        let others: Vec<_> = parts.map(spawn).collect();
        let mut made = work(first)?;
        for (part, other) in others {
            made.extend(match other {
                Ok(thread) => thread
                    .join()
                    .map_err(|_| io::Error::other("a thread broke"))??,
                Err(_) => work(part)?,
            });
        }
        Ok(made)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::driver::job::Reports;
    use crate::mail::change::Change;
    use crate::mail::text::Foreign;

    struct Nobody;

    impl Reports for Nobody {
        fn change(&self, _: Change) {}
        fn progress(&self, _: u64, _: u64) {}
        fn notice(&self, _: Foreign) {}
    }

    #[test]
    fn the_order_stays_and_an_error_or_the_end_counts() {
        let token = CancellationToken::new();
        let job = Job::new(Arc::new(Nobody), token.clone());
        let all: Vec<u32> = (0..10_000).collect();
        let double = |(): &mut (), it: &u32| Ok(it * 2);
        let expected: Vec<u32> = all.iter().map(|it| it * 2).collect();
        assert_eq!(in_threads(&all, &job, double).expect("no error"), expected);
        assert!(in_threads(&[], &job, double).expect("nothing").is_empty());
        let fail = |(): &mut (), &it: &u32| match it {
            9_999 => Err(io::ErrorKind::NotFound.into()),
            it => Ok(it),
        };
        let failed = in_threads(&all, &job, fail);
        assert_eq!(
            failed.expect_err("one failed").kind(),
            io::ErrorKind::NotFound
        );
        token.cancel();
        let ended = in_threads(&all, &job, double).expect_err("cancelled");
        assert_eq!(ended.kind(), io::ErrorKind::Interrupted);
    }
}
