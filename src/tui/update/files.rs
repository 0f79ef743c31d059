//! Messages and parts on their way into files and programs.
//!
//! What goes into a file is fetched into one beside it first; then the loop gives that its name, away from the screen. What
//! goes to a program is read first.

use crate::backend::error::Result;
use crate::backend::request::{Ask, Ticket};
use crate::mail::structure::{Part, Section};
use crate::mail::text::{Foreign, Printable};
use crate::mail::uid::Uid;
use crate::mime::filename::safe_name;
use crate::tui::effect::{Effect, FileJob, Program, WriteMode};
use crate::tui::incoming::Incoming;
use crate::tui::state::job::{Job, Purpose as Use};
use crate::tui::state::prompt::{Choice, Prompt, Purpose, Topic, path_typed};
use crate::tui::state::state::{State, phrase};
use crate::tui::update::messages::{number, target};

const FILE_HELP: &str = "Type the name of a file; one without a directory goes into your home directory. ^T shows the files to choose from.";
const EXISTS_HELP: &str =
    "Overwrite replaces what is in the file. Append adds to it. ^C leaves the file as it is.";
const PIPE_HELP: &str = "Type a command. It reads the message as it is stored. What it writes is shown when it has ended; \
    until then ^C stops it. With characters that mean something to a shell, like | > $ or quotes, the shell runs it.";

/// Asks which file gets the message.
pub fn ask_export(state: &mut State) {
    let Some(uid) = target(state) else {
        return;
    };
    let message = number(state, uid);
    let question = format!("EXPORT: Copy Msg #{message} to file in home directory: ");
    let question = Printable::own(question);
    state.prompt = Some(Prompt::text(
        question,
        Purpose::Export(uid),
        Topic::File,
        FILE_HELP,
    ));
}

/// The file for the message was named.
pub fn export(state: &mut State, uid: Uid, typed: &str) {
    let message = number(state, uid);
    let said = said_of(&format!("Message {message} exported to file \""), typed);
    // Exported messages get the line ends of this system.
    let job = file_job(state, typed, true);
    let what = Printable::own(format!("Copying message {message}"));
    fetch(state, uid, None, what, job, said);
}

/// A file of this name, which is not there yet.
fn file_job(state: &State, typed: &str, in_local_lines: bool) -> FileJob {
    let path = path_typed(typed, &state.options.home);
    FileJob {
        content: Incoming::new(path.clone(), in_local_lines),
        path,
        mode: WriteMode::New,
    }
}

fn fetch(
    state: &mut State,
    uid: Uid,
    section: Option<Section>,
    what: Printable,
    job: FileJob,
    said: Printable,
) {
    let into = job.content.writer();
    let ask = Ask::Export { uid, section, into };
    if state.ask_mailbox(ask, Job::Export(job, said)).is_some() {
        state.status.work(what, state.now);
    }
}

/// All that goes into a file is there.
pub fn fetched(state: &mut State, job: FileJob, said: Printable, result: Result<()>) {
    state.status.progress = None;
    match result {
        Ok(()) => write(state, job, said),
        Err(error) => {
            let path = Foreign::new(job.path.to_string_lossy());
            let named = phrase("The file \"", &path, "\" was not written: ");
            let why = Printable::own(error.to_string());
            state.complain(Printable::concat(&[named, why]));
        }
    }
}

fn said_of(before: &str, typed: &str) -> Printable {
    phrase(before, &Foreign::new(typed), "\"")
}

/// The part under the cursor: its message, its section, the name that its sender gave it.
pub fn current_part(state: &State) -> Option<(Uid, Section, Option<Foreign>)> {
    let shown = state.message.as_ref()?;
    let part = shown.document.as_ref()?.parts.get(shown.part)?;
    Some((shown.uid, part.section.clone(), part.name.clone()))
}

/// Asks which file gets the part under the cursor.
pub fn ask_save_part(state: &mut State) {
    let Some((uid, section, name)) = current_part(state) else {
        return;
    };
    let default = safe_name(name.as_ref().map_or("", Foreign::raw));
    let question = Printable::own("Copy attachment to file in home directory");
    let purpose = Purpose::SavePart(uid, section);
    let prompt = Prompt::text(question, purpose, Topic::File, FILE_HELP);
    state.prompt = Some(prompt.with_default(Some(default)));
}

/// The file for the part was named.
pub fn save_part(state: &mut State, uid: Uid, section: Section, typed: &str) {
    let said = said_of(&format!("Part {section} saved to file \""), typed);
    let job = file_job(state, typed, false);
    let what = Printable::own(format!("Copying part {section}"));
    fetch(state, uid, Some(section), what, job, said);
}

/// Shows the part under the cursor as text.
pub fn view_part(state: &mut State) {
    let Some((uid, section, _)) = current_part(state) else {
        return;
    };
    let ask = Ask::ReadSection(uid, section.clone());
    state.ask_mailbox(ask, Job::Read(Use::Show(section), Vec::new()));
}

/// Asks which command gets the message.
pub fn ask_pipe(state: &mut State) {
    if let Some(uid) = target(state) {
        let question = format!("Pipe message {} to : ", number(state, uid));
        let question = Printable::own(question);
        let prompt = Prompt::text(question, Purpose::Pipe(uid), Topic::Program, PIPE_HELP);
        state.prompt = Some(prompt);
    }
}

/// Asks which command gets the part under the cursor.
pub fn ask_pipe_part(state: &mut State) {
    if let Some((uid, section, _)) = current_part(state) {
        let question = Printable::own(format!("Pipe part {section} to : "));
        let purpose = Purpose::PipePart(uid, section);
        state.prompt = Some(Prompt::text(question, purpose, Topic::Program, PIPE_HELP));
    }
}

/// A command was typed; `section` is the part that it gets, or the whole message.
pub fn pipe(state: &mut State, uid: Uid, section: Option<Section>, typed: &str) {
    let ask = match section {
        Some(section) => Ask::ReadSection(uid, section),
        None => Ask::Read(uid, Part::Whole),
    };
    let job = Job::Read(Use::Program(command_line(typed)), Vec::new());
    state.ask_mailbox(ask, job);
}

/// The words of a command, or a shell that reads it where the words alone would not do. Mail never gets into it.
pub fn command_line(typed: &str) -> Vec<String> {
    let needs_shell = typed.contains(|letter: char| "|&;<>()$`\\\"'*?[]{}~!#\n".contains(letter))
        || typed
            .split_whitespace()
            .next()
            .is_some_and(|word| word.contains('='));
    if needs_shell {
        return ["sh", "-c", typed].map(str::to_owned).into();
    }
    typed.split_whitespace().map(str::to_owned).collect()
}

/// All bytes are there.
pub fn bytes_read(state: &mut State, purpose: Use, bytes: Vec<u8>, result: Result<()>) {
    if let Err(error) = result {
        state.complain_own(format!("Cannot read the message: {error}"));
        return;
    }
    match purpose {
        Use::Program(argv) => run(state, argv, bytes),
        Use::Show(section) => {
            let text = String::from_utf8_lossy(&bytes);
            let is_empty = text.trim().is_empty();
            state.show_text("ATTACHED TEXT", &text);
            if is_empty {
                state.say_own(format!("Part {section} is empty"));
            }
        }
    }
}

fn write(state: &mut State, job: FileJob, said: Printable) {
    let ticket = Ticket(state.mint());
    state.jobs.insert(ticket, Job::Write(job.clone(), said));
    state.outbox.push(Effect::Write(ticket, job));
}

fn run(state: &mut State, argv: Vec<String>, input: Vec<u8>) {
    let ticket = Ticket(state.mint());
    let command = argv.join(" ");
    let said = phrase(
        "Running \"",
        &Foreign::new(command.as_str()),
        "\"; ^C stops it",
    );
    state.say(said);
    let shown = true;
    state.jobs.insert(ticket, Job::Run { command, shown });
    let program = Program {
        argv,
        input,
        detached: false,
    };
    state.outbox.push(Effect::Run(ticket, program));
}

/// The file exists: asks what to do.
pub fn exists(state: &mut State, job: FileJob) {
    let choice = |key, label, is_default| Choice {
        key,
        label,
        is_default,
    };
    let choices = [choice('o', "Overwrite", false), choice('a', "Append", true)];
    let name = Foreign::new(job.path.to_string_lossy());
    let question = phrase(
        "File \"",
        &name,
        "\" already exists. Overwrite or append ? ",
    );
    let purpose = Purpose::FileExists(job);
    state.prompt = Some(Prompt::choice(question, purpose, &choices, EXISTS_HELP));
}

/// It was said what to do.
pub fn write_anyway(state: &mut State, job: FileJob, key: char) {
    let (mode, before) = match key {
        'o' => (WriteMode::Overwrite, "File overwritten: \""),
        _ => (WriteMode::Append, "Appended to file \""),
    };
    let name = Foreign::new(job.path.to_string_lossy());
    let said = phrase(before, &name, "\"");
    write(state, FileJob { mode, ..job }, said);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_used_only_where_it_is_needed() {
        assert_eq!(command_line("grep -c From"), ["grep", "-c", "From"]);
        assert_eq!(command_line("cat > x"), ["sh", "-c", "cat > x"]);
        assert_eq!(command_line("A=1 env"), ["sh", "-c", "A=1 env"]);
        assert!(command_line("  ").is_empty());
    }
}
