//! The 2048 bytes in front of the messages of an mbx file.
//!
//! ```text
//! 0     *mbx* CRLF
//! 7     UIDVALIDITY and last UID, 8 hexadecimal digits each, CRLF
//! 25    30 lines of keywords, the first has bit 0; the first empty one ends the list. Then NULs
//! 2038  process id of the last writer of flags, 8 hexadecimal digits, CRLF; NULs before there was one
//! ```

use crate::driver::layout::file::record::MOST_KEYWORDS;
use crate::driver::layout::prefile::words::Words;
use crate::mail::flags::Keyword;

/// Bytes of the header.
pub const LENGTH: usize = 2048;
/// Bytes by which a file is recognised.
pub const RECOGNISED: usize = 25;
/// Where the last UID stands.
pub const LAST_UID: u64 = 15;
/// Where the id of the last writer stands.
pub const WRITER: u64 = 2038;
const WRITER_AT: usize = 2038;

/// A header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    bytes: Vec<u8>,
    /// The UIDVALIDITY.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// The keywords.
    pub words: Words,
}

impl Header {
    /// The header of a new mailbox, as the library writes it.
    pub fn new(uid_validity: u32) -> Self {
        let mut bytes = format!("*mbx*\r\n{uid_validity:08x}00000000\r\n").into_bytes();
        bytes.extend(b"\r\n".repeat(MOST_KEYWORDS));
        bytes.resize(LENGTH, 0);
        Self {
            bytes,
            uid_validity,
            last_uid: 0,
            words: Words::default(),
        }
    }

    /// Reads a header; `None` where `bytes` do not start with one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..LENGTH)?;
        let (uid_validity, last_uid) = recognise(bytes)?;
        Some(Self {
            uid_validity,
            last_uid,
            words: Words::new(slots(bytes.get(RECOGNISED..WRITER_AT)?)),
            bytes: bytes.to_vec(),
        })
    }

    /// The process id of the last writer of flags, as it stands there.
    pub fn writer(&self) -> &[u8] {
        self.bytes.get(WRITER_AT..).unwrap_or_default()
    }

    /// The whole header with these numbers. What it says besides is kept.
    pub fn numbered(&self, uid_validity: u32, last_uid: u32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let numbers = format!("*mbx*\r\n{uid_validity:08x}{last_uid:08x}\r\n");
        bytes.splice(..RECOGNISED.min(bytes.len()), numbers.into_bytes());
        bytes
    }

    /// The lines of keywords with more of them, for which there must be [room](Words::has_room): where they start in
    /// the file, and the bytes.
    pub fn with_keywords(&self, new: &[Keyword]) -> (u64, Vec<u8>) {
        let lines = self.bytes.get(RECOGNISED..WRITER_AT).unwrap_or_default();
        let mut kept = Vec::new();
        for line in lines
            .split_inclusive(|&byte| byte == b'\n')
            .take(self.words.len())
        {
            kept.extend(line);
        }
        for keyword in new {
            kept.extend(keyword.as_str().as_bytes());
            kept.extend(b"\r\n");
        }
        let left = MOST_KEYWORDS.saturating_sub(self.words.len() + new.len());
        kept.extend(b"\r\n".repeat(left));
        kept.resize(lines.len(), 0);
        (RECOGNISED as u64, kept)
    }
}

/// The bytes that name the last writer of flags.
pub fn writer(pid: u32) -> Vec<u8> {
    format!("{pid:08x}\r\n").into_bytes()
}

/// UIDVALIDITY and last UID of a file that starts with `bytes`; `None` where it is not in this format.
pub fn recognise(bytes: &[u8]) -> Option<(u32, u32)> {
    let numbers = bytes.strip_prefix(b"*mbx*\r\n")?.get(..16)?;
    let end = bytes.get(RECOGNISED - 2..RECOGNISED)?;
    let number = |digits: &[u8]| {
        let text = std::str::from_utf8(digits).ok()?;
        let all = digits.iter().all(u8::is_ascii_hexdigit);
        u32::from_str_radix(text, 16).ok().filter(|_| all)
    };
    let (validity, last) = numbers.split_at(8);
    let numbers = (number(validity)?, number(last)?);
    (end == b"\r\n").then_some(numbers)
}

fn slots(lines: &[u8]) -> Vec<Option<Keyword>> {
    let mut slots = Vec::new();
    let mut rest = lines;
    while slots.len() < MOST_KEYWORDS {
        let Some(end) = memchr::memmem::find(rest, b"\r\n") else {
            break;
        };
        let (line, behind) = rest.split_at(end);
        if line.is_empty() {
            break;
        }
        slots.push(std::str::from_utf8(line).ok().and_then(Keyword::new));
        rest = behind.get(2..).unwrap_or_default();
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(header: &Header) -> Vec<String> {
        let names = header.words.names();
        names.iter().map(|word| word.as_str().to_owned()).collect()
    }

    #[test]
    fn keywords_come_behind_those_that_are_there_whatever_these_are() {
        let long = "x".repeat(51);
        let header = Header::new(7);
        let mut bytes = header.numbered(7, 3);
        bytes.splice(25..29, format!("one\r\n{long}\r\n").into_bytes());
        bytes.truncate(LENGTH);
        let header = Header::parse(&bytes).expect("a header");
        assert_eq!((header.uid_validity, header.last_uid), (7, 3));
        assert_eq!(
            (words(&header), header.words.len()),
            (vec!["one".to_owned()], 2)
        );
        let new = [Keyword::new("three").expect("a keyword")];
        let (at, lines) = header.with_keywords(&new);
        let mut changed = bytes.clone();
        changed.splice(at as usize..at as usize + lines.len(), lines);
        assert_eq!(changed.len(), LENGTH);
        let changed = Header::parse(&changed).expect("a header");
        assert_eq!(words(&changed), ["one", "three"]);
        assert_eq!(changed.words.bits_of(&new), 0b100);
    }

    #[test]
    fn thirty_of_the_longest_keywords_have_room() {
        let all: Vec<_> = (0..30)
            .filter_map(|n| Keyword::new(&format!("{n:050}")))
            .collect();
        let (_, lines) = Header::new(1).with_keywords(&all);
        assert_eq!(lines.len(), WRITER_AT - RECOGNISED);
        assert!(lines.ends_with(b"\0"));
    }

    #[test]
    fn what_is_no_header_is_none() {
        let good = Header::new(1).numbered(1, 2);
        assert!(Header::parse(&good).is_some());
        assert!(Header::parse(good.get(..2047).expect("shorter")).is_none());
        for (at, byte) in [(0, b'+'), (1, b'M'), (9, b'g'), (15, b'+'), (23, b'\n')] {
            let mut bad = good.clone();
            bad.splice(at..=at, [byte]);
            assert!(recognise(&bad).is_none(), "{at}");
        }
    }
}
