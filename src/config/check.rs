//! Checks settings against the table of keys, with the line of each mistake.
//!
//! The `config` crate merges the layers but forgets where a value stood, so a file is read once more here
//! with the spans that the TOML parser keeps.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::error::{ConfigError, Problem, Source};
use crate::config::keys_table::{ACCOUNTS, KEYS, Kind, is_table, kind_of, nearest, nearest_word};
use crate::config::settings::parse_order;
use crate::mail::order::SortKey;

/// Checks the text of a settings file; `path` is only for the error.
pub fn check_file(path: &Path, text: &str) -> Result<(), ConfigError> {
    let at = |span: Option<Range<usize>>, problem| {
        let line = span.map_or(0, |span| line_of(text, span.start));
        ConfigError::new(Source::File(path.to_owned(), line), problem)
    };
    let table = DeTable::parse(text).map_err(|error| {
        let reason = error.message().replace('\n', " ");
        at(error.span(), Problem::Syntax(reason))
    })?;
    for (name, value) in table.get_ref() {
        check_table(name.get_ref(), value)
            .map_err(|(span, problem)| at(span.or(Some(name.span())), problem))?;
    }
    Ok(())
}

type Found = (Option<Range<usize>>, Problem);

fn check_table(name: &str, value: &Spanned<DeValue<'_>>) -> Result<(), Found> {
    let DeValue::Table(table) = value.get_ref() else {
        let problem = if is_table(name) || name == ACCOUNTS {
            Problem::BadValue(name.to_owned(), format!("a table, [{name}]"), None)
        } else {
            Problem::UnknownKey(name.to_owned(), nearest(name))
        };
        return Err((None, problem));
    };
    if name == ACCOUNTS {
        return check_accounts(table);
    }
    if !is_table(name) {
        let tables = KEYS.iter().filter_map(|entry| entry.0.split_once('.'));
        let tables = tables.map(|entry| entry.0).chain([ACCOUNTS]);
        let near = nearest_word(name, tables);
        return Err((None, Problem::UnknownKey(name.to_owned(), near)));
    }
    check_keys(name, table)
}

/// Each account has a table of its own.
fn check_accounts(accounts: &DeTable<'_>) -> Result<(), Found> {
    for (account, value) in accounts {
        let name = format!("{ACCOUNTS}.{}", account.get_ref());
        let DeValue::Table(table) = value.get_ref() else {
            let problem = Problem::BadValue(name.clone(), format!("a table, [{name}]"), None);
            return Err((Some(account.span()), problem));
        };
        check_keys(&name, table)?;
    }
    Ok(())
}

fn check_keys(name: &str, table: &DeTable<'_>) -> Result<(), Found> {
    for (word, value) in table {
        let key = format!("{name}.{}", word.get_ref());
        let at_word = |problem| (Some(word.span()), problem);
        let Some(kind) = kind_of(&key) else {
            let near = nearest(&key);
            return Err(at_word(Problem::UnknownKey(key, near)));
        };
        check_value(&key, kind, value.get_ref()).map_err(at_word)?;
    }
    Ok(())
}

fn check_value(key: &str, kind: Kind, value: &DeValue<'_>) -> Result<(), Problem> {
    let fits = match (kind, value) {
        (Kind::Flag, DeValue::Boolean(_)) => true,
        (Kind::List | Kind::Words(_), DeValue::Array(array)) => {
            let words: Option<Vec<&str>> =
                array.iter().map(|entry| entry.get_ref().as_str()).collect();
            match words {
                Some(words) => return check_words(key, kind, words.into_iter()),
                None => false,
            }
        }
        (Kind::Number(..), DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            return check_number(key, kind, number.ok());
        }
        (Kind::Text | Kind::Choice(_) | Kind::Order, DeValue::String(text)) => {
            return check_text(key, kind, text);
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Problem::BadValue(key.to_owned(), needs(kind), None))
    }
}

/// Checks a text against a kind whose values are texts.
pub fn check_text(key: &str, kind: Kind, text: &str) -> Result<(), Problem> {
    let near = match kind {
        Kind::Choice(words) if !words.contains(&text) => nearest_word(text, words.iter().copied()),
        Kind::Order if parse_order(text).is_none() => {
            nearest_word(text, SortKey::NAMES.iter().map(|entry| entry.1))
        }
        _ => return Ok(()),
    };
    Err(Problem::BadValue(key.to_owned(), needs(kind), near))
}

/// Checks the words of a list.
pub fn check_words<'w>(
    key: &str,
    kind: Kind,
    mut words: impl Iterator<Item = &'w str>,
) -> Result<(), Problem> {
    let Kind::Words(known) = kind else {
        return Ok(());
    };
    let Some(unknown) = words.find(|word| !known.contains(word)) else {
        return Ok(());
    };
    let near = nearest_word(unknown, known.iter().copied());
    Err(Problem::BadValue(key.to_owned(), needs(kind), near))
}

/// Checks a number against its bounds; `None` stands for text that is no number.
pub fn check_number(key: &str, kind: Kind, number: Option<i64>) -> Result<(), Problem> {
    match (kind, number) {
        (Kind::Number(least, most), Some(number)) if (least..=most).contains(&number) => Ok(()),
        _ => Err(Problem::BadValue(key.to_owned(), needs(kind), None)),
    }
}

/// What a value of this kind must be, in words.
pub fn needs(kind: Kind) -> String {
    let quoted = |words: &mut dyn Iterator<Item = &str>| {
        let words: Vec<_> = words.map(|word| format!("\"{word}\"")).collect();
        words.join(", ")
    };
    match kind {
        Kind::Text => "a text in quotes".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Number(least, most) => format!("a whole number from {least} to {most}"),
        Kind::List => "a list of texts, [\"…\", \"…\"]".to_owned(),
        Kind::Choice(words) => format!("one of {}", quoted(&mut words.iter().copied())),
        Kind::Words(words) => format!(
            "a list of words out of {}",
            quoted(&mut words.iter().copied())
        ),
        Kind::Order => format!(
            "one of {}, with /reverse after it or not",
            quoted(&mut SortKey::NAMES.iter().map(|entry| entry.1))
        ),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}
