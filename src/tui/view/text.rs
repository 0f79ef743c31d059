//! The message text.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::mail::text::Printable;
use crate::present::rows::{Row, TextRole};
use crate::tui::state::message::MessageView;
use crate::tui::state::state::State;
use crate::tui::theme::{Role, Theme};
use crate::tui::view::painter::{Painter, after, row};

/// Draws the message.
pub fn draw(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let Some(shown) = &state.message else {
        let text = Printable::own("Press Return on a message to read it here");
        painter.put_centred(row(area, usize::from(area.height) / 3), &text, Role::Note);
        return;
    };
    if shown.document.is_none() {
        painter.put(
            row(area, 0),
            &Printable::own("[Reading the message]"),
            Role::Note,
        );
        return;
    }
    let rows = shown.rows.iter().enumerate().skip(shown.top);
    for (place, text) in rows.take(usize::from(area.height)) {
        let line = row(area, place - shown.top);
        if shown.found == Some(place) {
            painter.put(line, &text.text(), Role::Match);
        } else {
            draw_row(shown, text, line, painter);
        }
    }
}

fn draw_row(shown: &MessageView, text: &Row, line: Rect, painter: &mut Painter<'_>) {
    let mut x = 0;
    for span in &text.spans {
        let style = style_of(span.role, shown.link, painter.theme);
        x += painter.put_styled(after(line, x), &span.text, style);
    }
}

fn style_of(role: TextRole, selected: Option<usize>, theme: &Theme) -> Style {
    theme.style(match role {
        TextRole::HeaderName => Role::HeaderName,
        TextRole::HeaderValue => Role::Header,
        TextRole::Body => Role::Body,
        TextRole::Quote(level) => match level % 3 {
            1 => Role::Quote1,
            2 => Role::Quote2,
            _ => Role::Quote3,
        },
        TextRole::Signature => Role::Signature,
        TextRole::Note => Role::Note,
        TextRole::Warning => Role::Warning,
        TextRole::Link(link) if Some(link) == selected => Role::LinkSelected,
        TextRole::Link(_) => Role::Link,
        TextRole::Strong => Role::Strong,
        TextRole::Emphasis => Role::Emphasis,
        TextRole::Code => Role::Code,
        TextRole::Rule => Role::Ruler,
    })
}
