//! What can be wrong with the settings, said so that the user finds the place and the right word.

use std::io;
use std::path::{Path, PathBuf};

use crate::mail::reason::in_words;
use crate::mail::text::Foreign;

/// Settings that cannot be used.
#[derive(Debug)]
pub struct ConfigError {
    source: Source,
    problem: Problem,
}

/// Where a wrong setting stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// In a file, at a line counted from 1; 0 means the file as a whole.
    File(PathBuf, usize),
    /// Behind `--set`.
    CommandLine,
}

/// What is wrong.
#[derive(Debug)]
pub enum Problem {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// The file must not be trusted; the text says why.
    Untrusted(&'static str),
    /// Not TOML, or not UTF-8; the reason.
    Syntax(String),
    /// There is no such key; the nearest one that there is.
    UnknownKey(String, Option<&'static str>),
    /// The value cannot be what the key needs: key, what it needs, the value meant perhaps.
    BadValue(String, String, Option<&'static str>),
}

impl ConfigError {
    /// Problem and place.
    pub fn new(source: Source, problem: Problem) -> Self {
        Self { source, problem }
    }

    /// A problem with the file as a whole.
    pub fn in_file(path: &Path, problem: Problem) -> Self {
        Self::new(Source::File(path.to_owned(), 0), problem)
    }

    /// One sentence: place, problem, and the nearest right word. Quotes what was read, so it is foreign.
    pub fn sentence(&self) -> Foreign {
        let place = match &self.source {
            Source::File(path, 0) => path.to_string_lossy().into_owned(),
            Source::File(path, line) => format!("{}:{line}", path.to_string_lossy()),
            Source::CommandLine => "--set".to_owned(),
        };
        Foreign::new(format!("{place}: {}", self.problem()))
    }

    fn problem(&self) -> String {
        let meant = |word: &Option<&str>| match word {
            Some(word) => format!(" (did you mean \"{word}\"?)"),
            None => String::new(),
        };
        match &self.problem {
            Problem::Unreadable(error) => {
                format!("cannot be read: {}", in_words(error))
            }
            Problem::Untrusted(why) => format!("is not used: {why}"),
            Problem::Syntax(why) => why.clone(),
            Problem::UnknownKey(key, near) => format!("unknown key \"{key}\"{}", meant(near)),
            Problem::BadValue(key, needs, near) => {
                format!("\"{key}\" must be {needs}{}", meant(near))
            }
        }
    }
}
