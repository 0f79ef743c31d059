//! `flag`: sets and clears flags and keywords.

use std::ffi::OsStr;

use serde::Serialize;

use crate::backend::request::Ask;
use crate::cli::client::{Client, OpenMailbox};
use crate::cli::failure::Failure;
use crate::cli::open::{Sequence, with_mailbox};
use crate::cli::output::Output;
use crate::cli::records::{flag_names, flags_in_words, keyword_names};
use crate::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use crate::mail::status::Access;
use crate::mail::text::Printable;
use crate::mail::uid::UidSet;

#[derive(Serialize)]
struct FlagRecord<'m> {
    msgno: usize,
    uid: u32,
    flags: Vec<&'static str>,
    keywords: Vec<&'m str>,
}

/// Which messages, and what becomes of their flags.
pub struct Wanted<'w> {
    /// The mailbox.
    pub mailbox: &'w OsStr,
    /// The messages.
    pub sequence: Sequence,
    /// `+FLAG` and `-FLAG`.
    pub changes: &'w [String],
}

/// Changes the flags and prints what the messages have now.
pub fn flag(client: &mut Client, output: &mut Output, wanted: &Wanted<'_>) -> Result<(), Failure> {
    let changes = parse_changes(wanted.changes)?;
    let access = Access::ReadWrite;
    with_mailbox(client, wanted.mailbox, access, |client, mailbox| {
        let uids = wanted.sequence.resolve(&mailbox.list)?;
        for change in changes {
            client.ask(mailbox, Ask::Store(uids.clone(), change), &mut |_| Ok(()))?;
        }
        print(output, mailbox, &uids)
    })
}

fn print(output: &mut Output, mailbox: &OpenMailbox, uids: &UidSet) -> Result<(), Failure> {
    for uid in uids.iter() {
        let row = mailbox.list.index_of(uid);
        let Some((row, summary)) = row.zip(mailbox.list.message(uid)) else {
            continue;
        };
        let record = FlagRecord {
            msgno: row + 1,
            uid: uid.get(),
            flags: flag_names(&summary.flags),
            keywords: keyword_names(&summary.flags),
        };
        output.record(&record, |record| {
            let flags = flags_in_words(&summary.flags);
            Printable::own(format!("{} {flags}", record.msgno))
        })?;
    }
    Ok(())
}

/// Reads flags and keywords, `\Seen` or `work`.
pub fn parse_flags<'w>(words: impl Iterator<Item = &'w str>) -> Result<Flags, Failure> {
    let mut system = SystemFlags::NONE;
    let mut keywords = Vec::new();
    for word in words {
        if let Some(flag) = SystemFlags::named(word) {
            if flag == SystemFlags::RECENT {
                return Err(Failure::Argument("\\Recent cannot be set or cleared"));
            }
            system |= flag;
            continue;
        }
        let keyword = Keyword::new(word).ok_or(Failure::Argument(
            "a flag is \\Seen, \\Answered, \\Flagged, \\Deleted, \\Draft, or a keyword: 1 to 50 ASCII letters, \
             digits and signs, without blanks and any of ( ) { ] % * \" \\",
        ))?;
        keywords.push(keyword);
    }
    Ok(Flags::new(system, keywords))
}

/// Reads `+FLAG` and `-FLAG`; neighbours with the same sign become one change.
fn parse_changes(words: &[String]) -> Result<Vec<FlagChange>, Failure> {
    let sign = |word: &String| word.chars().next();
    let mut changes = Vec::new();
    for group in words.chunk_by(|a, b| sign(a) == sign(b)) {
        let names = group.iter().map(|word| word.get(1..).unwrap_or_default());
        let change = match group.first().and_then(sign) {
            Some('+') => FlagChange::Add(parse_flags(names)?),
            Some('-') => FlagChange::Remove(parse_flags(names)?),
            _ => {
                return Err(Failure::Argument(
                    "a change of flags begins with + or -, as in +\\Flagged -work",
                ));
            }
        };
        changes.push(change);
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_group_flags_in_their_order() {
        let words = ["+\\Seen", "+work", "-\\flagged", "+x"].map(str::to_owned);
        let changes = parse_changes(&words).expect("all are flags");
        assert_eq!(changes.len(), 3);
        assert!(matches!(&changes[0], FlagChange::Add(flags) if flags.keywords().len() == 1));
        for bad in ["work", "+", "+\\Recent", "+\\What", "+a b", "\u{e9}"] {
            assert!(parse_changes(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
