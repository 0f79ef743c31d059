//! What the attachment index says of a part.

use crate::mail::structure::Section;
use crate::mail::text::Foreign;
use crate::mime::decode::decoded_cow;
use crate::mime::document::PartLine;
use crate::mime::structure::line_count;
use crate::mime::tree::{About, Kind, Node};

/// The line of `node`, which is not a multipart. Whether it is shown is for the caller to say.
pub fn part_line(message: &[u8], node: &Node, section: &Section) -> PartLine {
    let body = message.get(node.body.clone()).unwrap_or_default();
    let about = &node.about;
    let is_message = node.kind == Kind::Message;
    let is_text = about.media_type == "TEXT" || is_report(about);
    PartLine {
        section: section.clone(),
        media_type: Foreign::new(media_type(about)),
        name: about.file_name().map(Foreign::new),
        description: description(about).map(Foreign::new),
        size: decoded_size(&about.encoding, body),
        lines: (is_text || is_message).then(|| last_line_too(body)),
        shown: false,
        is_text,
        is_message,
    }
}

/// Reports about mail are messages by name and text by nature (RFC 3464, RFC 8098).
fn is_report(about: &About) -> bool {
    let reports = [
        "DELIVERY-STATUS",
        "DISPOSITION-NOTIFICATION",
        "FEEDBACK-REPORT",
    ];
    about.media_type == "MESSAGE" && reports.contains(&about.subtype.as_str())
}

/// `Text/PLAIN`: the type as a word, the subtype in capitals, as Pine writes them.
fn media_type(about: &About) -> String {
    let mut letters = about.media_type.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    format!(
        "{first}{}/{}",
        letters.as_str().to_lowercase(),
        about.subtype
    )
}

/// Content-Description; where the part has two different names, the other one too.
fn description(about: &About) -> Option<String> {
    let name = about.file_name();
    let other = about.content_type.parameter("NAME");
    let other = other.filter(|other| !other.is_empty() && name.is_some_and(|name| name != *other));
    match (&about.description, other) {
        (Some(description), Some(other)) => Some(format!("{description}; also named {other}")),
        (None, Some(other)) => Some(format!("also named {other}")),
        (description, None) => description.clone().filter(|text| !text.is_empty()),
    }
}

/// Octets of the content, its transfer encoding undone. Base64 is counted without decoding it.
fn decoded_size(encoding: &str, body: &[u8]) -> u64 {
    if encoding != "BASE64" {
        return decoded_cow(encoding, body).len() as u64;
    }
    let counts = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    body.iter().filter(counts).count() as u64 * 3 / 4
}

/// How many lines a reader counts: a last one without an end is one too.
fn last_line_too(body: &[u8]) -> u64 {
    let open = !body.is_empty() && !body.ends_with(b"\n");
    line_count(body) + u64::from(open)
}
