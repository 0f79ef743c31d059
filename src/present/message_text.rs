//! A message as rows of text: header block, list of parts, ruler, body.

use std::ops::Range;

use crate::mail::text::{Foreign, Printable};
use crate::mime::document::{Document, Paragraph, ParagraphKind, Style};
use crate::present::header_block::header_block;
use crate::present::wrap::wrap;

pub use crate::present::rows::{HeaderMode, Row, Span, TextOptions, TextRole};

/// Blanks before Mugo's words about a part.
const NOTE_INDENT: &str = "    ";

/// The targets of all links of the body, in the order of [`TextRole::Link`].
pub fn links(document: &Document) -> Vec<&Foreign> {
    let links = document.body.iter().flat_map(|paragraph| &paragraph.links);
    links.map(|link| &link.1).collect()
}

/// The rows of `document`. The work is linear in its size, whatever the length of its lines.
pub fn message_rows(document: &Document, options: &TextOptions) -> Vec<Row> {
    let mut rows = header_block(document, options);
    let mut links = 0;
    for paragraph in &document.body {
        paragraph_rows(paragraph, links, options, &mut rows);
        links += paragraph.links.len();
    }
    rows
}

/// The rows as lines, for a face without colours.
pub fn text_lines(document: &Document, options: &TextOptions) -> Vec<Printable> {
    let rows = message_rows(document, options);
    rows.into_iter().map(|row| row.text()).collect()
}

fn paragraph_rows(
    paragraph: &Paragraph,
    first_link: usize,
    options: &TextOptions,
    rows: &mut Vec<Row>,
) {
    let base = base_role(paragraph);
    let prefix = prefix(paragraph, options);
    let room = options.width.saturating_sub(prefix.width()).max(1);
    let places = places(paragraph);
    let (mut text, mut shown) = paragraph.text.open_line(&places);
    if options.ascii {
        text = text.ascii_with(&mut shown);
    }
    let moved = |place: usize| {
        let index = places.binary_search(&place).unwrap_or(0);
        shown.get(index).copied().unwrap_or_default()
    };
    let stretches = stretches(paragraph, first_link, base, &shown, moved);
    let whole: Vec<Range<usize>> = paragraph
        .links
        .iter()
        .filter(|(range, target)| range.len() == target.raw().len())
        .map(|(range, _)| moved(range.start)..moved(range.end))
        .collect();
    let mut stretches = stretches.iter().peekable();
    for range in wrap(&text, room, &whole) {
        let mut row = Row::default();
        if !prefix.is_empty() {
            row.push(prefix.clone(), base);
        }
        while let Some((stretch, role)) = stretches.peek() {
            let (start, end) = (stretch.start.max(range.start), stretch.end.min(range.end));
            if start < end {
                row.push(text.slice(start..end).isolated(), *role);
            }
            if stretch.end > range.end {
                break;
            }
            stretches.next();
        }
        rows.push(row);
    }
}

fn base_role(paragraph: &Paragraph) -> TextRole {
    match paragraph.kind {
        ParagraphKind::Note => TextRole::Note,
        ParagraphKind::Header => TextRole::HeaderValue,
        _ if paragraph.quote > 0 => TextRole::Quote(paragraph.quote),
        ParagraphKind::Signature => TextRole::Signature,
        ParagraphKind::Line | ParagraphKind::Flowed => TextRole::Body,
    }
}

/// What stands before every row: quote marks, or the indent of a note; at most half of the width.
fn prefix(paragraph: &Paragraph, options: &TextOptions) -> Printable {
    let prefix = match paragraph.kind {
        ParagraphKind::Note => Printable::from_static(NOTE_INDENT),
        _ => paragraph.marks.line(),
    };
    prefix.cut(options.width / 2)
}

/// Where styles and links start and end in the source, ascending.
fn places(paragraph: &Paragraph) -> Vec<usize> {
    let styles = paragraph.styles.iter().map(|style| &style.0);
    let ranges = styles.chain(paragraph.links.iter().map(|link| &link.0));
    let mut places: Vec<usize> = ranges.flat_map(|range| [range.start, range.end]).collect();
    places.push(0);
    places.push(paragraph.text.raw().len());
    places.sort_unstable();
    places.dedup();
    places
}

/// The text as stretches of one role each. A link goes before a style.
fn stretches(
    paragraph: &Paragraph,
    first_link: usize,
    base: TextRole,
    shown: &[usize],
    moved: impl Fn(usize) -> usize,
) -> Vec<(Range<usize>, TextRole)> {
    let mut links = paragraph.links.iter().zip(first_link..).peekable();
    let mut styles = paragraph.styles.iter().peekable();
    let mut stretches = Vec::with_capacity(shown.len());
    for pair in shown.windows(2) {
        let &[start, end] = pair else { continue };
        while links.next_if(|link| moved(link.0.0.end) <= start).is_some() {}
        while styles
            .next_if(|style| moved(style.0.end) <= start)
            .is_some()
        {}
        let link = links.peek().filter(|link| moved(link.0.0.start) <= start);
        let style = styles.peek().filter(|style| moved(style.0.start) <= start);
        let role = match (link, style) {
            (Some((_, index)), _) => TextRole::Link(*index),
            (None, Some((_, Style::Strong))) => TextRole::Strong,
            (None, Some((_, Style::Emphasis))) => TextRole::Emphasis,
            (None, Some((_, Style::Code))) => TextRole::Code,
            (None, None) => base,
        };
        stretches.push((start..end, role));
    }
    stretches
}
