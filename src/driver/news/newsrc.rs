//! `.newsrc` as a whole file in memory: which groups are subscribed, and which articles of each were read.
//!
//! ```text
//! group: ranges     subscribed
//! group! ranges     not subscribed
//! ```
//! Every line but those that are changed stays as it is, byte for byte. Lines end as the first one does, with LF or CRLF,
//! or with CR where there is no LF. Of several lines of one group the first counts, as in c-client.

use std::collections::HashMap;
use std::ops::Range;

use crate::driver::news::ranges::Ranges;

/// The file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Newsrc {
    bytes: Vec<u8>,
}

/// What stands of one group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line<'a> {
    /// Its name.
    pub group: &'a [u8],
    /// Whether it is subscribed.
    pub subscribed: bool,
    /// What stands behind its name, as it is written.
    pub rest: &'a [u8],
}

/// What shall stand of one group from now on. `None` leaves it as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Edit {
    /// Whether it is subscribed.
    pub subscribed: Option<bool>,
    /// Which of its articles were read.
    pub read: Option<Ranges>,
}

/// Edits, by the groups that they are for.
pub type Edits = HashMap<Vec<u8>, Edit>;

/// What a line ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Lf,
    CrLf,
    Cr,
}

impl Newsrc {
    /// The file with these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What stands of `group`.
    pub fn line(&self, group: &[u8]) -> Option<Line<'_>> {
        let ending = self.ending();
        for place in memchr::memmem::find_iter(&self.bytes, group) {
            let before = place
                .checked_sub(1)
                .and_then(|before| self.bytes.get(before));
            let starts = before.is_none_or(|&byte| ends_line(byte, ending));
            let ends = matches!(self.bytes.get(place + group.len()), Some(b':' | b'!'));
            if starts && ends {
                let rest = self.bytes.get(place..).unwrap_or_default();
                let line = rest.get(..line_in(rest, ending).start);
                let line = line.and_then(parse_line).filter(|it| it.group == group);
                if line.is_some() {
                    return line;
                }
            }
        }
        None
    }

    /// Every group that has a line.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.parts().filter_map(|(text, _)| parse_line(text))
    }

    /// The file with these lines changed; what has no line yet gets one at the end, in the order of the names.
    pub fn edited(&self, edits: &Edits) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 64 * edits.len());
        let mut open: HashMap<&[u8], &Edit> =
            edits.iter().map(|(name, it)| (&**name, it)).collect();
        for (text, ending) in self.parts() {
            let line = parse_line(text);
            let edit = line.and_then(|line| Some((line, open.remove(line.group)?)));
            match edit {
                Some((line, edit)) => write_line(&mut bytes, line, edit),
                None => bytes.extend_from_slice(text),
            }
            bytes.extend_from_slice(ending);
        }
        let ending = self.ending();
        let end: &[u8] = match ending {
            Ending::Lf => b"\n",
            Ending::CrLf => b"\r\n",
            Ending::Cr => b"\r",
        };
        let mut new: Vec<_> = open.into_iter().collect();
        new.sort_unstable_by_key(|(group, _)| *group);
        for (group, edit) in new {
            if bytes.last().is_some_and(|&byte| !ends_line(byte, ending)) {
                bytes.extend_from_slice(end);
            }
            let subscribed = edit.subscribed.unwrap_or(true);
            let line = Line {
                group,
                subscribed,
                rest: b" ",
            };
            write_line(&mut bytes, line, edit);
            bytes.extend_from_slice(end);
        }
        Self { bytes }
    }

    /// The lines, each with what ends it.
    fn parts(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let ending = self.ending();
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = line_in(rest, ending);
            let (line, behind) = rest.split_at_checked(end.end)?;
            rest = behind;
            line.split_at_checked(end.start)
        })
    }

    /// How many lines there are, of whatever kind.
    pub fn line_count(&self) -> usize {
        self.parts().count()
    }

    /// Whether there is a last line that has its end.
    pub fn is_ended(&self) -> bool {
        let ending = self.ending();
        self.bytes
            .last()
            .is_some_and(|&byte| ends_line(byte, ending))
    }

    /// As the first line ends. A CR alone ends no line where others end with LF.
    fn ending(&self) -> Ending {
        match memchr::memchr(b'\n', &self.bytes) {
            None if self.bytes.contains(&b'\r') => Ending::Cr,
            None => Ending::Lf,
            Some(place) => match place
                .checked_sub(1)
                .and_then(|before| self.bytes.get(before))
            {
                Some(b'\r') => Ending::CrLf,
                _ => Ending::Lf,
            },
        }
    }
}

fn ends_line(byte: u8, ending: Ending) -> bool {
    byte == b'\n' || (byte == b'\r' && ending == Ending::Cr)
}

/// Where the end of the first line stands in `text`.
fn line_in(text: &[u8], ending: Ending) -> Range<usize> {
    let place = match ending {
        Ending::Cr => memchr::memchr2(b'\r', b'\n', text),
        _ => memchr::memchr(b'\n', text),
    };
    let Some(place) = place else {
        return text.len()..text.len();
    };
    let before = place.checked_sub(1).and_then(|before| text.get(before));
    match (text.get(place..), before) {
        (Some([b'\r', b'\n', ..]), _) => place..place + 2,
        (Some([b'\n', ..]), Some(b'\r')) => place - 1..place + 1,
        _ => place..place + 1,
    }
}

fn parse_line(text: &[u8]) -> Option<Line<'_>> {
    let end = memchr::memchr2(b':', b'!', text).filter(|&end| end > 0)?;
    let (group, rest) = text.split_at_checked(end)?;
    let (&mark, rest) = rest.split_first()?;
    // No group has a space in its name: this is an option of another program.
    let named = !group.iter().any(u8::is_ascii_whitespace);
    named.then_some(Line {
        group,
        subscribed: mark == b':',
        rest,
    })
}

fn write_line(bytes: &mut Vec<u8>, line: Line<'_>, edit: &Edit) {
    bytes.extend_from_slice(line.group);
    bytes.push(match edit.subscribed.unwrap_or(line.subscribed) {
        true => b':',
        false => b'!',
    });
    match &edit.read {
        Some(read) if read.is_empty() => {}
        Some(read) => bytes.extend_from_slice(format!(" {read}").as_bytes()),
        None => bytes.extend_from_slice(line.rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(group: &str, subscribed: Option<bool>, read: Option<&str>) -> HashMap<Vec<u8>, Edit> {
        let read = read.map(|text| Ranges::parse(text.as_bytes()).0);
        HashMap::from([(group.as_bytes().to_vec(), Edit { subscribed, read })])
    }

    #[test]
    fn one_line_changes_and_all_others_stay() {
        for (before, after) in [
            ("", "g: 1-5\n"),
            ("g: 1\n", "g: 1-5\n"),
            ("g:\n", "g: 1-5\n"),
            ("g!\n", "g! 1-5\n"),
            ("h: 1", "h: 1\ng: 1-5\n"),
            ("h: 1\ng", "h: 1\ng\ng: 1-5\n"),
            (
                "options -x g: y\n\n# c\ng! 3\r\nh:2",
                "options -x g: y\n\n# c\ng! 1-5\r\nh:2",
            ),
            ("g: 1-3,6\r\nh: 4\r\n", "g: 1-5\r\nh: 4\r\n"),
            ("h: 4\r\n\r\n", "h: 4\r\n\r\ng: 1-5\r\n"),
            ("g! 1-3,6\rh: 4\r", "g! 1-5\rh: 4\r"),
            ("h: 4\rx", "h: 4\rx\rg: 1-5\r"),
            ("h: 4\rg: 2\n", "h: 4\rg: 2\ng: 1-5\n"),
            ("h\r: 4\ng: 2\r\n", "h\r: 4\ng: 1-5\r\n"),
            ("gg: 1\nxg: 2\ng : 3\n", "gg: 1\nxg: 2\ng : 3\ng: 1-5\n"),
            ("g:6\ng: 8\n", "g: 1-5\ng: 8\n"),
            ("h: \u{1}\0:\n:g: 3\n", "h: \u{1}\0:\n:g: 3\ng: 1-5\n"),
        ] {
            let newsrc = Newsrc::new(before.as_bytes().to_vec());
            let edited = newsrc.edited(&edit("g", None, Some("1-5")));
            assert_eq!(String::from_utf8_lossy(edited.bytes()), after, "{before:?}");
            let line = edited.line(b"g").expect("a line");
            assert_eq!(line.rest, b" 1-5", "{before:?}");
            assert_eq!(newsrc.edited(&HashMap::new()), newsrc);
        }
    }

    #[test]
    fn subscriptions_change_one_character() {
        for (before, subscribed, after) in [
            ("g! 1,2 , x\n", true, "g: 1,2 , x\n"),
            ("g: 1\n", false, "g! 1\n"),
            ("", true, "g: \n"),
            ("h:\n", false, "h:\ng! \n"),
        ] {
            let newsrc = Newsrc::new(before.as_bytes().to_vec());
            let edited = newsrc.edited(&edit("g", Some(subscribed), None));
            assert_eq!(String::from_utf8_lossy(edited.bytes()), after);
        }
        let none = Newsrc::new(b"g: 1-3\n".to_vec()).edited(&edit("g", None, Some("")));
        assert_eq!(none.bytes(), b"g:\n");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_in_it_only_the_groups_own_line_changes(
            text in proptest::collection::vec(proptest::sample::select(&b"g:!\r\n 1-,x"[..]), 0..60),
        ) {
            let newsrc = Newsrc::new(text.clone());
            let edited = newsrc.edited(&edit("g", None, Some("7-9")));
            let line = edited.line(b"g");
            proptest::prop_assert!(line.is_some_and(|line| line.rest == b" 7-9"));
            // Without it the two files are the same.
            let others = |file: &Newsrc| {
                let mut own = true;
                let mut all = Vec::new();
                for (text, _) in file.parts() {
                    let is_own = parse_line(text).is_some_and(|line| line.group == b"g");
                    if !(is_own && std::mem::take(&mut own)) {
                        // What stands last may get a line end behind it.
                        all.push(text.trim_ascii_end().to_vec());
                    }
                }
                all
            };
            proptest::prop_assert_eq!(others(&newsrc), others(&edited));
        }
    }
}
