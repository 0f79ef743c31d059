//! The active file: the groups that there are, a line for each, `group high low flag`.
//!
//! It is INN's file and looks the same in the older programs: the highest and the lowest number of an article, padded with
//! zeros, and how one posts. c-client asks for no more than the name; so a line that lacks the rest is a group too.

use std::io;
use std::path::Path;

use crate::driver::layout::folder::whole_file::read_whole;
use crate::driver::news::ranges::number;
use crate::os::files::FileLayer;

/// The file, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Active {
    bytes: Vec<u8>,
}

/// A group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// Its name.
    pub group: &'a [u8],
    /// The highest number of an article so far, where the line has it.
    pub high: Option<u64>,
}

/// The largest file that is read, in bytes: some five million groups.
const LARGEST: u64 = 256 << 20;

impl Active {
    /// Reads the file.
    pub fn read(files: &dyn FileLayer, path: &Path) -> io::Result<Self> {
        let (bytes, _) = read_whole(files, path, LARGEST)?;
        Ok(Self { bytes })
    }

    /// The line of a group.
    pub fn find(&self, group: &[u8]) -> Option<Entry<'_>> {
        let places = memchr::memmem::find_iter(&self.bytes, group);
        for place in places {
            let starts = place
                .checked_sub(1)
                .is_none_or(|before| self.bytes.get(before) == Some(&b'\n'));
            let rest = self.bytes.get(place..).unwrap_or_default();
            if starts && let Some(entry) = parse(line_of(rest)).filter(|it| it.group == group) {
                return Some(entry);
            }
        }
        None
    }

    /// All groups, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = self.bytes.as_slice();
        let lines = std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let line = line_of(rest);
            rest = rest.get(line.len() + 1..).unwrap_or_default();
            Some(line)
        });
        lines.filter_map(parse)
    }
}

fn line_of(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let end = memchr::memchr2(b' ', b'\t', line).unwrap_or(line.len());
    let (group, rest) = line.split_at_checked(end)?;
    let mut words = rest
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    (!group.is_empty()).then(|| Entry {
        group,
        high: words.next().and_then(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind_are_read() {
        let text = b"a.b 0000000105 0000000101 y\na.bc 00001 2 m\r\nx.a.b 9 1 y\n\nbare\n noname\nold\t7\t1\tn\nodd x\n\
            huge 99999999999999999999999 1 y\nlast 3";
        let active = Active {
            bytes: text.to_vec(),
        };
        let all: Vec<_> = active
            .entries()
            .map(|it| (String::from_utf8_lossy(it.group).into_owned(), it.high))
            .collect();
        let expected = [
            ("a.b", Some(105)),
            ("a.bc", Some(1)),
            ("x.a.b", Some(9)),
            ("bare", None),
            ("old", Some(7)),
            ("odd", None),
            ("huge", Some(u64::MAX)),
            ("last", Some(3)),
        ];
        let expected: Vec<_> = expected.map(|(name, high)| (name.to_owned(), high)).into();
        assert_eq!(all, expected);
        for (name, high) in &expected {
            let found = active.find(name.as_bytes()).expect(name);
            assert_eq!(found.high, *high, "{name}");
        }
        for none in [
            "a",
            "b",
            ".b",
            "a.b ",
            "noname",
            "",
            "105",
            "a.b 0000000105",
        ] {
            assert_eq!(active.find(none.as_bytes()), None, "{none}");
        }
    }
}
