//! Help screens, made from the table of commands.

use std::fmt::Write;

use crate::tui::command::Context;
use crate::tui::command_table::TABLE;
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
    state.show_text("HELP", &text);
}

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
        Context::Pager => "A text.",
        Context::Flags => {
            "A cross means that the flag is set. What you changed is stored when you leave this screen."
        }
    }
}
