//! The message index.

use crate::backend::error::Result;
use crate::backend::request::Ask;
use crate::mail::flags::{FlagChange, Flags, SystemFlags};
use crate::mail::order::{Order, SortKey};
use crate::mail::text::Printable;
use crate::mail::uid::{Uid, UidSet};
use crate::tui::command::Command;
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Choice, Prompt, Purpose};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::messages::{self, may_change};
use crate::tui::update::{about, files, listing, names, opening, reading, save, text};

const CATCH_UP_HELP: &str =
    "Yes marks every article as read, in .newsrc too. U takes it back for one of them.";
const HIDE_HELP: &str =
    "Yes takes what was read out of this list until & brings it back. Nothing is removed.";
const EXPUNGE_HELP: &str =
    "Yes removes the messages that are marked as deleted, for good. No keeps them and their marks.";
const SORT_HELP: &str = "Choose what to sort by. R turns the order that you have round.";

/// Does a command of the index; `false` when it is none.
pub fn command(state: &mut State, command: Command) -> bool {
    let page = state.areas().index.map_or(1, |pane| pane.body.height);
    let page = isize::try_from(page.max(1)).unwrap_or(1);
    if scroll_findings(state, command, page) {
        return true;
    }
    match command {
        Command::AboutFolder => about::of_open(state),
        Command::Next => messages::step(state, 1),
        Command::Previous => messages::step(state, -1),
        Command::NextPage => turn(state, page),
        Command::PreviousPage => turn(state, -page),
        Command::FirstPage => move_to(state, 0),
        Command::LastPage => move_to(state, usize::MAX),
        Command::Open => reading::open_current(state),
        Command::Back => {
            state.go(Screen::Folders);
            listing::come_back(state);
        }
        Command::Delete => messages::delete(state),
        Command::Undelete => messages::undelete(state),
        Command::Expunge => ask_expunge(state),
        Command::Unexclude => opening::open_again(state),
        Command::CatchUp => ask_catch_up(state),
        Command::Flag => messages::ask_flag(state, false),
        Command::Save => save::ask(state),
        Command::Export => files::ask_export(state),
        Command::Pipe => files::ask_pipe(state),
        Command::Sort => ask_sort(state),
        Command::Jump => messages::ask_number(state, ""),
        Command::NextNew => messages::next_new(state),
        Command::HeaderMode => text::next_header_mode(state),
        _ => return false,
    }
    true
}

/// Where there is no mail, the same keys go over what is said about that.
fn scroll_findings(state: &mut State, command: Command, page: isize) -> bool {
    let open = state.mailbox.as_mut().filter(|open| open.says_why_empty());
    let Some(open) = open else {
        return false;
    };
    let by = match command {
        Command::Next => 1,
        Command::Previous => -1,
        Command::NextPage => page,
        Command::PreviousPage => -page,
        _ => return false,
    };
    // What lies behind the end is not shown, but a way back must not begin there.
    let most = open.findings.len() * MOST_ROWS;
    open.findings_top = open.findings_top.saturating_add_signed(by).min(most);
    true
}

/// How many rows a finding takes at most.
const MOST_ROWS: usize = 4;

fn move_to(state: &mut State, row: usize) {
    if let Some(open) = &mut state.mailbox {
        open.move_to(row);
    }
}

/// Turns a page: the cursor goes to the same line of the next page, the page with it.
fn turn(state: &mut State, page: isize) {
    let Some(open) = &mut state.mailbox else {
        return;
    };
    let Some(row) = open.cursor_row() else {
        return;
    };
    let last = open.len().saturating_sub(1);
    let at_end = if page > 0 { row == last } else { row == 0 };
    if at_end {
        state.say_own(if page > 0 {
            "No more messages in folder"
        } else {
            "Already on first message"
        });
        return;
    }
    let top = open.top.saturating_add_signed(page);
    if page > 0 && top > last {
        open.move_to(last);
        return;
    }
    open.top = top;
    open.move_to(row.saturating_add_signed(page).max(top).min(last));
}

fn ask_expunge(state: &mut State) {
    let deleted = state.mailbox.as_ref().map_or(0, |open| open.deleted());
    if deleted == 0 {
        state.say_own("No messages are marked for deletion");
        return;
    }
    if !may_change(state) {
        return;
    }
    if !state.options.confirm_expunge {
        return opening::expunge(state);
    }
    let is_news = state.mailbox.as_ref().is_some_and(|open| open.is_news());
    let (verb, help) = match is_news {
        true => ("Hide", HIDE_HELP),
        false => ("Expunge", EXPUNGE_HELP),
    };
    let what = match deleted {
        1 => format!("{verb} 1 message from "),
        count => format!("{verb} {count} messages from "),
    };
    let name = state.mailbox.as_ref().map(|open| open.name.clone());
    let name = name.map_or_else(Printable::default, |name| names::short_name(state, &name));
    let question = Printable::concat(&[Printable::own(what), name, Printable::own("?")]);
    let prompt = Prompt::yes_no(question, Purpose::Expunge, Answer::Yes, help);
    state.prompt = Some(prompt);
}

/// Asks whether every article of the newsgroup is to be marked as read.
fn ask_catch_up(state: &mut State) {
    let open = state.mailbox.as_ref().filter(|open| open.is_open());
    let Some(open) = open.filter(|open| open.is_news()) else {
        return state.say_own("Only in newsgroups all messages can be marked as read at once");
    };
    let name = open.name.clone();
    if !may_change(state) {
        return;
    }
    let question = names::named(state, "Mark all messages of ", &name, " as read?");
    let prompt = Prompt::yes_no(question, Purpose::CatchUp, Answer::No, CATCH_UP_HELP);
    state.prompt = Some(prompt);
}

/// It was said that every article is to be marked as read.
pub fn catch_up(state: &mut State) {
    let messages = state.mailbox.iter().flat_map(|open| open.list.messages());
    let unread = messages.filter(|message| !message.flags.has(SystemFlags::DELETED));
    let unread: UidSet = unread.map(|message| message.uid).collect();
    let change = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    let said = Printable::own("All messages are marked as read");
    state.ask_mailbox(Ask::Store(unread, change), Job::Store(Some(said)));
}

/// The expunge has ended.
pub fn expunged(state: &mut State, before: u64, result: Result<()>) {
    match result {
        Ok(()) if state.leaving.is_some() => {}
        Ok(()) => {
            let removed = state.mailbox.as_ref().map_or(0, |open| open.removed);
            let deleted = state.mailbox.as_ref().map_or(0, |open| open.deleted());
            let is_news = state.mailbox.as_ref().is_some_and(|open| open.is_news());
            state.say_own(match removed.saturating_sub(before) {
                // Why they stay was told.
                0 if deleted > 0 => return,
                1 if is_news => "1 message that was read is hidden".to_owned(),
                count if is_news => format!("{count} messages that were read are hidden"),
                1 => "Expunged 1 message".to_owned(),
                count => format!("Expunged {count} messages"),
            });
        }
        Err(error) => state.complain_own(format!("Cannot expunge: {error}")),
    }
}

fn ask_sort(state: &mut State) {
    let current = state.mailbox.as_ref().map(|open| open.order.key);
    let choice = |key, label, sort: Option<SortKey>| Choice {
        key,
        label,
        is_default: sort.is_some() && sort == current,
    };
    let choices = [
        choice('s', "Subject", Some(SortKey::Subject)),
        choice('a', "Arrival", Some(SortKey::Arrival)),
        choice('f', "From", Some(SortKey::From)),
        choice('t', "To", Some(SortKey::To)),
        choice('c', "Cc", Some(SortKey::Cc)),
        choice('d', "Date", Some(SortKey::Date)),
        choice('z', "siZe", Some(SortKey::Size)),
        choice('r', "Reverse", None),
    ];
    let question = Printable::own("Choose type of sort, or Reverse current sort : ");
    let prompt = Prompt::choice(question, Purpose::Sort, &choices, SORT_HELP);
    state.prompt = Some(prompt);
}

/// The order was chosen.
pub fn sort_chosen(state: &mut State, key: char) {
    let Some(open) = &mut state.mailbox else {
        return;
    };
    let key = match key {
        's' => Some(SortKey::Subject),
        'a' => Some(SortKey::Arrival),
        'f' => Some(SortKey::From),
        't' => Some(SortKey::To),
        'c' => Some(SortKey::Cc),
        'd' => Some(SortKey::Date),
        'z' => Some(SortKey::Size),
        _ => None,
    };
    let order = match key {
        Some(key) => Order {
            key,
            reverse: open.order.reverse,
        },
        None => Order {
            reverse: !open.order.reverse,
            ..open.order
        },
    };
    if order.key == SortKey::Arrival {
        open.sort(order, Vec::new());
        return tell_order(state);
    }
    let name = open.name.clone();
    let what = names::named(state, "Sorting ", &name, "");
    state.status.work(what, state.now);
    state.ask_mailbox(Ask::Sort(order), Job::Sort(order, Vec::new()));
}

/// The mailbox has sorted.
pub fn sorted(state: &mut State, order: Order, uids: Vec<Uid>, result: Result<()>) {
    state.status.progress = None;
    match result {
        Ok(()) => {
            if let Some(open) = &mut state.mailbox {
                open.sort(order, uids);
            }
            tell_order(state);
        }
        Err(error) => state.complain_own(format!("Cannot sort: {error}")),
    }
}

fn tell_order(state: &mut State) {
    let order = state.mailbox.as_ref().map(|open| open.order);
    if let Some(order) = order {
        let reverse = if order.reverse { "reverse " } else { "" };
        state.say_own(format!("Sorted by {reverse}{}", order.key.name()));
    }
}
