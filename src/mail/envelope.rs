//! The envelope: what an index line and a reply need of a header (RFC 3501, 7.4.2).

use crate::mail::address::Address;
use crate::mail::date::InternalDate;
use crate::mail::text::Foreign;

/// The structured fields of one header, values decoded to Unicode.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    /// The Date field as written.
    pub date: Option<Foreign>,
    /// The Date field as a moment, where it can be understood.
    pub sent: Option<InternalDate>,
    /// Subject.
    pub subject: Option<Foreign>,
    /// From.
    pub from: Vec<Address>,
    /// Sender, where it is there.
    pub sender: Vec<Address>,
    /// Reply-To, where it is there.
    pub reply_to: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// Message-ID, with its angle brackets.
    pub message_id: Option<Foreign>,
    /// In-Reply-To as written.
    pub in_reply_to: Option<Foreign>,
    /// References as written; see [`references`](Self::references).
    pub references: Option<Foreign>,
}

impl Envelope {
    /// Who sent it: Sender, or From where that is absent.
    pub fn sender(&self) -> &[Address] {
        match self.sender.is_empty() {
            true => &self.from,
            false => &self.sender,
        }
    }

    /// Who gets answers: Reply-To, or From where that is absent.
    pub fn reply_to(&self) -> &[Address] {
        match self.reply_to.is_empty() {
            true => &self.from,
            false => &self.reply_to,
        }
    }

    /// The message identifiers in References, oldest first, with their angle brackets.
    pub fn references(&self) -> Vec<Foreign> {
        self.references
            .as_ref()
            .map(message_ids)
            .unwrap_or_default()
    }
}

/// The message identifiers in a field, with their angle brackets; other words are skipped.
pub fn message_ids(field: &Foreign) -> Vec<Foreign> {
    let text = field.raw();
    // From each `<` only to the next one: what never ends is not gone over again and again.
    let mut end = 0;
    let pieces = text.split('<').map(|piece| {
        let start = end;
        end += piece.len() + 1;
        (start, piece)
    });
    let closed = pieces.skip(1).filter_map(|(start, piece)| {
        let inner = piece.get(..memchr::memchr(b'>', piece.as_bytes())?)?;
        let is_id = !inner.is_empty() && !inner.contains(char::is_whitespace);
        text.get(start - 1..=start + inner.len()).filter(|_| is_id)
    });
    closed.map(|id| field.part(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_a_list() {
        let ids = message_ids(&Foreign::new("<a@b>\t<c@d> rubbish <e f> <> <g@h"));
        assert_eq!(ids, [Foreign::new("<a@b>"), Foreign::new("<c@d>")]);
    }
}
