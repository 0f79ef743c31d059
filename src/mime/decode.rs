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
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut inside = false;
    let mut start = 0;
    while start < bytes.len() {
        let end = line_end(bytes, start);
        let line = bytes.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        start = end;
        match line {
            [b'b', b'e', b'g', b'i', b'n', b' ', ..] if !inside => inside = true,
            b"end" => inside = false,
            [length, groups @ ..] if inside => uu_line(uu_value(*length), groups, &mut decoded),
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
    fn uuencode_reads_between_its_marks() {
        let encoded = b"prose\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\nmore";
        assert_eq!(decoded("X-UUENCODE", encoded), b"Cat");
        assert_eq!(decoded("X-UUENCODE", b"begin 644 x\nM\n"), b"");
    }
}
