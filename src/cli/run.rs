//! One command, from arguments to an exit status.

use std::io::{self, Write};

use serde::Serialize;
use tokio::runtime::Handle;

use crate::backend::backend::Backend;
use crate::cli::args::Command;
use crate::cli::client::Client;
use crate::cli::copy::Originals;
use crate::cli::failure::Failure;
use crate::cli::open::Sequence;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::{
    about, append, copy, doctor, expunge, flag, index, json, list, names, read, search, show,
    status, transfer, watch,
};
use crate::mail::order::Order;
use crate::mail::text::{Foreign, Printable};

#[derive(Serialize)]
struct ErrorRecord<'e> {
    error: ErrorDetail<'e>,
}

#[derive(Serialize)]
struct ErrorDetail<'e> {
    mailbox: Option<&'e str>,
    message: &'e str,
    exit_code: u8,
}

/// Runs `command` and returns the exit status. Everything that had to be said has been printed.
pub fn run(command: &Command, setup: &Setup, backend: Backend, runtime: Handle) -> u8 {
    let mut client = Client::new(backend, runtime, setup.interrupt.clone());
    let mut output = Output::new(setup.json);
    let done = perform(command, setup, &mut client, &mut output);
    let flushed = output.flush();
    let ended = client.shutdown();
    drop(output);
    let failure = match done.and(flushed).and(ended) {
        Ok(()) => return 0,
        Err(failure) => failure,
    };
    let about = command
        .mailbox()
        .map(|name| Foreign::new(name.to_string_lossy()));
    report(&failure, about.as_ref(), setup.json);
    failure.exit_code()
}

/// Says on standard error, and with JSON on standard output too, why something failed.
pub fn report(failure: &Failure, about: Option<&Foreign>, json: bool) {
    if let Some(sentence) = failure.sentence() {
        complain(&sentence, about, failure.exit_code(), json);
    }
}

/// As [`report`], for failures that happen before there is a command to run.
pub fn complain(sentence: &Printable, about: Option<&Foreign>, exit_code: u8, json: bool) {
    let mut line = Printable::from_static("mugo: ");
    if let Some(about) = about {
        line.push(&about.field());
        line.push_static(": ");
    }
    line.push(sentence);
    let _ = writeln!(io::stderr(), "{}", line.as_str());
    if json {
        let record = ErrorRecord {
            error: ErrorDetail {
                mailbox: about.map(Foreign::raw),
                message: sentence.as_str(),
                exit_code,
            },
        };
        let _ = json::write_line(io::stdout(), &record);
    }
}

/// The verbs that only look.
fn perform(
    command: &Command,
    setup: &Setup,
    client: &mut Client,
    output: &mut Output,
) -> Result<(), Failure> {
    match command {
        Command::List {
            pattern,
            subscribed,
            containing,
        } => {
            let which = (*subscribed, containing.as_deref());
            list::list(client, output, pattern.clone(), which)
        }
        Command::About { mailbox } => about::about(client, output, mailbox.as_deref()),
        Command::Status { mailbox } => status::status(client, output, mailbox),
        Command::Show { messages } => show::show(client, output, setup, messages),
        Command::Index {
            messages,
            sort,
            reverse,
            search,
        } => {
            let order = Order {
                key: sort.unwrap_or(setup.order.key),
                reverse: *reverse != (sort.is_none() && setup.order.reverse),
            };
            let search = search.as_deref();
            let wanted = index::Wanted {
                messages,
                order,
                search,
            };
            index::index(client, output, setup, &wanted)
        }
        Command::Search { mailbox, criteria } => search::search(client, output, mailbox, criteria),
        Command::Read {
            mailbox,
            message,
            uid,
            raw,
            headers,
            part,
        } => {
            let form = read::Form::new(setup, *raw, *headers, part.as_deref())?;
            let wanted = read::Wanted {
                mailbox,
                message,
                by_uid: *uid,
                form,
            };
            read::read(client, output, setup, wanted)
        }
        other => change(other, setup, client, output),
    }
}

/// The verbs that may change something, and those that are about no messages.
fn change(
    command: &Command,
    setup: &Setup,
    client: &mut Client,
    output: &mut Output,
) -> Result<(), Failure> {
    match command {
        Command::Create { mailbox, format } => names::create(client, mailbox, format.as_deref()),
        Command::Delete { mailbox } => names::delete(client, mailbox),
        Command::Rename { from, to } => names::rename(client, from, to),
        Command::Subscribe { mailbox } => names::subscribe(client, mailbox, true),
        Command::Unsubscribe { mailbox } => names::subscribe(client, mailbox, false),
        Command::Append {
            mailbox,
            file,
            flags,
            date,
        } => {
            let marks = (flags.as_deref(), date.as_deref());
            append::append(client, output, mailbox, file.as_deref(), marks)
        }
        Command::Flag {
            uid,
            mailbox,
            sequence,
            changes,
        } => {
            let sequence = Sequence::parse(Some(sequence), *uid)?;
            flag::flag(
                client,
                output,
                &flag::Wanted {
                    mailbox,
                    sequence,
                    changes,
                },
            )
        }
        Command::Copy(copying) => copy::copy(client, output, copying, Originals::Stay),
        Command::Move(copying) => copy::copy(client, output, copying, Originals::Go),
        Command::Expunge { messages } => expunge::expunge(client, output, messages),
        Command::Transfer {
            source,
            destination,
            format,
        } => transfer::transfer(client, output, source, (destination, format.as_deref())),
        Command::Watch { mailbox, seconds } => {
            watch::watch(client, output, setup, mailbox, *seconds)
        }
        Command::Doctor {
            repair: Some(mailbox),
            format,
        } => doctor::repair(client, output, mailbox, format.clone()),
        Command::Doctor { .. } => doctor::doctor(client, output, setup),
        _ => Ok(()),
    }
}
