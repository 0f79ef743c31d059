//! The two-level TOML files of keymaps and themes: `[section]` with `name = value`, and errors that say where.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::mail::text::Foreign;

/// What is wrong in a keymap or theme file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileError {
    /// The file, or the name of a built-in one.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.what)
    }
}

impl std::error::Error for FileError {}

/// Where a keymap or theme comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// One that is built in, by name.
    BuiltIn(String),
    /// The user's file.
    File {
        /// Its name, for errors.
        name: String,
        /// What is in it.
        text: String,
    },
}

/// The text of `source`, and a name for it; an error that lists the built-in names where there is none of that name.
pub fn text_of<'a>(
    source: &'a Source,
    built_in: &[(&'static str, &'static str)],
) -> Result<(String, &'a str), FileError> {
    match source {
        Source::File { name, text } => Ok((name.clone(), text)),
        Source::BuiltIn(name) => {
            let names = built_in.iter().map(|entry| entry.0);
            let found = built_in.iter().find(|entry| entry.0 == name);
            found
                .map(|entry| (format!("{}.toml (built in)", entry.0), entry.1))
                .ok_or_else(|| FileError {
                    file: printable(name),
                    line: 1,
                    what: format!("there is no such file built in{}", nearest(name, names)),
                })
        }
    }
}

/// One `name = value` of a file.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The section.
    pub section: &'a str,
    /// Where the name stands.
    pub span: Range<usize>,
    /// The name.
    pub name: &'a str,
    /// The value.
    pub value: &'a DeValue<'a>,
    /// Where the value stands.
    pub value_span: Range<usize>,
}

/// Reads `text` and hands each entry to `take`, in the order of the file; what `take` refuses is put in its line.
///
/// `known` tells whether a section may be there, with a hint where not.
pub fn read(
    file: &str,
    text: &str,
    mut known: impl FnMut(&str) -> Result<(), String>,
    mut take: impl FnMut(&Entry<'_>) -> Result<(), String>,
) -> Result<(), FileError> {
    let error = |at: usize, what: String| FileError {
        file: printable(file),
        line: line_of(text, at),
        what,
    };
    let table = DeTable::parse(text).map_err(|found| {
        let at = found.span().map_or(0, |span| span.start);
        error(at, printable(found.message()))
    })?;
    for (section, content) in table.get_ref() {
        let start = section.span().start;
        known(section.get_ref()).map_err(|what| error(start, what))?;
        let Some(entries) = content.get_ref().as_table() else {
            return Err(error(start, "expected a [section]".to_owned()));
        };
        // the table is sorted by name; what counts is the order of the file
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by_key(|entry| entry.0.span().start);
        for (name, value) in entries {
            let entry = Entry {
                section: section.get_ref(),
                span: name.span(),
                name: name.get_ref(),
                value: value.get_ref(),
                value_span: value.span(),
            };
            take(&entry).map_err(|what| error(name.span().start, what))?;
        }
    }
    Ok(())
}

/// `; did you mean X?` for the name nearest to `name`, or nothing when none is near.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = names
        .map(|known| (strsim::osa_distance(name, known), known))
        .min();
    match near {
        Some((distance, known)) if distance <= known.len().max(3) / 2 => {
            format!("; did you mean \"{known}\"?")
        }
        _ => String::new(),
    }
}

/// Text of the user's file as it may be printed.
pub fn printable(text: &str) -> String {
    Foreign::new(text).field().as_str().to_owned()
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}
