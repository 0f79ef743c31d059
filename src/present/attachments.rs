//! The attachment index (pine-workflow.md, 13.6): one line a part.

use crate::mail::text::Printable;
use crate::mime::document::{Document, PartLine};
use crate::mime::size_words::part_in_words;

/// The lines of the attachment index, one for each of `document.parts`: number, size, type, name, description.
pub fn attachment_lines(document: &Document, width: usize) -> Vec<Printable> {
    let line = |part: &PartLine| {
        let mut line = number(part);
        line.push(&size_columns(part));
        line.push_static("   ");
        line.push(&described(part));
        line.cut(width)
    };
    document.parts.iter().map(line).collect()
}

/// The part's number, in at least 4 columns.
pub fn number(part: &PartLine) -> Printable {
    Printable::own(part.section.to_string()).pad_left(4)
}

/// The part's size, the figure right-aligned in 7 columns, the unit in 6.
pub fn size_columns(part: &PartLine) -> Printable {
    let words = part_in_words(part);
    let (figure, unit) = words.split_once(' ').unwrap_or((&words, ""));
    Printable::own(format!("{figure:>7} {unit:<5}"))
}

/// `Text/PLAIN (Name: "minutes.txt"), "minutes of October"`
pub fn described(part: &PartLine) -> Printable {
    let mut text = part.media_type.field();
    if let Some(name) = &part.name {
        text.push_static(" (Name: \"");
        text.push(&name.field());
        text.push_static("\")");
    }
    if let Some(description) = &part.description {
        text.push_static(", \"");
        text.push(&description.field());
        text.push_static("\"");
    }
    text
}
