//! Safe names for files that hold attachments: the sender's choice of words, never of place.

use unicode_segmentation::UnicodeSegmentation;

use crate::mail::characters::{is_control, is_hidden};

/// The longest name, in bytes.
const LONGEST: usize = 200;
/// How long an ending may be to be kept when a name is cut.
const LONGEST_ENDING: usize = 16;
/// What a part without a usable name is called.
const NAMELESS: &str = "attachment";
/// Names that some systems take for devices.
const DEVICES: [&str; 7] = ["con", "prn", "aux", "nul", "clock$", "com", "lpt"];

/// A name for a file from the name that a sender gave: its last component, cleaned, 1 to 200 bytes, neither hidden nor like an option.
pub fn safe_name(given: &str) -> String {
    let component = given.rsplit(['/', '\\']).find(|part| !is_only_dots(part));
    let mut clean = String::new();
    for character in component.unwrap_or_default().chars() {
        if is_hidden(character) {
            continue;
        }
        clean.push(if is_bad(character) { '_' } else { character });
    }
    let hidden =
        |character: char| matches!(character, '.' | '-' | '~' | ' ') || character.is_whitespace();
    let ended = |character: char| character == '.' || character.is_whitespace();
    let clean = clean.trim_start_matches(hidden).trim_end_matches(ended);
    let guard = if is_device(clean) { "_" } else { "" };
    let clean = shorten(&format!("{guard}{clean}"));
    if clean.is_empty() {
        NAMELESS.to_owned()
    } else {
        clean
    }
}

fn is_only_dots(part: &str) -> bool {
    part.chars()
        .all(|character| character == '.' || character.is_whitespace())
}

/// Characters that a shell, another system or a terminal takes for something else.
fn is_bad(character: char) -> bool {
    let special = matches!(
        character,
        ':' | '*' | '?' | '"' | '<' | '>' | '|' | '$' | '`' | '\'' | ';' | '&'
    );
    is_control(character) || special || matches!(character, '\n' | '\u{2028}' | '\u{2029}')
}

/// Cut to [`LONGEST`] bytes between grapheme clusters, its ending kept.
fn shorten(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|dot| name.get(dot..));
    let ending = ending
        .filter(|ending| ending.len() <= LONGEST_ENDING)
        .unwrap_or_default();
    let stem = name.strip_suffix(ending).unwrap_or(name);
    let mut short = String::new();
    for cluster in stem.graphemes(true) {
        if short.len() + cluster.len() + ending.len() > LONGEST {
            break;
        }
        short.push_str(cluster);
    }
    short + ending
}

fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_lowercase();
    let plain = stem
        .strip_suffix(|character: char| character.is_ascii_digit())
        .unwrap_or(&stem);
    DEVICES.contains(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        let table = [
            ("slides.pdf", "slides.pdf"),
            ("minutes of October.txt", "minutes of October.txt"),
            ("../../.ssh/authorized_keys", "authorized_keys"),
            ("/etc/passwd", "passwd"),
            ("C:\\x", "x"),
            ("C:x", "C_x"),
            ("~/x", "x"),
            ("~root", "root"),
            ("a/b", "b"),
            ("a/..", "a"),
            ("a\0b\nc\u{1b}[31m", "a_b_c_[31m"),
            ("-rf", "rf"),
            ("--option=x", "option=x"),
            (".bashrc", "bashrc"),
            (" . .x", "x"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("LPT1", "_LPT1"),
            ("console", "console"),
            ("x. . ", "x"),
            ("...", "attachment"),
            ("", "attachment"),
            ("/", "attachment"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a\u{200b}b\u{9b}c", "ab_c"),
            ("$(touch x);`y`|z", "_(touch x)__y__z"),
            (
                "Zo\u{eb} \u{6771}\u{4eac}.txt",
                "Zo\u{eb} \u{6771}\u{4eac}.txt",
            ),
        ];
        for (given, expected) in table {
            assert_eq!(safe_name(given), expected, "{given:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending() {
        let name = safe_name(&format!("{}.pdf", "\u{e9}".repeat(5000)));
        assert!(name.len() <= 200 && name.ends_with("\u{e9}.pdf"), "{name}");
        assert_eq!(safe_name(&"x".repeat(5000)).len(), 200);
        assert_eq!(safe_name(&format!(".{}", "y".repeat(5000))).len(), 200);
        assert!(safe_name(&format!("e{}", "\u{301}".repeat(5000))).len() <= 200);
    }
}
