//! The attachment index.

use crate::mail::text::Printable;
use crate::mime::document::PartLine;
use crate::present::attachments::{described, size_columns};
use crate::tui::command::Command;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::{files, text};

/// Does a command of the attachment index; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    let page = usize::from(state.areas().alone.height.max(1));
    let parts = state
        .message
        .as_ref()
        .and_then(|shown| shown.document.as_ref());
    let last = parts.map_or(0, |document| document.parts.len().saturating_sub(1));
    let Some(shown) = &mut state.message else {
        state.go(Screen::Index);
        return true;
    };
    match command {
        Command::Next if shown.part < last => shown.part += 1,
        Command::Previous if shown.part > 0 => shown.part -= 1,
        Command::Next => state.say_own("Already on last attachment"),
        Command::Previous => state.say_own("Already on first attachment"),
        Command::NextPage => shown.part = (shown.part + page).min(last),
        Command::PreviousPage => shown.part = shown.part.saturating_sub(page),
        Command::FirstPage => shown.part = 0,
        Command::LastPage => shown.part = last,
        Command::Back => state.go(Screen::Text),
        Command::Open => view(state),
        Command::Save => files::ask_save_part(state),
        Command::Pipe => files::ask_pipe_part(state),
        Command::AboutPart => about(state),
        Command::HeaderMode => text::next_header_mode(state),
        Command::Export | Command::Delete | Command::Undelete => {
            state.say_own("This comes in a later version; S saves the part");
        }
        _ => return false,
    }
    true
}

/// The part under the cursor.
fn current(state: &State) -> Option<&PartLine> {
    let shown = state.message.as_ref()?;
    shown.document.as_ref()?.parts.get(shown.part)
}

fn view(state: &mut State) {
    let Some(part) = current(state) else {
        return;
    };
    if part.is_text || part.is_message {
        return files::view_part(state);
    }
    let text = Printable::concat(&[
        Printable::own("Don't know how to display "),
        part.media_type.field(),
        Printable::own(" attachments. Try Save."),
    ]);
    state.complain(text);
}

fn about(state: &mut State) {
    let Some(part) = current(state) else {
        return;
    };
    let shown = if part.shown { "yes" } else { "no" };
    let text = format!(
        "Part     {}\nType     {}\nSize     {}\nShown    {shown}\n",
        part.section,
        described(part).as_str(),
        size_columns(part).as_str().trim(),
    );
    state.show_text("ABOUT ATTACHMENT", &text);
}
