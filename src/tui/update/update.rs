//! The one door: a message comes in, effects go out.

use crate::backend::request::Ticket;
use crate::mail::name::MailboxName;
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::keymap::Meaning;
use crate::tui::msg::Msg;
use crate::tui::state::job::Job;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::settle::settle;
use crate::tui::update::{
    attachments, browser, events, everywhere, flags, folders, index, listing, main_menu, messages,
    mouse, opening, outcomes, pager, prompt, questions, select, text, trace, transfer,
};

/// What the face does before anything comes in: it opens the first mailbox and lists folders.
pub fn start(state: &mut State) -> Vec<Effect> {
    let name = state.options.start.clone();
    opening::begin(state, name.unwrap_or_else(MailboxName::inbox));
    listing::list(state);
    if state.options.start_in_index {
        state.go(Screen::Index);
    }
    std::mem::take(&mut state.outbox)
}

/// Takes in a message. What has to be done outside is handed back, in order.
pub fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(pressed) => key(state, pressed),
        Msg::Paste(text) => prompt::paste(state, &text),
        Msg::Mouse(_) if state.is_busy_with(Job::is_program) => {}
        Msg::Mouse(action) if state.options.mouse && state.prompt.is_none() => {
            if let Some(meant) = mouse::mouse(state, action) {
                command(state, meant);
            }
        }
        Msg::Mouse(_) => {}
        Msg::Resize(width, height) => state.size = (width, height),
        Msg::Event(event) => events::event(state, event),
        Msg::Done(ticket, outcome) => outcomes::done(state, ticket, outcome),
        Msg::Tick(now) => {
            state.now = now;
            trace::follow(state);
        }
        Msg::Resumed => state.outbox.push(Effect::Repaint),
    }
    questions::settle(state);
    transfer::settle(state);
    settle(state);
    std::mem::take(&mut state.outbox)
}

fn key(state: &mut State, pressed: Key) {
    if state.prompt.is_some() {
        prompt::key(state, pressed);
        return;
    }
    if state.is_busy_with(Job::is_program) {
        // What is typed ahead must not meet another screen than the one that was seen.
        if pressed.control() == Some('c') {
            stop_programs(state);
        } else {
            state.complain_own("A command is still running; ^C stops it");
        }
        return;
    }
    if pressed.control() == Some('c') && state.pending.is_empty() && cancel_work(state) {
        return;
    }
    state.pending.push(pressed);
    let context = state.screen.context();
    match state.keymap.meaning(context, &state.pending) {
        Meaning::Command(meant) => {
            state.pending.clear();
            let held = state.status.lift(state.now);
            command(state, meant);
            // a question waits until an error has been seen
            if let Some(held) = held.filter(|_| state.prompt.is_some()) {
                state.status.put_back(held);
            }
        }
        Meaning::Prefix => {}
        Meaning::Nothing => {
            let keys = std::mem::take(&mut state.pending);
            unknown(state, &keys);
        }
    }
}

fn stop_programs(state: &mut State) {
    let programs = state.jobs.iter().filter(|(_, job)| job.is_program());
    let effects: Vec<Effect> = programs
        .map(|(ticket, job)| match job {
            Job::Run { .. } => Effect::Stop(*ticket),
            _ => Effect::Cancel(*ticket),
        })
        .collect();
    state.outbox.extend(effects);
    state.say_own("Stopping the command");
}

/// Cancels the work that the user waits for; `false` where there is none.
fn cancel_work(state: &mut State) -> bool {
    let waited_for = |job: &Job| {
        matches!(
            job,
            Job::Open
                | Job::Check
                | Job::Sort(..)
                | Job::Search(..)
                | Job::Read(..)
                | Job::Export(..)
                | Job::List
                | Job::ListSubscribed
                | Job::Save { .. }
                | Job::Transfer(..)
                | Job::Scan(..)
        )
    };
    let jobs = state.jobs.iter().filter(|(_, job)| waited_for(job));
    let mut tickets: Vec<Ticket> = jobs.map(|(ticket, _)| *ticket).collect();
    let asking = state.questions.iter().map(|open| open.ticket);
    tickets.extend(asking);
    tickets.sort_unstable();
    tickets.dedup();
    let any = !tickets.is_empty();
    state.outbox.extend(tickets.into_iter().map(Effect::Cancel));
    any
}

fn unknown(state: &mut State, keys: &[Key]) {
    let digit = match keys {
        [key] => key.character().filter(char::is_ascii_digit),
        _ => None,
    };
    if let Some(digit) = digit
        && matches!(state.screen, Screen::Index | Screen::Text)
    {
        messages::ask_number(state, digit.encode_utf8(&mut [0; 4]));
        return;
    }
    let names: Vec<String> = keys.iter().map(Key::to_string).collect();
    let help = state.keymap.key_name(state.screen.context(), Command::Help);
    let help = help.unwrap_or_else(|| "?".to_owned());
    let typed = names.concat();
    let text = format!("Command \"{typed}\" not defined for this screen. Use {help} for help");
    state.complain_own(text);
}

fn command(state: &mut State, command: Command) {
    let done = match state.screen {
        Screen::Main => main_menu::command(state, command),
        Screen::Folders => folders::command(state, command),
        Screen::Index => index::command(state, command),
        Screen::Text => text::command(state, command),
        Screen::Attachments => attachments::command(state, command),
        Screen::Flags => flags::command(state, command),
        Screen::Pager => pager::command(state, command),
        Screen::FolderSelect => select::command(state, command),
        Screen::Browser => browser::command(state, command),
    };
    if !done {
        everywhere::command(state, command);
    }
}
