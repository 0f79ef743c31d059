//! Commands that mean the same on every screen.

use jiff::Timestamp;

use crate::backend::request::Ask;
use crate::mail::text::Printable;
use crate::present::rows::HeaderMode;
use crate::tui::command::Command;
use crate::tui::command_menu::menu_pages;
use crate::tui::effect::Effect;
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Leave, Prompt, Purpose, Topic};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::{help, listing, names, opening, trace, whereis};

const QUIT_HELP: &str = "Yes leaves Mugo. No goes on.";
const GOTO_HELP: &str = "Type the name of a folder. Return takes the one in brackets, ^W goes to INBOX, ^T shows the folders to choose from.";

/// Does what `command` means everywhere; `false` when it depends on the screen.
pub fn command(state: &mut State, command: Command) -> bool {
    match command {
        Command::Help => help::show(state),
        Command::OtherCommands => {
            state.menu_page = (state.menu_page + 1) % menu_pages(state.screen.context());
        }
        Command::Quit => quit(state),
        Command::MainMenu => leave_for(state, Screen::Main),
        Command::FolderList => folder_list(state),
        Command::MessageIndex => message_index(state),
        Command::Goto => goto(state),
        Command::Repaint => {
            state.outbox.push(Effect::Repaint);
            state.ask_mailbox(Ask::Check, Job::Check);
            listing::list(state);
        }
        Command::Suspend if state.options.suspend => state.outbox.push(Effect::Suspend),
        Command::Suspend => {
            state.complain_own("Suspending is not enabled; set ui.suspend = true in config.toml");
        }
        Command::TogglePanes => state.toggle_panes(),
        Command::Whereis => whereis::ask(state),
        Command::Journal => journal(state),
        Command::Trace => trace::show(state),
        Command::ReleaseNotes => help::show_release_notes(state),
        other => return later(state, other),
    }
    true
}

/// Tells that a command comes in a later version, if it does.
fn later(state: &mut State, command: Command) -> bool {
    let what = match command {
        Command::Compose | Command::UseRole => "Writing messages",
        Command::Reply => "Replying",
        Command::Forward => "Forwarding",
        Command::Bounce => "Sending messages on",
        Command::TakeAddress | Command::AddressBook => "The address book",
        Command::Print => "Printing",
        Command::Select | Command::SelectCurrent => "Selecting messages",
        Command::Apply => "Applying commands to selected messages",
        Command::Zoom => "Zooming in on selected messages",
        Command::CollapseThread => "Showing threads",
        Command::Setup => "Changing settings on the screen",
        Command::KeyboardLock => "Locking the keyboard",
        Command::External => "Viewing parts with other programs",
        _ => return false,
    };
    state.say_own(format!("{what} comes in a later version"));
    true
}

fn leave_for(state: &mut State, screen: Screen) {
    state.headers = HeaderMode::Normal(state.options.headers.clone());
    state.go(screen);
}

fn folder_list(state: &mut State) {
    leave_for(state, Screen::Folders);
    listing::come_back(state);
}

fn message_index(state: &mut State) {
    if state.mailbox.is_none() {
        state.complain_own("No folder is open");
        return;
    }
    leave_for(state, Screen::Index);
}

fn quit(state: &mut State) {
    if !state.options.confirm_quit {
        return opening::leave(state, Leave::Quit);
    }
    let question = Printable::own("Really quit Mugo?");
    let prompt = Prompt::yes_no(question, Purpose::Quit, Answer::Yes, QUIT_HELP);
    state.prompt = Some(prompt);
}

fn goto(state: &mut State) {
    let in_inbox = state
        .mailbox
        .as_ref()
        .is_some_and(|open| open.name.is_inbox() && open.is_open());
    let default = match (&state.previous, in_inbox) {
        (Some(previous), true) => Some(names::short_name(state, previous).as_str().to_owned()),
        (_, false) => Some("INBOX".to_owned()),
        (None, true) => Some(state.options.saved.clone()),
    };
    let within = match state.options.default_prefix().trim_end_matches('/') {
        "" => String::new(),
        collection => format!(" in <{collection}>"),
    };
    let question = Printable::own(format!("GOTO folder{within}"));
    let prompt = Prompt::text(question, Purpose::Goto, Topic::Folder, GOTO_HELP);
    state.prompt = Some(prompt.with_default(default).with_key('w', "INBOX"));
}

fn journal(state: &mut State) {
    let lines = state.status.journal();
    let text: Vec<String> = lines
        .map(|said| {
            let mark = if said.is_error { "> " } else { "  " };
            let at = Timestamp::from_millisecond(said.at).unwrap_or_default();
            let at = at.to_zoned(state.options.zone.clone());
            format!("{} {mark}{}", at.strftime("%H:%M:%S"), said.text.as_str())
        })
        .collect();
    let text = if text.is_empty() {
        "Nothing was said yet.".to_owned()
    } else {
        text.join("\n")
    };
    state.show_text("JOURNAL", &text);
    if let Some(pager) = &mut state.pager {
        pager.top = usize::MAX;
    }
}
