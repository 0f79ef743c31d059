//! Lines of messages: where a header ends, LF made CRLF, and the dots that news servers double.

use std::io::{self, Write};
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::os::files::MailFile;

/// Bytes of the header that `text` starts with, the blank line included; `None` where the blank line is not there.
pub fn header_length(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"\n") {
        return Some(1);
    }
    if text.starts_with(b"\r\n") {
        return Some(2);
    }
    // Two passes at full speed rather than a look at each line. The second goes no further than the first found something.
    let wide = WIDE.find(text).map(|place| place + 3);
    let before = wide.and_then(|end| text.get(..end)).unwrap_or(text);
    NARROW.find(before).map(|place| place + 2).or(wide)
}

/// A blank line behind another line, with CRLF and with LF.
static WIDE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\n\r\n"));
static NARROW: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\n\n"));

/// The octets of the first `length` bytes of a file with CRLF line ends, by way of `buffer`. The bytes as they are go to
/// `seen`. What was added since is not counted; where bytes are missing, those that are there are.
pub fn size_with_crlf(
    file: &dyn MailFile,
    length: u64,
    buffer: &mut [u8],
    seen: &mut dyn FnMut(&[u8]),
) -> io::Result<u64> {
    let (mut at, mut size, mut last) = (0, 0, 0);
    while at < length {
        let left = usize::try_from(length - at).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let room = buffer.get_mut(..most).unwrap_or_default();
        let count = file.read_at(room, at)?;
        let bytes = room.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        seen(bytes);
        size += (count + bare_ends(bytes, last)) as u64;
        at += count as u64;
        last = bytes.last().copied().unwrap_or(last);
    }
    Ok(size)
}

/// How many LFs have no CR before them; `last` stands before the first byte.
pub fn bare_ends(bytes: &[u8], last: u8) -> usize {
    let ends = memchr::memchr_iter(b'\n', bytes);
    if last != b'\r' && memchr::memchr(b'\r', bytes).is_none() {
        // Counting them is several times as fast as finding them.
        return ends.count();
    }
    let bare = |place: &usize| {
        let before = place.checked_sub(1).and_then(|place| bytes.get(place));
        before.copied().unwrap_or(last) != b'\r'
    };
    ends.filter(bare).count()
}

/// Writes what is written to it with CRLF for each LF that has no CR yet.
pub struct Crlf<'w> {
    into: &'w mut dyn Write,
    last: u8,
}

impl<'w> Crlf<'w> {
    /// Writes into `into`.
    pub fn new(into: &'w mut dyn Write) -> Self {
        Self { into, last: 0 }
    }
}

impl Write for Crlf<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut from = 0;
        for place in memchr::memchr_iter(b'\n', bytes) {
            let before = place.checked_sub(1).and_then(|place| bytes.get(place));
            if before.copied().unwrap_or(self.last) != b'\r' {
                self.into
                    .write_all(bytes.get(from..place).unwrap_or_default())?;
                self.into.write_all(b"\r")?;
                from = place;
            }
        }
        self.into.write_all(bytes.get(from..).unwrap_or_default())?;
        self.last = bytes.last().copied().unwrap_or(self.last);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// What stands at the end of a file in a news server's wire format, behind the article's last line.
pub const WIRE_END: &[u8] = b".\r\n";

/// Whether a file that ends with these bytes is in wire format: with CRLF, a dot more in front of each line that begins with
/// one, and [`WIRE_END`].
pub fn is_wire(tail: &[u8]) -> bool {
    tail.ends_with(b"\r\n.\r\n")
}

/// Writes what is written to it without the first dot of each line that begins with one.
pub struct Undotted<'w> {
    into: &'w mut dyn Write,
    last: u8,
}

impl<'w> Undotted<'w> {
    /// Writes into `into`.
    pub fn new(into: &'w mut dyn Write) -> Self {
        Self { into, last: b'\n' }
    }
}

impl Write for Undotted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut from = 0;
        for place in memchr::memchr_iter(b'.', bytes) {
            let before = place.checked_sub(1).and_then(|place| bytes.get(place));
            if before.unwrap_or(&self.last) == &b'\n' {
                self.into
                    .write_all(bytes.get(from..place).unwrap_or_default())?;
                from = place + 1;
            }
        }
        self.into.write_all(bytes.get(from..).unwrap_or_default())?;
        self.last = bytes.last().copied().unwrap_or(self.last);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_completed_also_where_a_write_parts_them() {
        let text = b"a\r\nb\nc\r\r\n\n\nd\r";
        for cut in 0..text.len() {
            let mut whole = Vec::new();
            let mut crlf = Crlf::new(&mut whole);
            crlf.write_all(&text[..cut]).expect("in memory");
            crlf.write_all(&text[cut..]).expect("in memory");
            assert_eq!(whole, b"a\r\nb\r\nc\r\r\n\r\n\r\nd\r", "{cut}");
        }
    }

    #[test]
    fn dots_go_also_where_a_write_parts_lines() {
        let text = b"..a\r\n.b.\r\n...\r\nc.d\r\n..\r\n";
        for cut in 0..text.len() {
            let mut whole = Vec::new();
            let mut undotted = Undotted::new(&mut whole);
            undotted.write_all(&text[..cut]).expect("in memory");
            undotted.write_all(&text[cut..]).expect("in memory");
            assert_eq!(whole, b".a\r\nb.\r\n..\r\nc.d\r\n.\r\n", "{cut}");
        }
        assert!(is_wire(b"x\r\n.\r\n") && !is_wire(b".\r\n") && !is_wire(b"x\n.\n"));
    }

    #[test]
    fn a_header_ends_behind_its_blank_line() {
        assert_eq!(header_length(b"\n\nx"), Some(1));
        assert_eq!(header_length(b"a: b\r\n\r\nx"), Some(8));
        assert_eq!(header_length(b"a: b\nc: d\n\nx"), Some(11));
        assert_eq!(header_length(b"a: b\n"), None);
    }
}
