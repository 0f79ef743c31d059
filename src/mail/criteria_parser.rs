//! Reads search criteria as IMAP writes them: `UNSEEN FROM "smith" SINCE 1-Feb-2026`.
//!
//! Criteria side by side must all hold. `OR` takes two, `NOT` one, parentheses make one of several. Words may be
//! written in any letter case, text in double quotes or, without blanks and parentheses, bare.

use std::fmt;

use crate::mail::criteria::{Criteria, Day, When};
use crate::mail::flags::{Keyword, SystemFlags};
use crate::mail::fold::Needle;
use crate::mail::text::Foreign;
use crate::mail::uid::SequenceSet;

/// What is wrong with criteria, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CriteriaError {
    /// The word that is wrong; empty at the end of the text.
    pub word: Foreign,
    /// Where it begins, in characters, counted from 1.
    pub place: usize,
    /// What is wrong with it.
    pub mistake: Mistake,
}

/// A mistake in criteria.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Mistake {
    /// No such criterion; the nearest right one, if any is near.
    #[error("there is no such criterion{}", .0.map(|near| format!("; {near} is near")).unwrap_or_default())]
    Unknown(Option<&'static str>),
    /// The text ends where something must follow.
    #[error("{0} must follow")]
    Missing(&'static str),
    /// The word is not what must stand here.
    #[error("{0} must stand here")]
    Expected(&'static str),
    /// A quoted text has no end.
    #[error("the quotes are not closed")]
    OpenQuotes,
    /// A parenthesis has no partner.
    #[error("the parenthesis has no partner")]
    Unbalanced,
    /// More than 100 levels.
    #[error("criteria are nested more than {} deep", Criteria::MAX_DEPTH)]
    TooDeep,
}

impl fmt::Display for CriteriaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.word.raw().is_empty() {
            return write!(f, "at the end: {}", self.mistake);
        }
        let word = self.word.raw().escape_debug();
        write!(
            f,
            "\"{word}\" at character {}: {}",
            self.place, self.mistake
        )
    }
}

impl std::error::Error for CriteriaError {}

impl Criteria {
    /// How deep `NOT`, `OR` and parentheses may be nested.
    pub const MAX_DEPTH: usize = 100;

    /// Reads criteria. At least one must be there.
    pub fn parse(text: &str) -> Result<Self, CriteriaError> {
        let mut parser = Parser {
            words: split(text)?,
            next: 0,
        };
        parser.several(0, false)
    }
}

/// A word of the text: a parenthesis, a bare word, or the inside of quotes.
#[derive(Clone)]
struct Word {
    text: String,
    place: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    Bare,
    Quoted,
    End,
}

impl Word {
    fn is(&self, mistake: Mistake) -> CriteriaError {
        CriteriaError {
            word: Foreign::new(self.text.as_str()),
            place: self.place,
            mistake,
        }
    }
}

/// What stands behind a criterion's word, and what it means.
#[derive(Clone, Copy)]
enum Shape {
    All,
    Not,
    Or,
    Flag(SystemFlags),
    NoFlag(SystemFlags),
    New,
    Keyword,
    NoKeyword,
    Arrived(When),
    Sent(When),
    Field,
    Header,
    Body,
    Text,
    Larger,
    Smaller,
    Uid,
}

/// Every criterion of RFC 3501.
const WORDS: [(&str, Shape); 35] = [
    ("ALL", Shape::All),
    ("ANSWERED", Shape::Flag(SystemFlags::ANSWERED)),
    ("BCC", Shape::Field),
    ("BEFORE", Shape::Arrived(When::Before)),
    ("BODY", Shape::Body),
    ("CC", Shape::Field),
    ("DELETED", Shape::Flag(SystemFlags::DELETED)),
    ("DRAFT", Shape::Flag(SystemFlags::DRAFT)),
    ("FLAGGED", Shape::Flag(SystemFlags::FLAGGED)),
    ("FROM", Shape::Field),
    ("HEADER", Shape::Header),
    ("KEYWORD", Shape::Keyword),
    ("LARGER", Shape::Larger),
    ("NEW", Shape::New),
    ("NOT", Shape::Not),
    ("OLD", Shape::NoFlag(SystemFlags::RECENT)),
    ("ON", Shape::Arrived(When::On)),
    ("OR", Shape::Or),
    ("RECENT", Shape::Flag(SystemFlags::RECENT)),
    ("SEEN", Shape::Flag(SystemFlags::SEEN)),
    ("SENTBEFORE", Shape::Sent(When::Before)),
    ("SENTON", Shape::Sent(When::On)),
    ("SENTSINCE", Shape::Sent(When::Since)),
    ("SINCE", Shape::Arrived(When::Since)),
    ("SMALLER", Shape::Smaller),
    ("SUBJECT", Shape::Field),
    ("TEXT", Shape::Text),
    ("TO", Shape::Field),
    ("UID", Shape::Uid),
    ("UNANSWERED", Shape::NoFlag(SystemFlags::ANSWERED)),
    ("UNDELETED", Shape::NoFlag(SystemFlags::DELETED)),
    ("UNDRAFT", Shape::NoFlag(SystemFlags::DRAFT)),
    ("UNFLAGGED", Shape::NoFlag(SystemFlags::FLAGGED)),
    ("UNKEYWORD", Shape::NoKeyword),
    ("UNSEEN", Shape::NoFlag(SystemFlags::SEEN)),
];

struct Parser {
    words: Vec<Word>,
    next: usize,
}

impl Parser {
    /// The next word; `None` at the end.
    fn peek(&self) -> Option<&Word> {
        self.words
            .get(self.next)
            .filter(|word| word.kind != Kind::End)
    }

    /// Takes the next word, or says that `wanted` must follow.
    fn take(&mut self, wanted: &'static str) -> Result<Word, CriteriaError> {
        match self.words.get(self.next) {
            Some(word) if word.kind != Kind::End => {
                self.next += 1;
                Ok(word.clone())
            }
            Some(end) => Err(end.is(Mistake::Missing(wanted))),
            None => Err(CriteriaError {
                word: Foreign::default(),
                place: 0,
                mistake: Mistake::Missing(wanted),
            }),
        }
    }

    /// Criteria up to the end or, inside of parentheses, up to the closing one, which is left.
    fn several(&mut self, depth: usize, inside: bool) -> Result<Criteria, CriteriaError> {
        let mut all = vec![self.one(depth)?];
        while let Some(word) = self.peek() {
            match word.kind {
                Kind::Close if inside => break,
                Kind::Close => return Err(word.is(Mistake::Unbalanced)),
                _ => {}
            }
            all.push(self.one(depth)?);
        }
        Ok(Criteria::and(all))
    }

    fn one(&mut self, depth: usize) -> Result<Criteria, CriteriaError> {
        let word = self.take("a criterion")?;
        if depth > Criteria::MAX_DEPTH {
            return Err(word.is(Mistake::TooDeep));
        }
        match word.kind {
            Kind::Open => {
                let criteria = self.several(depth + 1, true)?;
                let close = self.peek().is_some_and(|word| word.kind == Kind::Close);
                self.next += 1;
                if close {
                    Ok(criteria)
                } else {
                    Err(word.is(Mistake::Unbalanced))
                }
            }
            Kind::Bare
                if word
                    .text
                    .starts_with(|c: char| c.is_ascii_digit() || c == '*') =>
            {
                let set = SequenceSet::parse(&word.text);
                let expected = || word.is(Mistake::Expected("a set of numbers, as in 1:5,9,*"));
                set.map(Criteria::Numbers).ok_or_else(expected)
            }
            Kind::Bare => self.named(&word, depth),
            Kind::Close | Kind::Quoted | Kind::End => {
                Err(word.is(Mistake::Expected("a criterion")))
            }
        }
    }

    fn named(&mut self, word: &Word, depth: usize) -> Result<Criteria, CriteriaError> {
        let upper = word.text.to_ascii_uppercase();
        let entry = WORDS.iter().find(|entry| entry.0 == upper);
        let Some(&(name, shape)) = entry else {
            return Err(word.is(Mistake::Unknown(nearest(&upper))));
        };
        Ok(match shape {
            Shape::All => Criteria::All,
            Shape::Not => Criteria::Not(Box::new(self.one(depth + 1)?)),
            Shape::Or => {
                let one = self.one(depth + 1)?;
                Criteria::or(one, self.one(depth + 1)?)
            }
            Shape::Flag(flag) => Criteria::Flag(flag),
            Shape::NoFlag(flag) => not(Criteria::Flag(flag)),
            Shape::New => Criteria::and(vec![
                Criteria::Flag(SystemFlags::RECENT),
                not(Criteria::Flag(SystemFlags::SEEN)),
            ]),
            Shape::Keyword => Criteria::Keyword(self.keyword()?),
            Shape::NoKeyword => not(Criteria::Keyword(self.keyword()?)),
            Shape::Arrived(when) => Criteria::Arrived(when, self.day()?),
            Shape::Sent(when) => Criteria::Sent(when, self.day()?),
            Shape::Field => Criteria::Field(name.to_ascii_lowercase(), self.needle()?),
            Shape::Header => {
                let field = self.string("the name of a header field")?;
                Criteria::Field(field.text.to_ascii_lowercase(), self.needle()?)
            }
            Shape::Body => Criteria::Body(self.needle()?),
            Shape::Text => Criteria::Text(self.needle()?),
            Shape::Larger => Criteria::Larger(self.size()?),
            Shape::Smaller => Criteria::Smaller(self.size()?),
            Shape::Uid => Criteria::Uids(self.set()?),
        })
    }

    fn string(&mut self, wanted: &'static str) -> Result<Word, CriteriaError> {
        let word = self.take(wanted)?;
        match word.kind {
            Kind::Bare | Kind::Quoted => Ok(word),
            _ => Err(word.is(Mistake::Expected(wanted))),
        }
    }

    fn needle(&mut self) -> Result<Needle, CriteriaError> {
        Ok(Needle::new(&self.string("a text to look for")?.text))
    }

    fn read<T>(
        &mut self,
        wanted: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, CriteriaError> {
        let word = self.string(wanted)?;
        parse(&word.text).ok_or_else(|| word.is(Mistake::Expected(wanted)))
    }

    fn keyword(&mut self) -> Result<Keyword, CriteriaError> {
        self.read("a keyword", Keyword::new)
    }

    fn size(&mut self) -> Result<u64, CriteriaError> {
        self.read("a number of octets", digits)
    }

    fn set(&mut self) -> Result<SequenceSet, CriteriaError> {
        self.read("a set of UIDs, as in 1:5,9,*", SequenceSet::parse)
    }

    fn day(&mut self) -> Result<Day, CriteriaError> {
        self.read("a date, as in 1-Feb-2026", parse_day)
    }
}

fn not(criteria: Criteria) -> Criteria {
    Criteria::Not(Box::new(criteria))
}

fn digits(text: &str) -> Option<u64> {
    let decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| decimal)
}

fn parse_day(text: &str) -> Option<Day> {
    let mut parts = text.split('-');
    let day = parts.next().filter(|day| day.len() <= 2)?;
    let name = parts.next()?;
    let year = parts.next().filter(|year| year.len() == 4)?;
    let month = MONTHS
        .iter()
        .position(|month| month.eq_ignore_ascii_case(name))?;
    if parts.next().is_some() {
        return None;
    }
    let year = i64::try_from(digits(year)?).ok()?;
    Day::new(
        year,
        u8::try_from(month + 1).ok()?,
        u8::try_from(digits(day)?).ok()?,
    )
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The criterion that was probably meant.
fn nearest(word: &str) -> Option<&'static str> {
    if !(3..=16).contains(&word.len()) {
        return None;
    }
    let far = |name: &str| strsim::osa_distance(word, name);
    let names = WORDS.iter().map(|entry| entry.0);
    let best = names.min_by_key(|name| far(name))?;
    (far(best) <= 2).then_some(best)
}

/// Takes the text apart; the last word is its end.
fn split(text: &str) -> Result<Vec<Word>, CriteriaError> {
    let mut words = Vec::new();
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        let mut word = Word {
            text: character.to_string(),
            place: index + 1,
            kind: Kind::Bare,
        };
        match character {
            blank if blank.is_whitespace() => continue,
            '(' => word.kind = Kind::Open,
            ')' => word.kind = Kind::Close,
            '"' => {
                word.kind = Kind::Quoted;
                let inside = unquote(&mut characters.by_ref().map(|next| next.1));
                word.text = inside.ok_or_else(|| word.is(Mistake::OpenQuotes))?;
            }
            _ => {
                let bare =
                    |next: &(usize, char)| !next.1.is_whitespace() && !"()\"".contains(next.1);
                while let Some((_, more)) = characters.next_if(bare) {
                    word.text.push(more);
                }
            }
        }
        words.push(word);
    }
    words.push(Word {
        text: String::new(),
        place: text.chars().count() + 1,
        kind: Kind::End,
    });
    Ok(words)
}

/// Reads up to the closing quotes; `None` when there are none.
fn unquote(characters: &mut dyn Iterator<Item = char>) -> Option<String> {
    let mut inside = String::new();
    loop {
        match characters.next()? {
            '"' => return Some(inside),
            '\\' => inside.push(characters.next()?),
            plain => inside.push(plain),
        }
    }
}

#[cfg(test)]
mod tests;
