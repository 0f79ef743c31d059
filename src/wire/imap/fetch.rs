//! What FETCH tells of one message (RFC 3501, 7.4.2), its attributes in whatever order.

use crate::mail::date::InternalDate;
use crate::wire::imap::cursor::{Cursor, Text};
use crate::wire::imap::status::flag_names;
use crate::wire::imap::structure::Structure;

use jiff::tz::TimeZone;

/// What was told of one message; what was not told is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fetched<'a> {
    /// Its UID.
    pub uid: Option<u32>,
    /// Its flags and keywords, as written.
    pub flags: Option<Vec<String>>,
    /// When it arrived.
    pub internal_date: Option<InternalDate>,
    /// Its octets, which with some servers is a guess.
    pub size: Option<u64>,
    /// Its mod-sequence (RFC 7162).
    pub mod_seq: Option<u64>,
    /// Parts of it.
    pub bodies: Vec<Body<'a>>,
    /// How it is made, where that could be understood.
    pub structure: Option<Structure>,
    /// Whether all of it could be read.
    pub is_whole: bool,
}

/// A part of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body<'a> {
    /// What it is called, without an offset, in any letter case inside brackets: `BODY[1.2]`, `RFC822.HEADER`.
    pub name: String,
    /// Where a piece of it begins.
    pub offset: Option<u64>,
    /// Its bytes.
    pub text: Text<'a>,
}

impl<'a> Fetched<'a> {
    /// Reads the list behind `FETCH`. What a server writes that nobody understands ends the reading, and what was understood
    /// before it stays.
    pub fn parse(mut cursor: Cursor<'a>) -> Self {
        let mut fetched = Self::default();
        cursor.blanks();
        if !cursor.enter() {
            return fetched;
        }
        loop {
            cursor.blanks();
            match cursor.peek() {
                // The end of a response with a gap is not there yet.
                None => break,
                // Some write a second pair around what they tell.
                Some(b'(' | b')') => {
                    let byte = cursor.peek().unwrap_or_default();
                    cursor.take(byte);
                }
                Some(_) => {
                    if !fetched.attribute(&mut cursor) {
                        return fetched;
                    }
                }
            }
        }
        fetched.is_whole = true;
        fetched
    }

    /// Reads one attribute and its value; `false` where it cannot be read.
    fn attribute(&mut self, cursor: &mut Cursor<'a>) -> bool {
        let word = cursor.run(|byte| !b" ()[\"{".contains(&byte));
        let mut name = String::from_utf8_lossy(word).to_ascii_uppercase();
        if name.is_empty() {
            return false;
        }
        if cursor.take(b'[') {
            let section = cursor.run(|byte| byte != b']');
            name = format!("{name}[{}]", String::from_utf8_lossy(section));
            if !cursor.take(b']') {
                return false;
            }
        }
        let offset = cursor.take(b'<').then(|| {
            let offset = cursor.number();
            let _length = cursor.run(|byte| byte != b'>' && byte != b' ');
            cursor.take(b'>');
            offset
        });
        cursor.blanks();
        match name.as_str() {
            "UID" => self.uid = cursor.number().and_then(|it| u32::try_from(it).ok()),
            "FLAGS" => self.flags = Some(flag_names(cursor)),
            "INTERNALDATE" => {
                self.internal_date = match cursor.text() {
                    Some(Text::Bytes(text)) => internal_date(&text),
                    Some(Text::Nil) => None,
                    _ => return false,
                };
            }
            "RFC822.SIZE" => self.size = cursor.number(),
            "MODSEQ" => {
                let listed = cursor.enter();
                self.mod_seq = cursor.number().filter(|&it| it > 0);
                let _sign = cursor.word();
                if listed {
                    cursor.leaves();
                }
            }
            "BODYSTRUCTURE" => {
                self.structure = Structure::parse(*cursor);
                return cursor.skip();
            }
            _ if is_body(&name) => {
                let Some(text) = cursor.text() else {
                    return cursor.skip();
                };
                let offset = offset.flatten();
                self.bodies.push(Body { name, offset, text });
            }
            _ => return cursor.skip(),
        }
        true
    }
}

/// Whether an attribute is a part of the message, and not a description of it.
fn is_body(name: &str) -> bool {
    let front = name.split('[').next().unwrap_or_default();
    let bracketed = name.contains('[') && (front == "BODY" || front == "BINARY");
    bracketed || ["RFC822", "RFC822.HEADER", "RFC822.TEXT"].contains(&name)
}

/// A date as servers write it; `None` for one that is none.
fn internal_date(text: &[u8]) -> Option<InternalDate> {
    InternalDate::parse(text, &TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::imap::cursor::Raw;

    fn parse(text: &str) -> Fetched<'_> {
        Fetched::parse(Raw::whole(text.as_bytes()).cursor())
    }

    #[test]
    fn attributes_come_in_any_order_with_anything_between() {
        let text = " (FLAGS (\\Seen work) X-GM-LABELS (\"\\\\Sent\" a[b]) BODY[HEADER.FIELDS (From To)] {3}\r\na)b \
            ENVELOPE (NIL (\"x\") {2}\r\n))) RFC822.SIZE 12.0 INTERNALDATE \" 2-Mar-2026 10:20:31 +0100\" MODSEQ (7) UID 9)";
        let fetched = parse(text);
        assert!(fetched.is_whole, "{fetched:?}");
        assert_eq!(
            (fetched.uid, fetched.size, fetched.mod_seq),
            (Some(9), Some(12), Some(7))
        );
        let flags = ["\\Seen", "work"].map(str::to_owned).to_vec();
        assert_eq!(fetched.flags, Some(flags));
        assert_eq!(fetched.internal_date.map(|it| it.offset), Some(60));
        let [body] = fetched.bodies.as_slice() else {
            panic!("{fetched:?}");
        };
        assert_eq!(body.name, "BODY[HEADER.FIELDS (From To)]");
        assert_eq!(body.text, Text::Bytes(b"a)b".as_slice().into()));
    }

    #[test]
    fn what_servers_get_wrong_is_forgiven() {
        for text in [
            " ((UID 9 FLAGS NIL))",
            " (UID 9 FLAGS \\Seen)",
            " (MODSEQ 0 UID 9)",
            " (MODSEQ (0) UID 9)",
            " (MODSEQ (-1) UID 9)",
            " (INTERNALDATE \"00-Jan-0000 00:00:00 +0000\" UID 9)",
            " (INTERNALDATE NIL UID 9)",
            " (body[]<0> \"x\" UID 9)",
            " (UID 9 BODY (",
        ] {
            assert_eq!(parse(text).uid, Some(9), "{text}");
        }
        let piece = parse(" (body[1.mime]<4096> NIL uid 3)");
        let body = Body {
            name: "BODY[1.mime]".to_owned(),
            offset: Some(4096),
            text: Text::Nil,
        };
        assert_eq!(piece.bodies, [body]);
        for broken in [
            "",
            " x",
            " (",
            " (UID",
            " ([x",
            " (BODY[x",
            " (UID 99999999999)",
        ] {
            assert_eq!(parse(broken).uid, None, "{broken}");
        }
    }
}
