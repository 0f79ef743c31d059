//! Looks at many files by several threads: most of the time goes by in waiting for the file system, not for a processor.

use std::io;
use std::thread::{Builder, available_parallelism, scope};

const MOST_THREADS: usize = 8;
/// Fewer files are not worth a thread.
const WORTH_IT: usize = 256;

/// What `work` makes of `all`, part by part, in their order.
pub fn in_threads<T: Sync, R: Send>(
    all: &[T],
    work: impl Fn(&[T]) -> io::Result<Vec<R>> + Sync,
) -> io::Result<Vec<R>> {
    let threads = available_parallelism().map_or(1, usize::from) * 2;
    let threads = threads.min(MOST_THREADS).min(all.len() / WORTH_IT).max(1);
    let share = all.len().div_ceil(threads).max(1);
    let mut parts = all.chunks(share);
    let first = parts.next().unwrap_or_default();
    let work = &work;
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
    use super::*;

    #[test]
    fn the_order_stays_and_an_error_counts() {
        let all: Vec<u32> = (0..10_000).collect();
        let doubled = in_threads(&all, |part| Ok(part.iter().map(|it| it * 2).collect()));
        let expected: Vec<u32> = all.iter().map(|it| it * 2).collect();
        assert_eq!(doubled.expect("no error"), expected);
        let failed = in_threads(&all, |part| match part.contains(&9_999) {
            true => Err(io::ErrorKind::NotFound.into()),
            false => Ok(part.to_vec()),
        });
        assert!(failed.is_err());
        assert!(
            in_threads(&[], |part: &[u32]| Ok(part.to_vec()))
                .expect("nothing")
                .is_empty()
        );
    }
}
