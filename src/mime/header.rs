//! The envelope of a message, from its header.
//!
//! Text fields that come twice count once, the first; address fields that come twice add up. Both as c-client does.

use crate::mail::address::Address;
use crate::mail::envelope::Envelope;
use crate::mail::text::Foreign;
use crate::mime::addresses::addresses_of;
use crate::mime::encoded_words::encoded_words;
use crate::mime::fields::{Field, fields};
use crate::mime::parse;

/// The envelope of the header at the start of `header`; what follows its blank line is not looked at. Never fails: what cannot be understood is left out.
pub fn envelope(header: &[u8]) -> Envelope {
    let mut envelope = Envelope::default();
    // The texts of a usual header are parts of one copy of its fields.
    let usual = copied(header).map(Foreign::new);
    let bytes = usual.as_ref().map_or(header, |text| text.raw().as_bytes());
    let whole = usual.clone().unwrap_or_default();
    for field in fields(bytes) {
        take(&mut envelope, &field, &whole);
    }
    envelope
}

/// Most bytes of the fields that are kept in one piece.
const USUAL: usize = 16 * 1024;

/// A copy of the fields that an envelope has, if they are UTF-8 and not too long to be kept.
fn copied(header: &[u8]) -> Option<String> {
    let mut copy = Vec::with_capacity(512);
    for field in fields(header).filter(|field| WANTED.iter().any(|name| field.is(name))) {
        copy.extend_from_slice(field.name);
        copy.push(b':');
        copy.extend_from_slice(field.value);
        if copy.len() > USUAL {
            return None;
        }
    }
    String::from_utf8(copy).ok()
}

const WANTED: [&str; 11] = [
    "date",
    "subject",
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "message-id",
    "in-reply-to",
    "references",
];

fn take(envelope: &mut Envelope, field: &Field<'_>, whole: &Foreign) {
    if envelope.date.is_none() && field.is("date") {
        let date = field.unfolded();
        envelope.sent = parse::date(&date);
        envelope.date = Some(whole.part(&date));
    } else if envelope.subject.is_none() && field.is("subject") {
        let subject = field.unfolded();
        envelope.subject = Some(match subject.contains("=?") {
            true => Foreign::new(encoded_words(&subject)),
            false => whole.part(&subject),
        });
    } else if envelope.references.is_empty() && field.is("references") {
        envelope.references = message_ids(&field.unfolded(), whole);
    } else if field.is("message-id") {
        first(&mut envelope.message_id, field, whole);
    } else if field.is("in-reply-to") {
        first(&mut envelope.in_reply_to, field, whole);
    } else if let Some(list) = addresses(envelope, field) {
        addresses_of(&field.unfolded(), whole, list);
    }
}

/// The list to which the addresses of this field belong.
fn addresses<'e>(envelope: &'e mut Envelope, field: &Field<'_>) -> Option<&'e mut Vec<Address>> {
    Some(match field {
        field if field.is("from") => &mut envelope.from,
        field if field.is("to") => &mut envelope.to,
        field if field.is("cc") => &mut envelope.cc,
        field if field.is("bcc") => &mut envelope.bcc,
        field if field.is("sender") => &mut envelope.sender,
        field if field.is("reply-to") => &mut envelope.reply_to,
        _ => return None,
    })
}

fn first(place: &mut Option<Foreign>, field: &Field<'_>, whole: &Foreign) {
    if place.is_none() {
        *place = Some(whole.part(&field.unfolded()));
    }
}

/// The message identifiers in a field, with their angle brackets; other words are skipped. `whole` may hold the field.
pub fn message_ids(field: &str, whole: &Foreign) -> Vec<Foreign> {
    // From each `<` only to the next one: what never ends is not gone over again and again.
    let mut end = 0;
    let pieces = field.split('<').map(|piece| {
        let start = end;
        end += piece.len() + 1;
        (start, piece)
    });
    let closed = pieces.skip(1).filter_map(|(start, piece)| {
        let inner = piece.get(..memchr::memchr(b'>', piece.as_bytes())?)?;
        let is_id = !inner.is_empty() && !inner.contains(char::is_whitespace);
        field.get(start - 1..=start + inner.len()).filter(|_| is_id)
    });
    closed.map(|id| whole.part(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_senders_repeat_from() {
        let header =
            b"From: Ada <ada@x>\r\nfrom: b@y\r\nSubject: one\r\nSubject: two\r\n\r\nTo: no@z\r\n";
        let envelope = envelope(header);
        assert_eq!(envelope.from.len(), 2);
        assert_eq!(envelope.sender(), envelope.from);
        assert_eq!(envelope.reply_to(), envelope.from);
        assert_eq!(envelope.subject, Some(Foreign::new("one")));
        assert!(envelope.to.is_empty());
    }

    #[test]
    fn references_are_a_list() {
        let ids = message_ids("<a@b>\t<c@d> rubbish <e f> <> <g@h", &Foreign::default());
        assert_eq!(ids, [Foreign::new("<a@b>"), Foreign::new("<c@d>")]);
    }
}
