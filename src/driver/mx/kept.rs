//! What is kept of a mailbox in the state folder, so that the next opening looks at none of its files: which there are, how
//! long, and since when. A file that is changed under its name without a change in the directory, which no program does to a
//! message, keeps the size that it had until a name comes or goes; it is read as it is.

use std::path::Path;

use crate::driver::layout::file::access::Stamp;
use crate::driver::layout::folder::cache::{Facts, Kind, is_settled};
use crate::driver::mx::record::Record;
use crate::os::environment::Environment;

/// What these files have in common.
pub const KEPT: Kind = Kind {
    folder: "mx",
    magic: b"MugoMx_1",
};

/// Whoever writes a message has it done after so many seconds.
const FRESH: i64 = 60;

/// Fewer messages are looked at as fast as they are recalled.
const WORTH_IT: usize = 100;

/// Removes what is kept of the mailbox that was at `path`.
pub(super) fn forget(environment: &Environment, path: &Path) {
    let _ = environment
        .files
        .remove_file(&KEPT.place(environment, path));
}

/// What was kept, and the directory in which that is true.
pub(super) struct Recalled {
    directory: Stamp,
    facts: Vec<Facts>,
}

/// Recalls what was kept of the mailbox at `path`, where its directory has the same names still.
pub(super) fn recall(environment: &Environment, path: &Path) -> Option<Recalled> {
    let directory = environment.files.metadata(path).ok()?;
    let kept = KEPT.read(environment, path, &directory);
    kept.complete.then(|| Recalled {
        directory: Stamp::of(&directory),
        facts: kept.facts,
    })
}

impl Recalled {
    /// Whether it is true in a directory with this stamp.
    pub(super) fn holds_in(&self, directory: &Stamp) -> bool {
        self.directory == *directory
    }

    /// The numbers of all messages, ascending.
    pub(super) fn numbers(&self) -> Vec<u32> {
        self.facts.iter().map(|it| it.number).collect()
    }

    /// Octets and time of each of these messages, which have to be ascending; `None` for one that is not known.
    pub(super) fn of(&self, uids: &[u32]) -> Vec<Option<(u64, i64)>> {
        let mut facts = self.facts.iter().peekable();
        let of_one = |&uid: &u32| {
            while facts.next_if(|it| it.number < uid).is_some() {}
            let found = facts.next_if(|it| it.number == uid)?;
            Some((found.size, found.date))
        };
        uids.iter().map(of_one).collect()
    }
}

/// Keeps what is known of these messages for the next opening, where the directory still has this stamp.
pub(super) fn save(environment: &Environment, path: &Path, stamp: &Stamp, records: &[Record]) {
    let wanted = !environment.read_only && records.len() >= WORTH_IT;
    let directory = wanted.then(|| environment.files.metadata(path));
    let Some(Ok(directory)) = directory else {
        return;
    };
    if Stamp::of(&directory) != *stamp || !is_settled(environment, &directory) {
        return;
    }
    let now = (environment.clock)();
    if records.iter().any(|it| now.saturating_sub(it.date) < FRESH) {
        // It may be written still, which no stamp of the directory tells.
        return;
    }
    let mut facts = records.iter().map(|record| Facts {
        number: record.uid,
        crossposted: false,
        measured: true,
        size: record.size,
        date: record.date,
        id: 0,
    });
    // Without it the next opening takes longer.
    let _ = KEPT.write(environment, path, (&directory, true), &mut facts);
}
