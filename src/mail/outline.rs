//! A message without what a reader does not see at once.

use crate::mail::structure::Section;

/// A message in which the contents of some parts are left out: where they would be, there is nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outline {
    /// Its bytes, without those contents.
    pub message: Vec<u8>,
    /// The parts that were left out, each with its octets as stored, still encoded.
    pub left_out: Vec<(Section, u64)>,
    /// The messages in it, each with its octets as stored: there may be fewer here.
    pub messages: Vec<(Section, u64)>,
    /// What each part is said to contain, the message itself first, each before what is in it.
    pub parts: Vec<PartKind>,
}

/// What a part contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartKind {
    /// Data.
    Data,
    /// Parts.
    Parts,
    /// A message.
    Message,
}

impl Outline {
    /// A message that is all there.
    pub fn whole(message: Vec<u8>) -> Self {
        Self {
            message,
            left_out: Vec::new(),
            messages: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// The octets of a part that is not all here, as stored.
    pub fn octets(&self, section: &Section) -> Option<u64> {
        let inner = self.messages.iter().find(|it| it.0 == *section);
        self.octets_left_out(section).or(inner.map(|it| it.1))
    }

    /// The octets of a part that was left out.
    pub fn octets_left_out(&self, section: &Section) -> Option<u64> {
        let found = self.left_out.iter().find(|it| it.0 == *section);
        found.map(|it| it.1)
    }
}
