//! Plain text as paragraphs: quote levels, format=flowed (RFC 3676), signatures, links.

use crate::mail::text::Foreign;
use crate::mime::document::{Paragraph, ParagraphKind};
use crate::mime::links::find_links;

/// How many quote marks are taken as such; more of them are text.
const MOST_MARKS: usize = 20;

/// How the lines of a text belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Each line stands for itself.
    Fixed,
    /// Lines that end in a blank go on in the next one.
    Flowed {
        /// Whether that blank is there for the line break alone.
        delete_space: bool,
    },
}

/// The paragraphs of a decoded text. CRLF and LF end lines.
pub fn paragraphs(text: &str, format: Format) -> Vec<Paragraph> {
    let mut builder = Builder::default();
    for line in text.split_terminator('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match format {
            Format::Fixed => builder.fixed(line),
            Format::Flowed { delete_space } => builder.flowed(line, delete_space),
        }
    }
    builder.flush();
    builder.done
}

/// A paragraph that is not quoted.
pub fn paragraph(kind: ParagraphKind, text: impl Into<String>) -> Paragraph {
    let text = text.into();
    Paragraph {
        kind,
        links: find_links(&text),
        text: Foreign::new(text),
        ..Paragraph::default()
    }
}

#[derive(Default)]
struct Builder {
    done: Vec<Paragraph>,
    /// A flowed paragraph that may go on.
    open: Option<(u8, String)>,
    in_signature: bool,
}

impl Builder {
    fn fixed(&mut self, line: &str) {
        let length = marks_length(line);
        let (marks, text) = line.split_at_checked(length).unwrap_or(("", line));
        let depth = marks.bytes().filter(|&byte| byte == b'>').count();
        let quote = u8::try_from(depth).unwrap_or(u8::MAX);
        self.push(quote, marks, text.to_owned(), ParagraphKind::Line);
    }

    fn flowed(&mut self, line: &str, delete_space: bool) {
        let depth = line
            .bytes()
            .take_while(|&byte| byte == b'>')
            .take(MOST_MARKS)
            .count();
        let text = line.get(depth..).unwrap_or_default();
        let text = text.strip_prefix(' ').unwrap_or(text);
        let quote = u8::try_from(depth).unwrap_or(u8::MAX);
        if self.open.as_ref().is_some_and(|open| open.0 != quote) || text == "-- " {
            self.flush();
        }
        let goes_on = text.ends_with(' ') && text != "-- ";
        let text = match text.strip_suffix(' ') {
            Some(shorter) if goes_on && delete_space => shorter,
            _ => text,
        };
        match &mut self.open {
            Some(open) => open.1.push_str(text),
            None if goes_on => self.open = Some((quote, text.to_owned())),
            None => {
                let marks = "> ".repeat(depth);
                return self.push(quote, &marks, text.to_owned(), ParagraphKind::Line);
            }
        }
        if !goes_on {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Some((quote, text)) = self.open.take() {
            let marks = "> ".repeat(usize::from(quote));
            self.push(quote, &marks, text, ParagraphKind::Flowed);
        }
    }

    fn push(&mut self, quote: u8, marks: &str, text: String, kind: ParagraphKind) {
        if quote == 0 && text == "-- " {
            self.in_signature = true;
        }
        let kind = if self.in_signature {
            ParagraphKind::Signature
        } else {
            kind
        };
        self.done.push(Paragraph {
            quote,
            marks: Foreign::new(marks),
            ..paragraph(kind, text)
        });
    }
}

/// How long the quote marks at the start of a line are, with a blank behind each. The mark that mailbox files put before `From ` is none.
fn marks_length(line: &str) -> usize {
    if line.trim_start_matches('>').starts_with("From ") {
        return 0;
    }
    let mut bytes = line.bytes().enumerate().peekable();
    let (mut length, mut marks) = (0, 0);
    while let Some((place, byte)) = bytes.next() {
        if byte != b'>' || marks == MOST_MARKS {
            break;
        }
        marks += 1;
        length = place + 1;
        if bytes.next_if(|next| next.1 == b' ').is_some() {
            length += 1;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: Format) -> Vec<(u8, ParagraphKind, String)> {
        let shown = |paragraph: Paragraph| {
            let text = paragraph.marks.raw().to_owned() + paragraph.text.raw();
            (paragraph.quote, paragraph.kind, text)
        };
        paragraphs(text, format).into_iter().map(shown).collect()
    }

    #[test]
    fn fixed_lines_keep_their_marks() {
        use ParagraphKind::{Line, Signature};
        let found = read("a\r\n> b\n>>c\n> > d\n>From e\n\n-- \nAda\n", Format::Fixed);
        let expected = [
            (0, Line, "a"),
            (1, Line, "> b"),
            (2, Line, ">>c"),
            (2, Line, "> > d"),
            (0, Line, ">From e"),
            (0, Line, ""),
            (0, Signature, "-- "),
            (0, Signature, "Ada"),
        ];
        assert_eq!(
            found,
            expected.map(|(quote, kind, text)| (quote, kind, text.to_owned()))
        );
    }

    #[test]
    fn flowed_lines_join_within_their_level() {
        use ParagraphKind::{Flowed, Line, Signature};
        let text = "one \ntwo\n>> q1 \n>> q2\n> r \ns\n From x\n-- \nAda \nFern\n";
        let found = read(
            text,
            Format::Flowed {
                delete_space: false,
            },
        );
        let expected = [
            (0, Flowed, "one two"),
            (2, Flowed, "> > q1 q2"),
            (1, Flowed, "> r "),
            (0, Line, "s"),
            (0, Line, "From x"),
            (0, Signature, "-- "),
            (0, Signature, "Ada Fern"),
        ];
        assert_eq!(
            found,
            expected.map(|(quote, kind, text)| (quote, kind, text.to_owned()))
        );
        let joined = read(
            "\u{6771} \n\u{4eac}\n",
            Format::Flowed { delete_space: true },
        );
        assert_eq!(joined, [(0, Flowed, "\u{6771}\u{4eac}".to_owned())]);
    }

    #[test]
    fn a_line_of_marks_is_not_all_marks() {
        let found = read(&">".repeat(1000), Format::Fixed);
        assert_eq!(found.first().map(|line| line.0), Some(20));
    }
}
