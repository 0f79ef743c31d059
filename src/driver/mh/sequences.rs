//! The sequences of a mailbox: lines of a name, a colon and the numbers of messages (mh-sequence(5)).

use std::path::Path;

use crate::mail::uid::{Uid, UidSet};

/// Sequences, and lines that are none, which are kept byte for byte. The numbers are those of files.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Sequences {
    lines: Vec<Line>,
    /// Where the first number stands that is none.
    pub damaged: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Line {
    /// With its bytes, as long as nothing is changed.
    Sequence(Box<str>, UidSet, Option<Box<[u8]>>),
    Other(Box<[u8]>),
}

impl Sequences {
    /// Reads the bytes of a file.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut all = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            let (line, behind) = whole_line(rest);
            all.lines.push(match name_and_numbers(line) {
                None => Line::Other(line.into()),
                Some((name, numbers)) => {
                    let (members, noise) = parse_numbers(numbers);
                    let front = (line.len() - numbers.len()) as u64;
                    let noise = noise.map(|place| offset as u64 + front + place as u64);
                    all.damaged = all.damaged.or(noise);
                    Line::Sequence(name.into(), members, Some(line.into()))
                }
            });
            rest = behind;
        }
        all
    }

    /// The names, each once, in the order of the file.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.iter() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Each line that is a sequence: its name and its members. A name may come more than once.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &UidSet)> {
        self.lines.iter().filter_map(|line| match line {
            Line::Sequence(name, members, _) => Some((&**name, members)),
            Line::Other(_) => None,
        })
    }

    /// Whether a sequence has this member.
    pub fn contains(&self, name: &str, number: u32) -> bool {
        let number = Uid::new(number);
        self.iter().any(|(other, members)| {
            other == name && number.is_some_and(|number| members.contains(number))
        })
    }

    /// Puts numbers into a sequence, which is made where it is not there.
    pub fn add(&mut self, name: &str, numbers: &UidSet) {
        if numbers.is_empty() {
            return;
        }
        for line in &mut self.lines {
            if let Line::Sequence(other, members, bytes) = line
                && **other == *name
            {
                let before = members.clone();
                members.add(numbers);
                if *members != before {
                    *bytes = None;
                }
                return;
            }
        }
        self.end_last_line();
        self.lines
            .push(Line::Sequence(name.into(), numbers.clone(), None));
    }

    /// Takes numbers out of a sequence.
    pub fn remove(&mut self, name: &str, numbers: &UidSet) {
        self.remove_where(&|other| other == name, numbers);
    }

    /// Takes numbers out of all sequences but the one that says where the user is.
    pub fn remove_from_all(&mut self, numbers: &UidSet) {
        self.remove_where(&|name| name != CURRENT, numbers);
    }

    fn remove_where(&mut self, condition: &dyn Fn(&str) -> bool, numbers: &UidSet) {
        for line in &mut self.lines {
            if let Line::Sequence(name, members, bytes) = line
                && condition(name)
            {
                let before = members.clone();
                members.remove(numbers);
                if *members != before {
                    *bytes = None;
                }
            }
        }
        // A sequence without members is not written.
        self.lines
            .retain(|line| !matches!(line, Line::Sequence(_, members, None) if members.is_empty()));
    }

    fn end_last_line(&mut self) {
        let last = match self.lines.last_mut() {
            Some(Line::Sequence(_, _, Some(bytes)) | Line::Other(bytes)) => bytes,
            _ => return,
        };
        if !last.ends_with(b"\n") {
            *last = [&**last, b"\n"].concat().into();
        }
    }

    /// The bytes of a file that says this.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in &self.lines {
            match line {
                Line::Sequence(_, _, Some(line)) | Line::Other(line) => {
                    bytes.extend_from_slice(line)
                }
                Line::Sequence(name, members, None) => {
                    bytes.extend_from_slice(name.as_bytes());
                    bytes.push(b':');
                    for (first, last) in members.ranges() {
                        let range = match first == last {
                            true => format!(" {first}"),
                            false => format!(" {first}-{last}"),
                        };
                        bytes.extend_from_slice(range.as_bytes());
                    }
                    bytes.push(b'\n');
                }
            }
        }
        bytes
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

/// The members, and the place of the first word that is no number.
fn parse_numbers(text: &[u8]) -> (UidSet, Option<usize>) {
    let mut ranges = Vec::new();
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
    ranges.sort_unstable();
    let mut members = UidSet::new();
    for (first, last) in ranges {
        members.insert_range(first, last);
    }
    (members, noise)
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
        assert_eq!(all.names(), ["cur", "unseen", "Work", "long", "end"]);
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
            assert_eq!(all.names().len(), names, "{bytes:?}");
        }
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
