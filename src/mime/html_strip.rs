//! HTML without its tags, in linear time: what is left when the real converter must not be asked.

use memchr::memchr;
use memchr::memmem;

/// How deep elements nest at most, and how many tags there are; close enough to bound the converter's work.
pub fn weight(html: &str) -> (usize, usize) {
    let (mut depth, mut deepest, mut tags) = (0usize, 0usize, 0usize);
    let mut rest = html.as_bytes();
    while let Some(place) = memchr(b'<', rest) {
        rest = rest.get(place + 1..).unwrap_or_default();
        let closing = rest.first() == Some(&b'/');
        let name = tag_name(if closing {
            rest.get(1..).unwrap_or_default()
        } else {
            rest
        });
        if name.is_empty() {
            continue;
        }
        tags += 1;
        if closing {
            depth = depth.saturating_sub(1);
        } else if !ends_by_itself(name) {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    (deepest, tags)
}

/// The text of `html`: block elements start lines, scripts and styles are left out, common entities decoded.
pub fn strip(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        push_text(before, &mut text);
        rest = after;
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = after_mark(comment, "-->");
            continue;
        }
        let name = tag_name(rest.strip_prefix('/').unwrap_or(rest).as_bytes());
        if name.is_empty() && !rest.starts_with(['!', '?']) {
            text.push('<');
            continue;
        }
        let is = |known: &&&str| known.as_bytes().eq_ignore_ascii_case(name);
        if BLOCKS.iter().any(|known| is(&known)) && !text.ends_with('\n') && !text.is_empty() {
            text.push('\n');
        }
        let hidden = ["script", "style", "head", "title"].iter().find(is);
        rest = match hidden {
            Some(hidden) if !rest.starts_with('/') => after_element(rest, hidden),
            _ => after_mark(rest, ">"),
        };
    }
    push_text(rest, &mut text);
    text
}

const BLOCKS: [&str; 21] = [
    "address",
    "blockquote",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tr",
    "ul",
    "body",
];

fn tag_name(bytes: &[u8]) -> &[u8] {
    let length = bytes
        .iter()
        .take(20)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    bytes.get(..length).unwrap_or_default()
}

/// Elements that are empty or that the next one of their kind closes.
fn ends_by_itself(name: &[u8]) -> bool {
    const NAMES: [&str; 19] = [
        "area", "base", "br", "col", "dd", "dt", "hr", "img", "input", "li", "link", "meta",
        "option", "p", "source", "td", "th", "tr", "wbr",
    ];
    NAMES
        .iter()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

fn after_mark<'a>(text: &'a str, mark: &str) -> &'a str {
    let place = memmem::find(text.as_bytes(), mark.as_bytes());
    place
        .and_then(|place| text.get(place + mark.len()..))
        .unwrap_or_default()
}

/// What follows the element whose start tag `text` is inside of.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    loop {
        rest = after_mark(rest, "</");
        let closes = tag_name(rest.as_bytes()).eq_ignore_ascii_case(name.as_bytes());
        if closes || rest.is_empty() {
            return after_mark(rest, ">");
        }
    }
}

/// Adds text with its white space run together and its entities decoded.
fn push_text(piece: &str, into: &mut String) {
    let mut rest = piece;
    while let Some(first) = rest.chars().next() {
        let mut length = first.len_utf8();
        match first {
            '&' => {
                let (character, used) = entity(rest);
                into.push(character);
                length = used;
            }
            blank if blank.is_ascii_whitespace() => {
                if !into.is_empty() && !into.ends_with([' ', '\n']) {
                    into.push(' ');
                }
            }
            other => into.push(other),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// The character that an entity stands for, and how many bytes it takes; an `&` that starts none stands for itself.
fn entity(text: &str) -> (char, usize) {
    const LONGEST: usize = 12;
    let window = text.as_bytes().iter().take(LONGEST);
    let end = window.clone().position(|&byte| byte == b';');
    let Some(name) = end.and_then(|end| text.get(1..end)) else {
        return ('&', 1);
    };
    let numeric = name.strip_prefix('#').and_then(|number| {
        let hex = number.strip_prefix(['x', 'X']);
        let code = hex.map_or_else(
            || number.parse().ok(),
            |hex| u32::from_str_radix(hex, 16).ok(),
        );
        code.and_then(char::from_u32)
    });
    let named = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => numeric,
    };
    named.map_or(('&', 1), |character| (character, name.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_text_stays() {
        let table = [
            ("<p>a &amp; b<br>c</p>", "a & b\nc\n"),
            ("<script>x</b></script>y<!-- z -->", "y"),
            ("1 < 2 &#65;&#x42; &bogus; &", "1 < 2 AB &bogus; &"),
            ("<style>never closed", ""),
            ("<!doctype html><title>t</title>  z", "z"),
        ];
        for (html, expected) in table {
            assert_eq!(strip(html), expected, "{html}");
        }
    }

    #[test]
    fn unclosed_paragraphs_do_not_nest() {
        assert_eq!(weight(&"<p>x<br>".repeat(1000)), (0, 2000));
        assert_eq!(weight("<div><b>x</b></div><div>"), (2, 5));
    }
}
