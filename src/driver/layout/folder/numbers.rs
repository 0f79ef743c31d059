//! Messages whose files are called by decimal digits.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::os::files::FileLayer;

/// The number that a name stands for; `None` for other names, and for numbers that are none: 0, with zeros in front, above
/// 32 bits.
pub fn number(name: &[u8]) -> Option<u32> {
    let digits = !name.is_empty() && name.iter().all(u8::is_ascii_digit);
    if !digits || name.starts_with(b"0") {
        return None;
    }
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// Whether a name belongs to messages, readable or not.
pub fn is_digits(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(u8::is_ascii_digit)
}

/// The numbers of the files in a directory, ascending.
pub fn numbers_in(files: &dyn FileLayer, path: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    files.visit_dir(path, &mut |name| numbers.extend(number(name.as_bytes())))?;
    numbers.sort_unstable();
    Ok(numbers)
}

/// The file of a message, in its mailbox.
pub fn file_of(number: u32) -> PathBuf {
    PathBuf::from(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_are_messages() {
        assert_eq!(number(b"1"), Some(1));
        assert_eq!(number(b"4294967295"), Some(u32::MAX));
        for wrong in [
            &b""[..],
            b"0",
            b"01",
            b"4294967296",
            b"99999999999999999999",
            b"-1",
            b"1x",
            b"+1",
        ] {
            assert_eq!(number(wrong), None);
        }
        assert!(is_digits(b"007") && !is_digits(b"x"));
    }
}
