//! What a face asks of the backend. Ids are minted by the asker, so that requests can queue at once.

use std::io::{Read, Write};

use crate::mail::criteria::Criteria;
use crate::mail::date::InternalDate;
use crate::mail::flags::{FlagChange, Flags};
use crate::mail::name::MailboxName;
use crate::mail::order::Order;
use crate::mail::status::Access;
use crate::mail::structure::{Part, Section};
use crate::mail::uid::{Uid, UidSet};

/// Names one request; every ticket finishes exactly once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// Names one opening of a mailbox.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MailboxId(pub u64);

/// A request.
#[expect(clippy::large_enum_variant, reason = "few of them are alive at once")]
pub enum Request {
    /// Opens a mailbox. `Change::State` and `Change::Arrived` tell what is in it.
    Open {
        /// The id by which it will be named.
        mailbox: MailboxId,
        /// Its name.
        name: MailboxName,
        /// How to open it.
        access: Access,
    },
    /// Asks something of an open mailbox.
    On(MailboxId, Ask),
    /// Lists names; answered with `Piece::Listed`, where the pattern is empty with `Piece::Root`.
    List {
        /// What the pattern is relative to; may be empty.
        reference: Vec<u8>,
        /// With `*` and `%`.
        pattern: Vec<u8>,
        /// Only subscribed names.
        subscribed: bool,
        /// Only mailboxes in whose file this text stands, in any letter case (SCAN).
        containing: Option<Vec<u8>>,
    },
    /// Tells of a mailbox and its format; answered with `Piece::About`. Opens nothing.
    About(MailboxName),
    /// Counts without opening; answered with `Piece::Status`.
    Status(MailboxName),
    /// Counts what was not read in all mailboxes of a server that match; answered with `Piece::Unseen`.
    Unseen {
        /// What the pattern is relative to.
        reference: Vec<u8>,
        /// With `*` and `%`.
        pattern: Vec<u8>,
    },
    /// Makes a mailbox; the name may carry a format, `#driver.FMT/`.
    Create(MailboxName),
    /// Removes a mailbox.
    Delete(MailboxName),
    /// Renames a mailbox.
    Rename(MailboxName, MailboxName),
    /// Adds to or takes from the subscriptions.
    Subscribe(MailboxName, bool),
    /// Appends messages, all or none; answered with `Piece::Appended`.
    Append(MailboxName, Vec<Submission>),
    /// Appends every message of `from` to `to`, which is created, and compares what arrived; answered with
    /// `Piece::Appended` and `Piece::Receipt`, with the latter also where it fails because of what was compared.
    Transfer {
        /// The source.
        from: MailboxName,
        /// The destination.
        to: MailboxName,
    },
    /// Examines the installation; answered with `Piece::Finding`.
    Doctor,
    /// Tells what was said to servers, and by them, behind the first so many lines; answered with `Piece::Traced`.
    Trace(u64),
    /// Writes a repaired copy of a damaged mailbox beside it; answered with [`Finding`](crate::backend::event::Piece::Finding)s.
    Repair {
        /// The damaged mailbox.
        name: MailboxName,
        /// Its format, where its beginning does not show it.
        format: Option<String>,
    },
}

/// A message that a face hands over to be appended.
pub struct Submission {
    /// Flags and keywords that it shall have.
    pub flags: Flags,
    /// Its internal date; now, where absent.
    pub internal_date: Option<InternalDate>,
    /// Its bytes, read to the end. LF and CRLF both end lines.
    pub source: Box<dyn Read + Send>,
}

/// A request to an open mailbox.
#[expect(clippy::large_enum_variant, reason = "few of them are alive at once")]
pub enum Ask {
    /// Envelopes; answered with `Piece::Envelopes`, in several batches.
    Envelopes(UidSet),
    /// The body structures; answered with `Piece::Structures`.
    Structures(UidSet),
    /// A message as a reader sees it; answered with `Piece::View`. Sets `\Seen` unless `peek`.
    View {
        /// The message.
        uid: Uid,
        /// Columns, for HTML parts, which are laid out by the library.
        width: u16,
        /// Whether HTML is preferred to plain text where both are there.
        prefer_html: bool,
        /// Whether `\Seen` stays as it is.
        peek: bool,
    },
    /// Raw bytes, CRLF line ends; answered with `Piece::Bytes` in order, at most 64 KiB each. Never sets `\Seen`.
    Read(Uid, Part),
    /// The decoded content of one part; answered with `Piece::Bytes`.
    ReadSection(Uid, Section),
    /// The same bytes, written to where the asker wants them instead of being handed up: however many there are, few are in
    /// memory at once. What is written into may block for as long as a disk does.
    Export {
        /// The message.
        uid: Uid,
        /// The part whose decoded content is meant; the whole message where absent.
        section: Option<Section>,
        /// Where they go.
        into: Box<dyn Write + Send>,
    },
    /// Changes flags.
    Store(UidSet, FlagChange),
    /// Removes deleted messages, of the set where given.
    Expunge(Option<UidSet>),
    /// Searches; answered with `Piece::Found` in mailbox order.
    Search(Criteria),
    /// Sorts all messages; answered with `Piece::Found` in that order.
    Sort(Order),
    /// Copies to another mailbox, all or none; answered with `Piece::Copied`.
    Copy {
        /// The messages.
        uids: UidSet,
        /// The destination.
        to: MailboxName,
        /// Whether the destination is made when it is missing.
        create: bool,
        /// Whether the originals are expunged once the copies are durable.
        remove: bool,
    },
    /// Looks for new mail now and brings pending changes to disk.
    Check,
    /// Moves new mail into the mailbox from where it is delivered, if it has such a place, and waits for the end of that.
    Snarf,
    /// Closes the mailbox.
    Close,
}
