//! Knowing messages again in a file that other programs may have changed.
//!
//! As long as date and size of all that are remembered are where they were, they are the same messages; where two
//! neighbours are alike in these, and at the end, their bytes are looked at too. Else each is looked for by its bytes.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::ends;
use crate::driver::layout::prefile::record::Record;
use crate::driver::remembered::table::Remembered;
use crate::os::transfer::read_full_at;

/// Which messages are known again.
#[derive(Debug, PartialEq, Eq)]
pub struct Followed {
    /// For each message where it is among the remembered ones.
    pub same: Vec<Option<usize>>,
    /// How many of the first ones are known, and in the order that they had.
    pub in_order: usize,
    /// Whether others behind them are known too, which are in another order now, or behind new ones.
    pub is_torn: bool,
}

/// Looks for the remembered messages in `records`.
pub fn follow(
    source: Source<'_>,
    remembered: &[Remembered],
    records: &[Record],
) -> Result<Followed> {
    if is_as_before(source, remembered, records)? {
        let count = remembered.len();
        let same = (0..records.len()).map(|at| Some(at).filter(|at| *at < count));
        return Ok(Followed {
            same: same.collect(),
            in_order: count,
            is_torn: false,
        });
    }
    let mut places: HashMap<(u32, u64), Vec<usize>> = HashMap::new();
    for (place, old) in remembered.iter().enumerate().rev() {
        let key = (old.outside, old.inside);
        places.entry(key).or_default().push(place);
    }
    let mut followed = Followed {
        same: Vec::with_capacity(records.len()),
        in_order: 0,
        is_torn: false,
    };
    let mut next = Some(0);
    for record in records {
        let key = (outside(record), inside(source, record)?);
        // Of twins the first one that is not behind the others' places.
        let list = places.get_mut(&key);
        let place = list.and_then(|list| {
            // The places descend; mostly the last one is next.
            let behind = next.map_or(0, |next| list.partition_point(|place| *place >= next));
            let at = behind.checked_sub(1).or(list.len().checked_sub(1))?;
            Some(list.remove(at))
        });
        followed.same.push(place);
        next = match (next, place) {
            (Some(next), Some(place)) if place >= next => {
                followed.in_order += 1;
                Some(place + 1)
            }
            (_, Some(_)) => {
                followed.is_torn = true;
                None
            }
            (_, None) => None,
        };
    }
    Ok(followed)
}

/// Whether all that are remembered are where they were.
fn is_as_before(source: Source<'_>, remembered: &[Remembered], records: &[Record]) -> Result<bool> {
    if remembered.len() > records.len() {
        return Ok(false);
    }
    let mut pairs = remembered.iter().zip(records).peekable();
    let mut before = None;
    while let Some((old, record)) = pairs.next() {
        if old.outside != outside(record) {
            return Ok(false);
        }
        let after = pairs.peek().map(|pair| pair.0.outside);
        let is_alike = before == Some(old.outside) || after.is_none_or(|it| it == old.outside);
        if is_alike && old.inside != inside(source, record)? {
            return Ok(false);
        }
        before = Some(old.outside);
    }
    Ok(true)
}

/// Digest of what the file says of a message in front: date and size.
pub fn outside(record: &Record) -> u32 {
    let date = record.date();
    let mut bytes = [0; 18];
    let numbers = record.size.to_le_bytes().into_iter();
    let numbers = numbers.chain(date.seconds.to_le_bytes());
    let numbers = numbers.chain(date.offset.to_le_bytes());
    for (to, from) in bytes.iter_mut().zip(numbers) {
        *to = from;
    }
    xxh3_64(&bytes) as u32
}

/// Digest of a message's first and last bytes.
pub fn inside(source: Source<'_>, record: &Record) -> Result<u64> {
    ends::digest(record.size, |room, offset| {
        read_full_at(source.file, room, record.text_offset() + offset)
    })
    .map_err(Error::io(source.path))
}
