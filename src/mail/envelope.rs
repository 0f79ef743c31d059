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
    /// References: message identifiers, oldest first, with their angle brackets.
    pub references: Vec<Foreign>,
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
}
