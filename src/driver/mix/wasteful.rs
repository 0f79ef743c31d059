//! Data files with bytes of no message, and which messages are in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::mix::contents::{Contents, Record};
use crate::driver::mix::names::{data_file, data_files};
use crate::os::files::FileLayer;

/// In a larger file one part of this many may be waste: to copy all messages for the space of a few is not worth it.
const SHARE: u64 = 16;
/// In a file of so few bytes nothing is left.
const SMALL: u64 = 64 << 10;

/// A data file with bytes of no message.
pub struct Wasteful {
    /// Its number.
    pub number: u32,
    /// Its bytes.
    pub size: u64,
    /// Whether there are messages in it.
    pub is_used: bool,
    /// The bytes of these.
    live: u64,
}

/// The data files of a mailbox that are worth it: those without messages, then the others, of which those come first that
/// need the least space to be copied. None where a file is missing that the index names: then one that it does not name may
/// hold the messages.
pub fn wasteful_files(
    files: &dyn FileLayer,
    folder: &Path,
    contents: &Contents,
) -> Result<Vec<Wasteful>> {
    let mut used: BTreeMap<u32, u64> = BTreeMap::new();
    for Record { entry, .. } in &contents.records {
        *used.entry(entry.file).or_default() += entry.end() - u64::from(entry.position);
    }
    let there = data_files(files, folder).map_err(Error::io(folder))?;
    let is_there = |number: &u32| there.binary_search(number).is_ok();
    if !used.keys().all(is_there) {
        return Ok(Vec::new());
    }
    let mut wasteful = Vec::new();
    for number in there {
        let path = folder.join(data_file(number));
        let found = files.link_metadata(&path).map_err(Error::io(&path))?;
        let (size, used) = (found.len(), used.get(&number).copied());
        let live = used.unwrap_or(0);
        let waste = size.saturating_sub(live);
        let is_worth_it = match used {
            Some(_) => waste > 0 && (size <= SMALL || waste >= size / SHARE),
            None => size > 0 || number != contents.meta.current,
        };
        if found.is_file() && is_worth_it {
            wasteful.push(Wasteful {
                number,
                size,
                is_used: used.is_some(),
                live,
            });
        }
    }
    wasteful.sort_by_key(|file| (file.is_used, file.live));
    Ok(wasteful)
}

/// The places of the messages in some files, those of each file together.
pub struct Inside {
    places: Vec<(u32, usize)>,
}

impl Inside {
    /// Of these files.
    pub fn of(files: &[Wasteful], records: &[Record]) -> Self {
        let numbers: BTreeSet<u32> = files.iter().map(|file| file.number).collect();
        let all = records.iter().enumerate();
        let all = all.map(|(place, record)| (record.entry.file, place));
        let mut places: Vec<_> = all.filter(|it| numbers.contains(&it.0)).collect();
        places.sort_unstable();
        Self { places }
    }

    /// Those in the file of this number, ascending.
    pub fn file(&self, number: u32) -> impl Iterator<Item = usize> {
        let start = self.places.partition_point(|it| it.0 < number);
        let end = self.places.partition_point(|it| it.0 <= number);
        let inside = self.places.get(start..end).unwrap_or_default();
        inside.iter().map(|it| it.1)
    }
}
