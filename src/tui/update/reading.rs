//! Getting a message to read.

use crate::backend::error::Result;
use crate::backend::request::{Ask, Ticket};
use crate::mail::uid::Uid;
use crate::mime::document::Document;
use crate::tui::effect::Effect;
use crate::tui::layout::areas;
use crate::tui::state::job::Job;
use crate::tui::state::message::MessageView;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;

/// Columns of the text pane.
pub fn text_width(state: &State) -> u16 {
    let options = &state.options;
    let areas = areas(state.size, options.layout, Screen::Text, options.keymenu);
    areas.text.map_or(1, |pane| pane.body.width).max(1)
}

/// Shows the message under the cursor of the index.
pub fn open_current(state: &mut State) {
    let cursor = state.mailbox.as_ref().and_then(|open| open.cursor);
    match cursor {
        Some(uid) => open(state, uid),
        None => state.say_own("No messages in folder"),
    }
}

/// Shows a message; what is known of it already is not asked for again.
pub fn open(state: &mut State, uid: Uid) {
    state.go(Screen::Text);
    if state.message.as_ref().is_some_and(|shown| shown.uid == uid) {
        return;
    }
    if let Some(ticket) = state.message.as_ref().and_then(|shown| shown.waiting) {
        state.outbox.push(Effect::Cancel(ticket));
    }
    let prefer_html = state.options.prefer_html;
    // nothing can be marked as read where nothing can be written
    let peek = state
        .mailbox
        .as_ref()
        .is_some_and(|open| open.is_read_only());
    let Some(ticket) = ask(state, uid, prefer_html, peek) else {
        state.complain_own("The folder is closed");
        state.go(Screen::Index);
        return;
    };
    let width = usize::from(text_width(state));
    state.message = Some(MessageView::new(uid, prefer_html, ticket, width));
}

/// Asks for the message on the screen again: at another width, or in its other form.
pub fn open_again(state: &mut State) {
    let Some((uid, prefer_html)) = state
        .message
        .as_ref()
        .map(|shown| (shown.uid, shown.prefer_html))
    else {
        return;
    };
    let width = usize::from(text_width(state));
    if let Some(ticket) = ask(state, uid, prefer_html, true)
        && let Some(shown) = &mut state.message
    {
        shown.ask_again(ticket, width);
    }
}

fn ask(state: &mut State, uid: Uid, prefer_html: bool, peek: bool) -> Option<Ticket> {
    let width = text_width(state);
    let view = Ask::View {
        uid,
        width,
        prefer_html,
        peek,
    };
    state.ask_mailbox(view, Job::View(uid))
}

/// The message has come.
pub fn arrived(state: &mut State, ticket: Ticket, document: Box<Document>) {
    if let Some(shown) = &mut state.message
        && shown.waiting == Some(ticket)
    {
        shown.arrive(document);
    }
}

/// The request has ended.
pub fn finished(state: &mut State, ticket: Ticket, result: Result<()>) {
    let Some(shown) = &mut state.message else {
        return;
    };
    if shown.waiting != Some(ticket) {
        return;
    }
    shown.waiting = None;
    let empty = shown.document.is_none();
    if let Err(error) = result {
        state.complain_own(format!("Cannot read the message: {error}"));
        if empty {
            state.message = None;
            if state.screen == Screen::Text {
                state.go(Screen::Index);
            }
        }
    }
}
