//! The attachment index (pine-workflow.md, 13.6): one line a part.

use crate::mail::text::Printable;
use crate::mime::document::{Document, PartLine};
use crate::present::sizes;

/// The lines of the attachment index, one for each of `document.parts`: number, size, type, name, description.
pub fn attachment_lines(document: &Document, width: usize) -> Vec<Printable> {
    let numbers: Vec<Printable> = document.parts.iter().map(number).collect();
    let widest = numbers
        .iter()
        .map(Printable::width)
        .max()
        .unwrap_or(0)
        .max(4);
    let line = |(part, number): (&PartLine, Printable)| {
        let mut line = number.pad_left(4).pad(widest);
        line.push_static(" ");
        line.push(&sizes::of_part(part).pad_left(12));
        line.push_static("   ");
        line.push(&described(part));
        line.cut(width)
    };
    document.parts.iter().zip(numbers).map(line).collect()
}

fn number(part: &PartLine) -> Printable {
    Printable::own(part.section.to_string())
}

/// `Text/PLAIN (Name: "minutes.txt"), "minutes of October"`.
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
