//! The index `.mxindex`: UIDVALIDITY, last UID, keywords, and the flags of each message.
//!
//! ```text
//! V 8 hexadecimal digits     UIDVALIDITY
//! L 8 hexadecimal digits     the last UID
//! K name LF                  for each keyword, the first has bit 0
//! M uid ; keywords . flags   for each message: 8, 8 and 4 hexadecimal digits
//! ```
//! Nothing stands between them (the blanks here are not there). Any order and any number of digits is read; an unknown
//! letter is damage, and what follows it is not read. An empty file is an index without messages.

use crate::driver::layout::prefile::words::Words;
use crate::mail::flags::Keyword;

/// What an index says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Index {
    /// UIDVALIDITY; 0 where none is told.
    pub uid_validity: u32,
    /// The last UID that was given out.
    pub last_uid: u32,
    /// The keywords.
    pub words: Words,
    /// Their names as they stand in the file, also those that we cannot name.
    names: Vec<Vec<u8>>,
    /// The messages, UIDs ascending; those of a UID that comes twice count once, the last.
    pub entries: Vec<Entry>,
    /// Bytes of the file.
    pub length: u64,
    /// Where it breaks the format.
    pub damaged: Option<u64>,
    /// Where the digits of the last UID are, and where another keyword belongs; `None` where the file is not as it is
    /// written here, and has to be written anew as a whole.
    regular: Option<(u64, u64)>,
}

/// A message in the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its UID.
    pub uid: u32,
    /// One bit for each keyword that is set.
    pub keywords: u32,
    /// Its flags.
    pub flags: u16,
    /// Where it begins in the file.
    at: u64,
}

/// Bytes of an entry as it is written.
pub const ENTRY: u64 = 23;
/// Where in it keywords and flags begin.
const STATE: u64 = 10;
const DIGITS: usize = 8;
/// More names of keywords than this are damage.
const MOST_NAMES: usize = 1000;

/// How a file has to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Edit {
    /// Some bytes in the middle, and more at its end.
    Patch(Vec<(u64, Vec<u8>)>, Vec<u8>),
    /// All of it.
    Whole(Vec<u8>),
}

impl Index {
    /// An index without messages.
    pub fn new(uid_validity: u32) -> Self {
        Self {
            uid_validity,
            ..Self::default()
        }
    }

    /// Reads an index.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut index = Self {
            length: bytes.len() as u64,
            entries: Vec::with_capacity(bytes.len() / ENTRY as usize),
            ..Self::default()
        };
        let mut reader = Reader {
            bytes,
            at: 0,
            regular: true,
        };
        let mut slots: Vec<Option<Keyword>> = Vec::new();
        let (mut last_at, mut keywords_end) = (None, None);
        while let Some(letter) = reader.letter() {
            let begin = reader.at as u64 - 1;
            let read = match letter {
                b'V' => reader.hex(DIGITS).map(|value| index.uid_validity = value),
                b'L' => {
                    reader.regular &= index.entries.is_empty() && last_at.is_none();
                    last_at = Some(reader.at as u64);
                    let read = reader.hex(DIGITS).map(|value| index.last_uid = value);
                    keywords_end = Some(reader.at as u64);
                    read
                }
                b'K' if index.names.len() < MOST_NAMES => reader.line().map(|name| {
                    let keyword = std::str::from_utf8(name).ok().and_then(Keyword::new);
                    slots.push(keyword.filter(|keyword| !slots.contains(&Some(keyword.clone()))));
                    index.names.push(name.to_vec());
                    // Keywords belong in front of messages.
                    reader.regular &= index.entries.is_empty() && keywords_end.is_some();
                    keywords_end = Some(reader.at as u64);
                }),
                b'M' => reader.entry(begin).map(|entry| {
                    let ascends = index.entries.last().is_none_or(|last| last.uid < entry.uid);
                    reader.regular &= ascends;
                    index.entries.push(entry);
                }),
                _ => None,
            };
            if read.is_none() {
                index.damaged = Some(begin);
                break;
            }
        }
        if !index.entries.is_sorted_by(|one, other| one.uid < other.uid) {
            // The last of those with the same UID comes first, and stays.
            index.entries.reverse();
            index.entries.sort_by_key(|entry| entry.uid);
            index.entries.dedup_by_key(|entry| entry.uid);
        }
        index.words = Words::new(slots);
        let is_regular = reader.regular && index.damaged.is_none() && index.uid_validity > 0;
        index.regular = last_at.zip(keywords_end).filter(|_| is_regular);
        index
    }

    /// The entry of a message.
    pub fn entry(&self, uid: u32) -> Option<&Entry> {
        let place = self.entries.binary_search_by_key(&uid, |entry| entry.uid);
        self.entries.get(place.ok()?)
    }

    /// Where the lines of new keywords belong in a file that says `self`, and these, where `new` has more of them. `None`
    /// where there are none, or the file has to be written anew.
    pub fn keyword_lines(&self, new: &Self) -> Option<(u64, Vec<u8>)> {
        let (_, end) = self.regular?;
        let more = new.words.behind(self.words.len());
        let lines: String = more.iter().map(|keyword| format!("K{keyword}\n")).collect();
        (!lines.is_empty()).then(|| (end, lines.into_bytes()))
    }

    /// The change that brings a file that says `self` to say `new`, which has no entry less.
    pub fn edit(&self, new: &Self) -> Edit {
        let same = self.uid_validity == new.uid_validity && self.words == new.words;
        let Some((last_at, _)) = self.regular.filter(|_| same) else {
            return Edit::Whole(new.to_bytes());
        };
        let mut patches = Vec::new();
        if self.last_uid != new.last_uid {
            patches.push((last_at, format!("{:08x}", new.last_uid).into_bytes()));
        }
        let mut behind = String::new();
        let mut old = self.entries.iter().peekable();
        for entry in &new.entries {
            match old.next_if(|old| old.uid == entry.uid) {
                Some(old) if (old.keywords, old.flags) == (entry.keywords, entry.flags) => {}
                Some(old) => patches.push((old.at + STATE, entry.state().into_bytes())),
                // New ones have the highest UIDs.
                None if old.peek().is_none() => behind.push_str(&entry.to_text()),
                None => return Edit::Whole(new.to_bytes()),
            }
        }
        match old.next() {
            Some(_) => Edit::Whole(new.to_bytes()),
            None => Edit::Patch(patches, behind.into_bytes()),
        }
    }

    /// The bytes between the entries of messages that are in `gone`: what is left of a file without them. `None` where it
    /// has to be written anew.
    pub fn without(&self, gone: impl Fn(u32) -> bool) -> Option<Vec<std::ops::Range<u64>>> {
        self.regular?;
        let mut kept = Vec::new();
        let mut from = 0;
        for entry in self.entries.iter().filter(|entry| gone(entry.uid)) {
            kept.push(from..entry.at);
            from = entry.at + ENTRY;
        }
        kept.push(from..self.length);
        kept.retain(|range| range.start < range.end);
        Some(kept)
    }

    /// The index as it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("V{:08x}L{:08x}", self.uid_validity, self.last_uid).into_bytes();
        let more = self.words.behind(self.names.len());
        let more = more.iter().map(|keyword| keyword.as_str().as_bytes());
        for name in self.names.iter().map(Vec::as_slice).chain(more) {
            bytes.push(b'K');
            bytes.extend(name);
            bytes.push(b'\n');
        }
        for entry in &self.entries {
            bytes.extend(entry.to_text().bytes());
        }
        bytes
    }
}

impl Entry {
    /// An entry that is in no file yet.
    pub fn new(uid: u32, keywords: u32, flags: u16) -> Self {
        Self {
            uid,
            keywords,
            flags,
            at: 0,
        }
    }

    fn to_text(self) -> String {
        format!("M{:08x};{}", self.uid, self.state())
    }

    fn state(self) -> String {
        format!("{:08x}.{:04x}", self.keywords, self.flags)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether all so far is as it is written here.
    regular: bool,
}

impl<'a> Reader<'a> {
    fn letter(&mut self) -> Option<u8> {
        let letter = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(letter)
    }

    /// A number of any length, of which the lowest 32 bits count.
    fn hex(&mut self, digits: usize) -> Option<u32> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let mut value = 0_u32;
        for &byte in rest.get(..count)? {
            let digit = char::from(byte).to_digit(16)?;
            value = value.wrapping_shl(4) | digit;
        }
        self.regular &= count == digits;
        self.at += count;
        (count > 0).then_some(value)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.letter()? == byte).then_some(())
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest)?;
        self.at += end + 1;
        rest.get(..end)
    }

    fn entry(&mut self, at: u64) -> Option<Entry> {
        let uid = self.hex(DIGITS)?;
        self.expect(b';')?;
        let keywords = self.hex(DIGITS)?;
        self.expect(b'.')?;
        let flags = self.hex(4)? as u16;
        Some(Entry {
            uid,
            keywords,
            flags,
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] =
        b"V6b02f782L00000002KWork\nKLater\nM00000001;00000000.0001M00000002;00000003.000c";

    fn applied(bytes: &[u8], edit: &Edit) -> Vec<u8> {
        match edit {
            Edit::Whole(new) => new.clone(),
            Edit::Patch(patches, behind) => {
                let mut bytes = bytes.to_vec();
                for (at, patch) in patches {
                    let at = *at as usize;
                    bytes[at..at + patch.len()].copy_from_slice(patch);
                }
                [bytes, behind.clone()].concat()
            }
        }
    }

    #[test]
    fn an_index_is_read_and_written_as_it_was() {
        let index = Index::parse(TWO);
        assert_eq!((index.uid_validity, index.last_uid), (0x6b02_f782, 2));
        assert_eq!(
            index.entry(2).map(|it| (it.keywords, it.flags)),
            Some((3, 0xc))
        );
        assert_eq!(index.to_bytes(), TWO);
        assert!(index.damaged.is_none() && index.regular.is_some());
        let empty = Index::parse(b"");
        assert!(empty.regular.is_none() && empty.damaged.is_none());
    }

    #[test]
    fn edits_touch_what_changes() {
        let old = Index::parse(TWO);
        let mut new = old.clone();
        new.entries[0].flags = 0x3;
        new.last_uid = 3;
        new.entries.push(Entry::new(3, 1, 0));
        let edit = old.edit(&new);
        let Edit::Patch(patches, behind) = &edit else {
            panic!("{edit:?}");
        };
        let patched: usize = patches.iter().map(|patch| patch.1.len()).sum();
        assert_eq!((patched, behind.len()), (8 + 13, 23));
        let read = Index::parse(&applied(TWO, &edit));
        assert_eq!(read.to_bytes(), new.to_bytes());
        let kept = old.without(|uid| uid == 1).expect("regular");
        let left: Vec<u8> = kept
            .iter()
            .flat_map(|it| &TWO[it.start as usize..it.end as usize])
            .copied()
            .collect();
        assert_eq!(
            left,
            b"V6b02f782L00000002KWork\nKLater\nM00000002;00000003.000c"
        );
        new.words
            .define(&Keyword::new("new").into_iter().collect::<Vec<_>>());
        assert!(matches!(old.edit(&new), Edit::Whole(_)));
    }

    #[test]
    fn other_orders_are_read_and_damage_is_told() {
        let odd = b"M2;3.cM00000001;0.1V1L0000000002KWork\nM2;0.0";
        let index = Index::parse(odd);
        assert_eq!(
            index
                .entries
                .iter()
                .map(|it| (it.uid, it.flags))
                .collect::<Vec<_>>(),
            [(1, 1), (2, 0)]
        );
        assert!(index.regular.is_none() && index.damaged.is_none());
        let whole = index.edit(&index);
        assert_eq!(
            Index::parse(&applied(odd, &whole)).to_bytes(),
            index.to_bytes()
        );
        for (cut, at) in [(76, None), (60, Some(54)), (20, Some(18)), (5, None)] {
            assert_eq!(Index::parse(&TWO[..cut]).damaged, at, "{cut}");
        }
        assert_eq!(Index::parse(b"V1L1X").damaged, Some(4));
        assert_eq!(Index::parse(b"V1L1Mzz").damaged, Some(4));
        assert_eq!(Index::parse(&[b'K'; 100_000]).damaged, Some(0));
    }
}
