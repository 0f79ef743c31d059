//! `about`: a mailbox and its format, or all formats.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::Request;
use crate::cli::client::{Client, Heard};
use crate::cli::failure::Failure;
use crate::cli::open::mailbox_name;
use crate::cli::output::Output;
use crate::mail::format::{About, Format};
use crate::mail::text::{Foreign, Printable};
use crate::present::about::{about_lines, format_lines};

#[derive(Serialize)]
struct FormatRecord {
    format: &'static str,
    can_be_made: bool,
    abilities: BTreeMap<&'static str, &'static str>,
    limits: BTreeMap<&'static str, &'static str>,
    performance: &'static str,
    layout: &'static str,
}

#[derive(Serialize)]
struct AboutRecord<'a> {
    name: &'a str,
    path: Option<String>,
    bytes: u64,
    messages: u32,
    recent: u32,
    unseen: u32,
    uid_next: Option<u32>,
    uid_validity: Option<u32>,
    read_only: bool,
    why_read_only: Option<&'a str>,
    open_by: Vec<&'a str>,
    #[serde(flatten)]
    format: FormatRecord,
}

/// Tells of `mailbox`, or of every format.
pub fn about(
    client: &mut Client,
    output: &mut Output,
    mailbox: Option<&OsStr>,
) -> Result<(), Failure> {
    let Some(mailbox) = mailbox else {
        return formats(client, output);
    };
    let request = Request::About(mailbox_name(mailbox)?);
    client.request(request, &mut |heard| match heard {
        Heard::Piece(Piece::About(about)) => print(output, &about),
        _ => Ok(()),
    })
}

fn formats(client: &Client, output: &mut Output) -> Result<(), Failure> {
    let width = usize::from(output.width());
    for (place, format) in client.formats().iter().enumerate() {
        if output.is_json() {
            output.record_only(&FormatRecord::new(format))?;
            continue;
        }
        if place > 0 {
            output.line(&Printable::default())?;
        }
        output.lines(&format_lines(format, width))?;
    }
    Ok(())
}

fn print(output: &mut Output, about: &About) -> Result<(), Failure> {
    if !output.is_json() {
        let width = usize::from(output.width());
        return output.lines(&about_lines(about, width));
    }
    let status = &about.status;
    let path = about.path.as_ref();
    output.record_only(&AboutRecord {
        name: about.name.raw(),
        path: path.map(|path| path.to_string_lossy().into_owned()),
        bytes: about.size,
        messages: status.messages,
        recent: status.recent,
        unseen: status.unseen,
        uid_next: status.uid_next.map(|uid| uid.get()),
        uid_validity: status.uid_validity.map(|validity| validity.get()),
        read_only: about.why_read_only.is_some(),
        why_read_only: about.why_read_only.as_ref().map(Foreign::raw),
        open_by: about.openers.iter().map(Foreign::raw).collect(),
        format: FormatRecord::new(&about.format),
    })
}

impl FormatRecord {
    fn new(format: &Format) -> Self {
        let abilities = format.abilities.iter();
        let limits = abilities.clone();
        Self {
            format: format.name,
            can_be_made: format.can_be_made,
            abilities: abilities.map(|it| (it.head, it.degree.word())).collect(),
            limits: limits
                .filter_map(|it| Some((it.head, it.degree.limit()?)))
                .collect(),
            performance: format.performance,
            layout: format.layout,
        }
    }
}
