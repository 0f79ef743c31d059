//! Which files are messages that are known: by number and key, by key under another number, by content.

use std::collections::HashMap;

use crate::driver::mh::entry::{Entry, Key};
use crate::driver::mh::files::{Found, Listed};

/// The files that are no message under the number by which it is known; those that are, are `taken`.
pub fn known_files(live: &[Entry], listed: Vec<Listed>, taken: &mut [bool]) -> Vec<Listed> {
    let mut by_number: Vec<(u32, usize)> = live
        .iter()
        .enumerate()
        .map(|(place, entry)| (entry.number, place))
        .collect();
    by_number.sort_unstable();
    let known = |listed: &Listed| {
        let place = by_number.binary_search_by_key(&listed.number, |it| it.0);
        let (_, place) = by_number.get(place.ok()?)?;
        let entry = live.get(*place)?;
        // One that could not be read may be readable now.
        (entry.key == listed.key && entry.digest != 0).then_some(*place)
    };
    let mut strangers = listed;
    strangers.retain(|listed| match known(listed) {
        Some(place) => {
            take(taken, place);
            false
        }
        None => true,
    });
    strangers
}

/// The messages whose files have other names now, and the files that are none of them.
pub fn moved_files(
    live: &[Entry],
    listed: Vec<Listed>,
    taken: &mut [bool],
) -> (Vec<Entry>, Vec<Listed>) {
    if listed.is_empty() {
        return (Vec::new(), listed);
    }
    let free = live.iter().enumerate().zip(taken.iter());
    let free = free.filter(|((_, entry), taken)| !**taken && entry.digest != 0);
    let mut by_key: HashMap<_, usize> = free.map(|((place, it), _)| (it.key, place)).collect();
    let mut moved = Vec::new();
    let mut strangers = Vec::new();
    for listed in listed {
        let place = by_key.remove(&listed.key);
        match place.and_then(|place| Some((place, live.get(place)?))) {
            Some((place, entry)) => {
                take(taken, place);
                let number = listed.number;
                moved.push(Entry { number, ..*entry });
            }
            None => strangers.push(listed),
        }
    }
    (moved, strangers)
}

/// The messages that are found by their content, and those that are new.
pub fn copied_files(
    live: &[Entry],
    found: Vec<Found>,
    taken: &mut [bool],
) -> (Vec<Entry>, Vec<Found>) {
    let mut by_content: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    let free = live.iter().enumerate().zip(taken.iter()).filter(|it| !it.1);
    // The first of equal ones comes out first.
    for ((place, entry), _) in free.rev().filter(|it| it.0.1.digest != 0) {
        let places = by_content.entry((entry.digest, entry.size)).or_default();
        places.push(place);
    }
    let mut same = Vec::new();
    let mut new = Vec::new();
    let unread = live.iter().zip(0..).filter(|(entry, _)| entry.digest == 0);
    let unread: HashMap<(u32, Key), usize> = unread
        .map(|(entry, place)| ((entry.number, entry.key), place))
        .collect();
    for found in found {
        let content = (found.entry.digest, found.entry.size);
        let name = (found.entry.number, found.entry.key);
        let place = unread.get(&name).copied();
        let place = place.or_else(|| by_content.get_mut(&content).and_then(Vec::pop));
        match place.and_then(|place| Some((place, live.get(place)?))) {
            Some((place, entry)) => {
                take(taken, place);
                let uid = entry.uid;
                same.push(Entry { uid, ..found.entry });
            }
            None => new.push(found),
        }
    }
    (same, new)
}

fn take(taken: &mut [bool], place: usize) {
    if let Some(taken) = taken.get_mut(place) {
        *taken = true;
    }
}
