//! What a change of flags does to sequences.

use crate::driver::layout::prefile::record::bits_of;
use crate::driver::layout::prefile::words::Words;
use crate::driver::mh::sequences::Sequences;
use crate::driver::mh::words::{FLAGS, keyword_of, sequence_of};
use crate::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use crate::mail::uid::UidSet;

/// Changes the flags of the messages with these numbers. Of keywords those count that are among `words`.
pub fn apply(
    change: &FlagChange,
    numbers: &UidSet,
    (words, unseen): (&Words, &[String]),
    sequences: &mut Sequences,
) {
    let flags = change.flags();
    let (set, clear) = match change {
        FlagChange::Add(_) => (true, false),
        FlagChange::Remove(_) => (false, true),
        FlagChange::Set(_) => (true, true),
    };
    let seen = flags.has(SystemFlags::SEEN);
    match (change, seen) {
        (FlagChange::Add(_) | FlagChange::Set(_), true) => {
            unseen
                .iter()
                .for_each(|name| sequences.remove(name, numbers));
        }
        (FlagChange::Remove(_), true) | (FlagChange::Set(_), false) => {
            unseen.iter().for_each(|name| sequences.add(name, numbers));
        }
        _ => {}
    }
    let bits = bits_of(flags.system);
    for (bit, name) in FLAGS {
        match bits & bit != 0 {
            true if set => sequences.add(name, numbers),
            true => sequences.remove(name, numbers),
            false if set && clear => sequences.remove(name, numbers),
            false => {}
        }
    }
    for keyword in words.names() {
        let named = flags.keywords().contains(&keyword);
        if named && set {
            sequences.add(&name_of(&keyword, unseen, sequences), numbers);
        } else if clear && (named || set) {
            for name in names_of(&keyword, unseen, sequences) {
                sequences.remove(&name, numbers);
            }
        }
    }
}

/// The sequences in which a new message with these flags is.
pub fn sequences_for(flags: &Flags, unseen: &[String], sequences: &Sequences) -> Vec<String> {
    let bits = bits_of(flags.system);
    let set = FLAGS.iter().filter(|(bit, _)| bits & bit != 0);
    let mut names: Vec<String> = set.map(|(_, name)| (*name).to_owned()).collect();
    if !flags.has(SystemFlags::SEEN) {
        names.extend(unseen.iter().cloned());
    }
    let keywords = flags.keywords().iter();
    names.extend(keywords.map(|keyword| name_of(keyword, unseen, sequences)));
    names
}

/// The sequences that stand for a keyword: its letters may be of either case.
fn names_of(keyword: &Keyword, unseen: &[String], sequences: &Sequences) -> Vec<String> {
    let names = sequences.names();
    let same = names.filter(|name| keyword_of(name, unseen).as_ref() == Some(keyword));
    same.map(str::to_owned).collect()
}

/// The one to which messages are added.
fn name_of(keyword: &Keyword, unseen: &[String], sequences: &Sequences) -> String {
    let first = names_of(keyword, unseen, sequences).into_iter().next();
    first.unwrap_or_else(|| sequence_of(keyword, unseen))
}
