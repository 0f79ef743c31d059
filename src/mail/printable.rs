//! Text that is safe to draw or print, with its columns and what in it is muted.

use std::fmt;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::mail::characters::{closest_ascii, is_right_to_left};
use crate::mail::visible::{self, Tabs, Visible, cluster_width, make_visible};

/// Opens a stretch whose order does not touch its surroundings (FIRST STRONG ISOLATE).
const ISOLATE: char = '\u{2068}';
/// Closes it (POP DIRECTIONAL ISOLATE).
const END_ISOLATE: char = '\u{2069}';

/// Text that is safe to draw or print: one line, no controls, nothing hidden.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Printable {
    text: String,
    width: usize,
    muted: Vec<Range<usize>>,
}

impl Printable {
    /// Our own words.
    pub fn from_static(text: &'static str) -> Self {
        Self::own(text)
    }

    /// Text that Mugo computed: numbers, dates. It passes the filter all the same; foreign text has [`crate::mail::text::Foreign`].
    pub fn own(text: impl Into<String>) -> Self {
        let text = text.into();
        if visible::is_plain(&text) {
            let (width, muted) = (text.len(), Vec::new());
            return Self { text, width, muted };
        }
        Self::from_visible(make_visible(&text, Tabs::Blank, &[]))
    }

    /// Nothing, with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ..Self::default()
        }
    }

    /// `count` blanks.
    pub fn blanks(count: usize) -> Self {
        Self::own(" ".repeat(count))
    }

    /// What came out of the filter.
    pub(crate) fn from_visible(visible: Visible) -> Self {
        Self {
            text: visible.text,
            width: visible.width,
            muted: visible.muted,
        }
    }

    /// The pieces one after the other.
    pub fn concat<'a>(pieces: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        for piece in pieces {
            whole.push(piece);
        }
        whole
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.width
    }

    /// What in the text stands for characters that cannot be shown, as byte ranges, ascending; drawn dim.
    pub fn muted(&self) -> &[Range<usize>] {
        &self.muted
    }

    /// Adds `other` at the end.
    pub fn push(&mut self, other: &Self) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.width += other.width;
        let moved = other.muted.iter();
        self.muted
            .extend(moved.map(|range| range.start + start..range.end + start));
    }

    /// Adds our own words at the end.
    pub fn push_static(&mut self, text: &'static str) {
        self.push(&Self::from_static(text));
    }

    /// The text between two byte offsets, which are moved down to a boundary between characters.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = floor(&self.text, range.end);
        let start = floor(&self.text, range.start).min(end);
        let text = self.text.get(start..end).unwrap_or_default().to_owned();
        let first = self.muted.partition_point(|muted| muted.end <= start);
        let inside = self.muted.iter().skip(first);
        let muted = inside
            .take_while(|muted| muted.start < end)
            .map(|muted| muted.start.max(start) - start..muted.end.min(end) - start)
            .collect();
        Self {
            width: visible::width(&text),
            text,
            muted,
        }
    }

    /// Without blanks at the start.
    #[must_use]
    pub fn trim_start(&self) -> Self {
        let start = self.text.len() - self.text.trim_start_matches(' ').len();
        self.slice(start..self.text.len())
    }

    /// As much of the start as fits into `columns`.
    #[must_use]
    pub fn cut(&self, columns: usize) -> Self {
        if self.width <= columns {
            return self.clone();
        }
        let end = fitting(&self.text, columns);
        if self.text.is_ascii() {
            // Nothing in it is wider than a column, or open.
            return self.slice(0..end);
        }
        self.closed_at(end)
    }

    /// Adds `other`, cut or padded to exactly `columns`.
    pub fn push_fit(&mut self, other: &Self, columns: usize) {
        if other.width > columns {
            return self.push(&other.fit(columns));
        }
        self.push(other);
        self.push_blanks(columns - other.width);
    }

    fn push_blanks(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
        self.width += count;
    }

    /// As [`cut`](Self::cut), with `…` as the last column where something was cut off.
    #[must_use]
    pub fn cut_marked(&self, columns: usize) -> Self {
        if self.width <= columns || columns == 0 {
            return self.cut(columns);
        }
        let mut cut = self.cut(columns - 1);
        cut.text.push('\u{2026}');
        cut.width += 1;
        cut
    }

    /// Blanks added at the end up to `columns`.
    #[must_use]
    pub fn pad(mut self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.width);
        self.text.extend(std::iter::repeat_n(' ', missing));
        self.width += missing;
        self
    }

    /// Blanks put in front up to `columns`.
    #[must_use]
    pub fn pad_left(self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.width);
        if missing == 0 {
            return self;
        }
        let mut padded = Self::with_capacity(missing + self.text.len());
        padded.push_blanks(missing);
        padded.push(&self);
        padded
    }

    /// Cut or padded to exactly `columns`.
    #[must_use]
    pub fn fit(&self, columns: usize) -> Self {
        self.cut(columns).pad(columns)
    }

    /// For terminals that show ASCII alone: other characters become what comes close, or `?`, one for each column.
    #[must_use]
    pub fn ascii(&self) -> Self {
        self.ascii_with(&mut [])
    }

    /// As [`ascii`](Self::ascii); `places` are byte offsets in this text, ascending, and become offsets in the result.
    #[must_use]
    pub fn ascii_with(&self, places: &mut [usize]) -> Self {
        if self.text.is_ascii() {
            return self.clone();
        }
        let mut ascii = Self::default();
        let mut ranges = self.muted.iter().peekable();
        let mut places = places.iter_mut().peekable();
        for (place, cluster) in self.text.grapheme_indices(true) {
            let start = ascii.text.len();
            while let Some(wanted) = places.next_if(|wanted| **wanted <= place) {
                *wanted = start;
            }
            let first = cluster.chars().next().unwrap_or(' ');
            match closest_ascii(first) {
                _ if first.is_ascii() => ascii.text.push(first),
                Some(close) => ascii.text.push_str(close),
                None => ascii
                    .text
                    .extend(std::iter::repeat_n('?', cluster_width(cluster))),
            }
            while ranges.next_if(|range| range.end <= place).is_some() {}
            if ranges.peek().is_some_and(|range| range.start <= place) {
                ascii.muted.push(start..ascii.text.len());
            }
        }
        ascii.width = ascii.text.len();
        places.for_each(|wanted| *wanted = ascii.text.len());
        ascii
    }

    /// With its order kept from touching its surroundings, where it has characters that go from right to left.
    #[must_use]
    pub fn isolated(mut self) -> Self {
        if self.text.is_ascii() || !self.text.chars().any(is_right_to_left) {
            return self;
        }
        let shift = ISOLATE.len_utf8();
        self.text.insert(0, ISOLATE);
        self.text.push(END_ISOLATE);
        for range in &mut self.muted {
            *range = range.start + shift..range.end + shift;
        }
        self
    }

    /// What stands before `end`, with isolates that were open there closed.
    fn closed_at(&self, end: usize) -> Self {
        let mut head = self.slice(0..end);
        let count = |mark: char| head.text.matches(mark).count();
        let open = count(ISOLATE).saturating_sub(count(END_ISOLATE));
        head.text.extend(std::iter::repeat_n(END_ISOLATE, open));
        head
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The last character boundary at or before `place`.
fn floor(text: &str, place: usize) -> usize {
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

/// How many bytes of `text` fit into `columns`.
fn fitting(text: &str, columns: usize) -> usize {
    if text.is_ascii() {
        return text.len().min(columns);
    }
    let mut used = 0;
    for (start, cluster) in text.grapheme_indices(true) {
        used += cluster_width(cluster);
        if used > columns {
            return start;
        }
    }
    text.len()
}
