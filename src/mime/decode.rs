//! Transfer encodings: quoted-printable, base64, uuencode (RFC 2045, 6; POSIX uuencode).

use std::borrow::Cow;

use crate::mime::fields::line_end;
use crate::mime::parse;

/// The content of a part, its transfer encoding undone. Bad input gives what is good in it; unknown encodings give the bytes as they are.
pub fn decoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    decoded_cow(encoding, body).into_owned()
}

/// As [`decoded`], without a copy where nothing is encoded.
pub fn decoded_cow<'a>(encoding: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    match encoding {
        "BASE64" => parse::base64(body).into(),
        "QUOTED-PRINTABLE" => quoted_printable(body).into(),
        "X-UUENCODE" | "UUENCODE" | "X-UUE" => uuencode(body).into(),
        _ => body.into(),
    }
}

/// Undoes a transfer encoding piece by piece: what comes out together is what [`decoded`] makes of the whole, as long as no
/// line of it is longer than [`LONGEST_KEPT`].
pub struct Decoder {
    encoding: String,
    /// What cannot be decoded before more has come.
    kept: Vec<u8>,
    /// Whether uuencoded lines are between their marks.
    is_inside: bool,
}

/// A line without an end is decoded as far as it came once it is so long, in bytes.
pub const LONGEST_KEPT: usize = 1 << 20;

impl Decoder {
    /// One for this encoding, in capitals.
    pub fn new(encoding: &str) -> Self {
        Self {
            encoding: encoding.to_owned(),
            kept: Vec::new(),
            is_inside: false,
        }
    }

    /// What the next piece of the content means.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        match self.encoding.as_str() {
            "BASE64" => {
                let counts = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
                self.kept.extend(piece.iter().copied().filter(counts));
                // Signs stand in groups of four, and a pad ends a group wherever it stands.
                let pad = self.kept.iter().rposition(|&byte| byte == b'=');
                let start = pad.map_or(0, |pad| pad + 1);
                let whole = self.kept.len() - (self.kept.len() - start) % 4;
                let rest = self.kept.split_off(whole);
                parse::base64(&std::mem::replace(&mut self.kept, rest))
            }
            "QUOTED-PRINTABLE" | "X-UUENCODE" | "UUENCODE" | "X-UUE" => {
                self.kept.extend_from_slice(piece);
                let end = memchr::memrchr(b'\n', &self.kept).map_or(0, |end| end + 1);
                let end = match self.kept.len() - end > LONGEST_KEPT {
                    true => self.kept.len(),
                    false => end,
                };
                let rest = self.kept.split_off(end);
                let lines = std::mem::replace(&mut self.kept, rest);
                self.lines(&lines)
            }
            _ => piece.to_vec(),
        }
    }

    /// What is left at the end.
    pub fn finish(mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.kept);
        match self.encoding.as_str() {
            "BASE64" => parse::base64(&rest),
            _ => self.lines(&rest),
        }
    }

    fn lines(&mut self, lines: &[u8]) -> Vec<u8> {
        match self.encoding.as_str() {
            "QUOTED-PRINTABLE" => quoted_printable(lines),
            _ => uuencode_lines(lines, &mut self.is_inside),
        }
    }
}

/// Decodes quoted-printable. An escape that is none stays as it is.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut start = 0;
    while start < bytes.len() {
        let end = line_end(bytes, start);
        let line = bytes.get(start..end).unwrap_or_default();
        start = end;
        let text = line.trim_ascii_end();
        match text.strip_suffix(b"=") {
            Some(soft) if line.len() > text.len() || end == bytes.len() => {
                escapes(soft, &mut decoded);
            }
            _ => {
                escapes(text, &mut decoded);
                let line_end = if line.ends_with(b"\r\n") {
                    2
                } else {
                    usize::from(line.ends_with(b"\n"))
                };
                decoded.extend_from_slice(line.get(line.len() - line_end..).unwrap_or_default());
            }
        }
    }
    decoded
}

fn escapes(line: &[u8], into: &mut Vec<u8>) {
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let high = tail.first().copied().and_then(hex);
        let low = tail.get(1).copied().and_then(hex);
        match (byte, high, low) {
            (b'=', Some(high), Some(low)) => {
                into.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => into.push(byte),
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Decodes what stands between `begin` and `end`.
fn uuencode(bytes: &[u8]) -> Vec<u8> {
    uuencode_lines(bytes, &mut false)
}

fn uuencode_lines(bytes: &[u8], inside: &mut bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut start = 0;
    while start < bytes.len() {
        let end = line_end(bytes, start);
        let line = bytes.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        start = end;
        match line {
            [b'b', b'e', b'g', b'i', b'n', b' ', ..] if !*inside => *inside = true,
            b"end" => *inside = false,
            [length, groups @ ..] if *inside => uu_line(uu_value(*length), groups, &mut decoded),
            _ => {}
        }
    }
    decoded
}

fn uu_value(byte: u8) -> u8 {
    byte.wrapping_sub(b' ') & 0x3f
}

fn uu_line(length: u8, groups: &[u8], into: &mut Vec<u8>) {
    let full = into.len() + usize::from(length);
    for group in groups.chunks(4) {
        let value = |place: usize| group.get(place).copied().map_or(0, uu_value);
        into.push(value(0) << 2 | value(1) >> 4);
        into.push(value(1) << 4 | value(2) >> 2);
        into.push(value(2) << 6 | value(3));
    }
    into.truncate(full);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_is_lenient() {
        let table: [(&[u8], &[u8]); 8] = [
            (b"caf=E9 \t\r\nx", b"caf\xe9\r\nx"),
            (b"soft=\r\nbreak", b"softbreak"),
            (b"soft= \nbreak", b"softbreak"),
            (b"=3D=3d", b"=="),
            (b"=zz=4", b"=zz=4"),
            (b"end=", b"end"),
            (b"keep=20\n", b"keep \n"),
            (b"", b""),
        ];
        for (encoded, expected) in table {
            let text = String::from_utf8_lossy(encoded);
            assert_eq!(decoded("QUOTED-PRINTABLE", encoded), expected, "{text}");
        }
    }

    #[test]
    fn pieces_mean_what_the_whole_means() {
        let base64 = b"SGVsbG8s\r\nIHdvcmxkIQ==\r\n-- \r\n";
        let table: [(&str, &[u8]); 10] = [
            ("BASE64", b"QQ=QUJD"),
            ("BASE64", b"QQ==QUJDREVG"),
            ("BASE64", b"QUI=\r\nQUJD\r\nQQ=\r\n=QUJDRA"),
            ("BASE64", b"QUJDRA==="),
            ("BASE64", base64),
            ("BASE64", b"QUJD*REV\nG\n"),
            ("QUOTED-PRINTABLE", b"caf=E9 \t\r\nsoft=\r\nbreak=3D=\nx=4"),
            (
                "X-UUENCODE",
                b"prose\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\nmore",
            ),
            ("8BIT", b"as\r\nit is"),
            ("X-ODD", b""),
        ];
        for (encoding, encoded) in table {
            let whole = decoded(encoding, encoded);
            for first in 0..=encoded.len() {
                for second in first..=encoded.len() {
                    let mut decoder = Decoder::new(encoding);
                    let mut all = decoder.push(&encoded[..first]);
                    all.extend(decoder.push(&encoded[first..second]));
                    all.extend(decoder.push(&encoded[second..]));
                    all.extend(decoder.finish());
                    assert_eq!(all, whole, "{encoding} {first} {second}");
                }
            }
        }
        let mut decoder = Decoder::new("QUOTED-PRINTABLE");
        let kept: usize = (0..64).map(|_| decoder.push(&[b'x'; 1 << 16]).len()).sum();
        assert!(kept > 2 << 20, "{kept}");
    }

    #[test]
    fn uuencode_reads_between_its_marks() {
        let encoded = b"prose\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\nmore";
        assert_eq!(decoded("X-UUENCODE", encoded), b"Cat");
        assert_eq!(decoded("X-UUENCODE", b"begin 644 x\nM\n"), b"");
    }
}
