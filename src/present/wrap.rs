//! Lines cut into rows that fit: at the places where a line may break (UAX 14), cell-exact, in linear time.

use std::iter::Peekable;
use std::ops::Range;

use unicode_linebreak::linebreaks;
use unicode_segmentation::UnicodeSegmentation;

use crate::mail::text::Printable;
use crate::mail::visible::{cluster_width, width};

/// The rows of `text`, each at most `room` columns, as byte ranges; one at least. Blanks at a break are left out.
///
/// `whole` are ranges that are only broken when they do not fit into a row of their own: links. A cluster wider
/// than `room` gets a row for itself.
pub fn wrap(text: &Printable, room: usize, whole: &[Range<usize>]) -> Vec<Range<usize>> {
    let source = text.as_str();
    if text.width() <= room {
        return std::iter::once(0..source.len()).collect();
    }
    let mut wrapper = Wrapper {
        source,
        room,
        rows: Vec::with_capacity(text.width() / room.max(1) + 1),
        start: 0,
        column: 0,
        last_break: None,
    };
    let mut breaks = linebreaks(source)
        .map(|(place, _)| place)
        .filter(may_break(source, room, whole))
        .peekable();
    if source.is_ascii() {
        for (place, byte) in source.bytes().enumerate() {
            wrapper.cluster(place, 1, byte == b' ', &mut breaks);
        }
    } else {
        for (place, cluster) in source.grapheme_indices(true) {
            let blank = cluster == " " || cluster == "\u{3000}";
            wrapper.cluster(place, cluster_width(cluster), blank, &mut breaks);
        }
    }
    wrapper.finish()
}

/// `front` and `text` in rows of at most `room` columns; rows after the first begin below the start of the text, unless
/// that would leave them too little room. The text is open (see [`Printable::isolated`]) or our own.
pub fn indented(front: &str, text: &Printable, room: usize) -> Vec<Printable> {
    let front = Printable::own(front);
    let indent = if front.width() * 2 > room {
        2
    } else {
        front.width()
    };
    let first = room.saturating_sub(front.width()).max(1);
    let mut rows = wrap(text, first, &[]);
    if indent < front.width() {
        // the first row is shorter than the others: what is left is cut again
        let end = rows.first().map_or(0, |row| row.end);
        let whole = text.as_str().len();
        let rest = text.slice(end..whole).trim_start();
        let after = wrap(&rest, room.saturating_sub(indent).max(1), &[]);
        rows.truncate(1);
        let start = whole - rest.as_str().len();
        rows.extend(
            after
                .iter()
                .filter(|row| !row.is_empty())
                .map(|row| start + row.start..start + row.end),
        );
    }
    let blanks = Printable::blanks(indent);
    let row = |(place, row): (usize, &Range<usize>)| {
        let head = if place == 0 { &front } else { &blanks };
        Printable::concat([head, &text.slice(row.clone()).isolated()])
    };
    rows.iter().enumerate().map(row).collect()
}

struct Wrapper<'a> {
    source: &'a str,
    room: usize,
    rows: Vec<Range<usize>>,
    /// Where the row starts.
    start: usize,
    /// Columns of the row so far.
    column: usize,
    /// The last place in the row where it may break, and the columns before it.
    last_break: Option<(usize, usize)>,
}

impl Wrapper<'_> {
    fn cluster(
        &mut self,
        place: usize,
        columns: usize,
        blank: bool,
        breaks: &mut Peekable<impl Iterator<Item = usize>>,
    ) {
        while let Some(at) = breaks.next_if(|&at| at <= place) {
            if at == place && at > self.start {
                self.last_break = Some((at, self.column));
            }
        }
        // A blank that does not fit hangs over the edge and is left out with the break that follows.
        if !blank && columns > 0 && self.column + columns > self.room && place > self.start {
            let (at, before) = self.last_break.take().unwrap_or((place, self.column));
            self.row(at);
            self.column -= before;
            if self.column + columns > self.room && place > self.start {
                self.row(place);
                self.column = 0;
            }
        }
        self.column += columns;
    }

    fn row(&mut self, end: usize) {
        let row = self.source.get(self.start..end).unwrap_or_default();
        let length = row.trim_end_matches([' ', '\u{3000}']).len();
        self.rows.push(self.start..self.start + length);
        self.start = end;
    }

    fn finish(mut self) -> Vec<Range<usize>> {
        if self.column > self.room {
            self.row(self.source.len());
        } else {
            self.rows.push(self.start..self.source.len());
        }
        self.rows
    }
}

/// Tells for ascending places whether a row may break there.
fn may_break<'a>(
    source: &'a str,
    room: usize,
    whole: &'a [Range<usize>],
) -> impl FnMut(&usize) -> bool + 'a {
    let fits = move |range: &&Range<usize>| {
        let text = source.get((*range).clone()).unwrap_or_default();
        width(text) <= room
    };
    let mut whole = whole.iter().filter(fits).peekable();
    move |&place| {
        while whole.next_if(|range| range.end <= place).is_some() {}
        whole.peek().is_none_or(|range| place <= range.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::text::Foreign;
    use crate::mime::links::find_links;

    fn rows(text: &str, room: usize) -> Vec<String> {
        let (text, _) = Foreign::new(text).open_line(&[]);
        let links: Vec<Range<usize>> = find_links(text.as_str())
            .into_iter()
            .map(|link| link.0)
            .collect();
        let rows = wrap(&text, room, &links);
        rows.into_iter()
            .map(|row| text.as_str()[row].to_owned())
            .collect()
    }

    #[test]
    fn lines_break_where_they_may() {
        let table: [(&str, usize, &[&str]); 9] = [
            ("", 10, &[""]),
            ("one two three", 20, &["one two three"]),
            ("one two three", 7, &["one two", "three"]),
            ("one   two", 4, &["one", "two"]),
            ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
            (
                "see https://a.test/b-c/d now",
                22,
                &["see", "https://a.test/b-c/d", "now"],
            ),
            (
                "\u{6771}\u{4eac}\u{90fd}",
                5,
                &["\u{6771}\u{4eac}", "\u{90fd}"],
            ),
            ("\u{6771}\u{4eac}", 1, &["\u{6771}", "\u{4eac}"]),
            ("ab    ", 4, &["ab"]),
        ];
        for (text, room, expected) in table {
            assert_eq!(rows(text, room), expected, "{text:?} in {room}");
        }
    }

    #[test]
    fn a_link_too_long_for_a_row_is_broken() {
        let long = format!("https://a.test/{}", "x".repeat(40));
        let found = rows(&long, 20);
        assert!(found.iter().all(|row| row.len() <= 20));
        assert_eq!(found.concat(), long);
    }

    #[test]
    fn a_long_line_gives_rows_and_loses_nothing() {
        let line = "word ".repeat(20_000) + &"x".repeat(100_000);
        let found = rows(&line, 80);
        assert!(found.iter().all(|row| row.len() <= 80));
        let letters: usize = found.iter().map(|row| row.replace(' ', "").len()).sum();
        assert_eq!(letters, 180_000);
    }
}
