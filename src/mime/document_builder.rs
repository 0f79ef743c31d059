//! From message bytes to a document: which parts are shown, as what, and what is said of the others.

use crate::mail::outline::Outline;
use crate::mail::structure::Section;
use crate::mail::text::Foreign;
use crate::mime::address_text::readable;
use crate::mime::decode::decoded_cow;
use crate::mime::document::{Document, HeaderField, Paragraph, ParagraphKind, PartLine};
use crate::mime::fields::fields;
use crate::mime::html::html_paragraphs;
use crate::mime::paragraphs::{Format, paragraph, paragraphs};
use crate::mime::parse::charset;
use crate::mime::part_line::part_line;
use crate::mime::size_words::part_in_words;
use crate::mime::suspicion::warnings;
use crate::mime::tree::{Kind, Node, tree};

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
    document_of(message, &Outline::default(), options)
}

/// What a reader sees of a message in outline.
pub fn outlined_document(outline: &Outline, options: &ViewOptions) -> Document {
    document_of(&outline.message, outline, options)
}

fn document_of(message: &[u8], outline: &Outline, options: &ViewOptions) -> Document {
    let nodes = tree(message);
    let header = nodes.first().map(|root| root.header.clone());
    let header = header
        .and_then(|header| message.get(header))
        .unwrap_or_default();
    let headers = fields(header).map(|field| HeaderField {
        name: Foreign::new(String::from_utf8_lossy(field.name)),
        value: Foreign::new(readable(&field)),
    });
    let mut builder = Builder {
        message,
        nodes: &nodes,
        options: *options,
        outline,
        document: Document {
            headers: headers.collect(),
            raw_header: Foreign::new(charset(None, header)),
            warnings: warnings(header, &nodes),
            ..Document::default()
        },
    };
    builder.message_body(0, &Section::default());
    builder.document
}

/// How a part is to be treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// Shown where possible, else a note says what it is.
    Show,
    /// Listed among the parts and nothing more: the reader sees another form of the same.
    ListOnly,
}

struct Builder<'a> {
    message: &'a [u8],
    nodes: &'a [Node],
    options: ViewOptions,
    /// What of the message is elsewhere.
    outline: &'a Outline,
    document: Document,
}

/// Recursion through the parts is bounded by [`crate::mime::tree::DEEPEST`].
impl Builder<'_> {
    /// The content of a message: its parts are numbered below it, a single one is number 1.
    fn message_body(&mut self, place: usize, section: &Section) {
        let is_multipart = |node: &Node| node.kind == Kind::Multipart;
        if self.nodes.get(place).is_some_and(is_multipart) {
            self.part(place, section, Treatment::Show);
        } else {
            self.part(place, &section.part(1), Treatment::Show);
        }
    }

    fn part(&mut self, place: usize, section: &Section, treatment: Treatment) {
        let nodes = self.nodes;
        let Some(node) = nodes.get(place) else { return };
        match node.kind {
            Kind::Multipart => self.multipart(node, section, treatment),
            Kind::Message => self.enclosed(node, section, treatment),
            Kind::Leaf => self.leaf(node, section, treatment),
        }
    }

    fn multipart(&mut self, node: &Node, section: &Section, treatment: Treatment) {
        let chosen = match node.about.subtype.as_str() {
            "ALTERNATIVE" => self.choose(node),
            _ => None,
        };
        for (child, number) in node.children.iter().zip(1..) {
            let treatment = match chosen {
                Some(chosen) if chosen != *child => Treatment::ListOnly,
                _ => treatment,
            };
            self.part(*child, &section.part(number), treatment);
        }
    }

    /// The alternative to show: the preferred text, else the other one, else the first part.
    fn choose(&self, node: &Node) -> Option<usize> {
        let first = |subtype: &str| {
            let children = node.children.iter().copied();
            let mut found = children.filter(|child| self.leads_to(*child, subtype));
            found.next()
        };
        let (preferred, other) = if self.options.prefer_html {
            ("HTML", "PLAIN")
        } else {
            ("PLAIN", "HTML")
        };
        let any = node.children.first().copied();
        first(preferred).or_else(|| first(other)).or(any)
    }

    /// Whether the part is a text of this subtype, or a container that starts with one.
    fn leads_to(&self, mut place: usize, subtype: &str) -> bool {
        while let Some(node) = self.nodes.get(place) {
            let Some(first) = node
                .children
                .first()
                .filter(|_| node.kind == Kind::Multipart)
            else {
                let empty = node.body.is_empty();
                return node.about.is("TEXT", subtype) && !empty;
            };
            place = *first;
        }
        false
    }

    fn enclosed(&mut self, node: &Node, section: &Section, treatment: Treatment) {
        let mut line = part_line(self.message, node, section);
        line.shown = treatment == Treatment::Show;
        if let Some(octets) = self.outline.octets(section) {
            line.size = octets;
            line.lines = None;
        }
        let title = self.title(&line);
        self.document.parts.push(line);
        let Some(&inner) = node.children.first() else {
            return;
        };
        if treatment == Treatment::Show {
            self.note(&[title]);
            self.enclosed_header(inner);
        }
        let is_multipart = |node: &Node| node.kind == Kind::Multipart;
        let section = if self.nodes.get(inner).is_some_and(is_multipart) {
            section
        } else {
            &section.part(1)
        };
        self.part(inner, section, treatment);
    }

    fn enclosed_header(&mut self, inner: usize) {
        const SHOWN: [&str; 5] = ["Date", "From", "To", "Cc", "Subject"];
        let header = self.nodes.get(inner).map(|inner| inner.header.clone());
        let header = header
            .and_then(|header| self.message.get(header))
            .unwrap_or_default();
        for name in SHOWN {
            for field in fields(header).filter(|field| field.is(name)) {
                let text = format!("{name}: {}", readable(&field));
                self.document
                    .body
                    .push(paragraph(ParagraphKind::Header, text));
            }
        }
    }

    fn leaf(&mut self, node: &Node, section: &Section, treatment: Treatment) {
        let mut line = part_line(self.message, node, section);
        let attached = node.about.disposition.as_ref();
        let attached = attached.is_some_and(|found| found.value.eq_ignore_ascii_case("attachment"));
        let left_out = self.outline.octets_left_out(section);
        if let Some(octets) = left_out {
            line.size = decoded_octets(&node.about.encoding, octets);
            line.lines = None;
        }
        let is_here = left_out.is_none();
        line.shown = line.is_text && treatment == Treatment::Show && !attached && is_here;
        let title = self.title(&line);
        if line.shown {
            let more = !self.document.body.is_empty();
            if more && (line.name.is_some() || line.description.is_some()) {
                self.note(&[title]);
            } else if more {
                self.blanks();
            }
            let text = self.text(node);
            self.document.body.extend(text);
        } else if treatment == Treatment::Show && (!is_here || !node.body.is_empty()) {
            let hint = if line.is_text {
                "[ Not shown here. Press \"V\" to view or save this part. ]"
            } else {
                "[ Cannot display this part. Press \"V\" then \"S\" to save in a file. ]"
            };
            self.note(&[title, hint.to_owned()]);
        }
        self.document.parts.push(line);
    }

    fn text(&mut self, node: &Node) -> Vec<Paragraph> {
        let body = self.message.get(node.body.clone()).unwrap_or_default();
        let about = &node.about;
        let bytes = decoded_cow(&about.encoding, body);
        let declared = about.content_type.parameter("CHARSET");
        if about.is("TEXT", "HTML") {
            self.document.depends_on_width = true;
            let html = charset(declared.or_else(|| html_charset(&bytes)), &bytes);
            return html_paragraphs(&html, self.options.width);
        }
        let text = charset(declared, &bytes);
        let yes = |name: &str, word: &str| {
            let value = about.content_type.parameter(name);
            value.is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        let format = match yes("FORMAT", "flowed") {
            true => Format::Flowed {
                delete_space: yes("DELSP", "yes"),
            },
            false => Format::Fixed,
        };
        paragraphs(&text, format)
    }

    /// `[ Part 2, Application/PDF (Name: "slides.pdf") 5.5 KB. ]`
    fn title(&self, line: &PartLine) -> String {
        let mut title = format!("[ Part {}, {}", line.section, line.media_type.raw());
        if let Some(name) = &line.name {
            title += &format!(" (Name: \"{}\")", name.raw());
        }
        if let Some(description) = &line.description {
            title += &format!(", \"{}\",", description.raw());
        }
        title + &format!(" {}. ]", part_in_words(line))
    }

    fn note(&mut self, lines: &[String]) {
        self.blanks();
        for line in lines {
            let note = Paragraph {
                kind: ParagraphKind::Note,
                text: Foreign::new(line.as_str()),
                ..Paragraph::default()
            };
            self.document.body.push(note);
        }
        if lines.len() == 1 {
            self.document.body.push(Paragraph::default());
        }
    }

    /// Two blank lines, as Pine puts before what is not the text itself.
    fn blanks(&mut self) {
        if !self.document.body.is_empty() {
            let blanks = [Paragraph::default(), Paragraph::default()];
            self.document.body.extend(blanks);
        }
    }
}

/// About how many octets a content has when its transfer encoding is undone: in base64 with lines of the usual length, 57 of
/// each 78.
fn decoded_octets(encoding: &str, stored: u64) -> u64 {
    match encoding {
        "BASE64" => stored / 78 * 57 + stored % 78 * 3 / 4,
        _ => stored,
    }
}

/// The charset that an HTML text names in its head.
fn html_charset(html: &[u8]) -> Option<&str> {
    const HEAD: usize = 1024;
    let head = html.get(..html.len().min(HEAD))?;
    let place = memchr::memmem::find(head, b"charset=")?;
    let value = head.get(place + "charset=".len()..)?;
    let value = value
        .strip_prefix(b"\"")
        .or_else(|| value.strip_prefix(b"'"))
        .unwrap_or(value);
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    let length = value.iter().take_while(in_name).count();
    std::str::from_utf8(value.get(..length)?).ok()
}
