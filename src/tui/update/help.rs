//! Help screens, made from the table of commands.

use std::fmt::Write;

use crate::tui::command::Context;
use crate::tui::command_table::TABLE;
use crate::tui::state::prompt::Kind;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;

/// Shows the help of the screen.
pub fn show(state: &mut State) {
    let context = state.screen.context();
    let mut text = format!(
        "{}\n\n{}\n\n",
        context.title().to_uppercase(),
        about(context)
    );
    commands(state, context, &mut text);
    if state.screen == Screen::Main {
        for (other, _, _) in Context::NAMES.iter().skip(1) {
            let _ = write!(text, "\n{}\n\n", other.title().to_uppercase());
            commands(state, *other, &mut text);
        }
        text.push_str("\nMugo is free software under the MIT or the Apache 2.0 licence.\n");
    }
    state.show_columns("HELP", &text, COLUMN);
}

/// Shows all help for the open question, which waits meanwhile.
pub fn show_for_question(state: &mut State) {
    // a text is on the screen already, and comes back after the question
    if state.screen == Screen::Pager || state.waiting.is_some() {
        return;
    }
    let Some(mut prompt) = state.prompt.take() else {
        return;
    };
    let mut text = format!("{}\n\n{}\n\n", prompt.question.as_str(), prompt.help);
    text.push_str(match &prompt.kind {
        Kind::Text(_) => TEXT_KEYS,
        Kind::Choice(_) => CHOICE_KEYS,
    });
    let context = state.screen.context();
    let _ = write!(text, "\n{}\n\n", context.title().to_uppercase());
    commands(state, context, &mut text);
    prompt.help_shown = false;
    state.waiting = Some((prompt, state.screen));
    state.show_columns("HELP", &text, COLUMN);
}

/// Where the second column of a help screen begins.
const COLUMN: usize = 19;

const TEXT_KEYS: &str = "\
\x20 Return           Take what was typed; on an empty line, what stands in brackets.
  ^C, Esc          Cancel: nothing changes.
  ^A ^E            Go to the start, to the end of the line; Home and End too.
  ^B ^F            Go one letter back, forward; the arrows too.
  ^D ^H            Delete the letter under, before the cursor; Del and Backspace too.
  ^K ^U            Cut the line, put back what was cut.
  Up Down          Earlier answers.
  Tab ^T           Complete the name of a folder, choose one from the list; ^T shows files too.
";
const CHOICE_KEYS: &str = "\
\x20 Return           Take the answer in brackets.
  ^C, Esc          Cancel: nothing changes.
";

/// Shows what is new.
pub fn show_release_notes(state: &mut State) {
    state.show_text("RELEASE NOTES", include_str!("../../../CHANGELOG.md"));
}

fn commands(state: &State, context: Context, text: &mut String) {
    for row in TABLE.iter().filter(|row| row.command.works_in(context)) {
        let keys = state.keymap.key_names(context, row.command).join(" ");
        if !keys.is_empty() {
            let _ = writeln!(text, "  {keys:<16} {}", row.help);
        }
    }
}

fn about(context: Context) -> &'static str {
    match context {
        Context::Main => {
            "Choose with the arrows and Return, or type a letter. Every command works whatever page of the key menu is shown."
        }
        Context::Folders => {
            "The folders of your mail directory. A slash marks a directory; a number in parentheses tells how many messages were not read."
        }
        Context::Index => {
            "One line for each message: * important, + to you, - copied to you; D deleted, A answered, F forwarded, N new; number, date, sender, size, subject. Deleted messages stay until they are expunged."
        }
        Context::Text => {
            "The message. Return opens the selected link after a question. Control characters of the sender are shown as ^[ and <9b>, never sent to your terminal."
        }
        Context::Attachments => {
            "The parts of the message. Parts of text can be viewed, all can be saved."
        }
        Context::FolderSelect => {
            "Choose the folder that answers the question; a slash marks a directory to look into."
        }
        Context::Browser => {
            "Choose the file that answers the question. The line with one dot stands for this directory: a new file goes there."
        }
        Context::Pager => "A text.",
        Context::Flags => {
            "A cross means that the flag is set. What you changed is stored when you leave this screen."
        }
    }
}
