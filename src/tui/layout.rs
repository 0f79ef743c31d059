//! Where things are on the screen: a pure function of size, focus and choices, used by `update` and by `view`.
//!
//! From the top: title, blank, body, status, two rows of keys. Below 10 rows the blank goes, below 6 the keys.
//! With panes the blank is the ruler that names the topmost ones.

use ratatui::layout::Rect;

use crate::tui::options::LayoutChoice;
use crate::tui::state::screen::Screen;

/// How many panes are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Panes {
    /// One screen at a time.
    One,
    /// Index over message.
    Two,
    /// Folders beside index over message.
    Three,
}

/// A pane: a ruler that names it, and what it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pane {
    /// The ruler; empty where a screen stands alone.
    pub ruler: Rect,
    /// The content.
    pub body: Rect,
}

/// Where things are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Areas {
    /// The title bar.
    pub title: Rect,
    /// Messages and prompts.
    pub status: Rect,
    /// The key menu; empty where there is none.
    pub menu: Rect,
    /// How many panes there are.
    pub panes: Panes,
    /// The folder list, where it is visible.
    pub folders: Option<Pane>,
    /// The message index, where it is visible.
    pub index: Option<Pane>,
    /// The message text, where it is visible.
    pub text: Option<Pane>,
    /// The screen that stands alone.
    pub alone: Rect,
}

/// How many panes a terminal of this size has room for.
pub fn panes(width: u16, height: u16, choice: LayoutChoice) -> Panes {
    match choice {
        LayoutChoice::Classic => Panes::One,
        LayoutChoice::Auto if width >= 140 && height >= 16 => Panes::Three,
        LayoutChoice::Auto if width >= 100 && height >= 30 => Panes::Two,
        LayoutChoice::Auto => Panes::One,
    }
}

/// Where things are on a terminal of this size that shows `screen`.
pub fn areas(size: (u16, u16), choice: LayoutChoice, screen: Screen, keymenu: bool) -> Areas {
    let (width, height) = size;
    let title = u16::from(height >= 2);
    let blank = u16::from(height >= 10);
    let status = u16::from(height >= 1);
    let menu = if keymenu && height >= 6 { 2 } else { 0 };
    let top = title + blank;
    let body = height.saturating_sub(top + status + menu);
    let row = |y: u16, height: u16| Rect::new(0, y.min(size.1), width, height);
    let whole = row(top, body);
    let mut areas = Areas {
        title: row(0, title),
        status: row(height.saturating_sub(status + menu), status),
        menu: row(height.saturating_sub(menu), menu),
        panes: Panes::One,
        folders: None,
        index: None,
        text: None,
        alone: whole,
    };
    let several = panes(width, height, choice);
    let pane = Pane {
        ruler: Rect::default(),
        body: whole,
    };
    match (screen, several) {
        (Screen::Folders, Panes::One | Panes::Two) | (Screen::FolderSelect, _) => {
            areas.folders = Some(pane);
        }
        (Screen::Index, Panes::One) => areas.index = Some(pane),
        (Screen::Text, Panes::One) => areas.text = Some(pane),
        (Screen::Index | Screen::Text, Panes::Two) => split(&mut areas, several, blank),
        (Screen::Folders | Screen::Index | Screen::Text, Panes::Three) => {
            split(&mut areas, several, blank);
        }
        _ => {}
    }
    areas
}

/// Divides the body, and the row above it for the first rulers.
fn split(areas: &mut Areas, panes: Panes, blank: u16) {
    let whole = areas.alone;
    let first_ruler = whole.y - blank;
    let left = match panes {
        Panes::Three => (whole.width / 5).clamp(20, 36),
        _ => 0,
    };
    // one column stays empty between folders and the rest
    let x = if left == 0 { 0 } else { left + 1 };
    let right = whole.width - x;
    let upper = (whole.height * 2 / 5).max(3);
    let lower = whole.height.saturating_sub(upper + 1);
    areas.panes = panes;
    if left > 0 {
        areas.folders = Some(Pane {
            ruler: Rect::new(0, first_ruler, left, blank),
            body: Rect::new(0, whole.y, left, whole.height),
        });
    }
    areas.index = Some(Pane {
        ruler: Rect::new(x, first_ruler, right, blank),
        body: Rect::new(x, whole.y, right, upper),
    });
    areas.text = Some(Pane {
        ruler: Rect::new(x, whole.y + upper, right, 1),
        body: Rect::new(x, whole.y + upper + 1, right, lower),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_on_the_screen_at_every_size() {
        let screens = [Screen::Main, Screen::Folders, Screen::Index, Screen::Text];
        for width in [0, 1, 20, 80, 99, 100, 139, 140, 200] {
            for height in 0..60 {
                for screen in screens {
                    let areas = areas((width, height), LayoutChoice::Auto, screen, true);
                    let panes = [areas.folders, areas.index, areas.text];
                    let panes = panes.into_iter().flatten();
                    let rects = panes.flat_map(|pane| [pane.ruler, pane.body]);
                    let fixed = [areas.title, areas.status, areas.menu, areas.alone];
                    for rect in rects.chain(fixed) {
                        assert!(
                            rect.right() <= width && rect.bottom() <= height,
                            "{areas:?}"
                        );
                    }
                }
            }
        }
        let areas = areas((80, 24), LayoutChoice::Auto, Screen::Index, true);
        assert_eq!(
            areas.index.map(|pane| pane.body),
            Some(Rect::new(0, 2, 80, 19))
        );
    }
}
