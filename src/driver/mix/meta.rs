//! `.mixmeta`: what holds for the mailbox as a whole.
//!
//! ```text
//! S 8 hexadecimal digits    update sequence
//! V 8 hexadecimal digits    UIDVALIDITY
//! L 8 hexadecimal digits    the last UID
//! N 8 hexadecimal digits    the data file that new messages go into
//! K name name ...           the keywords, the first has bit 0; the line is absent where there is none
//! ```
//! Lines end with CRLF (the blanks behind the letters are not there). c-client makes new mailboxes with keywords without
//! the last line end, and then does not open them.

use crate::driver::layout::prefile::words::Words;
use crate::driver::mix::fields::{number, sequence_line, without_end};
use crate::mail::flags::Keyword;

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Meta {
    /// The update sequence.
    pub sequence: u32,
    /// UIDVALIDITY; 0 where none is told.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// The number of the data file that new messages go into.
    pub current: u32,
    /// The keywords.
    pub words: Words,
    /// Their names as they stand in the file, also those that we cannot name.
    names: Vec<Vec<u8>>,
    /// The first line that cannot be read.
    pub damaged: Option<u64>,
    /// Whether the file is as it is written here. Another one is read all the same; c-client may not.
    pub is_regular: bool,
}

/// The largest file that c-client reads, in bytes.
pub const LARGEST: u64 = (1 << 20) - 1;
/// The letters of the lines that are always there, in their order.
const NEEDED: &[u8] = b"SVLN";
/// Digits of a number as it is written. A line without its end that has fewer was cut off.
const DIGITS: usize = 8;
/// More names of keywords than this are damage.
const MOST_NAMES: usize = 1000;

impl Meta {
    /// That of a mailbox without messages.
    pub fn new(uid_validity: u32) -> Self {
        Self {
            sequence: uid_validity,
            uid_validity,
            current: uid_validity,
            ..Self::default()
        }
    }

    /// Reads the file.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut meta = Self::default();
        // A program that was killed may have left NULs where it wanted to write more.
        let end = bytes.iter().rposition(|&byte| byte != 0);
        let text = bytes.get(..end.map_or(0, |end| end + 1));
        let mut seen = Vec::new();
        let text = text.unwrap_or_default();
        for (line, count) in text.split_inclusive(|&byte| byte == b'\n').zip(1..) {
            let is_ended = line.ends_with(b"\n");
            let line = without_end(line);
            let Some((&letter, rest)) = line.split_first() else {
                meta.damaged = meta.damaged.or(Some(count));
                continue;
            };
            let is_cut = !is_ended && letter != b'K' && rest.len() < DIGITS;
            let read = match letter {
                _ if is_cut => None,
                _ if seen.contains(&letter) => None,
                b'S' => number(rest).map(|value| meta.sequence = value),
                b'V' => number(rest).map(|value| meta.uid_validity = value),
                b'L' => number(rest).map(|value| meta.last_uid = value),
                b'N' => number(rest).map(|value| meta.current = value),
                b'K' => meta.take_names(rest),
                _ => None,
            };
            seen.push(letter);
            if read.is_none() {
                meta.damaged = meta.damaged.or(Some(count));
            }
        }
        let missing = (1..).zip(NEEDED).find(|(_, letter)| !seen.contains(letter));
        meta.damaged = meta.damaged.or(missing.map(|(line, _)| line));
        meta.is_regular = meta.damaged.is_none() && meta.to_bytes() == bytes;
        meta
    }

    fn take_names(&mut self, line: &[u8]) -> Option<()> {
        let names = line.split(|&byte| byte == b' ');
        let names: Vec<Vec<u8>> = names
            .filter(|name| !name.is_empty())
            .map(<[u8]>::to_vec)
            .take(MOST_NAMES + 1)
            .collect();
        if names.len() > MOST_NAMES {
            return None;
        }
        let mut slots: Vec<Option<Keyword>> = Vec::with_capacity(names.len());
        for name in &names {
            let keyword = std::str::from_utf8(name).ok().and_then(Keyword::new);
            let keyword = keyword.filter(|keyword| !slots.contains(&Some(keyword.clone())));
            slots.push(keyword);
        }
        self.words = Words::new(slots);
        self.names = names;
        Some(())
    }

    /// The file as it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = sequence_line(self.sequence);
        for (letter, value) in [
            ('V', self.uid_validity),
            ('L', self.last_uid),
            ('N', self.current),
        ] {
            bytes.extend(format!("{letter}{value:08x}\r\n").into_bytes());
        }
        let more = self.words.behind(self.names.len());
        let more = more.iter().map(|keyword| keyword.as_str().as_bytes());
        let names: Vec<&[u8]> = self.names.iter().map(Vec::as_slice).chain(more).collect();
        if !names.is_empty() {
            bytes.push(b'K');
            bytes.extend(names.join(&b' '));
            bytes.extend(b"\r\n");
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"S6b02f785\r\nV6b02f782\r\nL00000002\r\nN6b02f782\r\nKWork Later\r\n";

    #[test]
    fn the_file_is_read_and_written_as_it_was() {
        let meta = Meta::parse(TWO);
        let values = (
            meta.sequence,
            meta.uid_validity,
            meta.last_uid,
            meta.current,
        );
        assert_eq!(values, (0x6b02_f785, 0x6b02_f782, 2, 0x6b02_f782));
        assert!(meta.is_regular && meta.damaged.is_none());
        assert_eq!((meta.to_bytes(), meta.words.len()), (TWO.to_vec(), 2));
        let mut more = meta.clone();
        let new: Vec<Keyword> = Keyword::new("new").into_iter().collect();
        more.words.define(&new);
        assert!(more.to_bytes().ends_with(b"\r\nKWork Later new\r\n"));
    }

    #[test]
    fn what_others_leave_is_read_and_damage_has_a_line() {
        let text = String::from_utf8_lossy(TWO).into_owned();
        for (odd, damaged) in [
            (text.trim_end().to_owned(), None),
            (text.replace('\r', ""), None),
            (format!("{text}\0\0\0"), None),
            (format!("{text}X1\r\n"), Some(6)),
            (text.replace("V6", "Vz"), Some(2)),
            (text.replace("L0", "L123456780"), Some(3)),
            (text.replace("N6b02f782\r\n", "V1\r\n"), Some(4)),
            (text.replace("S6b02f785\r\n", ""), Some(1)),
            (text.replace("N6b02f782\r\n", ""), Some(4)),
            (
                "S6b02f785\r\nV6b02f782\r\nL00000002\r\n".to_owned(),
                Some(4),
            ),
            (
                "S6b02f785\r\nV6b02f782\r\nL00000002\r\nN6b02".to_owned(),
                Some(4),
            ),
            (String::new(), Some(1)),
            ("K".repeat(100_000), Some(1)),
        ] {
            let meta = Meta::parse(odd.as_bytes());
            assert_eq!(
                (meta.damaged, meta.is_regular),
                (damaged, false),
                "{odd:.60}"
            );
            if damaged.is_none() {
                assert_eq!(meta.to_bytes(), TWO);
            }
        }
    }
}
