//! What a program may send to a terminal when it draws: text, and control sequences that draw, colour, and switch modes.
//!
//! Everything else is forbidden: sequences that ask the terminal for an answer, set its title, its clipboard, links or
//! fonts, reset it, C1 controls, and bidi controls that would turn a line round.

/// Gives the forbidden pieces in `raw`, printable, with their places.
pub(crate) fn find(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let mut found = Vec::new();
    for (place, letter) in text.char_indices() {
        let complaint = match letter {
            '\u{1b}' => sequence(&text[place + 1..]),
            '\r' | '\n' | '\u{7}' | '\u{8}' => None,
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                Some(format!("control {:04x}", u32::from(letter)))
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                Some(format!("bidi {:04x}", u32::from(letter)))
            }
            _ => None,
        };
        if let Some(complaint) = complaint {
            found.push(format!("{complaint} at {place}"));
        }
    }
    found
}

/// Judges what follows an ESC.
fn sequence(rest: &str) -> Option<String> {
    let Some(body) = rest.strip_prefix('[') else {
        let kind: String = rest.chars().take(12).collect();
        // ESC ( B and its like choose ASCII; terminals without full-screen modes get them.
        return (!rest.starts_with("(B")).then(|| format!("ESC {kind:?}"));
    };
    let end = body.find(|letter: char| ('@'..='~').contains(&letter))?;
    let (parameters, last) = (&body[..end], body[end..].chars().next().unwrap_or('?'));
    let known = match last {
        // Place, erase, insert, delete, scroll, colour, cursor shape.
        'A'..='H' | 'J' | 'K' | 'L' | 'M' | 'P' | 'X' | '@' | 'S' | 'T' | 'd' | 'm' | 'r' | 'q' => {
            true
        }
        // Modes: alternate screen, cursor, wrap, mouse, paste, focus, synchronised drawing.
        'h' | 'l' => parameters.starts_with('?') && parameters[1..].split(';').all(is_known_mode),
        // Keyboard protocol of some terminals, pushed and popped by the program.
        'u' => parameters.starts_with(['<', '>']),
        _ => false,
    };
    (!known).then(|| format!("CSI {parameters:?}{last}"))
}

fn is_known_mode(mode: &str) -> bool {
    [
        "1", "7", "12", "25", "1000", "1002", "1003", "1004", "1006", "1015", "1049", "2004",
        "2026",
    ]
    .contains(&mode)
}

#[test]
fn attacks_are_found_and_drawing_is_not() {
    let attacks: [&[u8]; 9] = [
        b"\x1b]0;title\x07",
        b"\x1b]52;c;AAAA\x07",
        b"\x1b[6n",
        b"\x1bP$q\"p\x1b\\",
        b"\x1bc",
        "\u{9b}31m".as_bytes(),
        b"\x0e",
        "\u{202e}".as_bytes(),
        b"\x1b[?5h",
    ];
    for attack in attacks {
        assert!(!find(attack).is_empty(), "{attack:?}");
    }
    let drawing =
        "\u{1b}[?1049h\u{1b}[2J\u{1b}[1;1H\u{1b}[0;1;31mJürgen\u{1b}[K\u{1b}[?25l\r\n\u{7}";
    assert!(find(drawing.as_bytes()).is_empty());
}
