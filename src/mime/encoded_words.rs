//! Encoded words in header fields (RFC 2047): found by our own scanner, because its work must be linear in the field's length.
//!
//! Neighbours in one charset are joined before their bytes are decoded: many mailers cut characters in two.

use memchr::memmem;

use crate::mime::parse::{base64, charset};

/// The longest name of a charset, a language behind it included.
const LONGEST_CHARSET: usize = 60;

/// Decodes the encoded words of an unfolded field; other text stays as it is.
pub fn encoded_words(text: &str) -> String {
    if !text.contains("=?") {
        return text.to_owned();
    }
    let mut decoder = Decoder {
        text,
        end: 0,
        out: String::with_capacity(text.len()),
        charset: String::new(),
        pending: Vec::new(),
    };
    let (mut copied, mut place) = (0, 0);
    while let Some(found) = memmem::find(text.as_bytes().get(place..).unwrap_or_default(), b"=?") {
        let start = place + found;
        let Some(word) = decoder.word(start) else {
            place = start + 2;
            continue;
        };
        let between = text.get(copied..start).unwrap_or_default();
        let adjacent = !decoder.pending.is_empty() || copied > 0;
        if !(adjacent && between.trim().is_empty()) {
            decoder.flush();
            decoder.out.push_str(between);
        }
        decoder.take(&word);
        copied = word.end;
        place = word.end;
    }
    decoder.flush();
    decoder.out.push_str(text.get(copied..).unwrap_or_default());
    decoder.out
}

struct Word<'a> {
    charset: &'a str,
    is_base64: bool,
    content: &'a str,
    end: usize,
}

struct Decoder<'a> {
    text: &'a str,
    /// Where the first `?=` at or behind the last place that was asked about stands.
    end: usize,
    out: String,
    charset: String,
    /// Bytes in that charset which are not decoded yet.
    pending: Vec<u8>,
}

impl<'a> Decoder<'a> {
    /// The encoded word at `start`, where `=?` stands.
    fn word(&mut self, start: usize) -> Option<Word<'a>> {
        let rest = self.text.get(start + 2..)?;
        let window = rest.as_bytes().iter().take(LONGEST_CHARSET);
        let length = window.clone().position(|&byte| byte == b'?')?;
        let charset = rest.get(..length)?;
        let encoding = rest.get(length..length + 3)?;
        let is_base64 = match encoding {
            "?b?" | "?B?" => true,
            "?q?" | "?Q?" => false,
            _ => return None,
        };
        let from = start + 2 + length + 3;
        if self.end < from {
            let behind = self.text.as_bytes().get(from..)?;
            let found = memmem::find(behind, b"?=");
            self.end = found.map_or(usize::MAX, |found| from + found);
        }
        let content = self.text.get(from..self.end)?;
        (!charset.is_empty()).then_some(Word {
            charset: charset.split('*').next().unwrap_or_default(),
            is_base64,
            content,
            end: self.end + 2,
        })
    }

    fn take(&mut self, word: &Word<'_>) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush();
            self.charset = word.charset.to_owned();
        }
        if word.is_base64 {
            self.pending.extend(base64(word.content.as_bytes()));
        } else {
            q_decode(word.content, &mut self.pending);
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.out
                .push_str(&charset(Some(&self.charset), &self.pending));
            self.pending.clear();
        }
    }
}

/// The Q encoding: `_` is a blank, `=41` a byte; an escape that is none stays as it is.
fn q_decode(content: &str, into: &mut Vec<u8>) {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut rest = content.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, digit(tail.first()), digit(tail.get(1))) {
            (b'=', Some(high), Some(low)) => {
                into.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'_', _, _) => into.push(b' '),
            _ => into.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_join_as_rfc_2047_says() {
        let table = [
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=   =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            ("=?US-ASCII*EN?Q?Keith_Moore?= x", "Keith Moore x"),
            ("=?UTF-8?B?Wm/Dqw==?= Example", "Zo\u{eb} Example"),
            ("=?UTF-8?Q?Zo=C3?= =?utf-8?Q?=AB?=", "Zo\u{eb}"),
            ("re: =?utf-8?q?=41?=, b", "re: A, b"),
            ("plain = ?text", "plain = ?text"),
            ("=?broken", "=?broken"),
            ("=?utf-8?x?y?= =?utf-8?q?z?=", "=?utf-8?x?y?= z"),
            ("=?utf-8?q??=", ""),
        ];
        for (field, expected) in table {
            assert_eq!(encoded_words(field), expected, "{field}");
        }
    }

    #[test]
    fn words_that_never_end_cost_one_look_each() {
        for broken in ["=?utf-8?q?w ", "=?a", "=?a?b?aaaa", "=?aa?q?a=?aa?q?a_"] {
            let field = broken.repeat(100_000);
            assert_eq!(encoded_words(&field), field);
        }
    }
}
