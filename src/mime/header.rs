//! The envelope of a message, from its header.
//!
//! Text fields that come twice count once, the first; address fields that come twice add up. Both as c-client does.

use crate::mail::envelope::Envelope;
use crate::mail::text::Foreign;
use crate::mime::addresses::addresses_of;
use crate::mime::encoded_words::encoded_words;
use crate::mime::fields::{Field, fields, unfold};
use crate::mime::parse;

/// The envelope of the header at the start of `header`; what follows its blank line is not looked at. Never fails: what cannot be understood is left out.
pub fn envelope(header: &[u8]) -> Envelope {
    let mut envelope = Envelope::default();
    let mut wanted = Vec::with_capacity(16);
    wanted.extend(fields(header).filter_map(|field| Some((kind(&field)?, field))));
    if let Some((whole, ends)) = copied(&wanted) {
        let mut start = 0;
        for (&(kind, _), end) in wanted.iter().zip(ends) {
            let value = whole.raw().get(start..end).unwrap_or_default();
            take(&mut envelope, kind, &unfold(value), &whole);
            start = end;
        }
    } else {
        for (kind, field) in &wanted {
            take(&mut envelope, *kind, &field.unfolded(), &Foreign::default());
        }
    }
    envelope
}

/// Most bytes of the fields that are kept in one piece.
const USUAL: usize = 16 * 1024;

/// One copy of these fields' values, of which the texts of a usual header are parts, and where in it each value ends;
/// `None` where they are not UTF-8, or too long to be kept.
fn copied(wanted: &[(Kind, Field<'_>)]) -> Option<(Foreign, Vec<usize>)> {
    let mut copy = Vec::with_capacity(1024);
    let mut ends = Vec::with_capacity(wanted.len());
    for (_, field) in wanted {
        copy.extend_from_slice(field.value);
        if !field.value.ends_with(b"\n") {
            copy.push(b'\n');
        }
        ends.push(copy.len());
        if copy.len() > USUAL {
            return None;
        }
    }
    let text = std::str::from_utf8(&copy).ok()?;
    Some((Foreign::new(text), ends))
}

/// A field that an envelope has.
#[derive(Clone, Copy)]
enum Kind {
    Date,
    Subject,
    MessageId,
    InReplyTo,
    References,
    Addresses(List),
}

/// Which list of addresses.
#[derive(Clone, Copy)]
enum List {
    From,
    Sender,
    ReplyTo,
    To,
    Cc,
    Bcc,
}

const KINDS: [(&str, Kind); 11] = [
    ("date", Kind::Date),
    ("subject", Kind::Subject),
    ("message-id", Kind::MessageId),
    ("in-reply-to", Kind::InReplyTo),
    ("references", Kind::References),
    ("from", Kind::Addresses(List::From)),
    ("sender", Kind::Addresses(List::Sender)),
    ("reply-to", Kind::Addresses(List::ReplyTo)),
    ("to", Kind::Addresses(List::To)),
    ("cc", Kind::Addresses(List::Cc)),
    ("bcc", Kind::Addresses(List::Bcc)),
];

fn kind(field: &Field<'_>) -> Option<Kind> {
    let known = KINDS.iter().find(|(name, _)| field.is(name))?;
    Some(known.1)
}

/// Takes in an unfolded value, which may be a part of `whole`.
fn take(envelope: &mut Envelope, kind: Kind, value: &str, whole: &Foreign) {
    let text = match kind {
        Kind::Addresses(list) => {
            let list = match list {
                List::From => &mut envelope.from,
                List::Sender => &mut envelope.sender,
                List::ReplyTo => &mut envelope.reply_to,
                List::To => &mut envelope.to,
                List::Cc => &mut envelope.cc,
                List::Bcc => &mut envelope.bcc,
            };
            return addresses_of(value, whole, list);
        }
        Kind::Date => {
            if envelope.date.is_none() {
                envelope.sent = parse::date(value);
            }
            &mut envelope.date
        }
        Kind::Subject => &mut envelope.subject,
        Kind::MessageId => &mut envelope.message_id,
        Kind::InReplyTo => &mut envelope.in_reply_to,
        Kind::References => &mut envelope.references,
    };
    if text.is_none() {
        *text = Some(match kind {
            Kind::Subject if value.contains("=?") => Foreign::new(encoded_words(value)),
            _ => whole.part(value),
        });
    }
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
}
