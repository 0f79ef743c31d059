//! A message as a reader sees it: decoded, laid out in paragraphs, not yet wrapped to a width.

use std::ops::Range;

use crate::mail::structure::Section;
use crate::mail::text::Foreign;

/// A message, ready to be wrapped and drawn.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Document {
    /// Every header field in its order, values decoded and unfolded.
    pub headers: Vec<HeaderField>,
    /// The header as it came, for the raw header mode.
    pub raw_header: Foreign,
    /// Every part that is not a container, in order.
    pub parts: Vec<PartLine>,
    /// The text to show, parts that cannot be shown as notes.
    pub body: Vec<Paragraph>,
    /// What a reader should be warned of: a display name that looks like another address, nesting too deep to show …
    pub warnings: Vec<&'static str>,
    /// Whether `body` was laid out for a width and must be asked for again at another one.
    pub depends_on_width: bool,
}

/// A header field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeaderField {
    /// Its name as written.
    pub name: Foreign,
    /// Its value, decoded and unfolded.
    pub value: Foreign,
}

/// One line of the attachment index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartLine {
    /// Names the part.
    pub section: Section,
    /// `Text/PLAIN`-like type, first word capitalised as Pine shows it.
    pub media_type: Foreign,
    /// The file name that the sender gave it, not yet safe to use.
    pub name: Option<Foreign>,
    /// Content-Description.
    pub description: Option<Foreign>,
    /// Decoded octets.
    pub size: u64,
    /// Lines, for text.
    pub lines: Option<u64>,
    /// Whether `body` shows it.
    pub shown: bool,
    /// Whether it can be shown as text.
    pub is_text: bool,
    /// Whether it is a message.
    pub is_message: bool,
}

/// A logical line or a flowed paragraph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Paragraph {
    /// How deeply quoted: 0 for the writer's own words.
    pub quote: u8,
    /// The quote marks as written, with their blanks; drawn before every row and not in `text`.
    pub marks: Foreign,
    /// What it is.
    pub kind: ParagraphKind,
    /// The text, without line end and without control characters meant for layout.
    pub text: Foreign,
    /// Emphasis, as byte ranges of `text`, ascending.
    pub styles: Vec<(Range<usize>, Style)>,
    /// Links, as byte ranges of `text`, ascending.
    pub links: Vec<(Range<usize>, Foreign)>,
}

/// What a paragraph is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ParagraphKind {
    /// A line as the writer broke it: wrapped only where it does not fit.
    #[default]
    Line,
    /// A flowed paragraph (RFC 3676): wrapped at every width.
    Flowed,
    /// A line behind the signature mark `-- `.
    Signature,
    /// Mugo's own words about a part, in brackets.
    Note,
    /// A header line of an enclosed message.
    Header,
}

/// Emphasis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Bold.
    Strong,
    /// Italics or underline.
    Emphasis,
    /// Code, preformatted.
    Code,
}
