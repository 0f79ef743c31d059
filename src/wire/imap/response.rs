//! What a server says, one response at a time (RFC 3501, section 7, and what later RFCs and earlier servers add).

use std::borrow::Cow;

use crate::mail::uid::{Uid, UidSet};
use crate::wire::imap::capability::Capabilities;
use crate::wire::imap::cursor::{Cursor, Raw, Text};
use crate::wire::imap::fetch::Fetched;
use crate::wire::imap::quota::Quota;
use crate::wire::imap::status::{Kind, Status, flag_names};

/// One response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response<'a> {
    /// The server waits for more of a command; the bytes are a challenge, or words.
    Continue(&'a [u8]),
    /// A command with this tag has ended.
    Tagged(&'a [u8], Status),
    /// Everything else.
    Untagged(Data<'a>),
}

/// What is told without being the end of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Data<'a> {
    /// A status.
    Status(Status),
    /// What the server can do.
    Capability(Capabilities),
    /// What was enabled (RFC 5161).
    Enabled(Capabilities),
    /// How many messages there are.
    Exists(u32),
    /// How many are recent.
    Recent(u32),
    /// The message with this number is gone; those behind it move up.
    Expunge(u32),
    /// Messages with these UIDs are gone (RFC 7162); earlier than this session, where that is said.
    Vanished(UidSet, Earlier),
    /// What is known of the message with this number.
    Fetch(u32, Fetched<'a>),
    /// The flags that are in use.
    Flags(Vec<String>),
    /// Messages that a search found, in the order in which they were told.
    Search(Vec<u32>),
    /// What a search found, in short (RFC 4731).
    ExtendedSearch(ExtendedSearch),
    /// A mailbox.
    List(Listed<'a>),
    /// Counts of a mailbox.
    MailboxStatus(Counts<'a>),
    /// Prefix and delimiter of the user's own mailboxes (RFC 2342).
    Namespace(Vec<u8>, Option<u8>),
    /// How much room there is.
    Quota(Vec<Quota>),
    /// Something that means nothing here.
    Other,
}

/// Whether messages vanished before this session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Earlier {
    /// They did.
    Yes,
    /// They were there when the mailbox was opened.
    No,
}

/// What a search found, in short.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExtendedSearch {
    /// The tag of the command, where it is told.
    pub tag: Option<Vec<u8>>,
    /// Whether the numbers are UIDs.
    pub is_uids: bool,
    /// All that were found.
    pub all: UidSet,
}

/// A mailbox as LIST, LSUB and FIND tell of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed<'a> {
    /// Its attributes, as written.
    pub attributes: Vec<String>,
    /// What parts the levels of its name.
    pub delimiter: Option<u8>,
    /// Its name, as written.
    pub name: Cow<'a, [u8]>,
    /// Whether subscriptions were asked for.
    pub subscribed: bool,
}

/// Counts of a mailbox; what was not told is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts<'a> {
    /// Its name, as written.
    pub name: Cow<'a, [u8]>,
    /// How many messages it holds.
    pub messages: Option<u32>,
    /// How many no session has seen yet.
    pub recent: Option<u32>,
    /// How many were not read.
    pub unseen: Option<u32>,
    /// The UID that the next one will get.
    pub uid_next: Option<u32>,
    /// Its UIDVALIDITY.
    pub uid_validity: Option<u32>,
    /// Its highest mod-sequence.
    pub highest_mod_seq: Option<u64>,
}

impl<'a> Response<'a> {
    /// Reads one. Never fails: what nobody understands is [`Data::Other`].
    pub fn parse(raw: Raw<'a>) -> Self {
        let mut cursor = raw.cursor();
        if cursor.take(b'+') {
            cursor.take(b' ');
            return Self::Continue(cursor.rest());
        }
        let before = cursor;
        let tag = cursor.word();
        cursor.blanks();
        if tag != b"*" {
            let word = cursor.word();
            return match Kind::named(word) {
                Some(kind) => Self::Tagged(tag, Status::parse(kind, cursor)),
                None if tag.starts_with(b"[") => Self::Untagged(bare_code(before)),
                None => Self::Untagged(Data::Other),
            };
        }
        if cursor.peek() == Some(b'[') {
            return Self::Untagged(bare_code(cursor));
        }
        Self::Untagged(untagged(cursor).unwrap_or(Data::Other))
    }
}

/// A code without the OK that belongs in front of it.
fn bare_code(cursor: Cursor<'_>) -> Data<'_> {
    Data::Status(Status::parse(Kind::Ok, cursor))
}

fn untagged(mut cursor: Cursor<'_>) -> Option<Data<'_>> {
    if cursor.peek()?.is_ascii_digit() {
        let number = u32::try_from(cursor.number()?).ok()?;
        cursor.blanks();
        let word = cursor.word();
        return numbered(number, word, cursor);
    }
    let word = cursor.word();
    if let Some(kind) = Kind::named(word) {
        return Some(Data::Status(Status::parse(kind, cursor)));
    }
    cursor.blanks();
    Some(match word.to_ascii_uppercase().as_slice() {
        b"CAPABILITY" => Data::Capability(Capabilities::parse(cursor.rest())),
        b"ENABLED" => Data::Enabled(Capabilities::parse(cursor.rest())),
        b"FLAGS" => Data::Flags(flag_names(&mut cursor)),
        b"SEARCH" | b"SORT" => Data::Search(numbers(&mut cursor)),
        b"ESEARCH" => Data::ExtendedSearch(extended_search(cursor)?),
        b"LIST" | b"XLIST" | b"RLIST" => Data::List(listed(cursor, false)?),
        b"LSUB" | b"RLSUB" => Data::List(listed(cursor, true)?),
        b"MAILBOX" => Data::List(Listed {
            attributes: Vec::new(),
            delimiter: None,
            name: last_name(&mut cursor)?,
            subscribed: false,
        }),
        b"STATUS" => Data::MailboxStatus(counts(cursor)?),
        b"VANISHED" => vanished(cursor)?,
        b"NAMESPACE" => namespace(cursor)?,
        b"QUOTA" => Data::Quota(Quota::parse(cursor)?),
        _ => return None,
    })
}

fn numbered<'a>(number: u32, word: &[u8], mut cursor: Cursor<'a>) -> Option<Data<'a>> {
    Some(match word.to_ascii_uppercase().as_slice() {
        b"EXISTS" => Data::Exists(number),
        b"RECENT" => Data::Recent(number),
        b"EXPUNGE" => Data::Expunge(number),
        b"FETCH" | b"STORE" => {
            cursor.blanks();
            Data::Fetch(number, Fetched::parse(cursor))
        }
        _ => return None,
    })
}

/// Numbers up to what is none, `(MODSEQ 7)` for instance.
fn numbers(cursor: &mut Cursor<'_>) -> Vec<u32> {
    let mut all = Vec::new();
    while let Some(number) = cursor.number() {
        all.extend(u32::try_from(number).ok());
        cursor.blanks();
    }
    all
}

fn extended_search(mut cursor: Cursor<'_>) -> Option<ExtendedSearch> {
    let mut search = ExtendedSearch::default();
    if cursor.enter() {
        let _tag_word = cursor.word();
        cursor.blanks();
        search.tag = Some(cursor.name()?.into_owned());
        cursor.leaves();
    }
    loop {
        cursor.blanks();
        if cursor.is_at_end() {
            return Some(search);
        }
        let word = cursor.word().to_ascii_uppercase();
        match word.as_slice() {
            b"UID" => search.is_uids = true,
            b"ALL" => {
                cursor.blanks();
                search.all = uid_set(cursor.word())?;
            }
            _ if cursor.skip() => {}
            _ => return None,
        }
    }
}

/// A set as servers write it, without `*`. `None` for anything else.
pub fn uid_set(text: &[u8]) -> Option<UidSet> {
    let mut set = UidSet::new();
    for range in text.split(|&byte| byte == b',') {
        let range = std::str::from_utf8(range).ok()?;
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let number = |text: &str| text.parse().ok().and_then(Uid::new);
        set.insert_range(number(first)?, number(last)?);
    }
    Some(set)
}

fn listed(mut cursor: Cursor<'_>, subscribed: bool) -> Option<Listed<'_>> {
    let attributes = flag_names(&mut cursor);
    cursor.blanks();
    let delimiter = delimiter(&mut cursor)?;
    cursor.blanks();
    Some(Listed {
        attributes,
        delimiter,
        name: last_name(&mut cursor)?,
        subscribed,
    })
}

fn counts(mut cursor: Cursor<'_>) -> Option<Counts<'_>> {
    let mut counts = Counts {
        name: cursor.name()?,
        ..Counts::default()
    };
    cursor.blanks();
    if !cursor.enter() {
        return Some(counts);
    }
    while !cursor.leaves() {
        let word = cursor.word().to_ascii_uppercase();
        cursor.blanks();
        if !cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            if word.is_empty() || !cursor.skip() {
                break;
            }
            continue;
        }
        let number = cursor.number();
        let short = number.and_then(|number| u32::try_from(number).ok());
        match word.as_slice() {
            b"MESSAGES" => counts.messages = short,
            b"RECENT" => counts.recent = short,
            b"UNSEEN" => counts.unseen = short,
            b"UIDNEXT" => counts.uid_next = short,
            b"UIDVALIDITY" => counts.uid_validity = short,
            b"HIGHESTMODSEQ" => counts.highest_mod_seq = number,
            _ => {}
        }
    }
    Some(counts)
}

fn vanished(mut cursor: Cursor<'_>) -> Option<Data<'_>> {
    let mut earlier = Earlier::No;
    if cursor.enter() {
        if cursor.word().eq_ignore_ascii_case(b"EARLIER") {
            earlier = Earlier::Yes;
        }
        cursor.leaves();
        cursor.blanks();
    }
    Some(Data::Vanished(uid_set(cursor.word())?, earlier))
}

fn namespace(mut cursor: Cursor<'_>) -> Option<Data<'_>> {
    // The first of the user's own ones: (("INBOX." ".")).
    if !cursor.enter() || !cursor.enter() {
        return Some(Data::Namespace(Vec::new(), None));
    }
    let prefix = cursor.name()?.into_owned();
    cursor.blanks();
    Some(Data::Namespace(prefix, delimiter(&mut cursor)?))
}

/// A name at the end of a line, where blanks need no quotes.
fn last_name<'a>(cursor: &mut Cursor<'a>) -> Option<Cow<'a, [u8]>> {
    match cursor.peek()? {
        b'"' | b'{' => cursor.name(),
        b'~' if cursor.rest().starts_with(b"~{") => cursor.name(),
        _ => Some(Cow::Borrowed(cursor.rest().trim_ascii_end())),
    }
}

/// The one byte of a delimiter; `None` for `NIL`.
fn delimiter(cursor: &mut Cursor<'_>) -> Option<Option<u8>> {
    Some(match cursor.text()? {
        Text::Bytes(bytes) => bytes.first().copied(),
        Text::Nil | Text::HandedOut(_) => None,
    })
}

#[cfg(test)]
mod tests;
