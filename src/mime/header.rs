//! The envelope of a message, from its header.
//!
//! Text fields that come twice count once, the first; address fields that come twice add up. Both as c-client does.

use crate::mail::address::Address;
use crate::mail::envelope::Envelope;
use crate::mail::text::Foreign;
use crate::mime::addresses::addresses;
use crate::mime::fields::{Field, fields};
use crate::mime::parse;

/// The envelope of the header at the start of `header`; what follows its blank line is not looked at. Never fails: what cannot be understood is left out.
pub fn envelope(header: &[u8]) -> Envelope {
    let mut envelope = Envelope::default();
    for field in fields(header) {
        take(&mut envelope, &field);
    }
    if envelope.sender.is_empty() {
        envelope.sender = envelope.from.clone();
    }
    if envelope.reply_to.is_empty() {
        envelope.reply_to = envelope.from.clone();
    }
    envelope
}

fn take(envelope: &mut Envelope, field: &Field<'_>) {
    match field.name.to_ascii_lowercase().as_slice() {
        b"date" if envelope.date.is_none() => {
            let date = field.unfolded();
            envelope.sent = parse::date(&date);
            envelope.date = Some(Foreign::new(date));
        }
        b"subject" => first(&mut envelope.subject, || field.decoded()),
        b"message-id" => first(&mut envelope.message_id, || field.unfolded()),
        b"in-reply-to" => first(&mut envelope.in_reply_to, || field.unfolded()),
        b"references" if envelope.references.is_empty() => {
            envelope.references = message_ids(&field.unfolded());
        }
        b"from" => add(&mut envelope.from, field),
        b"sender" => add(&mut envelope.sender, field),
        b"reply-to" => add(&mut envelope.reply_to, field),
        b"to" => add(&mut envelope.to, field),
        b"cc" => add(&mut envelope.cc, field),
        b"bcc" => add(&mut envelope.bcc, field),
        _ => {}
    }
}

fn first(place: &mut Option<Foreign>, text: impl FnOnce() -> String) {
    if place.is_none() {
        *place = Some(Foreign::new(text()));
    }
}

fn add(list: &mut Vec<Address>, field: &Field<'_>) {
    list.append(&mut addresses(&field.unfolded()));
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
        assert_eq!(envelope.sender, envelope.from);
        assert_eq!(envelope.reply_to, envelope.from);
        assert_eq!(envelope.subject, Some(Foreign::new("one")));
        assert!(envelope.to.is_empty());
    }

    #[test]
    fn references_are_a_list() {
        let ids = message_ids("<a@b>\t<c@d> rubbish <e f> <> <g@h");
        assert_eq!(ids, [Foreign::new("<a@b>"), Foreign::new("<c@d>")]);
    }
}
