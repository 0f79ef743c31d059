//! Which key means what: `keymaps/*.toml` read into a table for each context.
//!
//! `[everywhere]` binds in every context where the command works; a context's own section wins over it.
//! A letter that is not bound in its own case is looked up in lower case, as Pine's users expect.

use std::collections::HashMap;

use toml::de::DeValue;

use crate::tui::command::{Command, Context};
use crate::tui::command_table::TABLE;
use crate::tui::key::Key;
use crate::tui::toml_file::{Entry, FileError, Source, nearest, printable, read, text_of};

/// The keymaps that are built in.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("pine", include_str!("../../keymaps/pine.toml")),
    ("vim", include_str!("../../keymaps/vim.toml")),
    ("emacs", include_str!("../../keymaps/emacs.toml")),
    ("mutt", include_str!("../../keymaps/mutt.toml")),
];

const EVERYWHERE: &str = "everywhere";

/// What keys mean.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    bindings: HashMap<Context, Vec<(Vec<Key>, Command)>>,
}

/// What a sequence of keys comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// A command.
    Command(Command),
    /// The start of a longer sequence.
    Prefix,
    /// Nothing.
    Nothing,
}

impl Keymap {
    /// Reads a keymap. Fails on unknown sections, commands, keys, and commands that do not work where they are bound.
    pub fn load(source: &Source) -> Result<Self, FileError> {
        let (file, text) = text_of(source, &BUILT_IN)?;
        let mut own = Self::default();
        let mut everywhere = Self::default();
        read(&file, text, known_section, |entry| {
            let keys = Key::parse_sequence(entry.name)
                .ok_or_else(|| format!("\"{}\" names no key", printable(entry.name)))?;
            let command = command_of(entry)?;
            match context_named(entry.section) {
                Some(context) if !command.works_in(context) => Err(format!(
                    "\"{}\" does not work in [{}]",
                    printable(entry.value.as_str().unwrap_or_default()),
                    entry.section
                )),
                Some(context) => own.bind(context, keys, command),
                None => {
                    for place in command.row().map_or(&[][..], |row| row.places) {
                        everywhere.bind(place.context, keys.clone(), command)?;
                    }
                    Ok(())
                }
            }
        })?;
        for (context, bindings) in everywhere.bindings {
            for (keys, command) in bindings {
                let bindings = own.bindings.entry(context).or_default();
                if !bindings.iter().any(|bound| clash(&bound.0, &keys)) {
                    bindings.push((keys, command));
                }
            }
        }
        Ok(own)
    }

    /// What `keys` mean in `context`.
    pub fn meaning(&self, context: Context, keys: &[Key]) -> Meaning {
        match self.exact(context, keys) {
            Meaning::Nothing => {
                let folded: Vec<Key> = keys.iter().map(|key| key.folded()).collect();
                self.exact(context, &folded)
            }
            meaning => meaning,
        }
    }

    /// The first key bound to `command` in `context`, as the key menu shows it: letters in upper case where both cases do.
    pub fn key_name(&self, context: Context, command: Command) -> Option<String> {
        let bindings = self.bindings(context);
        let (keys, _) = bindings.iter().find(|entry| entry.1 == command)?;
        let upper: Vec<Key> = keys.iter().map(|key| key.raised()).collect();
        if self.meaning(context, &upper) == Meaning::Command(command) {
            return Some(sequence_name(&upper));
        }
        Some(sequence_name(keys))
    }

    /// Every key bound to `command` in `context`.
    pub fn key_names(&self, context: Context, command: Command) -> Vec<String> {
        let bound = self
            .bindings(context)
            .iter()
            .filter(|entry| entry.1 == command);
        bound.map(|entry| sequence_name(&entry.0)).collect()
    }

    fn bindings(&self, context: Context) -> &[(Vec<Key>, Command)] {
        self.bindings.get(&context).map_or(&[], Vec::as_slice)
    }

    fn exact(&self, context: Context, keys: &[Key]) -> Meaning {
        let mut meaning = Meaning::Nothing;
        for (bound, command) in self.bindings(context) {
            if bound == keys {
                return Meaning::Command(*command);
            }
            if bound.starts_with(keys) {
                meaning = Meaning::Prefix;
            }
        }
        meaning
    }

    fn bind(&mut self, context: Context, keys: Vec<Key>, command: Command) -> Result<(), String> {
        let bindings = self.bindings.entry(context).or_default();
        let taken = bindings.iter().find(|entry| clash(&entry.0, &keys));
        if let Some((bound, other)) = taken {
            let name = other.row().map_or("", |row| row.name);
            let key = sequence_name(bound);
            return Err(format!("{key} is bound already, to \"{name}\""));
        }
        bindings.push((keys, command));
        Ok(())
    }
}

/// Whether one of the two could never be typed for the other.
fn clash(one: &[Key], other: &[Key]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn sequence_name(keys: &[Key]) -> String {
    let names: Vec<String> = keys.iter().map(Key::to_string).collect();
    names.concat()
}

fn context_named(section: &str) -> Option<Context> {
    let found = Context::NAMES.iter().find(|entry| entry.1 == section);
    found.map(|entry| entry.0)
}

fn known_section(section: &str) -> Result<(), String> {
    if section == EVERYWHERE || context_named(section).is_some() {
        return Ok(());
    }
    let names = Context::NAMES.iter().map(|entry| entry.1);
    let hint = nearest(section, names.chain([EVERYWHERE]));
    Err(format!(
        "there is no section [{}]{hint}",
        printable(section)
    ))
}

fn command_of(entry: &Entry<'_>) -> Result<Command, String> {
    let DeValue::String(name) = entry.value else {
        return Err("a key is bound to the name of a command, in quotes".to_owned());
    };
    Command::named(name).ok_or_else(|| {
        let hint = nearest(name, TABLE.iter().map(|row| row.name));
        format!("there is no command \"{}\"{hint}", printable(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let source = Source::File {
            name: "my.toml".to_owned(),
            text: text.to_owned(),
        };
        Keymap::load(&source)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn every_built_in_keymap_loads_and_pine_binds_all() {
        for (name, _) in BUILT_IN {
            let loaded = Keymap::load(&Source::BuiltIn(name.to_owned()));
            assert!(loaded.is_ok(), "{loaded:?}");
        }
        let pine = Keymap::load(&Source::BuiltIn("pine".to_owned())).expect("loads");
        for row in TABLE {
            for place in row.places {
                let key = pine.key_name(place.context, row.command);
                assert!(key.is_some(), "{} in {:?}", row.name, place.context);
            }
        }
    }

    #[test]
    fn errors_name_file_line_and_the_nearest_name() {
        assert_eq!(
            error("[index]\n\n\"n\" = \"nxt\"\n"),
            "my.toml, line 3: there is no command \"nxt\"; did you mean \"next\"?"
        );
        assert!(error("[indx]\n").ends_with("[indx]; did you mean \"index\"?"));
        assert!(error("[index]\n\"nn\" = \"next\"").contains("names no key"));
        assert!(error("[main]\n\"x\" = \"expunge\"").contains("does not work in [main]"));
        assert!(error("[index]\n\"g\" = \"next\"\n\"g g\" = \"back\"").contains("bound already"));
        assert!(error("[index\n").starts_with("my.toml, line 1: "));
    }

    #[test]
    fn letters_fall_back_to_lower_case() {
        let vim = Keymap::load(&Source::BuiltIn("vim".to_owned())).expect("loads");
        let keys = |name| Key::parse_sequence(name).expect("valid");
        assert_eq!(
            vim.meaning(Context::Index, &keys("G")),
            Meaning::Command(Command::LastPage)
        );
        assert_eq!(vim.meaning(Context::Index, &keys("g")), Meaning::Prefix);
        let pine = Keymap::load(&Source::BuiltIn("pine".to_owned())).expect("loads");
        assert_eq!(
            pine.meaning(Context::Index, &keys("D")),
            Meaning::Command(Command::Delete)
        );
    }
}
