//! The levels of the protocol, and what each calls a thing. A command that a level has not is never sent to it.
//!
//! RFC 1064 and 1176 (IMAP2), its "bis" (never an RFC; IMAP2bis), RFC 1730 (IMAP4), RFC 3501 (IMAP4rev1), RFC 9051 (rev2).

use crate::mail::structure::Part;

/// A level; each knows what stands before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// RFC 1064 and 1176.
    Imap2,
    /// With MIME, APPEND, EXAMINE and making of mailboxes.
    Imap2bis,
    /// RFC 1730: UIDs.
    Imap4,
    /// RFC 3501.
    Imap4rev1,
    /// RFC 9051.
    Imap4rev2,
}

impl Level {
    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imap2 => "IMAP2",
            Self::Imap2bis => "IMAP2bis",
            Self::Imap4 => "IMAP4",
            Self::Imap4rev1 => "IMAP4rev1",
            Self::Imap4rev2 => "IMAP4rev2",
        }
    }

    /// Whether messages have UIDs.
    pub fn has_uids(self) -> bool {
        self >= Self::Imap4
    }

    /// Whether reading can leave `\Seen` as it is.
    pub fn can_peek(self) -> bool {
        self >= Self::Imap4
    }

    /// Whether a flag change can be made without an answer for each message.
    pub fn has_silent(self) -> bool {
        self >= Self::Imap4
    }

    /// Whether pieces of a message can be asked for with `<offset.length>`.
    pub fn has_pieces(self) -> bool {
        self >= Self::Imap4rev1
    }

    /// Whether mailboxes can be made, renamed, removed, appended to, and opened without a change.
    pub fn manages(self) -> bool {
        self >= Self::Imap2bis
    }

    /// What asks for what is known of a message without reading it.
    pub fn summary(self) -> &'static str {
        match self.has_uids() {
            true => "(UID FLAGS INTERNALDATE RFC822.SIZE)",
            false => "FAST",
        }
    }

    /// What asks for a part of a message; sets `\Seen` where the level cannot peek (but never for headers).
    pub fn part(self, part: Part) -> &'static str {
        match (self, part) {
            (Self::Imap4rev1 | Self::Imap4rev2, Part::Whole) => "BODY.PEEK[]",
            (Self::Imap4rev1 | Self::Imap4rev2, Part::Header) => "BODY.PEEK[HEADER]",
            (Self::Imap4rev1 | Self::Imap4rev2, Part::Text) => "BODY.PEEK[TEXT]",
            (Self::Imap4, Part::Whole) => "RFC822.PEEK",
            (Self::Imap4, Part::Text) => "RFC822.TEXT.PEEK",
            (_, Part::Whole) => "RFC822",
            (_, Part::Header) => "RFC822.HEADER",
            (_, Part::Text) => "RFC822.TEXT",
        }
    }

    /// What the answer to that is called, without the offset of a piece.
    pub fn answer(self, part: Part) -> &'static str {
        match (self, part) {
            (Self::Imap4rev1 | Self::Imap4rev2, Part::Whole) => "BODY[]",
            (Self::Imap4rev1 | Self::Imap4rev2, Part::Header) => "BODY[HEADER]",
            (Self::Imap4rev1 | Self::Imap4rev2, Part::Text) => "BODY[TEXT]",
            (_, Part::Whole) => "RFC822",
            (_, Part::Header) => "RFC822.HEADER",
            (_, Part::Text) => "RFC822.TEXT",
        }
    }
}
