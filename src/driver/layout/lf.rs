//! CRLF made LF: how messages are written into files with LF line ends.

use std::io::{self, Read};

use crate::driver::message::Content;
use crate::os::files::MailFile;
use crate::os::transfer::write_all_at;

const BLOCK: usize = 64 << 10;

/// Writes a message with LF line ends. Gives the bytes in the file, and the octets with CRLF line ends.
pub fn write_lf(content: &mut Content, file: &mut dyn MailFile) -> io::Result<(u64, u64)> {
    let mut reader = content.reader()?;
    let mut lines = Lines::default();
    let mut block = vec![0; BLOCK];
    let (mut stored, mut size) = (0, 0);
    loop {
        let count = reader.read(&mut block)?;
        match count {
            0 => lines.end(),
            count => lines.take(block.get(..count).unwrap_or_default()),
        }
        write_all_at(file, &lines.out, stored)?;
        stored += lines.out.len() as u64;
        size += lines.size;
        lines.size = 0;
        lines.out.clear();
        if count == 0 {
            return Ok((stored, size));
        }
    }
}

/// CRLF made LF. A CR that stands before a CRLF keeps both: what is read again is what was written.
#[derive(Default)]
struct Lines {
    out: Vec<u8>,
    /// Octets of `out` with CRLF line ends.
    size: u64,
    /// Whether the last byte was a CR.
    after_cr: bool,
    /// Whether that one waits for what follows.
    held: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        let mut from = 0;
        for place in memchr::memchr2_iter(b'\r', b'\n', bytes) {
            self.plain(bytes.get(from..place).unwrap_or_default());
            match bytes.get(place) {
                Some(b'\r') => self.cr(),
                _ => self.lf(),
            }
            from = place + 1;
        }
        self.plain(bytes.get(from..).unwrap_or_default());
    }

    fn plain(&mut self, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        self.end();
        self.after_cr = false;
        self.put(text, text.len());
    }

    fn cr(&mut self) {
        self.end();
        match self.after_cr {
            true => self.put(b"\r", 1),
            false => self.held = true,
        }
        self.after_cr = true;
    }

    fn lf(&mut self) {
        let has_cr = self.after_cr && !self.held;
        (self.held, self.after_cr) = (false, false);
        self.put(b"\n", if has_cr { 1 } else { 2 });
    }

    /// A CR that waits was none of a line end.
    fn end(&mut self) {
        if std::mem::take(&mut self.held) {
            self.put(b"\r", 1);
        }
    }

    fn put(&mut self, bytes: &[u8], size: usize) {
        self.out.extend_from_slice(bytes);
        self.size += size as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::layout::lines::Crlf;
    use std::io::Write;

    #[test]
    fn what_is_stored_is_read_as_it_was() {
        let text = b"a\r\nb\r\r\nc\r\rd\r\n\r\n\r\r\r\n\re\r";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            lines.take(&text[..cut]);
            lines.take(&text[cut..]);
            lines.end();
            assert_eq!(lines.out, b"a\nb\r\r\nc\r\rd\n\n\r\r\r\n\re\r", "{cut}");
            let mut read = Vec::new();
            Crlf::new(&mut read)
                .write_all(&lines.out)
                .expect("in memory");
            assert_eq!(read, text, "{cut}");
            assert_eq!(lines.size, text.len() as u64);
        }
    }
}
