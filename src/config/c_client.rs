//! c-client's configuration files, read as settings: the system's `/etc/c-client.cf`, then, where that file allows it,
//! `~/.mminit` (only keywords) and `~/.imaprc`.
//!
//! A line is `set COMMAND VALUE`: one space after each of the first two words, the value to the end of the line, which
//! must have one (LF). Letter case does not matter in commands. Other lines mean nothing, and are only told of.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use config::Value;

use crate::config::c_client_table::{COMMANDS, Giver, Meaning};
use crate::config::check::{check_number, check_text};
use crate::config::error::ConfigError;
use crate::config::keys_table::kind_of;
use crate::config::paths::read_trusted_bytes;
use crate::mail::text::Foreign;

/// The most keywords that c-client's formats can hold.
const MAX_KEYWORDS: usize = 30;

/// The most lines that are told of, in one file.
const MAX_NOTES: usize = 20;

/// What c-client's files come to.
#[derive(Default, Debug)]
pub struct Imported {
    values: BTreeMap<&'static str, Value>,
    /// What was read, and what of it means nothing.
    pub notes: Vec<Note>,
    allows_user_files: bool,
    forbids: (bool, bool),
}

/// What is to be said of a file or of one of its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// The file, the line, and what of it.
    pub text: Foreign,
}

/// Whose file is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The system's.
    System,
    /// The user's `.mminit`, which gives keywords and nothing else.
    UserInit,
    /// The user's `.imaprc`.
    User,
}

impl Imported {
    /// Reads the system's file at `system`, and the user's in `home` where the former allows it. A file that is not
    /// there gives nothing; the system's is refused when it cannot be trusted, the user's are passed over then.
    pub fn read(system: &Path, home: Option<&Path>) -> Result<Self, ConfigError> {
        let mut imported = Self::default();
        match read_trusted_bytes(system) {
            Ok(text) => imported.add(Whose::System, system, &text),
            Err(error) if is_missing(system) => {
                drop(error);
                imported.note(true, format!("{} is not there", system.to_string_lossy()));
            }
            Err(error) => return Err(error),
        }
        let user: [(Whose, Option<PathBuf>); 2] = [
            (Whose::UserInit, home.map(|home| home.join(".mminit"))),
            (Whose::User, home.map(|home| home.join(".imaprc"))),
        ];
        for (whose, path) in user {
            let Some(path) = path.filter(|path| imported.allows_user_files && !is_missing(path))
            else {
                continue;
            };
            match read_trusted_bytes(&path) {
                Ok(text) => imported.add(whose, &path, &text),
                Err(error) => imported.notes.push(Note {
                    ok: false,
                    text: error.sentence(),
                }),
            }
        }
        Ok(imported)
    }

    /// The settings that were found, by key.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(key, value)| (*key, value))
    }

    /// Takes in the text of a file. `path` is only for notes.
    pub fn add(&mut self, whose: Whose, path: &Path, text: &[u8]) {
        let shown = path.to_string_lossy();
        self.note(true, format!("read from {shown}"));
        let before = self.notes.len();
        let mut left_out = 0_usize;
        for (place, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let Err(why) = self.take(whose, line) else {
                continue;
            };
            if self.notes.len() - before >= MAX_NOTES {
                left_out += 1;
                continue;
            }
            self.note(why.ok, format!("{shown}:{}: {}", place + 1, why.text));
        }
        if left_out > 0 {
            self.note(
                true,
                format!("{shown}: {left_out} more lines mean nothing here"),
            );
        }
    }

    fn note(&mut self, ok: bool, text: String) {
        self.notes.push(Note {
            ok,
            text: Foreign::new(text),
        });
    }

    fn take(&mut self, whose: Whose, line: &[u8]) -> Result<(), Refusal> {
        let Some((command, value)) = split(line)? else {
            return Ok(());
        };
        let entry = COMMANDS
            .iter()
            .find(|entry| command.eq_ignore_ascii_case(entry.0));
        let Some(&(name, giver, meaning)) = entry else {
            return Err(Refusal::quiet("no such command; passed over"));
        };
        if giver == Giver::System && whose != Whose::System {
            let why = format!("{name} counts in the system's file alone; passed over");
            return Err(Refusal::loud(why));
        }
        if whose == Whose::UserInit && meaning != Meaning::Keywords {
            return Err(Refusal::loud(
                "only keywords count in this file; passed over",
            ));
        }
        let refused = |why: String| Refusal::loud(format!("{name}: {why}; passed over"));
        self.set(meaning, value).map_err(|why| match meaning {
            Meaning::Nothing(_) => Refusal::quiet(format!("{name} has no effect: {why}")),
            _ => refused(why),
        })
    }

    /// Keeps a value, or says why not.
    fn set(&mut self, meaning: Meaning, value: &str) -> Result<(), String> {
        match meaning {
            Meaning::Text(key) if value.is_empty() => Err(format!("{key} cannot be empty")),
            Meaning::Text(key) => self.put(key, value),
            Meaning::Format(key) => self.put_format(key, value),
            Meaning::Keywords => {
                self.values.entry("local.keywords").or_insert_with(|| {
                    let words = value
                        .split([',', ' ', '\t'])
                        .filter(|word| !word.is_empty());
                    let words: Vec<String> = words.take(MAX_KEYWORDS).map(str::to_owned).collect();
                    Value::new(None, words)
                });
                Ok(())
            }
            Meaning::Bits(key) | Meaning::Number(key) => {
                let number: i64 = value.parse().map_err(|_| "not a number".to_owned())?;
                let kind = kind_of(key).ok_or("no such setting")?;
                check_number(key, kind, Some(number)).map_err(|_| "out of bounds".to_owned())?;
                self.put(key, number)
            }
            Meaning::Switch(key) => self.put(key, switch(value)?),
            Meaning::Opposite(key) => self.put(key, !switch(value)?),
            Meaning::Restriction => self.restrict(value),
            Meaning::UserFiles => {
                self.allows_user_files = switch(value)?;
                Ok(())
            }
            Meaning::Nothing(why) => Err(why.to_owned()),
        }
    }

    fn put(
        &mut self,
        key: &'static str,
        value: impl Into<config::ValueKind>,
    ) -> Result<(), String> {
        self.values.insert(key, Value::new(None, value));
        Ok(())
    }

    fn put_format(&mut self, key: &'static str, value: &str) -> Result<(), String> {
        let format = match value.to_ascii_lowercase().as_str() {
            "system-standard" => "unix".to_owned(),
            format => format.to_owned(),
        };
        let kind = kind_of(key).ok_or("no such setting")?;
        check_text(key, kind, &format).map_err(|_| "no such format".to_owned())?;
        self.put(key, format)
    }

    fn restrict(&mut self, value: &str) -> Result<(), String> {
        let (absolute, others) = match value.to_ascii_lowercase().as_str() {
            "root" => (true, false),
            "otherusers" => (false, true),
            "all" => (true, true),
            _ => return Err("it must be root, otherusers or all".to_owned()),
        };
        self.forbids = (self.forbids.0 || absolute, self.forbids.1 || others);
        let word = match self.forbids {
            (true, true) => "all",
            (true, false) => "absolute",
            _ => "other-users",
        };
        self.put("local.restrict", word)
    }
}

/// Why a line means nothing.
struct Refusal {
    ok: bool,
    text: String,
}

impl Refusal {
    /// That is as it should be.
    fn quiet(text: impl Into<String>) -> Self {
        Self {
            ok: true,
            text: text.into(),
        }
    }

    /// That was hardly meant so.
    fn loud(text: impl Into<String>) -> Self {
        Self {
            ok: false,
            text: text.into(),
        }
    }
}

/// The command and the value of a line; nothing where it is empty or a comment.
fn split(line: &[u8]) -> Result<Option<(&str, &str)>, Refusal> {
    let Some(line) = line.strip_suffix(b"\n") else {
        return Err(Refusal::loud("the line has no end; passed over"));
    };
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let Ok(line) = std::str::from_utf8(line) else {
        return Err(Refusal::loud("the line is not UTF-8 text; passed over"));
    };
    let mut words = line.splitn(3, ' ');
    let is_set = words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("set"));
    match (is_set, words.next(), words.next()) {
        (true, Some(command), Some(value)) if !command.is_empty() => Ok(Some((command, value))),
        _ => Err(Refusal::quiet(
            "not of the form \"set COMMAND VALUE\"; passed over",
        )),
    }
}

fn switch(value: &str) -> Result<bool, String> {
    match value.parse::<i64>() {
        Ok(number) => Ok(number != 0),
        Err(_) => Err("it must be 0 or 1".to_owned()),
    }
}

fn is_missing(path: &Path) -> bool {
    let found = std::fs::symlink_metadata(path);
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests;
