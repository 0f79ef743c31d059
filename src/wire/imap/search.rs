//! Search criteria as a server understands them (RFC 3501, 6.4.4; RFC 1176 for those before).

use crate::mail::criteria::{Criteria, When};
use crate::mail::flags::SystemFlags;
use crate::mail::fold::Needle;
use crate::mail::uid::{SequenceSet, UidSet};
use crate::wire::imap::command::{Command, Style};
use crate::wire::imap::level::Level;

/// What message numbers and `*` stand for, as UIDs.
pub trait Numbers {
    /// The UIDs of the messages with these numbers.
    fn at(&self, numbers: &SequenceSet) -> UidSet;
    /// The UIDs in this set that there are.
    fn of(&self, uids: &SequenceSet) -> UidSet;
}

/// A command that begins with `words` and asks for what meets `criteria`; `None` where the server's level has no words for
/// them, or they are too many.
pub fn command(
    style: Style,
    words: &str,
    criteria: &Criteria,
    numbers: &dyn Numbers,
) -> Option<Command> {
    let mut writer = Writer {
        command: Command::new(style, words),
        level: style.level,
        numbers,
        room: MOST,
    };
    if needs_charset(criteria) {
        // What came before has no charsets, or none that is known.
        if style.level < Level::Imap4 {
            return None;
        }
        writer.word("CHARSET UTF-8");
    }
    writer.criteria(criteria).then_some(writer.command)
}

/// More criteria than these are judged here.
const MOST: usize = 200;

fn needs_charset(criteria: &Criteria) -> bool {
    let foreign = |needle: &Needle| !needle.as_str().is_ascii();
    match criteria {
        Criteria::And(all) => all.iter().any(needs_charset),
        Criteria::Or(one, other) => needs_charset(one) || needs_charset(other),
        Criteria::Not(inner) => needs_charset(inner),
        Criteria::Field(_, needle) | Criteria::Body(needle) | Criteria::Text(needle) => {
            foreign(needle)
        }
        _ => false,
    }
}

struct Writer<'a> {
    command: Command,
    level: Level,
    numbers: &'a dyn Numbers,
    room: usize,
}

impl Writer<'_> {
    fn word(&mut self, word: &str) {
        self.command.add_word(word);
    }

    fn string(&mut self, needle: &Needle) {
        self.command.add_quoted(needle.as_str().as_bytes());
    }

    /// Writes criteria, all of which must be met; `false` where they cannot be written.
    fn criteria(&mut self, criteria: &Criteria) -> bool {
        match criteria {
            Criteria::And(all) => all.iter().all(|one| self.one(one)),
            one => self.one(one),
        }
    }

    fn one(&mut self, criteria: &Criteria) -> bool {
        let Some(room) = self.room.checked_sub(1) else {
            return false;
        };
        self.room = room;
        let modern = self.level >= Level::Imap4;
        match criteria {
            Criteria::All => self.word("ALL"),
            Criteria::And(all) if modern => {
                self.word("(");
                let written = all.iter().all(|one| self.one(one));
                self.command.add_plain(")");
                return written && !all.is_empty();
            }
            Criteria::Or(one, other) if modern => {
                self.word("OR");
                return self.one(one) && self.one(other);
            }
            Criteria::Not(inner) => return self.not(inner),
            Criteria::Flag(flags) => return self.flags(*flags, ""),
            Criteria::Keyword(keyword) => self.word(&format!("KEYWORD {keyword}")),
            Criteria::Arrived(when, day) => self.word(&format!("{} {day}", words(*when))),
            Criteria::Sent(when, day) if modern => {
                self.word(&format!("SENT{} {day}", words(*when)));
            }
            Criteria::Field(name, needle) => return self.field(name, needle),
            Criteria::Body(needle) => {
                self.word("BODY");
                self.string(needle);
            }
            Criteria::Text(needle) => {
                self.word("TEXT");
                self.string(needle);
            }
            Criteria::Larger(size) if modern && *size <= u32::MAX.into() => {
                self.word(&format!("LARGER {size}"));
            }
            Criteria::Smaller(size) if modern && *size <= u32::MAX.into() => {
                self.word(&format!("SMALLER {size}"));
            }
            Criteria::Numbers(numbers) if modern => return self.uids(&self.numbers.at(numbers)),
            Criteria::Uids(uids) if modern => return self.uids(&self.numbers.of(uids)),
            _ => return false,
        }
        true
    }

    fn not(&mut self, inner: &Criteria) -> bool {
        match inner {
            Criteria::Flag(flags) if flags.names().count() == 1 => self.flags(*flags, "UN"),
            Criteria::Keyword(keyword) => {
                self.word(&format!("UNKEYWORD {keyword}"));
                true
            }
            _ if self.level >= Level::Imap4 => {
                self.word("NOT");
                self.one(inner)
            }
            _ => false,
        }
    }

    fn flags(&mut self, flags: SystemFlags, not: &str) -> bool {
        for name in flags.names() {
            let name = name.trim_start_matches('\\').to_ascii_uppercase();
            match (name.as_str(), not) {
                ("RECENT", "UN") => self.word("OLD"),
                ("DRAFT", _) if self.level < Level::Imap4 => return false,
                _ => self.word(&format!("{not}{name}")),
            }
        }
        !flags.is_empty()
    }

    fn field(&mut self, name: &str, needle: &Needle) -> bool {
        let known = ["from", "to", "cc", "bcc", "subject"];
        match known.iter().find(|known| name.eq_ignore_ascii_case(known)) {
            // An empty word asks whether the field is there, which only HEADER does.
            Some(known) if !needle.as_str().is_empty() || self.level < Level::Imap4 => {
                self.word(&known.to_ascii_uppercase());
            }
            _ if self.level >= Level::Imap4 => {
                self.word("HEADER");
                self.string(&Needle::new(name));
            }
            _ => return false,
        }
        self.string(needle);
        true
    }

    fn uids(&mut self, uids: &UidSet) -> bool {
        let set = uids.to_string();
        match set.len() {
            // Nothing has all of the flags and none of them.
            0 => self.word("SEEN UNSEEN"),
            1..=LONGEST_SET => self.word(&format!("UID {set}")),
            _ => return false,
        }
        true
    }
}

/// Longer sets are judged here, in bytes.
const LONGEST_SET: usize = 4000;

fn words(when: When) -> &'static str {
    match when {
        When::Before => "BEFORE",
        When::On => "ON",
        When::Since => "SINCE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::uid::Uid;
    use crate::wire::imap::command::{Literals, Part};

    struct Ten;

    impl Numbers for Ten {
        fn at(&self, numbers: &SequenceSet) -> UidSet {
            let mut set = UidSet::new();
            for (first, last) in numbers.resolve(9) {
                let uid = |number: u32| Uid::new(10 * number);
                if let (Some(first), Some(last)) = (uid(first), uid(last)) {
                    set.insert(first);
                    set.insert(last);
                }
            }
            set
        }

        fn of(&self, _uids: &SequenceSet) -> UidSet {
            UidSet::new()
        }
    }

    fn written(level: Level, text: &str) -> Option<String> {
        let style = Style {
            level,
            literals: Literals::Asked,
        };
        let criteria = Criteria::parse(text).expect("criteria");
        let command = command(style, "SEARCH", &criteria, &Ten)?;
        let parts = command.into_parts().into_iter();
        let words = parts.filter_map(|part| match part {
            Part::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        });
        Some(words.collect())
    }

    #[test]
    fn criteria_become_words_of_the_level() {
        for (text, rev1, old) in [
            ("ALL", "ALL", Some("ALL")),
            (
                "UNSEEN FROM x",
                "UNSEEN FROM \"x\"",
                Some("UNSEEN FROM \"x\""),
            ),
            ("NOT FROM x", "NOT FROM \"x\"", None),
            (
                "OR SEEN (FLAGGED NEW)",
                "OR SEEN (FLAGGED (RECENT UNSEEN))",
                None,
            ),
            ("NOT (SEEN DELETED)", "NOT (SEEN DELETED)", None),
            (
                "SINCE 2-Mar-2026",
                "SINCE 2-Mar-2026",
                Some("SINCE 2-Mar-2026"),
            ),
            ("SENTON 2-Mar-2026", "SENTON 2-Mar-2026", None),
            ("LARGER 5", "LARGER 5", None),
            ("UNKEYWORD a", "UNKEYWORD a", Some("UNKEYWORD a")),
            ("OLD", "OLD", Some("OLD")),
            ("HEADER X-A b", "HEADER \"x-a\" \"b\"", None),
            (
                "SUBJECT \"\"",
                "HEADER \"subject\" \"\"",
                Some("SUBJECT \"\""),
            ),
            (
                "SUBJECT \u{fc}",
                "CHARSET UTF-8 SUBJECT {2}\r\n\u{fc}",
                None,
            ),
            (
                "SUBJECT \"\u{fc}(\" SEEN",
                "CHARSET UTF-8 SEEN SUBJECT {3}\r\n\u{fc}(",
                None,
            ),
            ("2,*", "UID 20,90", None),
            ("UID 7", "SEEN UNSEEN", None),
        ] {
            let search = |words: &str| format!("SEARCH {words}");
            assert_eq!(
                written(Level::Imap4rev1, text),
                Some(search(rev1)),
                "{text}"
            );
            assert_eq!(written(Level::Imap2bis, text), old.map(search), "{text}");
        }
        let many = "SEEN ".repeat(300);
        assert_eq!(written(Level::Imap4rev1, &many), None);
    }
}
