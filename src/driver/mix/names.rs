//! The names of the files in a mailbox.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::os::files::FileLayer;

/// What makes a directory a mailbox: UIDVALIDITY, the last UID, the keywords.
pub const META: &str = ".mixmeta";
/// The messages.
pub const INDEX: &str = ".mixindex";
/// Their flags.
pub const STATUS: &str = ".mixstatus";
/// What the names of all files of a mailbox begin with.
pub const FRONT: &[u8] = b".mix";

const DIGITS: usize = 8;

/// The data file of this number.
pub fn data_file(number: u32) -> PathBuf {
    match number {
        // So it was called before files had numbers.
        0 => PathBuf::from(".mix"),
        _ => PathBuf::from(format!(".mix{number:08x}")),
    }
}

/// The number of the data file with this name.
pub fn number(name: &[u8]) -> Option<u32> {
    let digits = name.strip_prefix(FRONT)?;
    if digits.is_empty() {
        return Some(0);
    }
    let plain = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let plain = digits.len() == DIGITS && digits.iter().all(plain);
    let digits = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    u32::from_str_radix(digits, 16)
        .ok()
        .filter(|&number| number > 0)
}

/// The numbers of the data files in a mailbox, ascending.
pub fn data_files(files: &dyn FileLayer, mailbox: &Path) -> io::Result<Vec<u32>> {
    let names = files.read_dir(mailbox)?;
    let numbers = names
        .iter()
        .filter_map(|name| number(name.as_os_str().as_bytes()));
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_data_files_have_numbers() {
        for (name, expected) in [
            (".mix", Some(0)),
            (".mix6b02f782", Some(0x6b02_f782)),
            (".mix00000000", None),
            (".mix6B02F782", None),
            (".mix6b02f7820", None),
            (".mix+b02f782", None),
            (".mixmeta", None),
            (".mixindex", None),
            ("mix6b02f782", None),
        ] {
            let found = number(name.as_bytes());
            assert_eq!(found, expected, "{name}");
            if let Some(found) = found {
                assert_eq!(data_file(found), Path::new(name));
            }
        }
    }
}
