//! Saving a message to another folder: copy it there, then mark it as deleted here.

use crate::backend::error::{Error, Result};
use crate::backend::request::Ask;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::name::MailboxName;
use crate::mail::text::Printable;
use crate::mail::uid::{Uid, UidSet};
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Kind, Prompt, Purpose, Topic};
use crate::tui::state::state::State;
use crate::tui::update::listing;
use crate::tui::update::messages::{number, store, target};
use crate::tui::update::names::{named, typed_name};

const HELP: &str = "Type the name of a folder. Return takes the one in brackets, ^T shows the folders to choose from. ^R toggles whether the message is marked as deleted afterwards.";
const CREATE_HELP: &str =
    "Yes makes the folder and saves the message there. No leaves everything as it is.";

/// Asks where to save the message.
pub fn ask(state: &mut State) {
    let Some(uid) = target(state) else {
        return;
    };
    let read_only = state
        .mailbox
        .as_ref()
        .is_some_and(|open| open.is_read_only());
    prompt(state, uid, !read_only, "");
}

fn prompt(state: &mut State, uid: Uid, delete: bool, typed: &str) {
    let default = state
        .saved_to
        .clone()
        .unwrap_or(state.options.saved.clone());
    let within = match state.options.default_prefix().trim_end_matches('/') {
        "" => String::new(),
        collection => format!(" in <{collection}>"),
    };
    let kept = if delete { "" } else { " (no delete)" };
    let message = number(state, uid);
    let question = format!("SAVE{kept} Msg #{message} to folder{within}");
    let purpose = Purpose::Save { uid, delete };
    let label = if delete { "No Delete" } else { "Delete" };
    let question = Printable::own(question);
    let prompt = Prompt::text(question, purpose, Topic::Folder, HELP)
        .with_default(Some(default))
        .with_key('r', label)
        .typed(typed);
    state.prompt = Some(prompt);
}

/// `^R` was pressed: the same question, the other way round.
pub fn toggle_delete(state: &mut State) {
    let Some(open) = &state.prompt else {
        return;
    };
    let Purpose::Save { uid, delete } = open.purpose else {
        return;
    };
    let typed = match &open.kind {
        Kind::Text(typed) => typed.edit.text().to_owned(),
        Kind::Choice(_) => String::new(),
    };
    prompt(state, uid, !delete, &typed);
}

/// A folder was named: copies.
pub fn named_folder(state: &mut State, uid: Uid, delete: bool, typed: &str) {
    let Some(to) = typed_name(state, typed) else {
        return;
    };
    state.saved_to = Some(typed.to_owned());
    copy(state, uid, delete, to, false);
}

/// Copies the message, and makes the folder where `create`.
pub fn copy(state: &mut State, uid: Uid, delete: bool, to: MailboxName, create: bool) {
    let ask = Ask::Copy {
        uids: UidSet::one(uid),
        to: to.clone(),
        create,
        remove: false,
    };
    let job = Job::Save {
        uid,
        to,
        delete,
        create,
    };
    state.ask_mailbox(ask, job);
}

/// The copy has ended.
pub fn copied(
    state: &mut State,
    uid: Uid,
    delete: bool,
    to: MailboxName,
    created: bool,
    result: Result<()>,
) {
    let message = format!("Message {} copied to ", number(state, uid));
    if created {
        listing::list(state);
    }
    match result {
        Ok(()) if delete => {
            let said = named(state, &message, &to, " and deleted");
            let change = FlagChange::Add(Flags::system(SystemFlags::DELETED));
            store(state, uid, change, Some(said));
            state.folders.uncounted.push_back(to);
        }
        Ok(()) => {
            let said = named(state, &message, &to, "");
            state.say(said);
            state.folders.uncounted.push_back(to);
        }
        Err(error) if !created && is_missing(&error) => {
            let question = named(state, "Folder ", &to, " doesn't exist. Create?");
            let purpose = Purpose::CreateAndSave { uid, delete, to };
            state.prompt = Some(Prompt::yes_no(question, purpose, Answer::Yes, CREATE_HELP));
        }
        Err(error) => state.complain_own(format!("The message was not saved: {error}")),
    }
}

fn is_missing(error: &Error) -> bool {
    error.can_create()
}
