//! The keys of SEARCH, by levels.

use std::cmp::Ordering;

use crate::fake::Level;
use crate::fake::content::{parts, values};
use crate::fake::store::Message;
use crate::fake::words::{Outcome, Refusal, Word, Words, ranges};

/// A message that is judged.
pub(crate) struct Candidate<'m> {
    pub(crate) message: &'m Message,
    pub(crate) number: u32,
    pub(crate) is_recent: bool,
}

/// Judges a message.
pub(crate) type Judge = Box<dyn Fn(&Candidate<'_>) -> bool>;

/// Reads keys for a session that sees so many messages, and this UID last.
pub(crate) struct Keys {
    pub(crate) level: Level,
    pub(crate) count: u32,
    pub(crate) last_uid: u32,
}

impl Keys {
    /// Keys side by side, all of which must be met; at least one.
    pub(crate) fn all(&self, words: &mut Words<'_>) -> Outcome<Judge> {
        let mut judges = vec![self.one(words)?];
        while !matches!(words.peek(), None | Some(Word::Close)) {
            judges.push(self.one(words)?);
        }
        Ok(judge(move |it| judges.iter().all(|judge| judge(it))))
    }

    fn one(&self, words: &mut Words<'_>) -> Outcome<Judge> {
        if self.is_modern() && words.opens() {
            let inner = self.all(words)?;
            return match words.closes() {
                true => Ok(inner),
                false => Err(Refusal::Bad),
            };
        }
        let key = words.atom()?;
        let name = key.to_ascii_uppercase();
        if let Some(judge) = self.flag(&name, words)? {
            return Ok(judge);
        }
        if let Some(judge) = self.text(&name, words)? {
            return Ok(judge);
        }
        if let Some(judge) = self.date(&name, words)? {
            return Ok(judge);
        }
        match name.as_str() {
            "ALL" => Ok(judge(|_| true)),
            _ if !self.is_modern() => Err(Refusal::Bad),
            "NOT" => {
                let inner = self.one(words)?;
                Ok(judge(move |it| !inner(it)))
            }
            "OR" => {
                let (one, other) = (self.one(words)?, self.one(words)?);
                Ok(judge(move |it| one(it) || other(it)))
            }
            "LARGER" => {
                let limit = size(words)?;
                Ok(judge(move |it| it.message.bytes.len() > limit))
            }
            "SMALLER" => {
                let limit = size(words)?;
                Ok(judge(move |it| it.message.bytes.len() < limit))
            }
            "UID" => {
                let set = ranges(words.atom()?, self.level, self.last_uid)?;
                Ok(judge(move |it| is_in(&set, it.message.uid)))
            }
            _ => {
                let set = ranges(key, self.level, self.count)?;
                Ok(judge(move |it| is_in(&set, it.number)))
            }
        }
    }

    fn flag(&self, name: &str, words: &mut Words<'_>) -> Outcome<Option<Judge>> {
        let has_recent = self.level < Level::Rev2;
        match name {
            "RECENT" if has_recent => return Ok(Some(judge(|it| it.is_recent))),
            "OLD" if has_recent => return Ok(Some(judge(|it| !it.is_recent))),
            "NEW" if has_recent => {
                let is_new = |it: &Candidate<'_>| it.is_recent && !it.message.has("\\Seen");
                return Ok(Some(judge(is_new)));
            }
            _ => {}
        }
        let (name, wanted) = match name.strip_prefix("UN") {
            Some(name) => (name, false),
            None => (name, true),
        };
        let flag = match name {
            "ANSWERED" | "DELETED" | "FLAGGED" | "SEEN" => format!("\\{name}"),
            "DRAFT" if self.is_modern() => "\\Draft".to_owned(),
            "KEYWORD" => words.atom()?.to_owned(),
            _ => return Ok(None),
        };
        Ok(Some(judge(move |it| it.message.has(&flag) == wanted)))
    }

    fn text(&self, name: &str, words: &mut Words<'_>) -> Outcome<Option<Judge>> {
        let field = match name {
            "BODY" => {
                let needle = words.string()?;
                return Ok(Some(judge(move |it| {
                    contains(parts(&it.message.bytes).1, &needle)
                })));
            }
            "TEXT" => {
                let needle = words.string()?;
                return Ok(Some(judge(move |it| contains(&it.message.bytes, &needle))));
            }
            "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => name.to_ascii_lowercase(),
            "HEADER" if self.is_modern() => words.text()?.to_ascii_lowercase(),
            _ => return Ok(None),
        };
        let needle = words.string()?;
        Ok(Some(judge(move |it| {
            let values = values(&it.message.bytes, &field);
            values.iter().any(|it| contains(it.as_bytes(), &needle))
        })))
    }

    fn date(&self, name: &str, words: &mut Words<'_>) -> Outcome<Option<Judge>> {
        let sent = name.strip_prefix("SENT").filter(|_| self.is_modern());
        let is_sent = sent.is_some();
        let wanted: &'static [Ordering] = match sent.unwrap_or(name) {
            "BEFORE" => &[Ordering::Less],
            "ON" => &[Ordering::Equal],
            "SINCE" => &[Ordering::Equal, Ordering::Greater],
            _ => return Ok(None),
        };
        let limit = day(&words.text()?).ok_or(Refusal::Bad)?;
        Ok(Some(judge(move |it| {
            let message = it.message;
            let found = match is_sent {
                true => values(&message.bytes, "date")
                    .first()
                    .and_then(|it| sent_day(it)),
                false => day(&message.date),
            };
            found.is_some_and(|day| wanted.contains(&day.cmp(&limit)))
        })))
    }

    fn is_modern(&self) -> bool {
        self.level >= Level::Imap4
    }
}

fn judge(judge: impl Fn(&Candidate<'_>) -> bool + 'static) -> Judge {
    Box::new(judge)
}

fn size(words: &mut Words<'_>) -> Outcome<usize> {
    words.atom()?.parse().map_err(|_| Refusal::Bad)
}

fn is_in(ranges: &[(u32, u32)], number: u32) -> bool {
    ranges.iter().any(|it| (it.0..=it.1).contains(&number))
}

/// Whether a text stands in another, in any ASCII letters.
fn contains(text: &[u8], needle: &[u8]) -> bool {
    if needle.is_empty() {
        return true;
    }
    let mut places = text.windows(needle.len());
    places.any(|it| it.eq_ignore_ascii_case(needle))
}

/// Year, month, day.
type Day = (u32, usize, u32);

/// The day of `2-Mar-2026 10:20:31 +0100` and of `2-Mar-26`.
fn day(text: &str) -> Option<Day> {
    let date = text.split_whitespace().next()?;
    let mut parts = date.split('-');
    day_of([parts.next()?, parts.next()?, parts.next()?])
}

/// The day of `Mon, 2 Mar 2026 11:00:00 +0000`.
fn sent_day(text: &str) -> Option<Day> {
    let date = text.split_once(',').map_or(text, |parts| parts.1);
    let mut parts = date.split_whitespace();
    day_of([parts.next()?, parts.next()?, parts.next()?])
}

fn day_of([day, month, year]: [&str; 3]) -> Option<Day> {
    const MONTHS: [&str; 12] = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ];
    let month = MONTHS
        .iter()
        .position(|it| it.eq_ignore_ascii_case(month))?;
    let number: u32 = year.parse().ok()?;
    let century = match number {
        0..70 => 2000,
        70..100 => 1900,
        _ => 0,
    };
    Some((century + number, month, day.parse().ok()?))
}
