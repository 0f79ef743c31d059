//! The flag screen.

use crate::mail::flags::Keyword;
use crate::mail::text::Printable;
use crate::tui::command::Command;
use crate::tui::state::prompt::{Prompt, Purpose, Topic};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::messages;

const KEYWORD_HELP: &str = "A keyword is one word of at most 50 plain letters, digits and signs.";

/// Does a command of the flag screen; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    let page = usize::from(state.areas().alone.height.max(1));
    let Some((flags, _)) = &mut state.flags else {
        state.go(Screen::Index);
        return true;
    };
    let last = flags.boxes.len().saturating_sub(1);
    match command {
        Command::Next => flags.cursor = (flags.cursor + 1).min(last),
        Command::Previous => flags.cursor = flags.cursor.saturating_sub(1),
        Command::NextPage => flags.cursor = (flags.cursor + page).min(last),
        Command::PreviousPage => flags.cursor = flags.cursor.saturating_sub(page),
        Command::FirstPage => flags.cursor = 0,
        Command::LastPage => flags.cursor = last,
        Command::SetFlag => {
            if let Some(current) = flags.boxes.get_mut(flags.cursor) {
                current.set = !current.set;
            }
        }
        Command::AddKeyword if flags.new_keywords => {
            let question = Printable::own("Keyword to add : ");
            let prompt = Prompt::text(question, Purpose::AddKeyword, Topic::Nothing, KEYWORD_HELP);
            state.prompt = Some(prompt);
        }
        Command::AddKeyword => state.complain_own("This folder takes no new keywords"),
        Command::Back => leave(state),
        _ => return false,
    }
    true
}

fn leave(state: &mut State) {
    let Some((flags, back)) = state.flags.take() else {
        return;
    };
    state.go(back);
    let changes = flags.changes();
    let count = changes.len();
    let number = messages::number(state, flags.uid);
    let said = Printable::own(format!("Flags of message {number} changed"));
    for (place, change) in changes.into_iter().enumerate() {
        let said = (place + 1 == count).then(|| said.clone());
        messages::store(state, flags.uid, change, said);
    }
}

/// The keyword was typed.
pub fn add_keyword(state: &mut State, typed: &str) {
    match (Keyword::new(typed.trim()), &mut state.flags) {
        (Some(keyword), Some((flags, _))) => flags.add(keyword),
        (None, _) => state.complain_own(KEYWORD_HELP),
        _ => {}
    }
}
