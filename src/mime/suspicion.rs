//! What a reader should be warned of before trusting a message: senders that pose as others, headers that say two things.

use crate::mail::address::Address;
use crate::mime::addresses::addresses;
use crate::mime::fields::fields;
use crate::mime::tree::Node;

/// The warnings for a message with this header and these parts.
pub fn warnings(header: &[u8], nodes: &[Node]) -> Vec<&'static str> {
    let from: Vec<Vec<Address>> = fields(header)
        .filter(|field| field.is("From"))
        .map(|field| addresses(&field.unfolded()))
        .collect();
    let senders: Vec<&Address> = from.iter().flatten().collect();
    let mut warnings = Vec::new();
    let mut warn = |holds: bool, warning: &'static str| {
        if holds {
            warnings.push(warning);
        }
    };
    warn(
        senders.iter().any(|sender| poses(sender)),
        "The sender's name looks like another address. Trust the address in angle brackets.",
    );
    warn(
        senders.iter().any(|sender| has_controls(sender)),
        "The sender's name contains control characters.",
    );
    warn(from.len() > 1, "The message has several From fields.");
    warn(
        nodes.iter().any(|node| node.about.doubled),
        "A part has two Content-Type fields; the first one counts.",
    );
    warn(
        nodes.iter().any(Node::is_cut),
        "Parts are nested too deeply to be taken apart.",
    );
    warnings
}

/// Whether the display name holds an `@` that is not that of the address itself.
fn poses(sender: &Address) -> bool {
    let name = sender.name.as_ref().map_or("", |name| name.raw());
    let mailbox = sender.mailbox.as_ref().map_or("", |mailbox| mailbox.raw());
    let looks = |text: &str| text.contains(['@', '\u{ff20}', '\u{fe6b}']);
    let spec = sender.spec();
    let spec = spec.as_ref().map_or("", |spec| spec.raw());
    let bare = name.trim_matches(|character: char| !character.is_alphanumeric());
    (looks(name) && !bare.eq_ignore_ascii_case(spec)) || mailbox.contains("=?") || looks(mailbox)
}

fn has_controls(sender: &Address) -> bool {
    let texts = [&sender.name, &sender.mailbox, &sender.host];
    let mut texts = texts.into_iter().flatten();
    texts.any(|text| {
        text.raw()
            .contains(|character: char| character.is_control())
    })
}
