//! The envelope of a message, from its header.
//!
//! Text fields that come twice count once, the first; address fields that come twice add up. Both as c-client does.

use crate::mail::envelope::Envelope;
use crate::mail::text::Foreign;
use crate::mime::addresses::addresses_of;
use crate::mime::encoded_words::encoded_words;
use crate::mime::fields::{Field, rough_fields};
use crate::mime::parse;

/// The envelope of the header at the start of `header`; what follows its blank line is not looked at. Never fails: what cannot be understood is left out.
pub fn envelope(header: &[u8]) -> Envelope {
    EnvelopeReader::default().read(header)
}

/// Reads envelopes one after the other, in memory that serves all of them.
#[derive(Default)]
pub struct EnvelopeReader {
    /// The values of the fields of one header, unfolded, one behind the other.
    values: Vec<u8>,
    /// What they are, and where each of them ends.
    ends: Vec<(Kind, usize)>,
}

impl EnvelopeReader {
    /// The same as [`envelope`].
    pub fn read(&mut self, header: &[u8]) -> Envelope {
        self.collect(header, |field, values| field.unfold_into(values));
        if !self.is_utf8() {
            let decoded = |field: &Field<'_>| field.unfolded().into_owned();
            self.collect(header, |field, values| {
                values.extend(decoded(field).bytes())
            });
        }
        // Always: what is not UTF-8 was decoded.
        let values = std::str::from_utf8(&self.values).unwrap_or_default();
        // The texts of a usual header are parts of one copy; of a long one only what is needed is kept.
        let (shared, values) = match values.len() <= USUAL {
            true => (Foreign::new(values), None),
            false => (Foreign::default(), Some(values)),
        };
        let values = values.unwrap_or(shared.raw());
        let mut envelope = Envelope::default();
        let mut start = 0;
        for &(kind, end) in &self.ends {
            let value = values.get(start..end).unwrap_or_default();
            take(&mut envelope, kind, value, &shared);
            start = end;
        }
        self.values.shrink_to(USUAL);
        envelope
    }

    /// Whether each of the values is UTF-8, and not only all of them together.
    fn is_utf8(&self) -> bool {
        let text = std::str::from_utf8(&self.values);
        text.is_ok_and(|text| self.ends.iter().all(|&(_, end)| text.is_char_boundary(end)))
    }

    fn collect(&mut self, header: &[u8], write: impl Fn(&Field<'_>, &mut Vec<u8>)) {
        self.values.clear();
        self.ends.clear();
        // What has one of these names has the name of a field.
        for field in rough_fields(header) {
            if let Some(kind) = kind(&field) {
                write(&field, &mut self.values);
                self.ends.push((kind, self.values.len()));
            }
        }
    }
}

/// Writes those fields of a header behind `into` that an envelope needs.
pub fn write_essential(header: &[u8], into: &mut Vec<u8>) {
    for field in rough_fields(header).filter(|field| kind(field).is_some()) {
        into.extend_from_slice(field.name);
        into.push(b':');
        into.extend_from_slice(field.value);
    }
}

/// Most bytes of values that are kept in one piece.
const USUAL: usize = 16 * 1024;

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

fn kind(field: &Field<'_>) -> Option<Kind> {
    // Most fields are of none of these lengths.
    let (name, kind) = match field.name.len() {
        2 if field.is("to") => return Some(Kind::Addresses(List::To)),
        2 => ("cc", Kind::Addresses(List::Cc)),
        3 => ("bcc", Kind::Addresses(List::Bcc)),
        4 if field.is("from") => return Some(Kind::Addresses(List::From)),
        4 => ("date", Kind::Date),
        6 => ("sender", Kind::Addresses(List::Sender)),
        7 => ("subject", Kind::Subject),
        8 => ("reply-to", Kind::Addresses(List::ReplyTo)),
        10 if field.is("message-id") => return Some(Kind::MessageId),
        10 => ("references", Kind::References),
        11 => ("in-reply-to", Kind::InReplyTo),
        _ => return None,
    };
    field.is(name).then_some(kind)
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
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::{prop_assert_eq, proptest};

    use super::*;
    use crate::mime::fields::fields;

    proptest! {
        #[test]
        fn values_are_those_of_each_field(
            subject in vec(any::<u8>(), 0..6),
            to in vec(any::<u8>(), 0..6),
        ) {
            let header = [&b"Subject: a"[..], &subject, b"\r\nDate: ", &to, b"x\r\n\r\n"].concat();
            let found = envelope(&header);
            let of = |name| {
                let field = fields(&header).find(|field| field.is(name));
                field.map(|field| Foreign::new(field.unfolded().into_owned()))
            };
            let decoded = of("subject").map(|it| Foreign::new(encoded_words(it.raw())));
            prop_assert_eq!(found.subject, decoded);
            prop_assert_eq!(found.date, of("date"));
        }
    }

    #[test]
    fn a_character_does_not_begin_in_one_value_and_end_in_the_next() {
        let found = envelope(b"Subject: a\xc3\r\nMessage-ID: \xa9 b\r\n\r\n");
        assert_eq!(found.subject, Some(Foreign::new("a\u{c3}")));
        assert_eq!(found.message_id, Some(Foreign::new("\u{a9} b")));
    }

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
