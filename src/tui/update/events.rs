//! What the backend says.

use crate::backend::error::{Error, Result};
use crate::backend::event::Event;
use crate::backend::request::Ticket;
use crate::mail::text::Printable;
use crate::tui::state::job::Job;
use crate::tui::state::state::{State, phrase};
use crate::tui::update::{
    about, complete, files, folders, index, listing, opening, pieces, questions, reading, save,
    scan, subscribe, transfer, whereis,
};

/// Takes in an event.
pub fn event(state: &mut State, event: Event) {
    match event {
        Event::Change(id, change) => opening::changed(state, id, &change),
        Event::Piece(ticket, piece) => pieces::piece(state, ticket, piece),
        Event::Progress(ticket, done, total) => progress(state, ticket, done, total),
        Event::Notice(_, text) => state.complain(phrase("", &text, "")),
        Event::Account(news) => listing::account(state, news),
        Event::Question(ticket, question) => questions::asked(state, ticket, question),
        Event::Withdrawn(ticket, number) => questions::withdrawn(state, ticket, number),
        Event::Finished(ticket, result) => {
            questions::over(state, ticket);
            if let Some(job) = state.jobs.remove(&ticket) {
                finished(state, ticket, job, result);
            }
        }
    }
}

fn progress(state: &mut State, ticket: Ticket, done: u64, total: u64) {
    let shown = matches!(
        state.jobs.get(&ticket),
        Some(
            Job::Open
                | Job::Sort(..)
                | Job::Search(..)
                | Job::Expunge(_)
                | Job::Save { .. }
                | Job::Export(..)
                | Job::Transfer(..)
                | Job::Scan(..)
                | Job::Close
                | Job::Check
        )
    );
    if matches!(state.jobs.get(&ticket), Some(Job::Check)) && state.status.progress.is_none() {
        let what = Printable::own("Moving new mail");
        state.status.work(what, state.now);
    }
    let percent = (done.min(total) * 100).checked_div(total).unwrap_or(0);
    if let Some((_, shown_percent)) = state.status.progress.as_mut().filter(|_| shown) {
        *shown_percent = u8::try_from(percent).unwrap_or(100);
    }
}

/// What a job that was cancelled is called, where nothing else needs to be told of it.
fn cancelled(job: &Job) -> Option<&'static str> {
    match job {
        Job::Sort(..) => Some("Sort"),
        Job::Check => Some("Moving new mail"),
        Job::Search(..) => Some("Search"),
        Job::Read(..) => Some("Reading the message"),
        Job::Export(..) => Some("Copying to the file"),
        Job::Save { .. } => Some("Save message"),
        Job::Scan(..) => Some("Search"),
        _ => None,
    }
}

fn finished(state: &mut State, ticket: Ticket, job: Job, result: Result<()>) {
    if matches!(result, Err(Error::Cancelled))
        && let Some(what) = cancelled(&job)
    {
        state.status.progress = None;
        state.say_own(format!("{what} cancelled"));
        return;
    }
    match job {
        Job::Open => opening::opened(state, result),
        Job::Close => opening::closed(state, result),
        Job::List => listing::listed(state, result),
        Job::ListSubscribed => listing::subscribed_listed(state, result),
        Job::Subscribe(name, wanted) => subscribe::ended(state, &name, wanted, result),
        Job::Complete { begun, names, .. } => complete::complete(state, &begun, &names),
        Job::Count(_) => state.folders.counting = false,
        // What could not be counted has no number.
        Job::CountAll => {}
        Job::Envelopes
        | Job::Doctor
        | Job::Trace(_)
        | Job::Write(..)
        | Job::Run { .. }
        | Job::Files(_) => {}
        Job::View(_) => reading::finished(state, ticket, result),
        Job::Store(said) => match (result, said) {
            (Ok(()), Some(said)) => state.say(said),
            (Ok(()), None) => {}
            (Err(error), _) => state.complain_own(format!("The flags were not changed: {error}")),
        },
        Job::Expunge(before) => index::expunged(state, before, result),
        Job::Sort(order, uids) => index::sorted(state, order, uids, result),
        Job::Search(from, uids) => whereis::searched(state, from, &uids, result),
        Job::Save {
            uid,
            to,
            delete,
            create,
        } => save::copied(state, uid, delete, to, create, result),
        Job::Export(job, said) => files::fetched(state, job, said, result),
        Job::Read(purpose, bytes) => files::bytes_read(state, purpose, bytes, result),
        Job::Create(name) => folders::changed(state, &name, "created", result),
        Job::Delete(name) => folders::changed(state, &name, "deleted", result),
        Job::Rename(from, _) => folders::changed(state, &from, "renamed", result),
        Job::CheckAndTransfer(from, to) => transfer::checked(state, from, to, result),
        Job::Transfer(to, receipt) => transfer::ended(state, &to, receipt, result),
        Job::About(name) => about::ended(state, &name, result),
        Job::Scan(text, found, inbox_only) => {
            scan::ended(state, text, found, inbox_only, result);
        }
        Job::Check => {
            state.status.progress = None;
            if let Err(error) = result {
                state.complain_own(format!("Cannot look for new mail: {error}"));
            }
        }
    }
}
