//! What a server says of how a message is made (BODYSTRUCTURE; RFC 3501, 7.4.2): which parts there are, and how large each is.
//!
//! Names, descriptions and the like are left alone: they are read from the headers of the parts, where nothing is lost.

use crate::wire::imap::cursor::{Cursor, Text};

/// How deep parts may lie in each other.
const DEEPEST: usize = 50;
/// A message of more parts is not taken apart.
const MOST: usize = 1000;

/// A part, and what is below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Structure {
    /// `TEXT`, `MULTIPART`, in capitals.
    pub media_type: String,
    /// `PLAIN`, `MIXED`, in capitals.
    pub subtype: String,
    /// What parts the children of a multipart.
    pub boundary: Option<String>,
    /// Octets as stored.
    pub octets: u64,
    /// Whether it is there to be saved and not to be seen.
    pub is_attachment: bool,
    /// The parts of a multipart, the body of a message.
    pub children: Vec<Structure>,
}

impl Structure {
    /// Reads a structure; `None` where it does not keep to the grammar, or has too many parts.
    pub fn parse(mut cursor: Cursor<'_>) -> Option<Self> {
        let mut left = MOST;
        body(&mut cursor, DEEPEST, &mut left)
    }

    /// Whether it is a message with a header and a body of its own.
    pub fn is_message(&self) -> bool {
        self.media_type == "MESSAGE" && self.subtype == "RFC822"
    }

    /// Whether it is made of parts.
    pub fn is_multipart(&self) -> bool {
        self.media_type == "MULTIPART"
    }
}

/// Recursion is bounded by `depth`.
fn body(cursor: &mut Cursor<'_>, depth: usize, left: &mut usize) -> Option<Structure> {
    *left = left.checked_sub(1)?;
    let depth = depth.checked_sub(1)?;
    cursor.blanks();
    if !cursor.enter() {
        return None;
    }
    cursor.blanks();
    let found = match cursor.peek()? {
        b'(' => multipart(cursor, depth, left),
        _ => leaf(cursor, depth, left),
    }?;
    // What newer servers add is nothing that is needed here.
    while !cursor.leaves() {
        cursor.skip().then_some(())?;
    }
    Some(found)
}

fn multipart(cursor: &mut Cursor<'_>, depth: usize, left: &mut usize) -> Option<Structure> {
    let mut children = Vec::new();
    loop {
        cursor.blanks();
        if cursor.peek() != Some(b'(') {
            break;
        }
        children.push(body(cursor, depth, left)?);
    }
    let subtype = upper(cursor)?;
    let boundary = parameters(cursor)?;
    Some(Structure {
        media_type: "MULTIPART".to_owned(),
        subtype,
        boundary,
        octets: 0,
        is_attachment: disposition(cursor)?,
        children,
    })
}

fn leaf(cursor: &mut Cursor<'_>, depth: usize, left: &mut usize) -> Option<Structure> {
    let media_type = upper(cursor)?;
    let subtype = upper(cursor)?;
    parameters(cursor)?;
    for _id_description_encoding in 0..3 {
        text(cursor)?;
    }
    cursor.blanks();
    let octets = number(cursor)?;
    let mut found = Structure {
        media_type,
        subtype,
        boundary: None,
        octets,
        is_attachment: false,
        children: Vec::new(),
    };
    if found.is_message() {
        cursor.skip().then_some(())?;
        found.children.push(body(cursor, depth, left)?);
    }
    if found.is_message() || found.media_type == "TEXT" {
        cursor.blanks();
        number(cursor)?;
    }
    if !ends(cursor) {
        let _digest = text(cursor)?;
        found.is_attachment = disposition(cursor)?;
    }
    Some(found)
}

/// A number; `NIL` and negative ones, which some write, are none.
fn number(cursor: &mut Cursor<'_>) -> Option<u64> {
    if cursor.peek()?.is_ascii_digit() {
        return cursor.number();
    }
    cursor.skip().then_some(0)
}

fn ends(cursor: &mut Cursor<'_>) -> bool {
    cursor.blanks();
    matches!(cursor.peek(), None | Some(b')'))
}

fn text(cursor: &mut Cursor<'_>) -> Option<String> {
    cursor.blanks();
    match cursor.text()? {
        Text::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Text::Nil | Text::HandedOut(_) => Some(String::new()),
    }
}

fn upper(cursor: &mut Cursor<'_>) -> Option<String> {
    text(cursor).map(|text| text.to_ascii_uppercase())
}

/// The value of `boundary` in a list of parameters, which may be `NIL`, or missing at the end of a structure.
#[expect(clippy::option_option, reason = "there is none, or it cannot be read")]
fn parameters(cursor: &mut Cursor<'_>) -> Option<Option<String>> {
    if ends(cursor) {
        return Some(None);
    }
    if !cursor.enter() {
        return cursor.skip().then_some(None);
    }
    let mut boundary = None;
    while !cursor.leaves() {
        let name = upper(cursor)?;
        let value = text(cursor)?;
        if name == "BOUNDARY" {
            boundary = Some(value);
        }
    }
    Some(boundary)
}

/// Whether a disposition is `attachment`. Some write the word alone, without its parameters.
fn disposition(cursor: &mut Cursor<'_>) -> Option<bool> {
    if ends(cursor) {
        return Some(false);
    }
    if !cursor.enter() {
        return text(cursor).map(|word| word.eq_ignore_ascii_case("attachment"));
    }
    let word = text(cursor)?;
    while !cursor.leaves() {
        cursor.skip().then_some(())?;
    }
    Some(word.eq_ignore_ascii_case("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::imap::cursor::Raw;

    fn parse(text: &str) -> Option<Structure> {
        Structure::parse(Raw::whole(text.as_bytes()).cursor())
    }

    /// `multipart/mixed(text/plain 5, …)`.
    fn shape(structure: &Structure) -> String {
        let name = format!("{}/{}", structure.media_type, structure.subtype).to_lowercase();
        let mark = if structure.is_attachment { "!" } else { "" };
        let children: Vec<String> = structure.children.iter().map(shape).collect();
        let inside = match children.is_empty() {
            true => String::new(),
            false => format!("({})", children.join(", ")),
        };
        format!("{name} {}{mark}{inside}", structure.octets)
    }

    #[test]
    fn structures_are_read_as_servers_write_them() {
        for (text, expected) in [
            (
                "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 92)",
                "text/plain 3028",
            ),
            (
                "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 12 1 NIL NIL NIL NIL)(\"application\" \"pdf\" (\"name\" {3}\r\na)b) \
                 \"<x@y>\" \"a \\\"b\\\"\" \"base64\" 4096 NIL (\"attachment\" (\"filename\" \"b\")) NIL NIL) \
                 \"mixed\" (\"boundary\" \"=_x\") NIL NIL NIL)",
                "multipart/mixed 0(text/plain 12, application/pdf 4096!)",
            ),
            (
                "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 300 \
                 (NIL \"x)\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"html\" NIL NIL NIL \"8bit\" 200 4) 9) \"digest\")",
                "multipart/digest 0(text/plain 1, message/rfc822 300(text/html 200))",
            ),
            // What Exchange, mail.ru and others make of it.
            (
                "(\"image\" \"png\" NIL NIL NIL NIL 12.0 NIL \"attachment\" NIL)",
                "image/png 12!",
            ),
            ("(\"audio\" NIL NIL NIL NIL \"x\" -1)", "audio/ 0"),
            (
                "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1) \"mixed\" NIL)",
                "multipart/mixed 0(text/plain 1)",
            ),
            (
                "(\"text\" \"plain\" (\"boundary\" NIL) NIL NIL \"7bit\" 1 1 NIL NIL NIL NIL (\"more\" (1)))",
                "text/plain 1",
            ),
        ] {
            let found = parse(text).map(|it| shape(&it));
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
        let mixed = parse(
            "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1) \"mixed\" (\"A\" \"b\" \"Boundary\" \"c d\"))",
        );
        assert_eq!(mixed.expect("whole").boundary.as_deref(), Some("c d"));
    }

    #[test]
    fn what_is_no_structure_is_refused() {
        let deep = format!("{}{}", "(".repeat(100_000), ")".repeat(100_000));
        let part = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)";
        let wide = format!("({} \"mixed\")", part.repeat(2000));
        for text in [
            "",
            "NIL",
            "(",
            "()",
            "(\"text\")",
            "(\"text\" \"plain\" NIL NIL NIL \"7bit\"",
            "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 300)",
            &deep,
            &wide,
        ] {
            assert_eq!(parse(text), None, "{}", text.get(..60).unwrap_or(text));
        }
    }
}
