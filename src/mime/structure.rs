//! The body structure of a message, and its parts.

use crate::mail::outline::{Outline, PartKind};
use crate::mail::structure::{BodyStructure, Content, Section};
use crate::mail::text::Foreign;
use crate::mime::decode::decoded;
use crate::mime::header::envelope;
use crate::mime::tree::{About, Kind, Node, tree};

/// The structure of `message`, whose lines end in CRLF. Never fails: what cannot be understood is plain text.
pub fn body_structure(message: &[u8]) -> BodyStructure {
    let nodes = tree(message);
    structure(message, &nodes, 0)
}

/// The structure of a message in outline.
pub fn outlined_structure(outline: &Outline) -> BodyStructure {
    let mut structure = body_structure(&outline.message);
    let is_multipart = matches!(structure.content, Content::Multipart(_));
    let section = match is_multipart {
        true => Section::default(),
        false => Section(vec![1]),
    };
    give_sizes(&mut structure, &section, outline);
    structure
}

/// Gives parts the sizes that they have where they are stored, and tells how much of this one is not here. Recursion is
/// bounded by [`crate::mime::tree::DEEPEST`].
fn give_sizes(part: &mut BodyStructure, section: &Section, outline: &Outline) -> u64 {
    let here = part.size;
    if let Some(octets) = outline.octets(section)
        && !matches!(part.content, Content::Multipart(_))
    {
        part.size = octets;
        part.lines = None;
    }
    match &mut part.content {
        Content::Leaf => {}
        Content::Multipart(parts) => {
            let parts = parts.iter_mut().zip(1..);
            let missing =
                parts.map(|(part, number)| give_sizes(part, &section.part(number), outline));
            part.size += missing.sum::<u64>();
        }
        Content::Message(_, body) => {
            match body.content {
                Content::Multipart(_) => give_sizes(body, section, outline),
                _ => give_sizes(body, &section.part(1), outline),
            };
        }
    }
    part.size.saturating_sub(here)
}

/// Whether an outline has the parts that it says it has, and those that were left out are empty in it.
pub fn holds_together(outline: &Outline) -> bool {
    let nodes = tree(&outline.message);
    let is_empty = |section: &Section| {
        let node = find(&nodes, section).and_then(|place| nodes.get(place));
        node.is_some_and(|node| node.kind == Kind::Leaf && node.body.is_empty())
    };
    let kinds = nodes.iter().map(|node| match node.kind {
        Kind::Leaf => PartKind::Data,
        Kind::Multipart => PartKind::Parts,
        Kind::Message => PartKind::Message,
    });
    kinds.eq(outline.parts.iter().copied()) && outline.left_out.iter().all(|it| is_empty(&it.0))
}

/// The transfer encoding of one part, in capitals; `None` where there is no such part.
pub fn encoding(message: &[u8], section: &Section) -> Option<String> {
    let mut nodes = tree(message);
    let place = find(&nodes, section)?;
    let node = nodes.get_mut(place)?;
    Some(std::mem::take(&mut node.about.encoding))
}

/// The decoded content of one part of `message`; `None` where there is no such part. The empty section is the whole message.
pub fn section(message: &[u8], section: &Section) -> Option<Vec<u8>> {
    if section.0.is_empty() {
        return Some(message.to_vec());
    }
    let nodes = tree(message);
    let node = nodes.get(find(&nodes, section)?)?;
    let body = message.get(node.body.clone())?;
    Some(decoded(&node.about.encoding, body))
}

/// The node that a section names. Number 1 of a message that is no multipart is its text.
pub fn find(nodes: &[Node], section: &Section) -> Option<usize> {
    let mut place = 0;
    let mut is_message = true;
    for &number in &section.0 {
        let mut node = nodes.get(place)?;
        if node.kind == Kind::Message && !is_message {
            place = *node.children.first()?;
            node = nodes.get(place)?;
            is_message = true;
        }
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        match node.kind {
            Kind::Multipart => place = *node.children.get(index)?,
            _ if is_message && index == 0 => {}
            _ => return None,
        }
        is_message = false;
    }
    Some(place)
}

/// Recursion is bounded by [`crate::mime::tree::DEEPEST`].
fn structure(message: &[u8], nodes: &[Node], place: usize) -> BodyStructure {
    let Some(node) = nodes.get(place) else {
        return nothing();
    };
    let body = message.get(node.body.clone()).unwrap_or_default();
    let content = content(message, nodes, node);
    let counts_lines = node.about.media_type == "TEXT" || matches!(content, Content::Message(..));
    BodyStructure {
        size: body.len() as u64,
        lines: counts_lines.then(|| line_count(body)),
        content,
        ..described(&node.about)
    }
}

/// How many lines end in `bytes`.
pub fn line_count(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn content(message: &[u8], nodes: &[Node], node: &Node) -> Content {
    match node.kind {
        Kind::Leaf => Content::Leaf,
        Kind::Multipart => {
            let children = node.children.iter();
            let mut parts: Vec<BodyStructure> = children
                .map(|&child| structure(message, nodes, child))
                .collect();
            if parts.is_empty() {
                parts.push(nothing());
            }
            Content::Multipart(parts)
        }
        Kind::Message => {
            let inner = node.children.first().copied();
            let header = inner.and_then(|inner| nodes.get(inner));
            let header = header.and_then(|inner| message.get(inner.header.clone()));
            let envelope = envelope(header.unwrap_or_default());
            let body = structure(message, nodes, inner.unwrap_or(usize::MAX));
            Content::Message(Box::new(envelope), Box::new(body))
        }
    }
}

/// An empty text, which stands for a part that is not there.
fn nothing() -> BodyStructure {
    let about = About {
        media_type: "TEXT".to_owned(),
        subtype: "PLAIN".to_owned(),
        encoding: "7BIT".to_owned(),
        ..About::default()
    };
    described(&about)
}

fn described(about: &About) -> BodyStructure {
    let is_text = about.media_type == "TEXT";
    let mut parameters = about.content_type.foreign();
    if is_text && about.content_type.parameter("CHARSET").is_none() {
        parameters.push((Foreign::new("CHARSET"), Foreign::new("US-ASCII")));
    }
    let disposition = about.disposition.as_ref();
    BodyStructure {
        media_type: Foreign::new(about.media_type.as_str()),
        subtype: Foreign::new(about.subtype.as_str()),
        parameters,
        id: about.id.clone().map(Foreign::new),
        description: about.description.clone().map(Foreign::new),
        encoding: Foreign::new(about.encoding.as_str()),
        size: 0,
        lines: is_text.then_some(0),
        disposition: disposition.map(|disposition| {
            let kind = disposition.value.to_ascii_uppercase();
            (Foreign::new(kind), disposition.foreign())
        }),
        content: Content::Leaf,
    }
}
