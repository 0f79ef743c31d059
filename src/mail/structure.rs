//! The MIME structure of a message, as IMAP's BODYSTRUCTURE gives it, and names of its parts (RFC 3501, 7.4.2 and 6.4.5).

use std::fmt;

use crate::mail::envelope::Envelope;
use crate::mail::text::Foreign;

/// One part of a message and everything below it. Types are upper case, as written by IMAP servers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BodyStructure {
    /// `TEXT`, `MULTIPART`, …
    pub media_type: Foreign,
    /// `PLAIN`, `MIXED`, …
    pub subtype: Foreign,
    /// Parameters of Content-Type, values decoded.
    pub parameters: Vec<(Foreign, Foreign)>,
    /// Content-ID.
    pub id: Option<Foreign>,
    /// Content-Description, decoded.
    pub description: Option<Foreign>,
    /// Content-Transfer-Encoding, upper case; `7BIT` where absent.
    pub encoding: Foreign,
    /// Octets as stored (still encoded), CRLF line ends.
    pub size: u64,
    /// Lines as stored, for text and for messages.
    pub lines: Option<u64>,
    /// Content-Disposition: kind and parameters.
    pub disposition: Option<(Foreign, Vec<(Foreign, Foreign)>)>,
    /// What the part contains.
    pub content: Content,
}

/// What a part contains.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Data of its own.
    Leaf,
    /// Parts, at least one.
    Multipart(Vec<BodyStructure>),
    /// A message with an envelope and a body of its own.
    Message(Box<Envelope>, Box<BodyStructure>),
}

/// Which bytes of a message to read. Always in RFC 822 form: lines end in CRLF, the driver's own metadata left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The header with the blank line that ends it.
    Header,
    /// What follows the header.
    Text,
    /// Both.
    Whole,
}

/// Names a part of a message: `1.2` is the second part of the first. Empty for the message itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Section(pub Vec<u32>);

impl Section {
    /// Reads `1.2`; `None` when it is not a part's name.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: &str| part.parse::<u32>().ok().filter(|&number| number > 0);
        text.split('.')
            .map(number)
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    /// The name of this section's part `number`.
    #[must_use]
    pub fn part(&self, number: u32) -> Self {
        let mut numbers = self.0.clone();
        numbers.push(number);
        Self(numbers)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.0.iter().enumerate() {
            let dot = if place == 0 { "" } else { "." };
            write!(f, "{dot}{number}")?;
        }
        Ok(())
    }
}
