//! Merges the layers: compiled-in defaults, then the settings file, then `--set` of the command line.

use std::path::Path;

use config::{Config, File, FileFormat, Value};

use crate::config::c_client::{Imported, Note};
use crate::config::check::{check_file, check_number, check_text, check_words, needs};
use crate::config::error::{ConfigError, Problem, Source};
use crate::config::keys_table::{Kind, kind_of, nearest};
use crate::config::paths::read_trusted;
use crate::config::settings::Settings;

/// The default settings with their comments.
pub const DEFAULTS: &str = include_str!("../../assets/config.toml");

/// Reads the settings: `file` where given, then `KEY=VALUE` pairs, the last of them strongest.
///
/// Where these settings name c-client's configuration file, that one counts too, stronger than the defaults only; the
/// user's own files of that kind are looked for in `home`. Tells what came of it.
pub fn load(
    file: Option<&Path>,
    overrides: &[String],
    home: Option<&Path>,
) -> Result<(Settings, Vec<Note>), ConfigError> {
    let text = match file {
        Some(path) => {
            let text = read_trusted(path)?;
            check_file(path, &text)?;
            text
        }
        None => String::new(),
    };
    let settings = merge(None, &text, overrides)?;
    let Some(system) = &settings.local.c_client_config else {
        return Ok((settings, Vec::new()));
    };
    let imported = Imported::read(system, home)?;
    let settings = merge(Some(&imported), &text, overrides)?;
    Ok((settings, imported.notes))
}

/// Puts the layers on one another. `text` was checked.
fn merge(
    imported: Option<&Imported>,
    text: &str,
    overrides: &[String],
) -> Result<Settings, ConfigError> {
    let mut layers = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    if let Some(imported) = imported {
        let mut layer = Config::builder();
        for (key, value) in imported.values() {
            layer = layer
                .set_override(key, value.clone())
                .map_err(merge_error)?;
        }
        layers = layers.add_source(layer.build().map_err(merge_error)?);
    }
    layers = layers.add_source(File::from_str(text, FileFormat::Toml));
    for pair in overrides {
        let (key, value) = read_override(pair)?;
        layers = layers.set_override(key, value).map_err(merge_error)?;
    }
    let merged = layers.build().map_err(merge_error)?;
    merged.try_deserialize().map_err(merge_error)
}

/// Every value was checked before, so this can only tell of a slip in the table of keys.
#[allow(
    clippy::needless_pass_by_value,
    reason = "used as a function for map_err"
)]
fn merge_error(error: config::ConfigError) -> ConfigError {
    ConfigError::new(Source::CommandLine, Problem::Syntax(error.to_string()))
}

fn read_override(pair: &str) -> Result<(&str, Value), ConfigError> {
    let wrong = |problem| ConfigError::new(Source::CommandLine, problem);
    let Some((key, text)) = pair.split_once('=') else {
        let reason = format!("\"{pair}\" is not of the form KEY=VALUE");
        return Err(wrong(Problem::Syntax(reason)));
    };
    let Some(kind) = kind_of(key) else {
        return Err(wrong(Problem::UnknownKey(key.to_owned(), nearest(key))));
    };
    let value = typed_value(key, kind, text).map_err(wrong)?;
    Ok((key, value))
}

fn typed_value(key: &str, kind: Kind, text: &str) -> Result<Value, Problem> {
    let origin = "--set".to_owned();
    match kind {
        Kind::Flag => match text {
            "true" | "yes" | "on" | "1" => Ok(Value::new(Some(&origin), true)),
            "false" | "no" | "off" | "0" => Ok(Value::new(Some(&origin), false)),
            _ => Err(Problem::BadValue(key.to_owned(), needs(kind), None)),
        },
        Kind::Number(..) => {
            let number = match text.strip_prefix("0o") {
                Some(digits) => i64::from_str_radix(digits, 8).ok(),
                None => text.parse().ok(),
            };
            check_number(key, kind, number)?;
            Ok(Value::new(Some(&origin), number.unwrap_or_default()))
        }
        Kind::List | Kind::Words(_) => {
            let words = text.split(',').map(str::trim);
            let words: Vec<String> = words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect();
            check_words(key, kind, words.iter().map(String::as_str))?;
            Ok(Value::new(Some(&origin), words))
        }
        Kind::Text | Kind::Choice(_) | Kind::Order => {
            check_text(key, kind, text)?;
            Ok(Value::new(Some(&origin), text))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::keys_table::KEYS;

    fn complaint(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("private");
        let error = load(Some(&path), &[], None).expect_err("wrong settings are refused");
        let sentence = error.sentence().raw().to_owned();
        sentence.replace(&format!("{}", path.display()), "FILE")
    }

    #[test]
    fn the_commented_default_names_every_key_and_no_other() {
        let mut table = String::new();
        let mut named = Vec::new();
        for line in DEFAULTS.lines() {
            if let Some(name) = line.strip_prefix('[') {
                table = name.trim_end_matches(']').to_owned();
            } else if let Some((key, _)) = line.trim_start_matches('#').split_once(" = ")
                && !key.contains(' ')
            {
                named.push(format!("{table}.{key}"));
            }
        }
        let keys: Vec<_> = KEYS.iter().map(|entry| entry.0).collect();
        assert_eq!(named, keys);
        assert!(load(None, &[], None).is_ok());
        check_file(Path::new("defaults"), DEFAULTS).expect("the defaults are right");
    }

    #[test]
    fn the_file_beats_the_default_and_the_command_line_beats_the_file() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, "[index]\nsort = \"date\"\n[ui]\nmouse = false\n").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("private");
        let sets = [
            "index.sort=size/reverse".to_owned(),
            "local.keywords=a, b".to_owned(),
        ];
        let (settings, _) = load(Some(&path), &sets, None).expect("right settings");
        assert_eq!(settings.index.sort, "size/reverse");
        assert!(!settings.ui.mouse && settings.ui.keymenu && settings.index.order().reverse);
        assert_eq!(settings.local.keywords, ["a", "b"]);
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_the_nearest_right_word() {
        let index = "\"arrival\", \"date\", \"from\", \"subject\", \"size\", \"to\", \"cc\"";
        for (text, expected) in [
            ("[ui]\n\nthem = \"x\"\n", "FILE:3: unknown key \"ui.them\" (did you mean \"ui.theme\"?)".to_owned()),
            ("[uii]\nx = 1\n", "FILE:1: unknown key \"uii\" (did you mean \"ui\"?)".to_owned()),
            ("[ui]\nmouse = \"yes\"\n", "FILE:2: \"ui.mouse\" must be true or false".to_owned()),
            ("ui = 3\n", "FILE:1: \"ui\" must be a table, [ui]".to_owned()),
            ("[ui]\nlayout = \"clasic\"\n", "FILE:2: \"ui.layout\" must be one of \"auto\", \"classic\" (did you mean \"classic\"?)".to_owned()),
            ("[index]\nsort = \"dat\"\n", format!("FILE:2: \"index.sort\" must be one of {index}, with /reverse after it or not (did you mean \"date\"?)")),
            ("[check]\ninterval = 0\n", "FILE:2: \"check.interval\" must be a whole number from 1 to 86400".to_owned()),
        ] {
            assert_eq!(complaint(text), expected);
        }
        assert!(complaint("a = 1\n[ui\n").starts_with("FILE:2: "));
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, "").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o664)).expect("changed");
        let error = load(Some(&path), &[], None).expect_err("others could have written it");
        assert!(error.sentence().raw().contains("others than its owner"));
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("changed");
        assert!(load(Some(&path), &[], None).is_ok());
    }
}
