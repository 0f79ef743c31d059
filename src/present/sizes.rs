//! Sizes as the index shows them.

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
}
