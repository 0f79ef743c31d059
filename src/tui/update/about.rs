//! What a folder is: its format and what that can do, its file, who has it open.

use crate::backend::error::Result;
use crate::backend::request::Request;
use crate::mail::format::About;
use crate::mail::name::MailboxName;
use crate::mail::text::{Foreign, Printable};
use crate::present::about::about_lines;
use crate::tui::state::job::Job;
use crate::tui::state::state::State;
use crate::tui::update::names::named;

/// Asks about the folder under the cursor.
pub fn of_folder(state: &mut State) {
    let Some(entry) = state.folders.current().cloned() else {
        return;
    };
    match entry.folder() {
        Some(name) => ask(state, name.clone()),
        None => state.say_own("A directory; folders are below it"),
    }
}

/// Asks about the open folder.
pub fn of_open(state: &mut State) {
    let open = state.mailbox.as_ref().filter(|open| open.is_open());
    if let Some(name) = open.map(|open| open.name.clone()) {
        ask(state, name);
    }
}

fn ask(state: &mut State, name: MailboxName) {
    if !state.is_busy_with(|job| matches!(job, Job::About(_))) {
        state.ask(Request::About(name.clone()), Job::About(name));
    }
}

/// The answer has come. An open folder knows itself why it is read-only.
pub fn told(state: &mut State, about: &About) {
    let open = state.mailbox.as_ref().filter(|open| open.is_open());
    let open = open.filter(|open| open.name.to_foreign() == about.name && open.is_read_only());
    let why = open.map(|open| {
        let known = open
            .list
            .state()
            .and_then(|found| found.why_read_only.clone());
        known.unwrap_or_else(|| Foreign::new("it was opened so"))
    });
    let about = About {
        why_read_only: why.or_else(|| about.why_read_only.clone()),
        ..about.clone()
    };
    let width = usize::from(state.areas().alone.width);
    let lines = about_lines(&about, width);
    let lines: Vec<&str> = lines.iter().map(Printable::as_str).collect();
    state.show_text("FOLDER INFORMATION", &lines.join("\n"));
}

/// The request has ended.
pub fn ended(state: &mut State, name: &MailboxName, result: Result<()>) {
    if let Err(error) = result {
        let text = named(state, "Cannot tell of ", name, &format!(": {error}"));
        state.complain(text);
    }
}
