//! The sequences of a mailbox: lines of a name, a colon and the numbers of messages (mh-sequence(5)).

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use crate::mail::uid::{Uid, UidSet};

/// Sequences, and lines that are none, which are kept byte for byte. The numbers are those of files.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Sequences {
    lines: Vec<Line>,
    /// The names, each once, in the order of the file.
    names: Vec<Arc<str>>,
    sets: HashMap<Arc<str>, Set>,
    /// Where the first number stands that is none.
    pub damaged: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    /// The sequence that it is a part of, if it is one.
    name: Option<Arc<str>>,
    bytes: Box<[u8]>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Set {
    members: UidSet,
    /// Whether its lines do not say so.
    is_changed: bool,
}

/// More sequences than this are kept, and not looked at.
const MOST_NAMES: usize = 1000;

impl Sequences {
    /// Reads the bytes of a file.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut all = Self::default();
        let mut ranges: HashMap<Arc<str>, Vec<(Uid, Uid)>> = HashMap::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            let (line, behind) = whole_line(rest);
            let found = name_and_numbers(line).and_then(|(name, numbers)| {
                let name = all.known_name(name)?;
                Some((name, numbers))
            });
            if let Some((name, numbers)) = &found {
                let noise = parse_numbers(numbers, ranges.entry(Arc::clone(name)).or_default());
                let front = (line.len() - numbers.len()) as u64;
                let noise = noise.map(|place| offset as u64 + front + place as u64);
                all.damaged = all.damaged.or(noise);
            }
            all.lines.push(Line {
                name: found.map(|found| found.0),
                bytes: line.into(),
            });
            rest = behind;
        }
        for (name, ranges) in ranges {
            all.sets.entry(name).or_default().members = set_of(ranges);
        }
        all
    }

    /// The name as it is kept, from now on if it was not yet; `None` where there are too many.
    fn known_name(&mut self, name: &str) -> Option<Arc<str>> {
        if let Some((name, _)) = self.sets.get_key_value(name) {
            return Some(Arc::clone(name));
        }
        if self.names.len() >= MOST_NAMES {
            return None;
        }
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.sets.insert(Arc::clone(&name), Set::default());
        Some(name)
    }

    /// The names, each once, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Each sequence: its name and its members.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &UidSet)> {
        let sets = self.names.iter();
        sets.filter_map(|name| Some((name.as_ref(), &self.sets.get(name)?.members)))
    }

    /// Whether there is such a sequence.
    pub fn has(&self, name: &str) -> bool {
        self.sets.contains_key(name)
    }

    /// Whether a sequence has this member.
    pub fn contains(&self, name: &str, number: u32) -> bool {
        let set = self.sets.get(name);
        let number = Uid::new(number);
        set.is_some_and(|set| number.is_some_and(|number| set.members.contains(number)))
    }

    /// Puts numbers into a sequence, which is made where it is not there.
    pub fn add(&mut self, name: &str, numbers: &UidSet) {
        self.change(name, &|members| members.add(numbers));
    }

    /// Takes numbers out of a sequence.
    pub fn remove(&mut self, name: &str, numbers: &UidSet) {
        if self.has(name) {
            self.change(name, &|members| members.remove(numbers));
        }
    }

    /// Takes numbers out of all sequences but the one that says where the user is.
    pub fn remove_from_all(&mut self, numbers: &UidSet) {
        for name in self.names.clone() {
            if *name != *CURRENT {
                self.remove(&name, numbers);
            }
        }
    }

    /// Puts those of `numbers` that are in a sequence of `other` into the one of the same name.
    pub fn copy_members(&mut self, other: &Self, numbers: &UidSet) {
        for (name, members) in other.iter() {
            let common = numbers.iter().filter(|number| members.contains(*number));
            let common: UidSet = common.collect();
            if !common.is_empty() {
                self.add(name, &common);
            }
        }
    }

    fn change(&mut self, name: &str, change: &dyn Fn(&mut UidSet)) {
        let Some(name) = self.known_name(name) else {
            return;
        };
        if let Some(set) = self.sets.get_mut(&name) {
            let before = set.members.clone();
            change(&mut set.members);
            set.is_changed |= set.members != before;
        }
    }

    /// The bytes of a file that says this. Of a sequence that was changed there is one line; none where it has no members.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut written: HashSet<&str> = HashSet::new();
        for line in &self.lines {
            let changed = line.name.as_ref().filter(|name| self.is_changed(name));
            match changed {
                None => bytes.extend_from_slice(&line.bytes),
                Some(name) if written.insert(name) => self.write_line(name, &mut bytes),
                Some(_) => {}
            }
        }
        for name in &self.names {
            if self.is_changed(name) && written.insert(name) {
                self.write_line(name, &mut bytes);
            }
        }
        bytes
    }

    fn is_changed(&self, name: &str) -> bool {
        self.sets.get(name).is_some_and(|set| set.is_changed)
    }

    fn write_line(&self, name: &str, bytes: &mut Vec<u8>) {
        let Some(set) = self.sets.get(name).filter(|set| !set.members.is_empty()) else {
            return;
        };
        if bytes.last().is_some_and(|&last| last != b'\n') {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(b':');
        for (first, last) in set.members.ranges() {
            let range = match first == last {
                true => format!(" {first}"),
                false => format!(" {first}-{last}"),
            };
            bytes.extend_from_slice(range.as_bytes());
        }
        bytes.push(b'\n');
    }
}

/// The sequence that says where the user is.
pub const CURRENT: &str = "cur";

/// Whether a file of this name, or its forerunner of old, holds sequences.
pub fn is_sequence_file(name: &Path) -> bool {
    name == Path::new(".mh_sequences") || name == Path::new(".mh_sequence")
}

/// The first line, with those that go on with it, and what is behind.
fn whole_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut ends = memchr::memchr_iter(b'\n', bytes).map(|place| place + 1);
    let end = ends.find(|&end| !matches!(bytes.get(end), Some(b' ' | b'\t')));
    bytes.split_at(end.unwrap_or(bytes.len()))
}

fn name_and_numbers(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (name, rest) = line.split_at(colon);
    let numbers = rest.get(1..)?;
    let name = std::str::from_utf8(name).ok()?;
    is_name(name).then_some((name, numbers))
}

/// Whether a sequence can be called so: a letter, then letters and digits.
pub fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric())
}

/// Adds the ranges of a line; gives the place of the first word that is no number.
fn parse_numbers(text: &[u8], ranges: &mut Vec<(Uid, Uid)>) -> Option<usize> {
    let mut noise = None;
    let mut place = 0;
    for word in text.split(u8::is_ascii_whitespace) {
        match range(word) {
            Some(range) => ranges.push(range),
            None if word.is_empty() => {}
            None => noise = noise.or(Some(place)),
        }
        place += word.len() + 1;
    }
    noise
}

fn set_of(mut ranges: Vec<(Uid, Uid)>) -> UidSet {
    ranges.sort_unstable();
    let mut members = UidSet::new();
    for (first, last) in ranges {
        members.insert_range(first, last);
    }
    members
}

fn range(word: &[u8]) -> Option<(Uid, Uid)> {
    let number = |digits: &str| {
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse().ok().filter(|_| plain).and_then(Uid::new)
    };
    let word = std::str::from_utf8(word).ok()?;
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[u32]) -> UidSet {
        numbers.iter().filter_map(|&it| Uid::new(it)).collect()
    }

    #[test]
    fn what_is_not_changed_stays_byte_for_byte() {
        let text =
            b"cur: 5\n# note\nunseen: 7  3-5\r\n 9\nx y: 1\nWork:\nlong: 1\n\n\xff: 2\nend: 8";
        let mut all = Sequences::parse(text);
        assert_eq!(all.to_bytes(), text);
        assert!(all.names().eq(["cur", "unseen", "Work", "long", "end"]));
        assert_eq!(all.damaged, None);
        let before = all.clone();
        all.add("unseen", &set(&[4]));
        all.remove("cur", &set(&[4]));
        assert_eq!(all, before);
        all.remove("unseen", &set(&[3, 4]));
        all.add("flagged", &set(&[2, 3, 7]));
        all.remove("long", &set(&[1]));
        assert_eq!(
            all.to_bytes(),
            b"cur: 5\n# note\nunseen: 5 7 9\nx y: 1\nWork:\n\n\xff: 2\nend: 8\nflagged: 2-3 7\n"
        );
        all.remove_from_all(&set(&[5]));
        assert!(all.contains("cur", 5) && !all.contains("unseen", 5));
    }

    #[test]
    fn noise_is_passed_over_and_told() {
        let all = Sequences::parse(b"a: 1 x 3-2 0 4294967296 -1 +2 5\na: 7-4294967295\n");
        assert_eq!(all.damaged, Some(5));
        assert!(all.contains("a", 5) && all.contains("a", u32::MAX) && !all.contains("a", 2));
        for (bytes, names) in [
            (&b""[..], 0),
            (b":", 0),
            (b"a", 0),
            (b"a:", 1),
            (b"1a: 1", 0),
            (b"\n\n", 0),
        ] {
            let all = Sequences::parse(bytes);
            assert_eq!(all.to_bytes(), bytes);
            assert_eq!(all.names().count(), names, "{bytes:?}");
        }
    }

    #[test]
    fn lines_of_one_name_are_one_sequence_and_very_many_are_kept() {
        let mut all = Sequences::parse(b"a: 1\nb: 2\na: 3-4");
        assert!(all.contains("a", 1) && all.contains("a", 4));
        all.add("a", &set(&[2]));
        assert_eq!(all.to_bytes(), b"a: 1-4\nb: 2\n");
        let many: String = (0..200_000).map(|it| format!("n{it}: {it}\n")).collect();
        let mut all = Sequences::parse(many.as_bytes());
        assert_eq!(all.to_bytes(), many.as_bytes());
        all.remove_from_all(&set(&[5]));
        assert_eq!(all.to_bytes(), many.replace("n5: 5\n", "").as_bytes());
        let same = "flagged: 1-4294967295\n".repeat(200_000);
        assert!(Sequences::parse(same.as_bytes()).contains("flagged", 7));
    }

    #[test]
    fn a_million_numbers_backwards_take_no_time() {
        let numbers: Vec<String> = (0..1_000_000)
            .rev()
            .map(|it| (2 * it + 1).to_string())
            .collect();
        let text = format!("a: {}\n", numbers.join(" "));
        let all = Sequences::parse(text.as_bytes());
        assert!(all.contains("a", 1_999_999) && !all.contains("a", 2));
    }
}
