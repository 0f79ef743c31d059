//! The message text.

use crate::present::rows::HeaderMode;
use crate::tui::command::Command;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::{files, link, messages, reading, save};

/// Does a command of the message text; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    let height = state.areas().text.map_or(1, |pane| pane.body.height);
    let height = usize::from(height.max(1));
    let overlap = usize::from(state.options.overlap).min(height - 1);
    let page = isize::try_from(height - overlap).unwrap_or(1);
    match command {
        Command::Next => messages::step(state, 1),
        Command::Previous => messages::step(state, -1),
        Command::LineDown => scroll(state, 1, height),
        Command::LineUp => scroll(state, -1, height),
        Command::NextPage => scroll(state, page, height),
        Command::PreviousPage => scroll(state, -page, height),
        Command::FirstPage => scroll_to(state, 0),
        Command::LastPage => scroll_to(state, usize::MAX),
        Command::Back => {
            state.headers = HeaderMode::Normal(state.options.headers.clone());
            state.go(Screen::Index);
        }
        Command::Open => link::ask(state),
        Command::NextLink => link::step(state, true, height),
        Command::PreviousLink => link::step(state, false, height),
        Command::Attachments => show_attachments(state),
        Command::PreferHtml => other_form(state),
        Command::Delete => messages::delete(state),
        Command::Undelete => messages::undelete(state),
        Command::Flag => messages::ask_flag(state, false),
        Command::Save => save::ask(state),
        Command::Export => files::ask_export(state),
        Command::Pipe => files::ask_pipe(state),
        Command::Jump => messages::ask_number(state, ""),
        Command::NextNew => messages::next_new(state),
        Command::HeaderMode => next_header_mode(state),
        _ => return false,
    }
    true
}

fn scroll_to(state: &mut State, row: usize) {
    if let Some(shown) = &mut state.message {
        shown.top = row;
    }
}

fn scroll(state: &mut State, step: isize, height: usize) {
    let Some(shown) = &mut state.message else {
        return;
    };
    let last = shown.rows.len().saturating_sub(height);
    let wanted = shown.top.saturating_add_signed(step).min(last);
    if wanted == shown.top {
        state.say_own(if step > 0 {
            "Already at end of message"
        } else {
            "Already at start of message"
        });
        return;
    }
    shown.top = wanted;
}

fn show_attachments(state: &mut State) {
    let document = state
        .message
        .as_ref()
        .and_then(|shown| shown.document.as_ref());
    match document.map(|document| document.parts.is_empty()) {
        Some(false) => state.go(Screen::Attachments),
        Some(true) => state.say_own("The message has no parts"),
        None => state.say_own("The message is still being read"),
    }
}

fn other_form(state: &mut State) {
    let Some(shown) = &mut state.message else {
        return;
    };
    shown.prefer_html = !shown.prefer_html;
    let text = if shown.prefer_html {
        "Showing HTML where the message has it"
    } else {
        "Showing plain text where the message has it"
    };
    reading::open_again(state);
    state.say_own(text);
}

/// The usual headers, all of them, the header as it came, and round again.
pub fn next_header_mode(state: &mut State) {
    let (mode, text) = match state.headers {
        HeaderMode::Normal(_) => (HeaderMode::Full, "Showing all headers"),
        HeaderMode::Full => (HeaderMode::Raw, "Showing the header as it came"),
        HeaderMode::Raw => (
            HeaderMode::Normal(state.options.headers.clone()),
            "Showing the usual headers",
        ),
    };
    state.headers = mode;
    scroll_to(state, 0);
    state.say_own(text);
}
