//! What JSON output is made of: the contract with scripts, apart from the types of `mail`, so that a rename
//! inside cannot break a script. Fields are only ever added.

use jiff::tz::{Offset, TimeZone};
use serde::Serialize;

use crate::mail::address::Address;
use crate::mail::date::InternalDate;
use crate::mail::envelope::Envelope;
use crate::mail::flags::Flags;
use crate::mail::structure::{BodyStructure, Content};
use crate::mail::text::Foreign;

/// An address; the marks of a group lack host and name.
#[derive(Serialize)]
pub struct AddressRecord {
    name: Option<String>,
    mailbox: Option<String>,
    host: Option<String>,
}

/// An envelope, values decoded.
#[derive(Serialize)]
pub struct EnvelopeRecord {
    date: Option<String>,
    subject: Option<String>,
    from: Vec<AddressRecord>,
    sender: Vec<AddressRecord>,
    reply_to: Vec<AddressRecord>,
    to: Vec<AddressRecord>,
    cc: Vec<AddressRecord>,
    bcc: Vec<AddressRecord>,
    message_id: Option<String>,
    in_reply_to: Option<String>,
}

/// A body structure.
#[derive(Serialize)]
pub struct BodyRecord {
    #[serde(rename = "type")]
    media_type: String,
    subtype: String,
    params: serde_json::Map<String, serde_json::Value>,
    id: Option<String>,
    description: Option<String>,
    encoding: String,
    size: u64,
    lines: Option<u64>,
    disposition: Option<DispositionRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Box<MessageRecord>>,
}

/// A disposition with its parameters.
#[derive(Serialize)]
pub struct DispositionRecord {
    #[serde(rename = "type")]
    kind: String,
    params: serde_json::Map<String, serde_json::Value>,
}

/// What an enclosed message holds.
#[derive(Serialize)]
pub struct MessageRecord {
    envelope: EnvelopeRecord,
    body: BodyRecord,
}

impl EnvelopeRecord {
    /// The record of `envelope`.
    pub fn new(envelope: &Envelope) -> Self {
        let list = |addresses: &[Address]| addresses.iter().map(AddressRecord::new).collect();
        Self {
            date: text(envelope.date.as_ref()),
            subject: text(envelope.subject.as_ref()),
            from: list(&envelope.from),
            sender: list(envelope.sender()),
            reply_to: list(envelope.reply_to()),
            to: list(&envelope.to),
            cc: list(&envelope.cc),
            bcc: list(&envelope.bcc),
            message_id: text(envelope.message_id.as_ref()),
            in_reply_to: text(envelope.in_reply_to.as_ref()),
        }
    }

    /// The subject, for people.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

impl AddressRecord {
    fn new(address: &Address) -> Self {
        Self {
            name: text(address.name.as_ref()),
            mailbox: text(address.mailbox.as_ref()),
            host: text(address.host.as_ref()),
        }
    }
}

impl BodyRecord {
    /// The record of `body`. Goes as deep as the structure, whose depth its maker limits to 100.
    pub fn new(body: &BodyStructure) -> Self {
        let (parts, message) = match &body.content {
            Content::Leaf => (None, None),
            Content::Multipart(parts) => (Some(parts.iter().map(Self::new).collect()), None),
            Content::Message(envelope, inner) => {
                let message = MessageRecord {
                    envelope: EnvelopeRecord::new(envelope),
                    body: Self::new(inner),
                };
                (None, Some(Box::new(message)))
            }
        };
        Self {
            media_type: body.media_type.raw().to_owned(),
            subtype: body.subtype.raw().to_owned(),
            params: parameters(&body.parameters),
            id: text(body.id.as_ref()),
            description: text(body.description.as_ref()),
            encoding: body.encoding.raw().to_owned(),
            size: body.size,
            lines: body.lines,
            disposition: body
                .disposition
                .as_ref()
                .map(|(kind, params)| DispositionRecord {
                    kind: kind.raw().to_owned(),
                    params: parameters(params),
                }),
            parts,
            message,
        }
    }
}

/// The IMAP names of system flags, `\Seen` first.
pub fn flag_names(flags: &Flags) -> Vec<&'static str> {
    flags.system.names().collect()
}

/// Keywords as text.
pub fn keyword_names(flags: &Flags) -> Vec<&str> {
    let keywords = flags.keywords().iter();
    keywords.map(|keyword| keyword.as_str()).collect()
}

/// Flags, then keywords, as a person reads them: `\Seen work`.
pub fn flags_in_words(flags: &Flags) -> String {
    let mut words = flag_names(flags);
    words.extend(keyword_names(flags));
    words.join(" ")
}

/// `2026-01-05T10:00:00+00:00`, in the zone in which the date was written down.
pub fn rfc3339(date: InternalDate) -> String {
    let offset = Offset::from_seconds(i32::from(date.offset) * 60).unwrap_or(Offset::UTC);
    let moment = jiff::Timestamp::from_second(date.seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let zoned = moment.to_zoned(TimeZone::fixed(offset));
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The text as it is: the JSON writer makes it harmless.
pub fn text(text: Option<&Foreign>) -> Option<String> {
    text.map(|text| text.raw().to_owned())
}

fn parameters(list: &[(Foreign, Foreign)]) -> serde_json::Map<String, serde_json::Value> {
    let pairs = list.iter();
    pairs
        .map(|(name, value)| (name.raw().to_owned(), value.raw().into()))
        .collect()
}
