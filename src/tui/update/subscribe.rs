//! Subscriptions. In a collection of newsgroups a folder is added by subscribing to it, and deleted by taking that back.

use crate::backend::error::Result;
use crate::backend::request::Request;
use crate::mail::name::MailboxName;
use crate::mail::text::Printable;
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Prompt, Purpose, Topic};
use crate::tui::state::state::State;
use crate::tui::update::listing;
use crate::tui::update::names::{named, typed_name};

const ADD_HELP: &str = "Type the name of a newsgroup, such as comp.mail.misc. It is shown first in this list then, and as \
    subscribed by other newsreaders.";
const END_HELP: &str =
    "Yes takes the newsgroup out of your subscriptions. What you have read of it is still known.";

/// Subscribes to the folder under the cursor, or takes that back.
pub fn current(state: &mut State, wanted: bool) {
    let name = state.folders.current().and_then(|entry| entry.folder());
    match name.cloned() {
        Some(name) => begin(state, name, wanted),
        None => state.say_own("A directory; folders are below it"),
    }
}

/// Asks for the newsgroup to subscribe to.
pub fn ask(state: &mut State) {
    let question = Printable::own("Newsgroup to subscribe to : ");
    let prompt = Prompt::text(question, Purpose::SubscribeGroup, Topic::Nothing, ADD_HELP);
    state.prompt = Some(prompt);
}

/// The newsgroup was typed, with what every name begins with or without.
pub fn typed(state: &mut State, typed: &str) {
    let prefix = listing::prefix(state);
    let typed = typed.trim();
    let whole = match typed.starts_with('#') {
        true => typed.to_owned(),
        false => format!("{prefix}{typed}"),
    };
    if let Some(name) = typed_name(state, &whole) {
        begin(state, name, true);
    }
}

/// Asks whether to end the subscription of the newsgroup under the cursor.
pub fn ask_to_end(state: &mut State) {
    let name = state.folders.current().and_then(|entry| entry.folder());
    let Some(name) = name.cloned() else {
        return state.say_own("A directory; folders are below it");
    };
    let question = named(state, "Really unsubscribe from ", &name, "?");
    let purpose = Purpose::Unsubscribe(name);
    state.prompt = Some(Prompt::yes_no(question, purpose, Answer::No, END_HELP));
}

/// Does it.
pub fn begin(state: &mut State, name: MailboxName, wanted: bool) {
    let request = Request::Subscribe(name.clone(), wanted);
    state.ask(request, Job::Subscribe(name, wanted));
}

/// The request has ended.
pub fn ended(state: &mut State, name: &MailboxName, wanted: bool, result: Result<()>) {
    match result {
        Ok(()) if wanted => {
            let said = named(state, "Subscribed to ", name, "");
            state.say(said);
        }
        Ok(()) => {
            let said = named(state, "Unsubscribed from ", name, "");
            state.say(said);
        }
        Err(error) => state.complain_own(error.to_string()),
    }
    listing::list(state);
}
