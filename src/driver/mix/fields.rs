//! The fields of a line, each with a colon behind it: `:uid:date:`. Numbers are hexadecimal.

/// How an update sequence is written: the first line of each file but the data.
pub const SEQUENCE_LINE: usize = 11;

/// What is left of a line.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a line that begins with `front`, the first colon included.
    pub fn behind(front: &[u8], line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(front)?;
        Some(Self { rest })
    }

    /// The next field.
    pub fn next_field(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b':')?;
        let (field, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        Some(field)
    }

    /// The next field as a number.
    pub fn number(&mut self) -> Option<u32> {
        number(self.next_field()?)
    }
}

/// A number of any count of digits, as long as it has no more than 32 bits.
pub fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, &byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => return None,
        };
        (number >> 28 == 0).then(|| number << 4 | u32::from(digit))
    })
}

/// A line without its end, which is CRLF or LF.
pub fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The update sequence that a line tells.
pub fn sequence(line: &[u8]) -> Option<u32> {
    number(without_end(line).strip_prefix(b"S")?)
}

/// The line that tells an update sequence.
pub fn sequence_line(sequence: u32) -> Vec<u8> {
    format!("S{sequence:08x}\r\n").into_bytes()
}

/// Where in it the digits are, and these.
pub fn sequence_patch(sequence: u32) -> (u64, Vec<u8>) {
    (1, format!("{sequence:08x}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_with_a_colon_and_numbers_have_32_bits() {
        let mut fields = Fields::behind(b":msg:", b":msg:00000001::fF:rest").expect("a front");
        assert_eq!(fields.number(), Some(1));
        assert_eq!(fields.next_field(), Some(&b""[..]));
        assert_eq!(fields.number(), Some(0xff));
        assert_eq!(fields.next_field(), None);
        assert!(Fields::behind(b":", b"x").is_none());
        for (text, expected) in [
            ("ffffffff", Some(u32::MAX)),
            ("000000000000ffffffff", Some(u32::MAX)),
            ("100000000", None),
            ("", None),
            ("-1", None),
            ("1g", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(sequence(b"S6b02f785\r\n"), Some(0x6b02_f785));
        assert_eq!(sequence(&sequence_line(7)), Some(7));
        assert_eq!(sequence_line(7).len(), SEQUENCE_LINE);
    }
}
