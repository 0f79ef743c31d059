//! What files and programs came to.

use crate::backend::request::Ticket;
use crate::mail::text::Foreign;
use crate::tui::msg::Outcome;
use crate::tui::state::job::Job;
use crate::tui::state::state::{State, phrase};
use crate::tui::update::{browser, files};

/// Takes in the end of an effect.
pub fn done(state: &mut State, ticket: Ticket, outcome: Outcome) {
    let Some(job) = state.jobs.remove(&ticket) else {
        return;
    };
    match (job, outcome) {
        (Job::Files(directory), Outcome::Files(files)) => {
            browser::listed(state, &directory, files);
        }
        (Job::Files(_), Outcome::Failed(why)) => {
            state.complain(phrase("Cannot list the files: ", &Foreign::new(why), ""));
            browser::failed(state);
        }
        (Job::Write(_, said), Outcome::Written) => state.say(said),
        (Job::Write(job, _), Outcome::Exists) => files::exists(state, job),
        (Job::Write(..), Outcome::Failed(why)) => {
            state.complain(phrase("The file was not written: ", &Foreign::new(why), ""));
        }
        (Job::Run(true), Outcome::Ran { output, failure }) => {
            if output.is_empty() {
                state.say_own("The command wrote nothing");
            } else {
                state.show_text("PIPE OUTPUT", &output);
            }
            if let Some(why) = failure {
                state.complain(phrase("The command failed: ", &Foreign::new(why), ""));
            }
        }
        (Job::Run(false), Outcome::Ran { failure: None, .. }) => state.say_own("Link opened"),
        (
            Job::Run(_),
            Outcome::Failed(why)
            | Outcome::Ran {
                failure: Some(why), ..
            },
        ) => state.complain(phrase("Cannot run the command: ", &Foreign::new(why), "")),
        _ => {}
    }
}
