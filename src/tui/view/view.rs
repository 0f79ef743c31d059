//! The whole frame.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::mail::text::{Foreign, Printable};
use crate::tui::layout::{Areas, Pane, Panes};
use crate::tui::state::mailbox::OpenMailbox;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::theme::{Role, Theme};
use crate::tui::update::listing::as_typed;
use crate::tui::update::messages::number;
use crate::tui::update::names::short_name;
use crate::tui::view::painter::{Painter, after};
use crate::tui::view::{alone, folders, index, keymenu, statusline, text, title};

/// Draws the state.
pub fn view(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    let areas = state.areas();
    let whole = frame.area();
    let mut painter = Painter {
        buffer: frame.buffer_mut(),
        theme,
        ascii: state.options.ascii,
    };
    painter.fill(whole, Role::Body);
    draw_body(state, &areas, &mut painter);
    title::draw(state, areas.title, &mut painter);
    keymenu::draw(state, areas.menu, &mut painter);
    let cursor = statusline::draw(state, areas.status, &mut painter);
    if let Some(cursor) = cursor.filter(|cursor| whole.contains(*cursor)) {
        frame.set_cursor_position(cursor);
    }
}

fn draw_body(state: &State, areas: &Areas, painter: &mut Painter<'_>) {
    match state.screen {
        Screen::Main => return alone::main_menu(state, areas.alone, painter),
        Screen::Attachments => return alone::attachments(state, areas.alone, painter),
        Screen::Flags => return alone::flags(state, areas.alone, painter),
        Screen::Pager => return alone::pager(state, areas.alone, painter),
        Screen::Browser => return alone::browser(state, areas.alone, painter),
        Screen::FolderSelect | Screen::Folders | Screen::Index | Screen::Text => {}
    }
    if let Some(pane) = areas.folders {
        ruler(state, areas, pane, Screen::Folders, painter);
        folders::draw(state, pane.body, painter);
    }
    if let Some(pane) = areas.index {
        ruler(state, areas, pane, Screen::Index, painter);
        index::draw(state, pane.body, painter);
    }
    // where there is no mail, saying why takes the room of both
    let empty = state
        .mailbox
        .as_ref()
        .is_some_and(OpenMailbox::says_why_empty);
    if let (true, Some(upper), Some(lower)) = (empty, areas.index, areas.text) {
        index::draw(state, upper.body.union(lower.body), painter);
        return;
    }
    if let Some(pane) = areas.text {
        ruler(state, areas, pane, Screen::Text, painter);
        text::draw(state, pane.body, painter);
    }
}

/// The line above a pane names it; the pane with the focus has another mark, not only another colour.
fn ruler(state: &State, areas: &Areas, pane: Pane, screen: Screen, painter: &mut Painter<'_>) {
    if areas.panes == Panes::One || pane.ruler.is_empty() {
        return;
    }
    let open = state.mailbox.as_ref();
    let name = match screen {
        Screen::Folders if state.folders.is_at_root() => Printable::own("Folders"),
        Screen::Folders => Foreign::new(as_typed(state, "")).field(),
        Screen::Index => open.map_or_else(Printable::default, |open| short_name(state, &open.name)),
        _ => match &state.message {
            Some(shown) => Printable::own(format!("Message {}", number(state, shown.uid))),
            None => Printable::own("Message"),
        },
    };
    let focus = state.screen == screen;
    let (mark, role) = if focus {
        (">", Role::RulerFocus)
    } else {
        ("-", Role::Ruler)
    };
    let dashes = Printable::own(mark.repeat(usize::from(pane.ruler.width)));
    painter.put(pane.ruler, &dashes, role);
    let inner: Rect = after(pane.ruler, 2);
    let room = usize::from(inner.width).saturating_sub(4);
    let text = Printable::concat(&[
        Printable::own(" "),
        name.cut_marked(room),
        Printable::own(" "),
    ]);
    painter.put(inner, &text, role);
}
