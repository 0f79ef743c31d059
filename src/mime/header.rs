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
    // The texts of a usual header are parts of one copy of it.
    let usual = std::str::from_utf8(header).ok();
    let usual = usual.filter(|text| text.len() <= USUAL).map(Foreign::new);
    let bytes = usual.as_ref().map_or(header, |text| text.raw().as_bytes());
    let whole = usual.clone().unwrap_or_default();
    for field in fields(bytes) {
        take(&mut envelope, &field, &whole);
    }
    envelope
}

/// Bytes of a header that is kept as a whole.
const USUAL: usize = 16 * 1024;

fn take(envelope: &mut Envelope, field: &Field<'_>, whole: &Foreign) {
    // Of most fields the first letter tells that they are not wanted.
    match field.name.first().map(u8::to_ascii_lowercase) {
        Some(b'd') if envelope.date.is_none() && field.is("date") => {
            let date = field.unfolded();
            envelope.sent = parse::date(&date);
            envelope.date = Some(whole.part(&date));
        }
        Some(b's') if envelope.subject.is_none() && field.is("subject") => {
            let subject = field.unfolded();
            envelope.subject = Some(match subject.contains("=?") {
                true => Foreign::new(encoded_words(&subject)),
                false => whole.part(&subject),
            });
        }
        Some(b's') if field.is("sender") => add(&mut envelope.sender, field, whole),
        Some(b'm') if field.is("message-id") => first(&mut envelope.message_id, field, whole),
        Some(b'i') if field.is("in-reply-to") => first(&mut envelope.in_reply_to, field, whole),
        Some(b'r') if envelope.references.is_empty() && field.is("references") => {
            envelope.references = message_ids(&field.unfolded());
        }
        Some(b'r') if field.is("reply-to") => add(&mut envelope.reply_to, field, whole),
        Some(b'f') if field.is("from") => add(&mut envelope.from, field, whole),
        Some(b't') if field.is("to") => add(&mut envelope.to, field, whole),
        Some(b'c') if field.is("cc") => add(&mut envelope.cc, field, whole),
        Some(b'b') if field.is("bcc") => add(&mut envelope.bcc, field, whole),
        _ => {}
    }
}

fn first(place: &mut Option<Foreign>, field: &Field<'_>, whole: &Foreign) {
    if place.is_none() {
        *place = Some(whole.part(&field.unfolded()));
    }
}

fn add(list: &mut Vec<Address>, field: &Field<'_>, whole: &Foreign) {
    addresses_of(&field.unfolded(), whole, list);
}

/// The message identifiers in a field, with their angle brackets; other words are skipped.
pub fn message_ids(field: &str) -> Vec<Foreign> {
    let pieces = field.split('<').skip(1);
    let closed = pieces.filter_map(|piece| piece.split_once('>'));
    closed
        .filter(|(id, _)| !id.is_empty() && !id.contains(char::is_whitespace))
        .map(|(id, _)| Foreign::new(format!("<{id}>")))
        .collect()
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
        let ids = message_ids("<a@b>\t<c@d> rubbish <e f> <> <g@h");
        assert_eq!(ids, [Foreign::new("<a@b>"), Foreign::new("<c@d>")]);
    }
}
