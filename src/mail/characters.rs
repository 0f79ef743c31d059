//! Which characters may not be shown as they are, and which need company: the tables behind [`crate::mail::visible`].
//!
//! Written down by hand from the Unicode Character Database (Cc, Cf, Default_Ignorable, Bidi_Control,
//! Join_Control); wider than necessary is fine here, narrower is not.

/// Whether `character` controls a terminal: C0, DEL, C1.
pub fn is_control(character: char) -> bool {
    matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}')
}

/// Whether `character` changes the order of others, or is there without being seen.
///
/// The two joiners, U+200C and U+200D, are among them; where scripts and emoji need them is told by [`joins`].
pub fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}')
}

/// Whether a JSON writer must escape `character`, so that a terminal which shows the JSON stays unharmed.
pub fn must_escape(character: char) -> bool {
    is_control(character) || is_hidden(character)
}

/// Whether `character` is written from right to left, or would make its neighbours go that way.
pub fn is_right_to_left(character: char) -> bool {
    matches!(character,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Whether the joiner `joiner` does honest work between `before` and `after`: in an emoji, or in a script that joins.
pub fn joins(before: Option<char>, joiner: char, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let in_emoji = joiner == '\u{200d}' && is_pictograph(before) && is_pictograph(after);
    let in_script = is_joining_script(before) && is_joining_script(after);
    in_emoji || in_script
}

/// Emoji, their modifiers and their variation selector.
fn is_pictograph(character: char) -> bool {
    matches!(character,
        '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// Scripts whose letters change shape next to each other: Arabic and its kin, those of India, Khmer, Mongolian.
fn is_joining_script(character: char) -> bool {
    matches!(character,
        '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}'
        | '\u{1780}'..='\u{18af}' | '\u{a840}'..='\u{a877}' | '\u{fb50}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefe}' | '\u{11000}'..='\u{11fff}')
}

/// The ASCII that comes close to `character`, for terminals that show nothing else.
pub fn closest_ascii(character: char) -> Option<&'static str> {
    let close = match character {
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{ab}' | '\u{bb}' | '\u{201c}'..='\u{201f}' => "\"",
        '\u{2018}'..='\u{201b}' | '\u{b4}' => "'",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2022}' | '\u{b7}' => "*",
        '\u{2026}' => "...",
        '\u{20ac}' => "EUR",
        '\u{a9}' => "(c)",
        '\u{c0}'..='\u{c5}' => "A",
        '\u{c6}' => "AE",
        '\u{c7}' => "C",
        '\u{c8}'..='\u{cb}' => "E",
        '\u{cc}'..='\u{cf}' => "I",
        '\u{d1}' => "N",
        '\u{d2}'..='\u{d6}' | '\u{d8}' => "O",
        '\u{d9}'..='\u{dc}' => "U",
        '\u{dd}' => "Y",
        '\u{df}' => "ss",
        '\u{e0}'..='\u{e5}' => "a",
        '\u{e6}' => "ae",
        '\u{e7}' => "c",
        '\u{e8}'..='\u{eb}' => "e",
        '\u{ec}'..='\u{ef}' => "i",
        '\u{f1}' => "n",
        '\u{f2}'..='\u{f6}' | '\u{f8}' => "o",
        '\u{f9}'..='\u{fc}' => "u",
        '\u{fd}' | '\u{ff}' => "y",
        _ => return None,
    };
    Some(close)
}
