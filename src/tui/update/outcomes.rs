//! What files and programs came to.

use crate::backend::request::Ticket;
use crate::mail::text::{Foreign, Printable};
use crate::tui::msg::Outcome;
use crate::tui::state::job::Job;
use crate::tui::state::state::{State, phrase};
use crate::tui::update::{browser, files};

/// Stands behind output that was not kept whole.
const CUT: &str =
    "\n[The command wrote more than 16 MB; it was stopped there, and the rest is not shown.]\n";

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
        (Job::Write(job, _), Outcome::Failed(why)) => {
            let path = Foreign::new(job.path.to_string_lossy());
            let named = phrase("The file \"", &path, "\" was not written: ");
            let why = phrase("", &Foreign::new(why), "");
            state.complain(Printable::concat(&[named, why]));
        }
        (
            Job::Run { shown: true, .. },
            Outcome::Ran {
                mut output,
                failure,
                cut,
            },
        ) => {
            if cut {
                output.push_str(CUT);
            }
            if output.is_empty() {
                state.say_own("The command wrote nothing");
            } else {
                state.show_text("PIPE OUTPUT", &output);
            }
            match failure {
                Some(why) if !cut => {
                    state.complain(phrase("The command failed: ", &Foreign::new(why), ""));
                }
                _ => {}
            }
        }
        (Job::Run { shown: false, .. }, Outcome::Ran { failure: None, .. }) => {
            state.say_own("Link opened");
        }
        (
            Job::Run { command, shown },
            Outcome::Failed(why)
            | Outcome::Ran {
                failure: Some(why), ..
            },
        ) => {
            let named = phrase("Cannot run \"", &Foreign::new(command), "\": ");
            let setting = match shown {
                true => "",
                false => "; the setting view.browser says what opens links",
            };
            let why = phrase("", &Foreign::new(why), setting);
            state.complain(Printable::concat(&[named, why]));
        }
        _ => {}
    }
}
