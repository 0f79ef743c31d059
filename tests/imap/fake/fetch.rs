//! What FETCH asks of a message, by levels, and how it is answered.

use crate::fake::Level;
use crate::fake::content::{chosen_fields, envelope, literal, parts, structure};
use crate::fake::store::Message;
use crate::fake::words::{Outcome, Refusal, Words};

/// Something that is asked of a message.
pub(crate) enum Item {
    Uid,
    Flags,
    InternalDate,
    Size,
    Envelope,
    /// BODY or BODYSTRUCTURE, as it was called.
    Structure(&'static str),
    Content(Content),
}

/// Bytes of a message.
pub(crate) struct Content {
    /// What the answer is called.
    label: String,
    section: Section,
    /// Whether asking for it marks the message as read.
    marks: bool,
    /// Where the wanted piece begins, and how long it is at most.
    piece: Option<(usize, usize)>,
}

enum Section {
    Whole,
    Header,
    Text,
    /// Fields of these names, in lower case.
    Fields(Vec<String>),
    /// All fields but these.
    OtherFields(Vec<String>),
    /// A part that no message here has.
    Missing,
}

impl Item {
    /// Whether asking for it marks the message as read.
    pub(crate) fn marks(&self) -> bool {
        matches!(self, Self::Content(content) if content.marks)
    }

    /// The same item, of which only a piece is wanted, as PARTIAL has it.
    pub(crate) fn piece(self, offset: usize, length: usize) -> Outcome<Self> {
        match self {
            Self::Content(content) => Ok(Self::Content(Content {
                piece: Some((offset, length)),
                ..content
            })),
            _ => Err(Refusal::Bad),
        }
    }

    /// Its name and its value.
    pub(crate) fn answer(&self, message: &Message, flags: &str) -> Vec<u8> {
        let bytes = &message.bytes;
        match self {
            Self::Uid => format!("UID {}", message.uid).into_bytes(),
            Self::Flags => format!("FLAGS {flags}").into_bytes(),
            Self::InternalDate => format!("INTERNALDATE \"{}\"", message.date).into_bytes(),
            Self::Size => format!("RFC822.SIZE {}", bytes.len()).into_bytes(),
            Self::Envelope => [b"ENVELOPE ".to_vec(), envelope(bytes)].concat(),
            Self::Structure(name) => [format!("{name} ").into_bytes(), structure(bytes)].concat(),
            Self::Content(content) => content.answer(bytes),
        }
    }
}

impl Content {
    fn answer(&self, message: &[u8]) -> Vec<u8> {
        let (header, text) = parts(message);
        let bytes = match &self.section {
            Section::Whole => message.to_vec(),
            Section::Header => header.to_vec(),
            Section::Text => text.to_vec(),
            Section::Fields(names) => chosen_fields(message, names, false),
            Section::OtherFields(names) => chosen_fields(message, names, true),
            Section::Missing => return format!("{} NIL", self.label).into_bytes(),
        };
        let (offset, length) = self.piece.unwrap_or((0, bytes.len()));
        let start = offset.min(bytes.len());
        let end = offset.saturating_add(length).min(bytes.len());
        [
            format!("{} ", self.label).into_bytes(),
            literal(&bytes[start..end]),
        ]
        .concat()
    }
}

/// One item, a list of them, or a word that stands for several.
pub(crate) fn items(words: &mut Words<'_>, level: Level) -> Outcome<Vec<Item>> {
    if words.opens() {
        let mut items = Vec::new();
        while !words.closes() {
            items.push(item(words, level)?);
        }
        return Ok(items);
    }
    let fast = [Item::Flags, Item::InternalDate, Item::Size];
    let mut items = Vec::from(fast);
    if words.skips("FAST") {
        return Ok(items);
    }
    items.push(Item::Envelope);
    if words.skips("ALL") {
        return Ok(items);
    }
    items.push(Item::Structure("BODY"));
    if level >= Level::Imap2bis && words.skips("FULL") {
        return Ok(items);
    }
    Ok(vec![item(words, level)?])
}

/// One item.
pub(crate) fn item(words: &mut Words<'_>, level: Level) -> Outcome<Item> {
    let name = words.verb()?;
    let is_old = level < Level::Rev2;
    let is_1730 = level == Level::Imap4;
    Ok(match name.as_str() {
        "FLAGS" => Item::Flags,
        "INTERNALDATE" => Item::InternalDate,
        "RFC822.SIZE" => Item::Size,
        "ENVELOPE" => Item::Envelope,
        "UID" if level >= Level::Imap4 => Item::Uid,
        "BODY" if level >= Level::Imap2bis => Item::Structure("BODY"),
        "BODYSTRUCTURE" if level >= Level::Imap4 => Item::Structure("BODYSTRUCTURE"),
        "RFC822" if is_old => whole("RFC822", Section::Whole, true),
        "RFC822.HEADER" if is_old => whole("RFC822.HEADER", Section::Header, false),
        "RFC822.TEXT" if is_old => whole("RFC822.TEXT", Section::Text, true),
        "RFC822.PEEK" if is_1730 => whole("RFC822", Section::Whole, false),
        "RFC822.TEXT.PEEK" if is_1730 => whole("RFC822.TEXT", Section::Text, false),
        "RFC822.HEADER.LINES" if is_1730 => {
            let names = lower(words.atoms()?);
            whole("RFC822.HEADER", Section::Fields(names), false)
        }
        "RFC822.HEADER.LINES.NOT" if is_1730 => {
            let names = lower(words.atoms()?);
            whole("RFC822.HEADER", Section::OtherFields(names), false)
        }
        name => bracketed(name, level)?,
    })
}

fn whole(label: &str, section: Section, marks: bool) -> Item {
    Item::Content(Content {
        label: label.to_owned(),
        section,
        marks,
        piece: None,
    })
}

/// `BODY[…]` and `BODY.PEEK[…]`, from rev1 on with `<offset.length>` behind it.
fn bracketed(name: &str, level: Level) -> Outcome<Item> {
    let marking = name.strip_prefix("BODY[");
    let peeking = name.strip_prefix("BODY.PEEK[");
    let (rest, marks) = match (marking, peeking) {
        (Some(rest), _) if level >= Level::Imap2bis => (rest, true),
        (_, Some(rest)) if level >= Level::Imap4 => (rest, false),
        _ => return Err(Refusal::Bad),
    };
    let (inside, behind) = rest.split_once(']').ok_or(Refusal::Bad)?;
    let piece = match behind {
        "" => None,
        behind if level >= Level::Rev1 => Some(piece(behind).ok_or(Refusal::Bad)?),
        _ => return Err(Refusal::Bad),
    };
    let origin = piece.map_or_else(String::new, |piece| format!("<{}>", piece.0));
    Ok(Item::Content(Content {
        label: format!("BODY[{inside}]{origin}"),
        section: section(inside, level)?,
        marks,
        piece,
    }))
}

fn piece(text: &str) -> Option<(usize, usize)> {
    let inside = text.strip_prefix('<')?.strip_suffix('>')?;
    let (offset, length) = inside.split_once('.')?;
    let (offset, length): (usize, usize) = (offset.parse().ok()?, length.parse().ok()?);
    (length > 0).then_some((offset, length))
}

fn section(inside: &str, level: Level) -> Outcome<Section> {
    let is_modern = level >= Level::Rev1;
    if let Some(rest) = inside.strip_prefix("HEADER.FIELDS")
        && is_modern
    {
        let (list, not) = match rest.strip_prefix(".NOT") {
            Some(list) => (list, true),
            None => (rest, false),
        };
        let list = list.strip_prefix(" (").and_then(|it| it.strip_suffix(')'));
        let names = list.ok_or(Refusal::Bad)?.split(' ').map(str::to_owned);
        let names = lower(names.collect());
        return Ok(match not {
            true => Section::OtherFields(names),
            false => Section::Fields(names),
        });
    }
    let is_part = !inside.is_empty() && inside.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    match inside {
        "" if is_modern => Ok(Section::Whole),
        "HEADER" if is_modern => Ok(Section::Header),
        "TEXT" if is_modern => Ok(Section::Text),
        "0" if level == Level::Imap4 => Ok(Section::Header),
        "0" => Err(Refusal::Bad),
        "1" => Ok(Section::Text),
        _ if is_part => Ok(Section::Missing),
        _ => Err(Refusal::Bad),
    }
}

fn lower(names: Vec<String>) -> Vec<String> {
    names.iter().map(|it| it.to_ascii_lowercase()).collect()
}
