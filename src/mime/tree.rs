//! Where the parts of a message lie (RFC 2046): one pass over the lines, a stack of open boundaries, no recursion.
//!
//! Below [`DEEPEST`] levels nothing is taken apart: the rest is one opaque part. A line that ends several
//! open multiparts belongs to the outermost of them; a missing closing boundary costs nothing.

use std::collections::HashMap;
use std::ops::Range;

use crate::mime::fields::{Field, fields, header_length, is_blank, line_end};
use crate::mime::parameters::Parameterized;

/// How many levels of parts and enclosed messages are taken apart.
pub const DEEPEST: usize = 100;
/// The longest boundary that is looked for; RFC 2046 allows 70.
const LONGEST_BOUNDARY: usize = 1000;

/// A part of a message, or the message itself.
#[derive(Debug)]
pub struct Node {
    /// Its header, with the blank line.
    pub header: Range<usize>,
    /// Its content, without the line end that belongs to a boundary.
    pub body: Range<usize>,
    /// What its header says of the content.
    pub about: About,
    /// What it contains.
    pub kind: Kind,
    /// The parts in it, as places in the tree; of a message exactly one.
    pub children: Vec<usize>,
    depth: usize,
    cut: bool,
}

impl Node {
    /// Whether the part would have been taken apart, were it not nested too deeply.
    pub fn is_cut(&self) -> bool {
        self.cut
    }
}

/// What a part contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Data.
    Leaf,
    /// Parts.
    Multipart,
    /// A message.
    Message,
}

/// What a header says of the content.
#[derive(Debug, Default)]
pub struct About {
    /// Content-Type: type and subtype, upper case; and its parameters.
    pub media_type: String,
    /// The subtype.
    pub subtype: String,
    /// Parameters of Content-Type.
    pub content_type: Parameterized,
    /// Content-Disposition.
    pub disposition: Option<Parameterized>,
    /// Content-Transfer-Encoding, upper case.
    pub encoding: String,
    /// Content-ID.
    pub id: Option<String>,
    /// Content-Description, decoded.
    pub description: Option<String>,
    /// Whether there is a second Content-Type.
    pub doubled: bool,
}

impl About {
    /// Whether the type is this one; both upper case.
    pub fn is(&self, media_type: &str, subtype: &str) -> bool {
        self.media_type == media_type && self.subtype == subtype
    }

    /// The name that the sender gave the part: of the disposition, else of the type.
    pub fn file_name(&self) -> Option<&str> {
        let disposition = self.disposition.as_ref();
        disposition
            .and_then(|disposition| disposition.parameter("FILENAME"))
            .or_else(|| self.content_type.parameter("NAME"))
            .filter(|name| !name.is_empty())
    }

    fn read(header: &[u8], default: (&str, &str)) -> Self {
        let mut about = Self::default();
        let mut content_type = None;
        for field in fields(header) {
            about.take(&field, &mut content_type);
        }
        about.content_type = content_type.unwrap_or_default();
        let (media_type, subtype) = types(&about.content_type.value, default);
        about.media_type = media_type;
        about.subtype = subtype;
        if about.encoding.is_empty() {
            about.encoding.push_str("7BIT");
        }
        about
    }

    /// Of fields that come twice the first one counts.
    fn take(&mut self, field: &Field<'_>, content_type: &mut Option<Parameterized>) {
        let family = field.name.get(..8).unwrap_or_default();
        if !family.eq_ignore_ascii_case(b"content-") {
            return;
        }
        match field.name.to_ascii_lowercase().as_slice() {
            b"content-type" if content_type.is_none() => {
                *content_type = Some(Parameterized::parse(&field.unfolded()));
            }
            b"content-type" => self.doubled = true,
            b"content-disposition" if self.disposition.is_none() => {
                let disposition = Parameterized::parse(&field.unfolded());
                self.disposition = Some(disposition).filter(|found| !found.value.is_empty());
            }
            b"content-transfer-encoding" if self.encoding.is_empty() => {
                self.encoding = Parameterized::parse(&field.unfolded())
                    .value
                    .to_ascii_uppercase();
            }
            b"content-id" if self.id.is_none() => self.id = Some(field.unfolded().into_owned()),
            b"content-description" if self.description.is_none() => {
                self.description = Some(field.decoded());
            }
            _ => {}
        }
    }
}

/// Type and subtype in upper case, with the subtypes that c-client takes where there is none.
fn types(value: &str, default: (&str, &str)) -> (String, String) {
    let (media_type, subtype) = value.split_once('/').unwrap_or((value, ""));
    let media_type = media_type.trim().to_ascii_uppercase();
    let subtype = subtype.trim().to_ascii_uppercase();
    if media_type.is_empty() {
        return (default.0.to_owned(), default.1.to_owned());
    }
    let usual = match media_type.as_str() {
        _ if !subtype.is_empty() => &subtype,
        "TEXT" => "PLAIN",
        "MULTIPART" => "MIXED",
        "MESSAGE" => "RFC822",
        "APPLICATION" => "OCTET-STREAM",
        "AUDIO" => "BASIC",
        _ => "UNKNOWN",
    };
    let usual = usual.to_owned();
    (media_type, usual)
}

/// The parts of `message`; the first node is the message itself.
pub fn tree(message: &[u8]) -> Vec<Node> {
    let mut scan = Scan {
        message,
        nodes: Vec::new(),
        open: Vec::new(),
        boundaries: HashMap::new(),
    };
    let header = header_length(message);
    scan.enter(0..header, None);
    let mut start = header;
    while start < message.len() && !scan.open.is_empty() {
        start = scan.line(start);
    }
    scan.close(0, message.len());
    scan.nodes
}

struct Scan<'a> {
    message: &'a [u8],
    nodes: Vec<Node>,
    /// The nodes whose end is not known yet, from the outside in.
    open: Vec<usize>,
    /// Open boundaries, with the place in `open` of their multipart.
    boundaries: HashMap<Vec<u8>, usize>,
}

impl Scan<'_> {
    /// Takes the line at `start`; returns where to go on.
    fn line(&mut self, start: usize) -> usize {
        let end = line_end(self.message, start);
        let line = self.message.get(start..end).unwrap_or_default();
        match self.delimiter(line) {
            Some((level, closing)) => {
                let multipart = self.open.get(level).copied();
                self.close(level + 1, self.before_line(start));
                match multipart {
                    Some(multipart) if !closing => self.part(multipart, end),
                    _ => {
                        self.boundaries.retain(|_, open| *open != level);
                        end
                    }
                }
            }
            None if self.boundaries.is_empty() => self.message.len(),
            None => end,
        }
    }

    /// Whether the line is a boundary of an open multipart, and whether it is its last.
    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let line = line.strip_prefix(b"--")?;
        if line.len() > LONGEST_BOUNDARY + 80 {
            return None;
        }
        let line = line.trim_ascii_end();
        if let Some(level) = self.boundaries.get(line) {
            return Some((*level, false));
        }
        let level = self.boundaries.get(line.strip_suffix(b"--")?)?;
        Some((*level, true))
    }

    /// Starts a part of `multipart` whose header starts at `start`; returns where its content starts.
    fn part(&mut self, multipart: usize, start: usize) -> usize {
        let end = self.header_end(start);
        self.enter(start..end, Some(multipart))
    }

    /// Where the header at `start` ends: behind a blank line, or before a boundary.
    fn header_end(&self, mut start: usize) -> usize {
        while start < self.message.len() {
            let end = line_end(self.message, start);
            let line = self.message.get(start..end).unwrap_or_default();
            if is_blank(line) {
                return end;
            }
            if self.delimiter(line).is_some() {
                return start;
            }
            start = end;
        }
        start
    }

    /// Adds the part with this header, and the messages that it starts; returns where the next line to look at starts.
    fn enter(&mut self, header: Range<usize>, parent: Option<usize>) -> usize {
        let (mut header, mut parent) = (header, parent);
        loop {
            let node = self.add(header.clone(), parent);
            let Some(kind) = self.nodes.get(node).map(|node| node.kind) else {
                return header.end;
            };
            self.open.push(node);
            if kind != Kind::Message {
                self.open_boundary(node);
                return header.end;
            }
            let inner = header.end;
            header = inner..self.header_end(inner);
            parent = Some(node);
        }
    }

    fn add(&mut self, header: Range<usize>, parent: Option<usize>) -> usize {
        let place = self.nodes.len();
        let outer = parent.and_then(|parent| self.nodes.get_mut(parent));
        let (depth, in_digest) = outer.map_or((0, false), |outer| {
            outer.children.push(place);
            let in_digest = outer.about.is("MULTIPART", "DIGEST");
            (outer.depth + 1, in_digest)
        });
        let default = if in_digest {
            ("MESSAGE", "RFC822")
        } else {
            ("TEXT", "PLAIN")
        };
        let bytes = self.message.get(header.clone()).unwrap_or_default();
        let mut about = About::read(bytes, default);
        let (kind, cut) = kind(&mut about, depth);
        self.nodes.push(Node {
            body: header.end..self.message.len(),
            header,
            about,
            kind,
            children: Vec::new(),
            depth,
            cut,
        });
        place
    }

    /// Looks for the parts of a multipart from now on. An outer multipart with the same boundary keeps it.
    fn open_boundary(&mut self, node: usize) {
        let level = self.open.len() - 1;
        let Some(about) = self
            .nodes
            .get(node)
            .filter(|node| node.kind == Kind::Multipart)
        else {
            return;
        };
        let boundary = about.about.content_type.parameter("BOUNDARY");
        let boundary = boundary.unwrap_or("-").trim_end();
        if boundary.len() <= LONGEST_BOUNDARY {
            let boundary = boundary.as_bytes().to_vec();
            self.boundaries.entry(boundary).or_insert(level);
        }
    }

    /// Ends all open nodes from `level` inwards at `end`.
    fn close(&mut self, level: usize, end: usize) {
        for node in self.open.drain(level.min(self.open.len())..) {
            if let Some(node) = self.nodes.get_mut(node) {
                node.body.end = end.max(node.body.start);
            }
        }
        self.boundaries.retain(|_, open| *open < level);
    }

    /// Where what precedes the line at `start` ends, its line end left out.
    fn before_line(&self, start: usize) -> usize {
        let before = self.message.get(..start).unwrap_or_default();
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        before.strip_suffix(b"\r").unwrap_or(before).len()
    }
}

/// What a part contains, and whether it is too deep to look.
fn kind(about: &mut About, depth: usize) -> (Kind, bool) {
    let readable = matches!(about.encoding.as_str(), "7BIT" | "8BIT" | "BINARY");
    let container = match about.media_type.as_str() {
        "MULTIPART" => Kind::Multipart,
        "MESSAGE" if about.subtype == "RFC822" && readable => Kind::Message,
        _ => return (Kind::Leaf, false),
    };
    if depth >= DEEPEST {
        about.media_type = "APPLICATION".to_owned();
        about.subtype = "OCTET-STREAM".to_owned();
        return (Kind::Leaf, true);
    }
    (container, false)
}
