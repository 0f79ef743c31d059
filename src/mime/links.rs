//! Links in plain text: `http`, `https` and `mailto`, nothing else is ever offered.

use std::ops::Range;

use memchr::memchr_iter;

use crate::mail::text::Foreign;

/// The schemes that may be opened.
const SCHEMES: [&str; 3] = ["https", "http", "mailto"];
/// The longest link that is offered, in bytes.
const LONGEST: usize = 8192;

/// Whether a link may be offered to be opened.
pub fn is_openable(target: &str) -> bool {
    let scheme = target.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        SCHEMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
    })
}

/// The host that a link leads to, without user, port or path: what a reader should know before opening it.
pub fn host(target: &str) -> Option<&str> {
    let (_, rest) = target.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = if host.starts_with('[') {
        host.split_inclusive(']').next()?
    } else {
        host.split(':').next()?
    };
    (!host.is_empty()).then_some(host)
}

/// The links in a line, as byte ranges with their targets, ascending.
pub fn find_links(text: &str) -> Vec<(Range<usize>, Foreign)> {
    let mut links = Vec::new();
    let mut done = 0;
    for colon in memchr_iter(b':', text.as_bytes()) {
        let Some(start) = link_start(text, colon).filter(|&start| start >= done) else {
            continue;
        };
        let end = link_end(text, colon + 1);
        let target = text.get(start..end).unwrap_or_default();
        done = end;
        if is_complete(text.get(colon..end).unwrap_or_default()) && target.len() <= LONGEST {
            links.push((start..end, Foreign::new(target)));
        }
    }
    links
}

/// Where the scheme before this colon starts, if it is one of ours and not the end of a longer word.
fn link_start(text: &str, colon: usize) -> Option<usize> {
    let before = text.as_bytes().get(..colon)?;
    let ends = |scheme: &str| {
        let start = before.len().checked_sub(scheme.len());
        let tail = start.and_then(|start| before.get(start..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    let scheme = SCHEMES.iter().find(|scheme| ends(scheme))?;
    let start = colon - scheme.len();
    let joined = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let previous = start.checked_sub(1).and_then(|place| before.get(place));
    (!previous.is_some_and(joined)).then_some(start)
}

/// Whether something follows the scheme: `://host` or `:user`.
fn is_complete(rest: &str) -> bool {
    let rest = rest.strip_prefix("://").or_else(|| rest.strip_prefix(':'));
    rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_alphanumeric() || first == '['))
}

/// Where the link ends: before a blank, a control, a quote, an angle bracket; punctuation at its end is not part of it.
fn link_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let stops = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(
                character,
                '<' | '>' | '"' | '\u{201c}' | '\u{201d}' | '\u{ab}' | '\u{bb}'
            )
    };
    let mut link = rest.split(stops).next().unwrap_or_default();
    let mut opened = link.matches('(').count();
    let mut closed = link.matches(')').count();
    while let Some(last) = link.chars().next_back() {
        match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | ']' | '}' | '*' | '_' | '|' => {}
            ')' if closed > opened => closed -= 1,
            '(' => opened -= 1,
            _ => break,
        }
        link = link.strip_suffix(last).unwrap_or_default();
    }
    from + link.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_where_a_reader_would_say() {
        let table: [(&str, &[&str]); 13] = [
            (
                "see https://press.test/venue.",
                &["https://press.test/venue"],
            ),
            ("(http://a.test/x_(y))", &["http://a.test/x_(y)"]),
            ("<HTTP://A.test/>, and", &["HTTP://A.test/"]),
            ("mail mailto:ada@home.test!", &["mailto:ada@home.test"]),
            ("javascript:alert(1) file:///etc data:x", &[]),
            ("xhttp://a.test", &[]),
            ("http:// nothing", &[]),
            (
                "http://a.test,http://b.test",
                &["http://a.test,http://b.test"],
            ),
            ("\u{201c}https://a.test\u{201d}", &["https://a.test"]),
            (
                "https://a.test/?u=http://b.test",
                &["https://a.test/?u=http://b.test"],
            ),
            ("https://a.test/\u{1b}[31m", &["https://a.test/"]),
            ("https://z\u{fc}rich.test.", &["https://z\u{fc}rich.test"]),
            (
                "https://a.test https://b.test",
                &["https://a.test", "https://b.test"],
            ),
        ];
        for (text, expected) in table {
            let found = find_links(text);
            let targets: Vec<&str> = found.iter().map(|link| link.1.raw()).collect();
            assert_eq!(targets, expected, "{text}");
        }
    }

    #[test]
    fn the_host_is_the_real_one() {
        let table = [
            ("https://bank.test@evil.test/x", Some("evil.test")),
            ("https://evil.test:8080?x", Some("evil.test")),
            ("https://evil.test\\@bank.test", Some("evil.test")),
            ("http://[::1]:80/", Some("[::1]")),
            ("mailto:a@b", None),
        ];
        for (target, expected) in table {
            assert_eq!(host(target), expected, "{target}");
        }
    }
}
