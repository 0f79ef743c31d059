//! What the environment variables say about the terminal: colours, and whether it shows more than ASCII.

use crate::tui::theme::Colours;

/// How many colours the terminal has; none where `NO_COLOR` is set to something (no-color.org).
pub fn colours(variable: impl Fn(&str) -> Option<String>) -> Colours {
    let value = |name| variable(name).filter(|value: &String| !value.is_empty());
    if value("NO_COLOR").is_some() {
        return Colours::None;
    }
    let depth = value("COLORTERM").unwrap_or_default();
    if depth == "truecolor" || depth == "24bit" {
        return Colours::True;
    }
    let term = value("TERM").unwrap_or_default();
    let without = [
        "dumb",
        "vt100",
        "vt102",
        "vt220",
        "vt320",
        "ansi-m",
        "xterm-mono",
    ];
    if term.is_empty() || without.contains(&term.as_str()) || term.ends_with("-m") {
        Colours::None
    } else if term.contains("direct") {
        Colours::True
    } else if term.contains("256color") {
        Colours::Palette
    } else {
        Colours::Eight
    }
}

/// Whether text can be put where it belongs on the terminal.
pub fn can_place_text(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("TERM").is_none_or(|term| term != "dumb")
}

/// Whether the locale shows ASCII alone.
pub fn is_ascii(variable: impl Fn(&str) -> Option<String>) -> bool {
    let value = |name| variable(name).filter(|value: &String| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    !(locale.contains("utf-8") || locale.contains("utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'v>(pairs: &'v [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'v {
        move |name| {
            let found = pairs.iter().find(|pair| pair.0 == name);
            found.map(|pair| pair.1.to_owned())
        }
    }

    #[test]
    fn variables_tell_colours_and_characters() {
        let all = [
            ("NO_COLOR", "1"),
            ("COLORTERM", "truecolor"),
            ("TERM", "xterm-256color"),
        ];
        assert_eq!(colours(with(&all)), Colours::None);
        assert_eq!(colours(with(&all[1..])), Colours::True);
        assert_eq!(colours(with(&all[2..])), Colours::Palette);
        assert_eq!(colours(with(&[("TERM", "linux")])), Colours::Eight);
        assert_eq!(colours(with(&[("TERM", "vt100")])), Colours::None);
        assert!(can_place_text(with(&[("TERM", "vt100")])) && can_place_text(with(&[])));
        assert!(!can_place_text(with(&[("TERM", "dumb")])));
        assert!(is_ascii(with(&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")])));
        assert!(!is_ascii(with(&[("LC_ALL", ""), ("LANG", "en_GB.UTF-8")])));
    }
}
