//! Rows of text with what each stretch of them is: what a message looks like, before colours.

use crate::mail::text::Printable;

/// How a message is laid out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextOptions {
    /// Columns of a row.
    pub width: usize,
    /// Which header fields are shown.
    pub headers: HeaderMode,
    /// Whether only ASCII may be shown.
    pub ascii: bool,
}

/// Which header fields are shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HeaderMode {
    /// These fields, in this order.
    Normal(Vec<String>),
    /// All, decoded, in the order in which they came.
    Full,
    /// The header as it came, undecoded.
    Raw,
}

impl HeaderMode {
    /// Pine's: Date, From, To, Cc, Subject, and the fields that matter when they are there.
    pub fn normal() -> Self {
        let fields = [
            "Date",
            "From",
            "Reply-To",
            "Newsgroups",
            "To",
            "Cc",
            "Subject",
        ];
        Self::Normal(fields.map(str::to_owned).into())
    }
}

/// A row of at most `width` columns.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row {
    /// Its text, from left to right.
    pub spans: Vec<Span>,
}

/// A stretch of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Its text.
    pub text: Printable,
    /// What it is.
    pub role: TextRole,
}

impl Row {
    /// A row of one stretch.
    pub fn of(text: Printable, role: TextRole) -> Self {
        Self {
            spans: vec![Span { text, role }],
        }
    }

    /// Adds a stretch at the end.
    pub fn push(&mut self, text: Printable, role: TextRole) {
        // Most rows are one stretch, and a long message has hundreds of thousands of rows.
        if self.spans.is_empty() {
            self.spans.reserve_exact(1);
        }
        self.spans.push(Span { text, role });
    }

    /// The row without its roles.
    pub fn text(&self) -> Printable {
        Printable::concat(self.spans.iter().map(|span| &span.text))
    }
}

/// What a stretch of text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextRole {
    /// The name of a header field, with its colon.
    HeaderName,
    /// The value of a header field.
    HeaderValue,
    /// The writer's words.
    Body,
    /// Quoted words, this deep; 1 is the first level.
    Quote(u8),
    /// The signature.
    Signature,
    /// Mugo's words about the message.
    Note,
    /// Mugo's warning about the message.
    Warning,
    /// A link: its index in [`links`](crate::present::message_text::links).
    Link(usize),
    /// Bold.
    Strong,
    /// Italics or underlined.
    Emphasis,
    /// Code.
    Code,
    /// The ruler between header and body.
    Rule,
}
