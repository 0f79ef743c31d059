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
    /// Sender; repeats `from` where absent.
    pub sender: Vec<Address>,
    /// Reply-To; repeats `from` where absent.
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
