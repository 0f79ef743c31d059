//! `read`: one message, as the screen shows it or as exact bytes. Never sets `\Seen`.

use std::ffi::OsStr;

use serde::Serialize;

use crate::backend::event::Piece;
use crate::backend::request::Ask;
use crate::cli::client::{Client, Heard, OpenMailbox};
use crate::cli::failure::Failure;
use crate::cli::open::{one_message, with_mailbox};
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::mail::status::Access;
use crate::mail::structure::{Part, Section};
use crate::mail::uid::Uid;
use crate::present::message_text::{HeaderMode, TextOptions, text_lines};

#[derive(Serialize)]
struct LineRecord<'l> {
    line: &'l str,
}

/// Which message, and in which form.
pub struct Wanted<'w> {
    /// The mailbox.
    pub mailbox: &'w OsStr,
    /// The message's number or UID.
    pub message: &'w str,
    /// Whether it is a UID.
    pub by_uid: bool,
    /// The form.
    pub form: Form,
}

/// A form in which a message is printed.
pub enum Form {
    /// As the screen shows it.
    Screen(HeaderMode),
    /// Exact bytes.
    Raw(Part),
    /// The decoded content of one part.
    Section(Section),
}

impl Form {
    /// The form that the options of `read` ask for.
    pub fn new(
        setup: &Setup,
        raw: bool,
        headers: bool,
        part: Option<&str>,
    ) -> Result<Self, Failure> {
        const BYTES: &str = "--raw and --part print bytes: leave out --json";
        let form = match part {
            Some(part) => Self::Section(
                Section::parse(part).ok_or(Failure::Argument("a part is named as in 1.2"))?,
            ),
            None if raw && headers => Self::Raw(Part::Header),
            None if raw => Self::Raw(Part::Whole),
            None if headers => Self::Screen(HeaderMode::Full),
            None => Self::Screen(HeaderMode::Normal(setup.headers.clone())),
        };
        match form {
            Self::Screen(_) => Ok(form),
            _ if setup.json => Err(Failure::Argument(BYTES)),
            _ => Ok(form),
        }
    }
}

/// Prints the message.
pub fn read(
    client: &mut Client,
    output: &mut Output,
    setup: &Setup,
    wanted: Wanted<'_>,
) -> Result<(), Failure> {
    let access = Access::ReadOnly;
    with_mailbox(client, wanted.mailbox, access, |client, mailbox| {
        let uid = one_message(wanted.message, wanted.by_uid, &mailbox.list)?;
        match wanted.form {
            Form::Raw(part) => copy_bytes(client, output, mailbox, Ask::Read(uid, part)),
            Form::Section(section) => {
                copy_bytes(client, output, mailbox, Ask::ReadSection(uid, section))
            }
            Form::Screen(headers) => {
                let options = TextOptions {
                    width: usize::from(output.width()),
                    headers,
                    ascii: false,
                };
                print_screen(client, output, (mailbox, uid), &options, setup.prefer_html)
            }
        }
    })
}

fn copy_bytes(
    client: &mut Client,
    output: &mut Output,
    mailbox: &mut OpenMailbox,
    ask: Ask,
) -> Result<(), Failure> {
    let mut out = output.bytes();
    client.ask(mailbox, ask, &mut |heard| match heard {
        Heard::Piece(Piece::Bytes(bytes)) => out.write(&bytes),
        _ => Ok(()),
    })?;
    out.end()
}

fn print_screen(
    client: &mut Client,
    output: &mut Output,
    (mailbox, uid): (&mut OpenMailbox, Uid),
    options: &TextOptions,
    prefer_html: bool,
) -> Result<(), Failure> {
    let ask = Ask::View {
        uid,
        width: u16::try_from(options.width).unwrap_or(u16::MAX),
        prefer_html,
        peek: true,
    };
    client.ask(mailbox, ask, &mut |heard| {
        let Heard::Piece(Piece::View(_, document)) = heard else {
            return Ok(());
        };
        for line in text_lines(&document, options) {
            let record = LineRecord {
                line: line.as_str(),
            };
            output.record(&record, |_| line.clone())?;
        }
        Ok(())
    })
}
