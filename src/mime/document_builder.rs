//! From message bytes to a document.

use crate::mime::document::Document;

/// How a message shall be laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ViewOptions {
    /// Columns, for HTML parts.
    pub width: u16,
    /// Whether HTML is preferred to plain text where both are there.
    pub prefer_html: bool,
}

/// What a reader sees of `message`, whose lines end in CRLF or LF.
pub fn document(message: &[u8], options: &ViewOptions) -> Document {
    let _ = (message, options);
    Document::default()
}
