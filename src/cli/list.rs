//! `list`: names of mailboxes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::Request;
use crate::cli::client::{Client, Heard};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::mail::listing::{Attribute, ListEntry};

#[derive(Serialize)]
struct ListRecord {
    name: String,
    delimiter: Option<char>,
    attributes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// Lists what matches: `words` are the reference, where given, and the pattern.
pub fn list(
    client: &mut Client,
    output: &mut Output,
    mut words: Vec<OsString>,
    (subscribed, containing): (bool, Option<&OsStr>),
) -> Result<(), Failure> {
    let pattern = words.pop().unwrap_or_default().into_vec();
    let reference = words.pop().unwrap_or_default().into_vec();
    let request = Request::List {
        reference,
        pattern,
        subscribed,
        containing: containing.map(|text| text.as_bytes().to_vec()),
    };
    client.request(request, &mut |heard| match heard {
        Heard::Piece(Piece::Listed(entries)) => {
            entries.iter().try_for_each(|entry| print(output, entry))
        }
        Heard::Piece(Piece::Root(root)) => {
            let record = ListRecord {
                name: root.name.raw().to_owned(),
                delimiter: Some(root.delimiter),
                attributes: vec![Attribute::NoSelect.name()],
                description: None,
            };
            output.record(&record, |_| root.name.field())
        }
        _ => Ok(()),
    })
}

fn print(output: &mut Output, entry: &ListEntry) -> Result<(), Failure> {
    let record = ListRecord {
        name: entry.name.to_foreign().raw().to_owned(),
        delimiter: entry.delimiter,
        attributes: entry.attributes.iter().map(|it| it.name()).collect(),
        description: entry.description.as_ref().map(|it| it.raw().to_owned()),
    };
    output.record(&record, |_| entry.name.to_foreign().field())
}
