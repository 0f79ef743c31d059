//! Sizes as Pine writes them: narrow ones for the index, wordy ones for parts.

use crate::mail::text::Printable;
use crate::mime::document::PartLine;

/// A size for the index, in parentheses and in whole units: `(934)`, `(1K)` to `(99K)`, `(.1M)` from 100,000 octets, `(2M)`, `(12M)`.
pub fn narrow(octets: u64) -> String {
    let thousands = octets.saturating_add(500) / 1000;
    if octets < 1000 {
        return format!("({octets})");
    }
    if octets < 100_000 {
        return format!("({}K)", thousands.clamp(1, 99));
    }
    let tenths = octets.saturating_add(50_000) / 100_000;
    if tenths < 10 {
        return format!("(.{}M)", tenths.max(1));
    }
    let millions = octets.saturating_add(500_000) / 1_000_000;
    if millions < 1000 {
        return format!("({millions}M)");
    }
    let billions = octets.saturating_add(500_000_000) / 1_000_000_000;
    format!("({}G)", billions.max(1))
}

/// A size in words: `73 bytes`, `5.5 KB`, `1.2 MB`.
pub fn wordy(octets: u64) -> String {
    let tenths = |unit: u64| {
        let rounded = octets.saturating_add(unit / 20) / (unit / 10);
        (rounded / 10, rounded % 10)
    };
    let (unit, name) = match octets {
        0..1000 => return format!("{octets} bytes"),
        1000..999_950 => (1000, "KB"),
        999_950..999_950_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let (whole, tenth) = tenths(unit);
    if whole >= 100 {
        format!("{whole} {name}")
    } else {
        format!("{whole}.{tenth} {name}")
    }
}

/// What the attachment index says of a part's size: `8 lines` for text and messages, else [`wordy`].
pub fn of_part(part: &PartLine) -> Printable {
    Printable::own(match part.lines {
        Some(1) => "1 line".to_owned(),
        Some(lines) if part.is_text || part.is_message => format!("{lines} lines"),
        _ => wordy(part.size),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_sizes_are_in_whole_units() {
        let table = [
            (0, "(0)"),
            (934, "(934)"),
            (1000, "(1K)"),
            (8123, "(8K)"),
            (99_999, "(99K)"),
            (100_000, "(.1M)"),
            (949_999, "(.9M)"),
            (950_000, "(1M)"),
            (2_000_000, "(2M)"),
            (12_300_000, "(12M)"),
            (u64::MAX, "(18446744073G)"),
        ];
        for (octets, expected) in table {
            assert_eq!(narrow(octets), expected, "{octets}");
        }
    }

    #[test]
    fn part_sizes_have_one_decimal() {
        let table = [
            (73, "73 bytes"),
            (5500, "5.5 KB"),
            (999_949, "999 KB"),
            (999_950, "1.0 MB"),
            (1_234_567, "1.2 MB"),
            (5_000_000_000, "5.0 GB"),
        ];
        for (octets, expected) in table {
            assert_eq!(wordy(octets), expected, "{octets}");
        }
    }
}
