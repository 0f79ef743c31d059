//! Sizes in words, as the notes about parts say them.

use crate::mime::document::PartLine;

/// Octets in words: `73 bytes`, `5.5 KB`, `1.2 MB`.
pub fn octets_in_words(octets: u64) -> String {
    let (unit, name) = match octets {
        0..1000 => return format!("{octets} bytes"),
        1000..999_950 => (1000, "KB"),
        999_950..999_950_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = octets.saturating_add(unit / 20) / (unit / 10);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    if whole >= 100 {
        format!("{whole} {name}")
    } else {
        format!("{whole}.{tenth} {name}")
    }
}

/// What is said of a part's size: `8 lines` for text and messages, else [`octets_in_words`].
pub fn part_in_words(part: &PartLine) -> String {
    match part.lines {
        Some(1) => "1 line".to_owned(),
        Some(lines) if part.is_text || part.is_message => format!("{lines} lines"),
        _ => octets_in_words(part.size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal() {
        let table = [
            (73, "73 bytes"),
            (5500, "5.5 KB"),
            (999_949, "999 KB"),
            (999_950, "1.0 MB"),
            (1_234_567, "1.2 MB"),
            (5_000_000_000, "5.0 GB"),
        ];
        for (octets, expected) in table {
            assert_eq!(octets_in_words(octets), expected, "{octets}");
        }
    }
}
