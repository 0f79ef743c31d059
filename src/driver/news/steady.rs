//! Whether `.newsrc` is whole. c-client empties the file and fills it again in blocks, under no lock; killed meanwhile it
//! leaves a part of it. So a file that was written a moment ago is looked at twice, and one that looks cut off is no ground
//! to write on.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::folder::whole_file::read_whole;
use crate::driver::news::newsrc::Newsrc;
use crate::driver::news::newsrc_found::{Found, LARGEST, old_path};
use crate::mail::text::Foreign;
use crate::os::environment::Environment;

/// What a session knows of the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    shape: Shape,
    /// Digest of what it put there itself, which is whole.
    own: Option<u64>,
}

/// How much there is of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Shape {
    lines: usize,
    /// Whether the last line has its end.
    ended: bool,
}

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// So long one that looks cut off may be on the way.
pub(super) const DOUBT: Duration = Duration::from_millis(500);
/// So long somebody may write.
const LONGEST: Duration = Duration::from_secs(5);

impl Known {
    /// Remembers what was read, unless that is but a part of what was read before.
    pub fn note(&mut self, newsrc: &Newsrc) {
        let shape = Shape::of(newsrc);
        if !shape.is_cut(self.shape) {
            self.shape = shape;
        }
    }

    /// Remembers what was put there.
    pub(super) fn wrote(&mut self, newsrc: &Newsrc) {
        self.shape = Shape::of(newsrc);
        self.own = Some(xxh3_64(newsrc.bytes()));
    }

    fn is_own(&self, newsrc: &Newsrc) -> bool {
        self.own == Some(xxh3_64(newsrc.bytes()))
    }
}

impl Shape {
    fn of(newsrc: &Newsrc) -> Self {
        Self {
            lines: newsrc.line_count(),
            ended: newsrc.is_ended(),
        }
    }

    /// Whether it seems to be the beginning of another file.
    fn is_cut(self, whole: Self) -> bool {
        let fewer = self.lines < whole.lines;
        let in_a_line = !self.ended && (fewer || (whole.ended && self.lines == whole.lines));
        in_a_line || 2 * self.lines < whole.lines
    }
}

/// The file at `path`, by way of `look`, as it is when nobody writes to it; refused where it looks cut off even then.
pub(super) fn read_steady(
    environment: &Environment,
    path: &Path,
    known: &Known,
    look: &dyn Fn() -> io::Result<Found>,
    job: &Job,
) -> Result<Found> {
    let failed = Error::io(path);
    let begin = Instant::now();
    let mut found = look().map_err(&failed)?;
    loop {
        let Some(stamp) = found.stamp.filter(|_| !known.is_own(&found.newsrc)) else {
            return Ok(found);
        };
        let cut = is_cut(environment, path, known, &found.newsrc);
        if !stamp.is_recent((environment.clock)()) {
            return if cut {
                Err(refuse(path, job))
            } else {
                Ok(found)
            };
        }
        job.checkpoint()?;
        sleep(PAUSE);
        let now = look().map_err(&failed)?;
        let same = now == found;
        found = now;
        let doubtful = cut || !found.newsrc.is_ended();
        if same && (!doubtful || begin.elapsed() > DOUBT) {
            return if cut {
                Err(refuse(path, job))
            } else {
                Ok(found)
            };
        }
        if begin.elapsed() > LONGEST {
            return Err(busy());
        }
    }
}

/// Somebody goes on writing.
pub(super) fn busy() -> Error {
    let by = Foreign::new("another newsreader, which writes to .newsrc");
    Error::Locked { by }
}

fn is_cut(environment: &Environment, path: &Path, known: &Known, newsrc: &Newsrc) -> bool {
    let old = read_whole(&*environment.files, &old_path(path), LARGEST);
    let old = old.map(|(bytes, _)| Shape::of(&Newsrc::new(bytes)));
    let shape = Shape::of(newsrc);
    shape.is_cut(known.shape) || old.is_ok_and(|old| shape.is_cut(old))
}

fn refuse(path: &Path, job: &Job) -> Error {
    let (path, old) = (path.display(), old_path(path));
    let old = old.display();
    job.notice(format!(
        "{path} looks cut off, as by a newsreader that was killed; the file as it was before may be {old}. Copy that back; \
         or, if {path} is whole, remove {old} and open the group anew"
    ));
    Error::Refused(".newsrc looks cut off, and is left as it is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_a_file_are_known_as_such() {
        let shape = |text: &str| Shape::of(&Newsrc::new(text.as_bytes().to_vec()));
        let whole = "a: 1-5\nb! 3,5,7\nc:\nd: 1-9\ne: 2\n";
        for cut in 0..whole.len() {
            let is_cut = shape(&whole[..cut]).is_cut(shape(whole));
            // One that ends with a line and has most of them is not told from one that somebody made shorter.
            let most = whole[..cut].ends_with('\n') && cut > 16;
            assert_eq!(is_cut, !most, "{cut}");
        }
        for (text, before) in [
            ("a: 1-20\n", "a: 1,3,5,7,9,11,13,15,17,19\n"),
            ("a: 1", "a: 1-"),
            ("", ""),
            ("a: 1\nb:", "a: 1\n"),
        ] {
            assert!(!shape(text).is_cut(shape(before)), "{text:?}");
        }
    }
}
