//! The words of a command: atoms, quoted strings, literals, parentheses; sets of numbers; and why a command is refused.

use crate::fake::Level;

/// Why a command is not carried out.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The level has no such command, or not with such words.
    Bad,
    /// It cannot be done, and this is said of it.
    No(String),
}

/// What a step of a command came to.
pub(crate) type Outcome<T> = Result<T, Refusal>;

/// A piece of a command as it came.
pub(crate) enum Piece {
    Text(Vec<u8>),
    Literal(Vec<u8>),
}

/// A word of a command.
#[derive(Debug)]
pub(crate) enum Word {
    Atom(String),
    Quoted(Vec<u8>),
    Literal(Vec<u8>),
    Open,
    Close,
}

/// The words of pieces; `None` where they make no sense.
pub(crate) fn split(pieces: Vec<Piece>, level: Level) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Literal(bytes) => words.push(Word::Literal(bytes)),
            Piece::Text(text) => split_text(&text, level, &mut words)?,
        }
    }
    Some(words)
}

fn split_text(text: &[u8], level: Level, words: &mut Vec<Word>) -> Option<()> {
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b' ' => {}
            b'(' => words.push(Word::Open),
            b')' => words.push(Word::Close),
            b'"' => {
                let (string, behind) = quoted(after, level)?;
                words.push(Word::Quoted(string));
                rest = behind;
            }
            _ => {
                let whole = &text[text.len() - after.len() - 1..];
                let (atom, behind) = whole.split_at(atom_length(whole)?);
                words.push(Word::Atom(String::from_utf8(atom.to_vec()).ok()?));
                rest = behind;
            }
        }
    }
    Some(())
}

/// A string up to its quote, and what is behind it. Before IMAP4 a backslash is a letter like others.
fn quoted(text: &[u8], level: Level) -> Option<(Vec<u8>, &[u8])> {
    let mut string = Vec::new();
    let mut rest = text;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => return Some((string, rest)),
            b'\\' if level >= Level::Imap4 => {
                let (&escaped, after) = rest.split_first()?;
                rest = after;
                string.push(escaped);
            }
            _ => string.push(byte),
        }
    }
}

/// How long the atom is that begins here. Sections of messages have blanks and parentheses inside their brackets.
fn atom_length(text: &[u8]) -> Option<usize> {
    let end = |text: &[u8]| {
        let found = text.iter().position(|it| b" ()\"".contains(it));
        found.unwrap_or(text.len())
    };
    let length = end(text);
    let is_section = text.len() > 4 && text[..4].eq_ignore_ascii_case(b"BODY");
    if !is_section || !text[..length].contains(&b'[') {
        return Some(length);
    }
    let close = text.iter().position(|&it| it == b']')? + 1;
    Some(close + end(&text[close..]))
}

/// Words that are still to be read.
pub(crate) struct Words<'w>(&'w [Word]);

impl<'w> Words<'w> {
    pub(crate) fn new(words: &'w [Word]) -> Self {
        Self(words)
    }

    pub(crate) fn peek(&self) -> Option<&'w Word> {
        self.0.first()
    }

    /// The next word.
    pub(crate) fn take(&mut self) -> Outcome<&'w Word> {
        let (first, rest) = self.0.split_first().ok_or(Refusal::Bad)?;
        self.0 = rest;
        Ok(first)
    }

    /// Fails where something is left.
    pub(crate) fn end(&self) -> Outcome<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Bad)
        }
    }

    /// An atom, which must be next.
    pub(crate) fn atom(&mut self) -> Outcome<&'w str> {
        match self.take()? {
            Word::Atom(atom) => Ok(atom),
            _ => Err(Refusal::Bad),
        }
    }

    /// An atom in upper case.
    pub(crate) fn verb(&mut self) -> Outcome<String> {
        Ok(self.atom()?.to_ascii_uppercase())
    }

    /// A string in any of its forms.
    pub(crate) fn string(&mut self) -> Outcome<Vec<u8>> {
        match self.take()? {
            Word::Atom(atom) => Ok(atom.as_bytes().to_vec()),
            Word::Quoted(bytes) | Word::Literal(bytes) => Ok(bytes.clone()),
            Word::Open | Word::Close => Err(Refusal::Bad),
        }
    }

    /// A string as text.
    pub(crate) fn text(&mut self) -> Outcome<String> {
        Ok(String::from_utf8_lossy(&self.string()?).into_owned())
    }

    /// The name of a mailbox.
    pub(crate) fn mailbox(&mut self) -> Outcome<String> {
        Ok(canonical(&self.text()?))
    }

    /// A list of atoms in parentheses.
    pub(crate) fn atoms(&mut self) -> Outcome<Vec<String>> {
        if !self.opens() {
            return Err(Refusal::Bad);
        }
        let mut atoms = Vec::new();
        while !self.closes() {
            atoms.push(self.atom()?.to_owned());
        }
        Ok(atoms)
    }

    /// Takes this atom if it is next.
    pub(crate) fn skips(&mut self, wanted: &str) -> bool {
        self.skips_if(|word| matches!(word, Word::Atom(it) if it.eq_ignore_ascii_case(wanted)))
    }

    /// Takes an opening parenthesis if it is next.
    pub(crate) fn opens(&mut self) -> bool {
        self.skips_if(|word| matches!(word, Word::Open))
    }

    /// Takes a closing parenthesis if it is next.
    pub(crate) fn closes(&mut self) -> bool {
        self.skips_if(|word| matches!(word, Word::Close))
    }

    fn skips_if(&mut self, is_wanted: impl Fn(&Word) -> bool) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if is_wanted(first) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }
}

/// A name as mailboxes are kept by: INBOX is INBOX in any letters.
pub(crate) fn canonical(name: &str) -> String {
    if name.eq_ignore_ascii_case("INBOX") {
        "INBOX".to_owned()
    } else {
        name.to_owned()
    }
}

/// Fails where a client may not set one of these flags at this level.
pub(crate) fn check_flags(flags: &[String], level: Level) -> Outcome<()> {
    let known = |flag: &String| {
        let name = flag.to_ascii_uppercase();
        match name.strip_prefix('\\') {
            None => true,
            Some("DRAFT") => level >= Level::Imap4,
            Some(name) => ["ANSWERED", "DELETED", "FLAGGED", "SEEN"].contains(&name),
        }
    };
    if flags.iter().all(known) {
        Ok(())
    } else {
        Err(Refusal::Bad)
    }
}

/// The ranges of a set of numbers. `last` is what `*` stands for, which nobody before IMAP4 knows.
pub(crate) fn ranges(set: &str, level: Level, last: u32) -> Outcome<Vec<(u32, u32)>> {
    let number = |text: &str| -> Outcome<u32> {
        if text == "*" && level >= Level::Imap4 {
            return Ok(last);
        }
        let is_number = text.bytes().all(|it| it.is_ascii_digit());
        let number = text.parse().ok().filter(|&it: &u32| is_number && it > 0);
        number.ok_or(Refusal::Bad)
    };
    let range = |text: &str| -> Outcome<(u32, u32)> {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        let (first, last) = (number(first)?, number(last)?);
        Ok((first.min(last), first.max(last)))
    };
    set.split(',').map(range).collect()
}

/// Numbers, which ascend, as a set.
pub(crate) fn set_of(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some(range) if range.1 + 1 == number => range.1 = number,
            _ => ranges.push((number, number)),
        }
    }
    let written = ranges.iter().map(|&(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}:{last}")
        }
    });
    written.collect::<Vec<_>>().join(",")
}
