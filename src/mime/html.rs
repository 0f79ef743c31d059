//! HTML as text: the wrapper of html2text, and the tag stripper for what is too much for it.
//!
//! Nothing is ever fetched or run. html2text gets at most 1 MiB, 1,000 levels and 2 seconds on a thread of its own;
//! its panics are caught. What it cannot do in time goes through [`crate::mime::html_strip`], which is linear.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use html2text::config;
use html2text::render::{TaggedLine, TextDecorator};

use crate::mail::text::Foreign;
use crate::mime::document::{Paragraph, Style};
use crate::mime::html_strip::{strip, weight};
use crate::mime::links::{host, is_openable};
use crate::mime::paragraphs::{Format, paragraphs};
use crate::mime::parse::guarded;

/// The largest input, in bytes.
const LARGEST: usize = 1 << 20;
/// The deepest nesting.
const DEEPEST: usize = 1000;
/// Nesting times number of tags: every piece of text carries the marks of all elements around it.
const HEAVIEST: usize = 4_000_000;
/// How long a reader waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many conversions may be under way, those that nobody waits for any longer included.
const MOST_AT_ONCE: usize = 4;
/// The narrowest layout.
const NARROWEST: u16 = 20;

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// The paragraphs of an HTML text, laid out for `width` columns.
pub fn html_paragraphs(html: &str, width: u16) -> Vec<Paragraph> {
    let (deepest, tags) = weight(html);
    let light =
        html.len() <= LARGEST && deepest <= DEEPEST && deepest.saturating_mul(tags) <= HEAVIEST;
    let converted = if light {
        in_time(html, width.max(NARROWEST))
    } else {
        None
    };
    converted.unwrap_or_else(|| paragraphs(&strip(html), Format::Fixed))
}

/// Converts on another thread; `None` when that fails or takes too long.
fn in_time(html: &str, width: u16) -> Option<Vec<Paragraph>> {
    if UNDER_WAY.fetch_add(1, Ordering::SeqCst) >= MOST_AT_ONCE {
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
        return None;
    }
    let (sender, receiver) = mpsc::channel();
    let html = html.to_owned();
    let started = thread::Builder::new()
        .name("html".to_owned())
        .stack_size(8 << 20)
        .spawn(move || {
            let converted = guarded(|| convert(&html, width)).flatten();
            UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
            let _ = sender.send(converted);
        });
    if started.is_err() {
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
        return None;
    }
    receiver.recv_timeout(PATIENCE).ok().flatten()
}

fn convert(html: &str, width: u16) -> Option<Vec<Paragraph>> {
    let settings = config::with_decorator(Decorator::default())
        .allow_width_overflow()
        .no_table_borders()
        .link_footnotes(false)
        .empty_img_mode(config::ImageRenderMode::ShowAlways)
        .unicode_strikeout(false);
    let lines = settings
        .lines_from_read(html.as_bytes(), usize::from(width))
        .ok()?;
    let mut done: Vec<Paragraph> = Vec::with_capacity(lines.len());
    for line in &lines {
        let paragraph = paragraph_of(line);
        let blank = paragraph.text.raw().is_empty() && paragraph.quote == 0;
        let after_blank = done.last().is_none_or(|last| last.text.raw().is_empty());
        if !(blank && after_blank) {
            done.push(paragraph);
        }
    }
    Some(done)
}

fn paragraph_of(line: &TaggedLine<Vec<Mark>>) -> Paragraph {
    let mut text = String::new();
    let mut styles = Vec::new();
    let mut links: Vec<(Range<usize>, Foreign)> = Vec::new();
    for piece in line.tagged_strings() {
        let start = text.len();
        text.extend(piece.s.chars().filter(|character| !is_padding(*character)));
        let range = start..text.len();
        if range.is_empty() {
            continue;
        }
        for mark in &piece.tag {
            match mark {
                Mark::Link(target) => add_link(&mut links, range.clone(), target),
                Mark::Style(style) => styles.push((range.clone(), *style)),
                Mark::None => {}
            }
        }
    }
    let length = text.trim_end().len();
    text.truncate(length);
    styles.retain_mut(|(range, _)| clip(range, length));
    links.retain_mut(|(range, _)| clip(range, length));
    quoted(text, styles, links)
}

/// Adjacent pieces of one link are one link.
fn add_link(links: &mut Vec<(Range<usize>, Foreign)>, range: Range<usize>, target: &str) {
    match links.last_mut() {
        Some(last) if last.0.end == range.start && last.1.raw() == target => last.0.end = range.end,
        Some(last) if last.0.end > range.start => {}
        _ => links.push((range, Foreign::new(target))),
    }
}

fn clip(range: &mut Range<usize>, length: usize) -> bool {
    range.end = range.end.min(length);
    range.start < range.end
}

/// Takes the quote marks off the text, which html2text puts before block quotes.
fn quoted(
    text: String,
    styles: Vec<(Range<usize>, Style)>,
    links: Vec<(Range<usize>, Foreign)>,
) -> Paragraph {
    let mut paragraph = paragraphs(&text, Format::Fixed).pop().unwrap_or_default();
    let shift = paragraph.marks.raw().len();
    let moved = |range: Range<usize>| {
        let range = range.start.saturating_sub(shift)..range.end.saturating_sub(shift);
        (!range.is_empty()).then_some(range)
    };
    let styles = styles.into_iter();
    paragraph.styles = styles
        .filter_map(|(range, style)| Some((moved(range)?, style)))
        .collect();
    if !links.is_empty() {
        let links = links.into_iter();
        paragraph.links = links
            .filter_map(|(range, target)| Some((moved(range)?, target)))
            .collect();
    }
    paragraph
}

/// Characters that mails put in to fill a preview or to let words break: of no use on a screen that wraps by itself.
fn is_padding(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{200b}' | '\u{200c}' | '\u{2060}' | '\u{feff}'
    )
}

/// What a piece of text is marked with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
enum Mark {
    #[default]
    None,
    Style(Style),
    Link(std::sync::Arc<str>),
}

/// Writes headings, lists and links as Pine does: `*` bullets, `[host]` behind a link, `[IMAGE]`.
#[derive(Clone, Debug, Default)]
struct Decorator {
    targets: Vec<String>,
}

impl TextDecorator for Decorator {
    type Annotation = Mark;

    fn decorate_link_start(&mut self, url: &str) -> (String, Mark) {
        self.targets.push(url.to_owned());
        let mark = if is_openable(url) {
            Mark::Link(url.into())
        } else {
            Mark::None
        };
        (String::new(), mark)
    }

    fn decorate_link_end(&mut self) -> String {
        let target = self.targets.pop().unwrap_or_default();
        let host = host(&target).filter(|_| is_openable(&target));
        host.map(|host| format!(" [{host}]")).unwrap_or_default()
    }

    fn decorate_em_start(&self) -> (String, Mark) {
        (String::new(), Mark::Style(Style::Emphasis))
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, Mark) {
        (String::new(), Mark::Style(Style::Strong))
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, Mark) {
        (String::new(), Mark::None)
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, Mark) {
        (String::new(), Mark::Style(Style::Code))
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) -> Mark {
        Mark::Style(Style::Code)
    }

    fn decorate_preformat_cont(&self) -> Mark {
        Mark::Style(Style::Code)
    }

    fn decorate_image(&mut self, _source: &str, title: &str) -> (String, Mark) {
        let title = title.trim();
        let text = if title.is_empty() {
            "[IMAGE]".to_owned()
        } else {
            format!("[IMAGE: {title}]")
        };
        (text, Mark::None)
    }

    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }

    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }

    fn unordered_item_prefix(&self) -> String {
        "* ".to_owned()
    }

    fn ordered_item_prefix(&self, number: i64) -> String {
        format!("{number}. ")
    }

    fn make_subblock_decorator(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> Vec<String> {
        let lines = html_paragraphs(html, 60);
        let whole = |line: &Paragraph| line.marks.raw().to_owned() + line.text.raw();
        lines.iter().map(whole).collect()
    }

    #[test]
    fn links_show_where_they_lead() {
        let lines = html_paragraphs(
            "<p>go <a href='https://evil.test/x'>to your bank</a> now",
            60,
        );
        let line = lines.first().expect("a line");
        assert_eq!(line.text.raw(), "go to your bank [evil.test] now");
        let link = line.links.first().expect("a link");
        assert_eq!(link.1.raw(), "https://evil.test/x");
        assert!(line.text.raw()[link.0.clone()].starts_with("to your bank"));
        let dead = html_paragraphs(
            "<a href='javascript:alert(1)'>x</a> <a href='file:///etc'>y</a>",
            60,
        );
        assert!(dead.iter().all(|line| line.links.is_empty()));
    }

    #[test]
    fn nothing_of_a_script_or_a_style_is_shown() {
        let html = "<style>p{color:red}</style><script>alert(1)</script><p>text<img src='http://x/beacon'>";
        assert_eq!(text(html), ["text[IMAGE]"]);
    }

    #[test]
    fn lists_quotes_and_padding() {
        let html = "<ul><li>one<li>two</ul><blockquote>said</blockquote>a\u{200b}&shy;b<b>c</b>";
        assert_eq!(text(html), ["* one", "* two", "", "> said", "", "abc"]);
    }

    #[test]
    fn what_is_too_heavy_is_stripped() {
        let deep = "<div>".repeat(20_000) + "inside";
        assert_eq!(text(&deep), ["inside"]);
        let large = format!("<p>start{}<p>end", " x".repeat(LARGEST));
        assert_eq!(text(&large).last().map(String::as_str), Some("end"));
        let heavy = "<b>".repeat(900) + &"<i>x</i>".repeat(60_000);
        assert_eq!(text(&heavy), ["x".repeat(60_000)]);
    }
}
