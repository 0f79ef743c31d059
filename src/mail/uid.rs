//! UIDs, UIDVALIDITY, message numbers, and sets of them (RFC 3501, 2.3.1 and the `sequence-set` of section 9).
//!
//! Above the drivers a message is named by its [`Uid`] alone. A [`MsgNo`] is a row's place in the
//! list at one moment, used where people and scripts count messages.

use std::fmt;
use std::num::NonZeroU32;

/// Names one message of a mailbox for as long as its UIDVALIDITY stays the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Uid(NonZeroU32);

/// Tells whether UIDs remembered from an earlier session still name the same messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UidValidity(NonZeroU32);

/// A message's place in its mailbox, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MsgNo(NonZeroU32);

macro_rules! nonzero_number {
    ($name:ident) => {
        impl $name {
            /// The smallest value, 1.
            pub const FIRST: Self = Self(NonZeroU32::MIN);
            /// The largest value, 2^32 - 1.
            pub const LAST: Self = Self(NonZeroU32::MAX);

            /// Wraps `number`; `None` for 0, which names nothing.
            pub fn new(number: u32) -> Option<Self> {
                NonZeroU32::new(number).map(Self)
            }

            /// The number itself.
            pub fn get(self) -> u32 {
                self.0.get()
            }

            /// The next number, or `None` after 2^32 - 1.
            pub fn next(self) -> Option<Self> {
                self.0.checked_add(1).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

nonzero_number!(Uid);
nonzero_number!(UidValidity);
nonzero_number!(MsgNo);

impl MsgNo {
    /// The number of the message at `index`, which counts from 0; `None` past 2^32 - 1.
    pub fn from_index(index: usize) -> Option<Self> {
        u32::try_from(index)
            .ok()?
            .checked_add(1)
            .and_then(Self::new)
    }

    /// The place counted from 0.
    pub fn index(self) -> usize {
        (self.get() - 1) as usize
    }
}

/// A set of UIDs, kept as sorted ranges that neither touch nor overlap.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct UidSet {
    ranges: Vec<(u32, u32)>,
}

impl UidSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set with one member.
    pub fn one(uid: Uid) -> Self {
        Self {
            ranges: vec![(uid.get(), uid.get())],
        }
    }

    /// All UIDs there can be.
    pub fn all() -> Self {
        Self {
            ranges: vec![(1, u32::MAX)],
        }
    }

    /// Adds `uid`. Cheapest in ascending order.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid, uid);
    }

    /// Adds every UID from `first` to `last`, in either order.
    pub fn insert_range(&mut self, first: Uid, last: Uid) {
        let low = first.min(last).get();
        let high = first.max(last).get();
        // Most sets are made in ascending order.
        match self.ranges.last_mut() {
            Some(range) if range.0 <= low && low <= range.1.saturating_add(1) => {
                range.1 = range.1.max(high);
                return;
            }
            Some(range) if low > range.1 => return self.ranges.push((low, high)),
            _ => {}
        }
        let start = self
            .ranges
            .partition_point(|range| range.1.saturating_add(1) < low);
        let end = self
            .ranges
            .partition_point(|range| range.0 <= high.saturating_add(1));
        if start >= end {
            self.ranges.insert(start, (low, high));
            return;
        }
        let merged = (
            low.min(self.ranges[start].0),
            high.max(self.ranges[end - 1].1),
        );
        self.ranges.splice(start..end, [merged]);
    }

    /// Whether `uid` is a member.
    pub fn contains(&self, uid: Uid) -> bool {
        let number = uid.get();
        let place = self.ranges.partition_point(|range| range.1 < number);
        self.ranges
            .get(place)
            .is_some_and(|range| range.0 <= number)
    }

    /// Whether the set has no member.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many members the set has.
    pub fn len(&self) -> u64 {
        self.ranges
            .iter()
            .map(|range| u64::from(range.1 - range.0) + 1)
            .sum()
    }

    /// The members in ascending order. May be long: [`UidSet::all`] has 2^32 - 1.
    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.ranges
            .iter()
            .flat_map(|range| (range.0..=range.1).filter_map(Uid::new))
    }

    /// The ranges in ascending order, first and last member of each.
    pub fn ranges(&self) -> impl Iterator<Item = (Uid, Uid)> + '_ {
        self.ranges
            .iter()
            .filter_map(|range| Some((Uid::new(range.0)?, Uid::new(range.1)?)))
    }

    /// Adds all of `others`.
    pub fn add(&mut self, others: &Self) {
        let ranges = [std::mem::take(&mut self.ranges), others.ranges.clone()];
        let mut ranges = ranges.concat();
        ranges.sort_unstable();
        let ranges = ranges
            .into_iter()
            .filter_map(|(first, last)| Some((Uid::new(first)?, Uid::new(last)?)));
        for (first, last) in ranges {
            self.insert_range(first, last);
        }
    }

    /// Takes all of `others` out.
    pub fn remove(&mut self, others: &Self) {
        let mut kept = Vec::with_capacity(self.ranges.len());
        let mut others = others.ranges.iter().peekable();
        for &(mut first, last) in &self.ranges {
            while others.next_if(|other| other.1 < first).is_some() {}
            let mut whole_gone = false;
            while let Some(&&(from, to)) = others.peek().filter(|other| other.0 <= last) {
                if from > first {
                    kept.push((first, from - 1));
                }
                if to >= last {
                    whole_gone = true;
                    break;
                }
                first = to + 1;
                others.next();
            }
            if !whole_gone {
                kept.push((first, last));
            }
        }
        self.ranges = kept;
    }

    /// The largest member.
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().and_then(|range| Uid::new(range.1))
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = Self::new();
        for uid in uids {
            set.insert(uid);
        }
        set
    }
}

impl Extend<Uid> for UidSet {
    fn extend<I: IntoIterator<Item = Uid>>(&mut self, uids: I) {
        uids.into_iter().for_each(|uid| self.insert(uid));
    }
}

impl fmt::Display for UidSet {
    /// Writes the set as an IMAP `sequence-set`, `1:5,9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, range) in self.ranges.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            if range.0 == range.1 {
                write!(f, "{comma}{}", range.0)?;
            } else {
                write!(f, "{comma}{}:{}", range.0, range.1)?;
            }
        }
        Ok(())
    }
}

/// A `sequence-set` as typed: `1:5,9,*`, over message numbers or over UIDs (RFC 3501, section 9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SequenceSet {
    ranges: Vec<(Bound, Bound)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bound {
    Number(u32),
    Last,
}

impl SequenceSet {
    /// Reads `text`; `None` when it is not a sequence set.
    pub fn parse(text: &str) -> Option<Self> {
        let ranges = text
            .split(',')
            .map(parse_range)
            .collect::<Option<Vec<_>>>()?;
        Some(Self { ranges })
    }

    /// The ranges with `*` replaced by `last`, lower bound first. With `last` 0 (an empty mailbox) `*` names nothing.
    pub fn resolve(&self, last: u32) -> Vec<(u32, u32)> {
        let number = |bound: Bound| match bound {
            Bound::Number(number) => number,
            Bound::Last => last,
        };
        let pairs = self
            .ranges
            .iter()
            .map(|range| (number(range.0), number(range.1)));
        pairs
            .map(|(a, b)| (a.min(b), a.max(b)))
            .filter(|range| range.1 > 0)
            .collect()
    }
}

fn parse_range(text: &str) -> Option<(Bound, Bound)> {
    match text.split_once(':') {
        Some((first, last)) => Some((parse_bound(first)?, parse_bound(last)?)),
        None => parse_bound(text).map(|bound| (bound, bound)),
    }
}

fn parse_bound(text: &str) -> Option<Bound> {
    if text == "*" {
        return Some(Bound::Last);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = if digits {
        text.parse().ok()?
    } else {
        return None;
    };
    (number > 0).then_some(Bound::Number(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[u32]) -> UidSet {
        numbers
            .iter()
            .filter_map(|&number| Uid::new(number))
            .collect()
    }

    #[test]
    fn ranges_merge_whatever_the_order() {
        assert_eq!(set(&[5, 1, 2, 9, 3, 4]).to_string(), "1:5,9");
        assert_eq!(set(&[u32::MAX, u32::MAX - 1]).len(), 2);
        assert!(set(&[1, 2, 9]).contains(Uid::FIRST) && !set(&[2]).contains(Uid::FIRST));
    }

    #[test]
    fn sets_are_added_and_taken_out() {
        let all = |text: u32| {
            set(&(0..7)
                .filter(|bit| text & (1 << bit) != 0)
                .map(|bit| bit + 1)
                .collect::<Vec<_>>())
        };
        for one in 0..128 {
            for other in 0..128 {
                let (mut sum, mut rest) = (all(one), all(one));
                sum.add(&all(other));
                rest.remove(&all(other));
                assert_eq!((sum, rest), (all(one | other), all(one & !other)));
            }
        }
        let mut none = UidSet::all();
        none.remove(&UidSet::all());
        assert!(none.is_empty());
    }

    #[test]
    fn sequence_sets_resolve_their_star() {
        let set = SequenceSet::parse("4:2,*").expect("valid");
        assert_eq!(set.resolve(7), [(2, 4), (7, 7)]);
        for bad in ["", "0", "1,", "a", "1:", "+1", "1:2:3", "4294967296"] {
            assert!(SequenceSet::parse(bad).is_none(), "{bad:?}");
        }
    }
}
