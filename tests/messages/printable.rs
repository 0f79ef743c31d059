//! What becomes printable: escape sequences, bidirectional text, invisible characters, widths (safety.md S1, S2, S5).

use mugo::mail::text::{Foreign, Printable, must_escape};
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

fn field(text: &str) -> String {
    Foreign::new(text).field().to_string()
}

#[test]
fn escapes_become_visible() {
    let table = [
        ("\u{1b}[31mred", "^[[31mred"),
        ("\u{1b}]0;title\u{7}", "^[]0;title^G"),
        ("\u{1b}]52;c;AAAA\u{1b}\\", "^[]52;c;AAAA^[\\"),
        ("\u{1b}]8;;http://x\u{1b}\\", "^[]8;;http://x^[\\"),
        ("\u{1b}P+q\u{1b}\\", "^[P+q^[\\"),
        ("\u{1b}[6n\u{1b}[?1049l\u{1b}[201~", "^[[6n^[[?1049l^[[201~"),
        ("\u{9b}31m\u{9d}0;x\u{9c}", "<9b>31m<9d>0;x<9c>"),
        ("a\u{8}b\u{7f}c\0d\u{e}e\u{f}", "a^Hb^?c^@d^Ne^O"),
        ("one\r\ntwo\nthree", "one^M^Jtwo^Jthree"),
        ("a\tb", "a b"),
        ("plain ~text!", "plain ~text!"),
        ("Zo\u{eb} \u{6771}\u{4eac}", "Zo\u{eb} \u{6771}\u{4eac}"),
    ];
    for (text, expected) in table {
        assert_eq!(field(text), expected, "{text:?}");
    }
}

#[test]
fn what_hides_or_reorders_is_marked() {
    let hidden = "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\
                  \u{61c}\u{200b}\u{2060}\u{feff}\u{3164}\u{e0001}\u{e007f}\u{ad}\u{2028}\u{fff9}";
    for character in hidden.chars() {
        let expected = format!("a<{:04x}>b", u32::from(character));
        assert_eq!(field(&format!("a{character}b")), expected);
        assert!(must_escape(character));
    }
    assert_eq!(field("invoice\u{202e}fdp.exe"), "invoice<202e>fdp.exe");
    assert_eq!(field("a\u{200d}b\u{200c}c"), "a<200d>b<200c>c");
}

#[test]
fn joiners_stay_where_they_are_needed() {
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    assert_eq!(Foreign::new(family).field().to_string(), family);
    assert_eq!(Foreign::new(family).field().width(), 2);
    let kiss = "\u{1f469}\u{200d}\u{2764}\u{fe0f}\u{200d}\u{1f48b}\u{200d}\u{1f468}";
    assert_eq!(field(kiss), kiss);
    let hindi = "\u{915}\u{94d}\u{200d}\u{937}";
    assert_eq!(field(hindi), hindi);
    let persian = "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}";
    assert_eq!(field(persian), format!("\u{2068}{persian}\u{2069}"));
}

#[test]
fn right_to_left_text_is_isolated() {
    let hebrew = Foreign::new("\u{5e9}\u{5dc}\u{5d5}\u{5dd}!").field();
    assert_eq!(
        hebrew.as_str(),
        "\u{2068}\u{5e9}\u{5dc}\u{5d5}\u{5dd}!\u{2069}"
    );
    assert_eq!(hebrew.width(), 5);
    let cut = hebrew.cut(2);
    assert_eq!(cut.as_str(), "\u{2068}\u{5e9}\u{5dc}\u{2069}");
    assert_eq!(cut.pad(4).width(), 4);
}

#[test]
fn piles_of_marks_are_cut() {
    let pile = Foreign::new(format!("e{}x", "\u{301}".repeat(10_000))).field();
    assert_eq!(pile.as_str(), format!("e{}x", "\u{301}".repeat(8)));
    assert_eq!(pile.width(), 2);
    let alone = Foreign::new("\u{301}x").field();
    assert_eq!(alone.as_str(), "\u{25cc}\u{301}x");
    for chain in [
        "\u{1100}",
        "\u{1f468}\u{200d}",
        "\u{915}\u{94d}",
        "\u{600}",
        "\u{1f1e9}",
    ] {
        let long = Foreign::new(chain.repeat(10_000)).field();
        let longest = long
            .as_str()
            .graphemes(true)
            .map(|cluster| cluster.chars().count())
            .max();
        assert!(longest <= Some(17), "{chain:?}: {longest:?}");
    }
}

#[test]
fn tabs_run_to_their_columns() {
    let line = |text: &str| Foreign::new(text).line().to_string();
    assert_eq!(line("\tx"), "        x");
    assert_eq!(line("1234567\tx"), "1234567 x");
    assert_eq!(line("12345678\tx"), "12345678        x");
    assert_eq!(line("\u{6771}\tx"), "\u{6771}      x");
    assert_eq!(line("\u{1b}\tx"), "^[      x");
}

#[test]
fn replacements_are_muted() {
    let text = Foreign::new("a\u{1b}[31m\u{9b}\u{202e}z").field();
    let muted: Vec<&str> = text
        .muted()
        .iter()
        .map(|range| &text.as_str()[range.clone()])
        .collect();
    assert_eq!(muted, ["^[", "<9b><202e>"]);
    let tail = text.slice(2..text.as_str().len());
    assert_eq!(tail.muted().first(), Some(&(0..1)));
    let joined = Printable::concat([&Printable::from_static("x "), &text]);
    assert_eq!(joined.muted().first(), Some(&(3..5)));
}

#[test]
fn ascii_terminals_get_ascii() {
    let text =
        Foreign::new("Zo\u{eb} \u{201c}\u{6771}\u{201d} \u{2026}\u{20ac}5 \u{1f600}").field();
    let ascii = text.ascii();
    assert_eq!(ascii.as_str(), "Zoe \"??\" ...EUR5 ??");
    assert_eq!(ascii.width(), ascii.as_str().len());
}

#[test]
fn cutting_and_padding_count_columns() {
    let text = Foreign::new("\u{6771}\u{4eac} trip").field();
    assert_eq!(text.cut(3).as_str(), "\u{6771}");
    assert_eq!(text.cut_marked(4).as_str(), "\u{6771}\u{2026}");
    assert_eq!(text.fit(3).as_str(), "\u{6771} ");
    assert_eq!(text.fit(12).width(), 12);
    assert_eq!(Printable::from_static("7").pad_left(3).as_str(), "  7");
}

proptest! {
    #[test]
    fn nothing_unprintable_comes_through(text in any::<String>(), columns in 0usize..40) {
        for shown in [Foreign::new(text.as_str()).field(), Foreign::new(text.as_str()).line()] {
            let isolates = ['\u{2068}', '\u{2069}'];
            let joiners = ['\u{200c}', '\u{200d}'];
            let bad = |character: char| {
                must_escape(character) && !isolates.contains(&character) && !joiners.contains(&character)
            };
            prop_assert!(!shown.as_str().contains(bad), "{:?}", shown);
            let summed: usize = shown.as_str().graphemes(true).map(ratatui::buffer::CellWidth::cell_width).map(usize::from).sum();
            prop_assert_eq!(shown.width(), summed);
            prop_assert!(shown.cut(columns).width() <= columns);
            prop_assert_eq!(shown.fit(columns).width(), columns);
            prop_assert!(shown.ascii().as_str().is_ascii());
        }
    }

    #[test]
    fn text_from_the_attack_alphabet_stays_in_its_box(text in "[\u{1b}\u{9b}\u{202e}\u{200d}\u{301}\u{600}\u{1100}\u{5d0}\u{1f468}\u{fe0f}\u{94d}\u{915}a\t\u{6771}\u{ff9e}\u{1f1e9}]{0,80}") {
        let shown = Foreign::new(text.as_str()).line();
        let summed: usize = shown.as_str().graphemes(true).map(ratatui::buffer::CellWidth::cell_width).map(usize::from).sum();
        prop_assert_eq!(shown.width(), summed);
        let raw = shown.as_str().contains(['\u{1b}', '\u{9b}', '\u{202e}', '\t']);
        prop_assert!(!raw, "{:?}", shown);
    }
}
