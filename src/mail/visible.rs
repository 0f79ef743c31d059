//! The filter that every foreign character passes on its way to a terminal (safety.md has the attacks).
//!
//! Controls become `^[` or `<9b>`, characters that reorder or hide text become `<202e>`; such
//! replacements are muted, so that a screen can draw them dim. At most [`MARKS`] combining marks stay on a
//! character, at most [`CLUSTER`] characters stay in a grapheme cluster. Columns are counted per
//! grapheme cluster, as ratatui counts them when it draws.

use std::fmt::Write;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::mail::characters::{is_control, is_hidden, joins};

/// How many combining marks may stand on one character.
pub const MARKS: usize = 8;
/// How many characters may make up one grapheme cluster; the longest emoji in use has 11.
pub const CLUSTER: usize = 16;
/// What a combining mark at the very start is put on, so that it does not land on what stands before the text.
const MARK_HOLDER: &str = "\u{25cc}";
/// Distance of tab stops, in columns.
const TAB: usize = 8;

/// What becomes of tabs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tabs {
    /// One blank: the text is a field.
    Blank,
    /// Blanks up to the next multiple of 8 columns: the text is a line.
    Stops,
}

/// Text that passed the filter.
#[derive(Default)]
pub struct Visible {
    /// The text.
    pub text: String,
    /// What in it stands for something else, as byte ranges, ascending.
    pub muted: Vec<Range<usize>>,
    /// Its columns.
    pub width: usize,
    /// Where each asked-for place of the source came to.
    pub places: Vec<usize>,
}

/// Whether `text` needs no filter: printable ASCII only.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Columns of one grapheme cluster, as ratatui counts them.
pub fn cluster_width(cluster: &str) -> usize {
    if cluster.len() == 1 {
        return 1;
    }
    let sound_marks = |character: &char| matches!(character, '\u{ff9e}' | '\u{ff9f}');
    let extra = cluster.chars().filter(sound_marks).count();
    cluster.width() + extra
}

/// Columns of text that passed the filter.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(cluster_width).sum()
}

/// Filters `text`. `places` are byte offsets in it, ascending, whose whereabouts in the result are wanted.
pub fn make_visible(text: &str, tabs: Tabs, places: &[usize]) -> Visible {
    if is_plain(text) {
        return Visible {
            text: text.to_owned(),
            muted: Vec::new(),
            width: text.len(),
            places: places.iter().map(|&place| place.min(text.len())).collect(),
        };
    }
    let mut filter = Filter {
        tabs,
        out: Visible::default(),
    };
    filter.out.text.reserve(text.len());
    let mut wanted = places.iter().copied().peekable();
    for (start, cluster) in text.grapheme_indices(true) {
        while wanted.next_if(|&place| place <= start).is_some() {
            filter.out.places.push(filter.out.text.len());
        }
        filter.cluster(text, start, cluster);
    }
    let end = filter.out.text.len();
    filter.out.places.extend(wanted.map(|_| end));
    filter.out
}

struct Filter {
    tabs: Tabs,
    out: Visible,
}

impl Filter {
    fn cluster(&mut self, text: &str, start: usize, cluster: &str) {
        if let [byte @ b' '..=b'~'] = cluster.as_bytes() {
            self.out.text.push(char::from(*byte));
            self.out.width += 1;
            return;
        }
        let mut from = self.out.text.len();
        let (mut marks, mut length) = (0, 0);
        for (offset, character) in cluster.char_indices() {
            if must_replace(text, start + offset, character) {
                self.settle(from);
                self.replace(character);
                from = self.out.text.len();
                (marks, length) = (0, 0);
                continue;
            }
            let zero_width = character.width().unwrap_or(0) == 0;
            marks = if zero_width { marks + 1 } else { 0 };
            if marks > MARKS {
                continue;
            }
            if length == CLUSTER {
                self.settle(from);
                return self.mute("\u{2026}");
            }
            if zero_width && self.out.text.is_empty() {
                self.mute(MARK_HOLDER);
                from = self.out.text.len();
            }
            length += 1;
            self.out.text.push(character);
        }
        self.settle(from);
    }

    /// Counts the columns of what was written since `from`.
    fn settle(&mut self, from: usize) {
        let written = self.out.text.get(from..).unwrap_or_default();
        self.out.width += width(written);
    }

    fn replace(&mut self, character: char) {
        let code = u32::from(character);
        match (character, self.tabs) {
            ('\t', Tabs::Blank) => self.blanks(1),
            ('\t', Tabs::Stops) => self.blanks(TAB - self.out.width % TAB),
            ('\0'..='\u{1f}' | '\u{7f}', _) => {
                let letter = u8::try_from(code ^ 0x40).map_or('?', char::from);
                self.mute(&format!("^{letter}"));
            }
            ('\u{80}'..='\u{9f}', _) => self.mute(&format!("<{code:02x}>")),
            _ => self.mute(&format!("<{code:04x}>")),
        }
    }

    fn blanks(&mut self, count: usize) {
        let _ = write!(self.out.text, "{:count$}", "");
        self.out.width += count;
    }

    fn mute(&mut self, replacement: &str) {
        let start = self.out.text.len();
        self.out.text.push_str(replacement);
        self.out.width += replacement.chars().count();
        let end = self.out.text.len();
        match self.out.muted.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.out.muted.push(start..end),
        }
    }
}

/// Whether the character at `place` may not stay: it controls, or hides without being a joiner that the text needs.
fn must_replace(text: &str, place: usize, character: char) -> bool {
    if !is_hidden(character) {
        return is_control(character);
    }
    if !matches!(character, '\u{200c}' | '\u{200d}') {
        return true;
    }
    let before = text.get(..place).and_then(|head| head.chars().next_back());
    let behind = text.get(place + character.len_utf8()..);
    let after = behind.and_then(|tail| tail.chars().next());
    !joins(before, character, after)
}
