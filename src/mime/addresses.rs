//! Address lists (RFC 5322, 3.4, with the forms that are met in the wild): groups, routes, comments, bare words.
//!
//! One pass over the characters, comments counted and not recursed into. Encoded words are decoded in display
//! names alone: what stands in an address is shown as it will be used, so that a name cannot pose as one.

use std::iter::Peekable;
use std::str::Chars;

use memchr::memchr;

use crate::mail::address::Address;
use crate::mail::text::Foreign;
use crate::mime::encoded_words::encoded_words;

/// The addresses of an unfolded field. A group is told by marks, as IMAP's ENVELOPE does.
pub fn addresses(field: &str) -> Vec<Address> {
    let mut list = Vec::new();
    addresses_of(field, &Foreign::default(), &mut list);
    list
}

/// The same, added to `list`; where the field is a part of `whole`, so are the texts of its addresses.
pub fn addresses_of(field: &str, whole: &Foreign, list: &mut Vec<Address>) {
    match simple(field, whole) {
        Some(address) => {
            if list.is_empty() {
                // mostly the only one
                list.reserve_exact(1);
            }
            list.push(address);
        }
        None => list.append(&mut parsed(field)),
    }
}

fn parsed(field: &str) -> Vec<Address> {
    let mut parser = Parser {
        rest: field.chars().peekable(),
        list: Vec::new(),
        pending: Pending::default(),
        in_group: false,
    };
    while let Some(character) = parser.rest.next() {
        parser.take(character);
    }
    parser.flush();
    if parser.in_group {
        parser.list.push(Address::default());
    }
    parser.list
}

/// The one address of a field in the usual form, `Ada Fern <ada@home.test>` or `ada@home.test`; `None` for any other.
fn simple(field: &str, whole: &Foreign) -> Option<Address> {
    let bytes = field.as_bytes();
    let (mut open, mut at, mut before) = (None, None, 0);
    for (place, &byte) in bytes.iter().enumerate() {
        match byte {
            b'<' if open.is_none() && at.is_none() => open = Some(place),
            b'@' if at.is_none() => at = Some(place),
            b'>' if open.is_some() && place + 1 == bytes.len() => {}
            // In the specification nothing is blank, in the name no blanks meet.
            b' ' if open.is_none() && at.is_none() && before != b' ' => {}
            _ if USUAL[usize::from(byte)] => {}
            _ => return None,
        }
        before = byte;
    }
    let at = at?;
    let (name, start, end) = match open {
        Some(open) if before == b'>' => (field.get(..open)?.trim(), open + 1, bytes.len() - 1),
        None if memchr(b' ', bytes).is_none() => ("", 0, bytes.len()),
        _ => return None,
    };
    let (mailbox, host) = (field.get(start..at)?, field.get(at + 1..end)?);
    if mailbox.is_empty() || host.is_empty() {
        return None;
    }
    Some(Address {
        name: (!name.is_empty()).then(|| whole.part(name)),
        mailbox: Some(whole.part(mailbox)),
        host: Some(whole.part(host)),
    })
}

/// The bytes of words that need no quotes and mean nothing else in an address.
const USUAL: [bool; 256] = {
    let mut usual = [false; 256];
    let mut byte = 0;
    while byte < usual.len() {
        usual[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(
                byte as u8,
                b'.' | b'_' | b'-' | b'+' | b'\'' | b'!' | b'/' | b'='
            );
        byte += 1;
    }
    usual
};

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    list: Vec<Address>,
    pending: Pending,
    in_group: bool,
}

/// What was read of the address that is not finished yet.
#[derive(Default)]
struct Pending {
    /// Words outside of angle brackets, quotes resolved, blanks as single ones.
    phrase: String,
    /// Where the phrase's last word with an unquoted `@` starts.
    bare: Option<usize>,
    /// Where that word ends, once it has.
    bare_end: Option<usize>,
    /// Where the phrase's last word starts.
    word: usize,
    /// Where the word before that starts.
    word_before: usize,
    /// What the angle brackets held.
    angle: Option<Spec>,
    /// The last comment.
    comment: String,
}

/// `mailbox@host`, quotes resolved.
#[derive(Default)]
struct Spec {
    mailbox: String,
    host: Option<String>,
}

impl Parser<'_> {
    fn take(&mut self, character: char) {
        match character {
            '"' => {
                let text = quoted(&mut self.rest);
                self.pending.phrase.push_str(&text);
            }
            '(' => self.pending.comment = comment(&mut self.rest),
            '<' if self.pending.angle.is_none() => self.pending.angle = Some(angle(&mut self.rest)),
            ',' => self.flush(),
            ';' if self.in_group => self.end_group(),
            ':' if !self.in_group && self.pending.names_group() => self.start_group(),
            blank if blank.is_whitespace() => self.pending.blank(),
            '@' => self.pending.at_sign(),
            other => self.pending.phrase.push(other),
        }
    }

    fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.list.extend(pending.finish());
    }

    fn start_group(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.in_group = true;
        self.list.push(Address {
            mailbox: Some(Foreign::new(encoded_words(pending.phrase.trim()))),
            ..Address::default()
        });
    }

    fn end_group(&mut self) {
        self.flush();
        self.in_group = false;
        self.list.push(Address::default());
    }
}

impl Pending {
    fn names_group(&self) -> bool {
        self.angle.is_none() && self.bare.is_none() && !self.phrase.trim().is_empty()
    }

    /// Blanks around an `@` do not part words: they belong to the obsolete syntax of one address.
    fn at_sign(&mut self) {
        if self.phrase.ends_with(' ') {
            self.phrase.pop();
            self.word = self.word_before;
        }
        self.bare = Some(self.word);
        self.bare_end = None;
        self.phrase.push('@');
    }

    fn blank(&mut self) {
        if self.phrase.is_empty() || self.phrase.ends_with([' ', '@']) {
            return;
        }
        if self.bare.is_some() && self.bare_end.is_none() {
            self.bare_end = Some(self.phrase.len());
        }
        self.phrase.push(' ');
        self.word_before = self.word;
        self.word = self.phrase.len();
    }

    fn finish(self) -> Option<Address> {
        let phrase = self.phrase.trim();
        let comment = self.comment.trim();
        let name = |text: &str| (!text.is_empty()).then(|| Foreign::new(encoded_words(text)));
        if let Some(spec) = self.angle {
            let name = name(phrase).or_else(|| name(comment));
            let nothing = name.is_none() && spec.mailbox.is_empty() && spec.host.is_none();
            return (!nothing).then(|| spec.address(name));
        }
        let Some(start) = self.bare else {
            let spec = Spec {
                mailbox: phrase.to_owned(),
                host: None,
            };
            return (!phrase.is_empty()).then(|| spec.address(name(comment)));
        };
        let end = self.bare_end.unwrap_or(self.phrase.len());
        let before = self.phrase.get(..start).unwrap_or_default();
        let spec = Spec::split(self.phrase.get(start..end).unwrap_or_default());
        let name = name(before.trim()).or_else(|| name(comment));
        Some(spec.address(name))
    }
}

impl Spec {
    /// Whether what was read so far is `@host,@host`, the way that a message should take, which nobody follows.
    fn is_route(&self) -> bool {
        self.host.is_some() && (self.mailbox.is_empty() || self.mailbox.starts_with('@'))
    }

    fn split(text: &str) -> Self {
        match text.rsplit_once('@') {
            Some((mailbox, host)) => Self {
                mailbox: mailbox.to_owned(),
                host: Some(host.to_owned()),
            },
            None => Self {
                mailbox: text.to_owned(),
                host: None,
            },
        }
    }

    fn address(self, name: Option<Foreign>) -> Address {
        let bad = |character: char| character.is_whitespace() || character.is_control();
        let host = self
            .host
            .filter(|host| !host.is_empty() && !host.contains(bad));
        Address {
            name,
            mailbox: Some(Foreign::new(self.mailbox)),
            host: host.map(Foreign::new),
        }
    }
}

/// The rest of a quoted string, its opening quote taken already.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(character) = rest.next() {
        match character {
            '"' => break,
            '\\' => text.extend(rest.next()),
            other => text.push(other),
        }
    }
    text
}

/// The rest of a comment with the comments in it, its opening parenthesis taken already.
fn comment(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    let mut depth = 1usize;
    while let Some(character) = rest.next() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => {
                text.extend(rest.next());
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        text.push(character);
    }
    text
}

/// What angle brackets hold, the opening one taken already: a route is dropped, comments and blanks too.
fn angle(rest: &mut Peekable<Chars<'_>>) -> Spec {
    let mut spec = Spec::default();
    let mut current = String::new();
    while let Some(character) = rest.next() {
        match character {
            '>' => break,
            '"' => current.push_str(&quoted(rest)),
            '(' => drop(comment(rest)),
            ':' if spec.is_route() => {
                spec = Spec::default();
                current.clear();
            }
            '@' => {
                if spec.host.take().is_some() {
                    spec.mailbox.push('@');
                }
                spec.mailbox.push_str(&current);
                current.clear();
                spec.host = Some(String::new());
            }
            blank if blank.is_whitespace() => {}
            other => current.push(other),
        }
    }
    match &mut spec.host {
        Some(host) => *host = current,
        None => spec.mailbox = current,
    }
    spec
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    fn read(field: &str) -> Vec<String> {
        let shown = |text: &Option<Foreign>| text.as_ref().map_or("-", Foreign::raw).to_owned();
        let one = |address: &Address| {
            [&address.name, &address.mailbox, &address.host]
                .map(shown)
                .join("|")
        };
        addresses(field).iter().map(one).collect()
    }

    #[test]
    fn addresses_in_all_their_forms() {
        let table: [(&str, &[&str]); 18] = [
            ("ada@home.test", &["-|ada|home.test"]),
            ("Ada Fern <ada@home.test>", &["Ada Fern|ada|home.test"]),
            (
                "\"Fern, Ada\" <ada@home.test>, b@c",
                &["Fern, Ada|ada|home.test", "-|b|c"],
            ),
            ("ada@home.test (Ada Fern)", &["Ada Fern|ada|home.test"]),
            ("(a(b)c) ada @ home.test", &["a(b)c|ada|home.test"]),
            ("<@x,@y:ada@home.test>", &["-|ada|home.test"]),
            ("<@x:ada@home.test>", &["-|ada|home.test"]),
            ("\"a b\"@home.test", &["-|a b|home.test"]),
            ("ada", &["-|ada|-"]),
            ("Ada <ada>", &["Ada|ada|-"]),
            ("Ada <ada@>", &["Ada|ada|-"]),
            ("Ada <ada@home.test", &["Ada|ada|home.test"]),
            ("Ada ada@home.test", &["Ada|ada|home.test"]),
            (
                "club: a@b, C <c@d>;, e@f",
                &["-|club|-", "-|a|b", "C|c|d", "-|-|-", "-|e|f"],
            ),
            (
                "undisclosed-recipients:;",
                &["-|undisclosed-recipients|-", "-|-|-"],
            ),
            ("=?utf-8?q?Zo=C3=AB?= <zoe@x>", &["Zo\u{eb}|zoe|x"]),
            (",, ,<>", &[]),
            ("a@[127.0.0.1]", &["-|a|[127.0.0.1]"]),
        ];
        for (field, expected) in table {
            assert_eq!(read(field), expected, "{field}");
        }
    }

    #[test]
    fn the_usual_form_is_read_as_the_whole_parser_reads_it() {
        for field in [
            "ada@home.test",
            "Ada Fern <ada@home.test>",
            "<ada@home.test>",
            "Ada<ada@home.test>",
            "O'Hara Ann-Marie <a.b+c/d=e@x-y.test>",
        ] {
            let plain = simple(field, &Foreign::default()).expect(field);
            assert_eq!(parsed(field), [plain], "{field}");
        }
        for odd in [
            "a@b c",
            "a <b@c> d",
            "a b@c",
            "x <a@b@c>",
            "a@b,c@d",
            "(x) a@b",
            "",
        ] {
            assert_eq!(simple(odd, &Foreign::default()), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn what_counts_as_usual_is_read_alike(field in "[aB =.<@>]{0,12}") {
            let field = field.trim();
            if let Some(plain) = simple(field, &Foreign::default()) {
                prop_assert_eq!(parsed(field), [plain]);
            }
        }
    }

    #[test]
    fn an_encoded_word_cannot_pose_as_an_address() {
        let word = "=?utf-8?q?potus=40whitehouse.gov?=";
        assert_eq!(
            read(&format!("{word}@evil.test")),
            [format!("-|{word}|evil.test")]
        );
        let named = read(&format!("{word} <x@evil.test>"));
        assert_eq!(named, ["potus@whitehouse.gov|x|evil.test"]);
    }
}
