//! What stands above the text of a message: header fields, list of parts, warnings, ruler (pine-workflow.md, 13.5).

use crate::mail::text::{Foreign, Printable};
use crate::mime::document::{Document, PartLine};
use crate::present::attachments::{number, size_columns};
use crate::present::rows::{HeaderMode, Row, TextOptions, TextRole};
use crate::present::wrap::wrap;

/// Columns of the ruler.
const RULER: usize = 40;
/// Blanks before the further rows of a long field.
const CONTINUED: usize = 4;

/// The rows of the header block, the ruler and the blank row behind it.
pub fn header_block(document: &Document, options: &TextOptions) -> Vec<Row> {
    let mut rows = Vec::new();
    match &options.headers {
        HeaderMode::Normal(names) => {
            for name in names {
                named_fields(document, name, options, &mut rows);
            }
        }
        HeaderMode::Full => {
            for field in &document.headers {
                field_rows(&field.name, &field.value, options, &mut rows);
            }
        }
        HeaderMode::Raw => raw_rows(&document.raw_header, options, &mut rows),
    }
    if document.parts.len() > 1 {
        let title = Printable::from_static("Parts/Attachments:");
        rows.push(Row::of(title.cut(options.width), TextRole::HeaderName));
        let lines = document.parts.iter().map(|part| part_row(part, options));
        rows.extend(lines.map(|line| Row::of(line, TextRole::HeaderValue)));
    }
    for warning in &document.warnings {
        let text = Printable::own(format!("Warning: {warning}"));
        for row in wrap(&text, options.width.max(1), &[]) {
            rows.push(Row::of(text.slice(row), TextRole::Warning));
        }
    }
    let ruler = Printable::own("-".repeat(RULER.min(options.width)));
    rows.push(Row::of(ruler, TextRole::Rule));
    rows.push(Row::default());
    rows
}

fn named_fields(document: &Document, name: &str, options: &TextOptions, rows: &mut Vec<Row>) {
    let is = |given: &Foreign| given.raw().eq_ignore_ascii_case(name);
    for field in document.headers.iter().filter(|field| is(&field.name)) {
        let name = Foreign::new(name);
        field_rows(&name, &field.value, options, rows);
    }
}

fn field_rows(name: &Foreign, value: &Foreign, options: &TextOptions, rows: &mut Vec<Row>) {
    let width = options.width.max(1);
    let mut name = plain(name.field(), options);
    name.push_static(": ");
    let name = name.cut(width / 2);
    let value = plain(value.open_field(), options);
    let first_room = (width - name.width()).max(1);
    let indent = Printable::blanks(CONTINUED.min(width / 4));
    // A wide character in a room of one column goes below the name.
    let first = wrap(&value, first_room, &[])
        .into_iter()
        .next()
        .filter(|row| value.slice(row.clone()).width() <= first_room)
        .unwrap_or(0..0);
    let mut row = Row::of(name, TextRole::HeaderName);
    row.push(value.slice(first.clone()).isolated(), TextRole::HeaderValue);
    rows.push(row);
    let rest = value.slice(first.end..value.as_str().len()).trim_start();
    drop(value);
    if rest.is_empty() {
        return;
    }
    for range in wrap(&rest, (width - indent.width()).max(1), &[]) {
        let text = Printable::concat([&indent, &rest.slice(range).isolated()]);
        rows.push(Row::of(text, TextRole::HeaderValue));
    }
}

fn raw_rows(header: &Foreign, options: &TextOptions, rows: &mut Vec<Row>) {
    for line in header.raw().lines().filter(|line| !line.is_empty()) {
        let (line, _) = Foreign::new(line).open_line(&[]);
        let line = plain(line, options);
        for range in wrap(&line, options.width.max(1), &[]) {
            rows.push(Row::of(line.slice(range).isolated(), TextRole::HeaderValue));
        }
    }
}

/// `   4   OK       4 lines  Text, "minutes of October"`
fn part_row(part: &PartLine, options: &TextOptions) -> Printable {
    let state = match (part.shown, part.is_text || part.is_message) {
        (true, _) => " Shown",
        (false, true) => "   OK ",
        (false, false) => "      ",
    };
    let mut line = number(part);
    line.push_static(state);
    line.push(&size_columns(part));
    line.push_static("  ");
    let media_type = part.media_type.raw().split('/').next().unwrap_or_default();
    line.push(&Foreign::new(media_type).field());
    if let Some(description) = &part.description {
        line.push_static(", \"");
        line.push(&description.field());
        line.push_static("\"");
    }
    plain(line, options).cut(options.width)
}

fn plain(text: Printable, options: &TextOptions) -> Printable {
    if options.ascii { text.ascii() } else { text }
}
