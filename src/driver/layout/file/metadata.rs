//! The header lines in which the traditional formats keep state: `Status`, `X-Status`, `X-Keywords`, `X-UID`, `X-IMAP`, `X-IMAPbase`.
//!
//! A name counts only in exactly this letter case with the colon right behind it; other spellings are dropped.
//! `Status: RO`, `X-Status: DFAT`: R seen, O seen by a session, D deleted, F flagged, A answered, T draft.
//! `X-IMAP` and `X-IMAPbase` hold UIDVALIDITY, last UID and keywords; the first stands in the pseudo message.

use jiff::tz::TimeZone;

use crate::driver::layout::file::framing::{Framing, NewDate};
use crate::driver::layout::file::from_line;
use crate::driver::layout::file::record::{Base, MOST_KEYWORDS, Marks, Record};
use crate::mail::date::InternalDate;
use crate::mail::flags::{Keyword, SystemFlags};

/// What a header line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The message's own.
    Plain,
    /// `Status` or `X-Status`.
    Status,
    /// `X-Keywords`.
    Keywords,
    /// `X-UID`.
    Uid,
    /// `X-IMAP`.
    Imap,
    /// `X-IMAPbase`.
    ImapBase,
    /// One of them misspelt.
    Bogus,
}

/// The pseudo message's Subject line.
pub const PSEUDO_SUBJECT: &[u8] = b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";

/// The start of the pseudo message's text.
pub const PSEUDO_TEXT: &[u8] = b"This text is part of the internal format of your mail folder";

/// The user of the pseudo message's From line.
pub const PSEUDO_USER: &[u8] = b"MAILER-DAEMON";

/// UIDs above this are not believed: none would be left.
pub const HIGHEST_UID: u32 = u32::MAX - (1 << 20);

const NAMES: [(&[u8], Kind); 6] = [
    (b"Status", Kind::Status),
    (b"X-Status", Kind::Status),
    (b"X-Keywords", Kind::Keywords),
    (b"X-UID", Kind::Uid),
    (b"X-IMAPbase", Kind::ImapBase),
    (b"X-IMAP", Kind::Imap),
];

/// Tells what a header line is by its beginning, and where its value starts.
pub fn classify(line: &[u8]) -> (Kind, usize) {
    let start = line.first_chunk::<2>();
    if !matches!(
        start,
        Some([b'S' | b's', b't' | b'T'] | [b'X' | b'x', b'-'])
    ) {
        return (Kind::Plain, 0);
    }
    for (name, kind) in NAMES {
        let Some((head, rest)) = line.split_at_checked(name.len()) else {
            continue;
        };
        if !head.eq_ignore_ascii_case(name) {
            continue;
        }
        let colon = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
        return match colon.and_then(|at| rest.get(at)) {
            Some(b':') if head == name && colon == Some(0) => (kind, name.len() + 1),
            Some(b':') => (Kind::Bogus, 0),
            _ => continue,
        };
    }
    (Kind::Plain, 0)
}

/// The flags that a `Status` or `X-Status` value names, and whether `O` is among them.
pub fn status_flags(value: &[u8]) -> (SystemFlags, bool) {
    let mut flags = SystemFlags::NONE;
    for letter in value {
        flags |= match letter {
            b'R' => SystemFlags::SEEN,
            b'D' => SystemFlags::DELETED,
            b'F' => SystemFlags::FLAGGED,
            b'A' => SystemFlags::ANSWERED,
            b'T' => SystemFlags::DRAFT,
            _ => SystemFlags::NONE,
        };
    }
    (flags, value.contains(&b'O'))
}

/// The words of a value.
pub fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

/// A number; `None` when there is none or it is too large.
pub fn number(word: &[u8]) -> Option<u32> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(word.get(..digits)?).ok()?.parse().ok()
}

/// Takes the mailbox's data out of an `X-IMAP` or `X-IMAPbase` value; nothing when it cannot be believed.
pub fn read_base(value: &[u8]) -> Option<Base> {
    let mut words = words(value);
    let uid_validity = number(words.next()?).filter(|&number| number > 0)?;
    let last_uid = number(words.next()?).filter(|&number| number <= HIGHEST_UID)?;
    let keyword = |word| std::str::from_utf8(word).ok().and_then(Keyword::new);
    let mut base = Base {
        uid_validity,
        last_uid,
        ..Base::default()
    };
    for keyword in words.filter_map(keyword).take(MOST_KEYWORDS) {
        if !base.keywords.contains(&keyword) {
            base.keywords.push(keyword);
        }
    }
    Some(base)
}

/// The metadata of one message, to stand at the end of its header; with the mailbox's own where `with_base`.
///
/// It is padded, in the X-Keywords line, so that flags and a few keywords can change without moving what follows;
/// by `extra` more bytes than that needs.
pub fn block(record: &Record, base: &Base, with_base: bool, extra: u64) -> Vec<u8> {
    let mut block = Vec::with_capacity(128);
    if with_base {
        let numbers = format!("X-IMAPbase: {} {}", base.uid_validity, base.last_uid);
        block.extend_from_slice(numbers.as_bytes());
        push_words(&mut block, base.keywords.iter());
        block.push(b'\n');
    }
    status_lines(&mut block, record);
    block.extend_from_slice(b"X-Keywords:");
    push_words(&mut block, base.named(record.keywords));
    let padded = if with_base { 80 } else { 50 };
    let length = block.len().max(padded) + usize::try_from(extra).unwrap_or(0);
    block.resize(length, b' ');
    block.push(b'\n');
    if record.uid != 0 {
        block.extend_from_slice(format!("X-UID: {}\n", record.uid).as_bytes());
    }
    block
}

fn status_lines(block: &mut Vec<u8>, record: &Record) {
    let letters = |pairs: &[(SystemFlags, char)]| -> String {
        let set = pairs.iter().filter(|pair| record.system.contains(pair.0));
        set.map(|pair| pair.1).collect()
    };
    let seen = letters(&[(SystemFlags::SEEN, 'R')]);
    let old = if record.marks.has(Marks::NEW) {
        ""
    } else {
        "O"
    };
    let others = letters(&[
        (SystemFlags::DELETED, 'D'),
        (SystemFlags::FLAGGED, 'F'),
        (SystemFlags::ANSWERED, 'A'),
        (SystemFlags::DRAFT, 'T'),
    ]);
    let lines = format!("Status: {seen}{old}\nX-Status: {others}\n");
    block.extend_from_slice(lines.as_bytes());
}

fn push_words<'a>(line: &mut Vec<u8>, words: impl Iterator<Item = &'a Keyword>) {
    for word in words {
        line.push(b' ');
        line.extend_from_slice(word.as_str().as_bytes());
    }
}

/// The `X-IMAP` line of the pseudo message.
pub fn imap_line(base: &Base) -> Vec<u8> {
    let mut line = format!("X-IMAP: {:010} {:010}", base.uid_validity, base.last_uid).into_bytes();
    push_words(&mut line, base.keywords.iter());
    line.push(b'\n');
    line
}

/// Who writes a pseudo message, and when.
pub struct Origin<'a> {
    /// The host.
    pub host: &'a str,
    /// The time.
    pub now: InternalDate,
    /// Whether the mailbox is being created: then there is no Message-ID.
    pub is_new: bool,
}

/// The whole pseudo message.
pub fn pseudo_message(base: &Base, origin: &Origin<'_>, framing: &Framing) -> Vec<u8> {
    let now = &origin.now;
    let host: String = origin.host.chars().filter(char::is_ascii_graphic).collect();
    let date = match framing.new_date {
        NewDate::Full if origin.is_new => full_date(now),
        _ => short_date(now),
    };
    let mut text = framing.before.to_vec();
    text.extend_from_slice(from_line::START);
    text.extend_from_slice(PSEUDO_USER);
    let lines = format!(
        " {}\nDate: {date}\nFrom: Mail System Internal Data <MAILER-DAEMON@{host}>\n",
        from_line::ctime(now)
    );
    text.extend_from_slice(lines.as_bytes());
    text.extend_from_slice(PSEUDO_SUBJECT);
    text.push(b'\n');
    if !origin.is_new {
        text.extend_from_slice(format!("Message-ID: <{}@{host}>\n", now.seconds).as_bytes());
    }
    text.extend_from_slice(&imap_line(base));
    text.extend_from_slice(b"Status: RO\n\n");
    text.extend_from_slice(PSEUDO_TEXT);
    text.extend_from_slice(
        b", and is not\n\
        a real message.  It is created automatically by the mail system software.\n\
        If deleted, important folder data will be lost, and it will be re-created\n\
        with the data reset to initial values.\n",
    );
    text.extend_from_slice(framing.after);
    text
}

fn short_date(now: &InternalDate) -> String {
    let at = now.fields();
    format!(
        "{:02} {} {:04} {:02}:{:02}:{:02} {}",
        at.day,
        at.month_name,
        at.year,
        at.hour,
        at.minute,
        at.second,
        now.zone(),
    )
}

fn full_date(now: &InternalDate) -> String {
    let zone = jiff::Timestamp::from_second(now.seconds).map_or_else(
        |_| "UTC".to_owned(),
        |at| {
            TimeZone::system()
                .to_offset_info(at)
                .abbreviation()
                .to_owned()
        },
    );
    let date = short_date(now);
    format!(
        "{}, {} ({zone})",
        now.fields().weekday,
        date.trim_start_matches('0')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_only_in_their_own_spelling() {
        for (line, kind) in [
            (&b"Status: RO"[..], Kind::Status),
            (b"X-IMAPbase: 1 2", Kind::ImapBase),
            (b"X-IMAP: 1 2", Kind::Imap),
            (b"x-uid: 9", Kind::Bogus),
            (b"X-UID : 9", Kind::Bogus),
            (b"X-UIDs: 9", Kind::Plain),
            (b"Subject: x", Kind::Plain),
            (b"X-", Kind::Plain),
        ] {
            assert_eq!(classify(line).0, kind, "{line:?}");
        }
    }

    #[test]
    fn a_base_is_believed_only_when_uids_are_left() {
        let base = read_base(b" 1795356545 0000000002 Work Later work").expect("valid");
        assert_eq!((base.uid_validity, base.last_uid), (1_795_356_545, 2));
        assert_eq!(base.keywords.len(), 2);
        for bad in [&b"0 1"[..], b"1", b"", b"1 4294967295", b"99999999999 1"] {
            assert_eq!(read_base(bad), None, "{bad:?}");
        }
    }
}
