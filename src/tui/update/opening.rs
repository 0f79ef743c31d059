//! Opening a mailbox, leaving the one that is open, and the end of the session.

use crate::backend::error::Result;
use crate::backend::request::{Ask, MailboxId, Request};
use crate::mail::change::{Change, Why};
use crate::mail::name::MailboxName;
use crate::mail::order::SortKey;
use crate::mail::status::Access;
use crate::mail::text::{Foreign, Printable};
use crate::tui::effect::Effect;
use crate::tui::state::job::Job;
use crate::tui::state::mailbox::OpenMailbox;
use crate::tui::state::prompt::{Answer, Leave, Prompt, Purpose};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::{State, phrase};
use crate::tui::update::names::{named, short_name};

const EXPUNGE_HELP: &str =
    "Yes removes the messages that are marked as deleted, for good. No keeps them and their marks.";

/// Shows the index of `name`: opens it, after leaving the mailbox that is open.
pub fn open(state: &mut State, name: MailboxName) {
    let same = |open: &&OpenMailbox| open.name == name && open.is_open();
    if state.mailbox.as_ref().is_some_and(|open| same(&open)) {
        state.go(Screen::Index);
        return;
    }
    leave(state, Leave::Open(name));
}

/// Opens a newsgroup again, which shows what an expunge hid.
pub fn open_again(state: &mut State) {
    let open = state.mailbox.as_ref().filter(|open| open.is_open());
    let hidden = open.filter(|open| open.is_news());
    match hidden.map(|open| open.name.clone()) {
        Some(name) => close(state, Leave::Open(name)),
        None => state.say_own("No messages are hidden"),
    }
}

/// Leaves the open mailbox: asks about deleted messages as Pine does, closes it, goes on with `then`.
pub fn leave(state: &mut State, then: Leave) {
    if state.leaving.is_some() {
        state.leaving = Some(then);
        return;
    }
    let Some(open) = state.mailbox.as_ref().filter(|open| open.is_open()) else {
        return arrive(state, then);
    };
    // In a newsgroup an expunge only hides, which nobody needs who leaves.
    let wanted = open.deleted() > 0 && !open.is_read_only() && !open.is_news();
    let offered =
        then == Leave::Quit || !open.name.is_inbox() || state.options.offer_expunge_of_inbox;
    if !wanted || !offered {
        return close(state, then);
    }
    if !state.options.confirm_expunge {
        return expunge_and_close(state, then);
    }
    let question = leaving_question(state);
    let purpose = Purpose::ExpungeAndLeave(then);
    state.prompt = Some(Prompt::yes_no(question, purpose, Answer::Yes, EXPUNGE_HELP));
}

/// The question before a mailbox is left.
fn leaving_question(state: &State) -> Printable {
    let Some(open) = &state.mailbox else {
        return Printable::default();
    };
    let what = match open.deleted() {
        1 => "Expunge the 1 deleted message from ".to_owned(),
        count => format!("Expunge the {count} deleted messages from "),
    };
    named(state, &what, &open.name, "?")
}

/// Expunges, then closes.
pub fn expunge_and_close(state: &mut State, then: Leave) {
    expunge(state);
    close(state, then);
}

/// Removes what is marked as deleted.
pub fn expunge(state: &mut State) {
    let before = state.mailbox.as_ref().map_or(0, |open| open.removed);
    state.ask_mailbox(Ask::Expunge(None), Job::Expunge(before));
}

/// Closes the open mailbox and goes on with `then` once that is done.
pub fn close(state: &mut State, then: Leave) {
    // nobody waits for a mailbox to open that is left already
    let opening = state.jobs.iter().find(|(_, job)| matches!(job, Job::Open));
    if let Some((ticket, _)) = opening {
        state.outbox.push(Effect::Cancel(*ticket));
    }
    match state.ask_mailbox(Ask::Close, Job::Close) {
        Some(_) => state.leaving = Some(then),
        None => arrive(state, then),
    }
}

/// The mailbox is closed: tells what was kept, goes on.
pub fn closed(state: &mut State, result: Result<()>) {
    // one that never opened has nothing to tell
    let opened = state.mailbox.as_ref().filter(|open| !open.failed);
    let was_open = opened.is_some();
    if let Some(open) = opened {
        let count = |count: u64, noun: &str| match count {
            1 => format!("1 {noun}"),
            count => format!("{count} {noun}s"),
        };
        let kept = count(open.len() as u64, "message");
        let after = match open.removed {
            // There nothing is removed.
            _ if open.is_news() => ".".to_owned(),
            0 => format!(". Kept all {kept}."),
            removed => format!(". Kept {kept} and removed {removed}."),
        };
        let text = named(state, "Closed folder ", &open.name, &after);
        state.farewell.push(text.clone());
        state.say(text);
    }
    if let (Err(error), true) = (result, was_open) {
        let text = Printable::own(format!("Closing failed: {error}"));
        state.farewell.push(text.clone());
        state.complain(text);
    }
    if let Some(then) = state.leaving.take() {
        arrive(state, then);
    }
}

/// Nothing is open any longer: goes on with `then`.
fn arrive(state: &mut State, then: Leave) {
    match then {
        Leave::Quit => {
            state.over = true;
            state.outbox.push(Effect::Quit);
        }
        Leave::Open(name) => {
            begin(state, name);
            state.go(Screen::Index);
        }
    }
}

/// Opens `name` without a change of screen. Nothing may be open.
pub fn begin(state: &mut State, name: MailboxName) {
    let id = MailboxId(state.mint());
    if let Some(left) = state.mailbox.take() {
        // what was read or expunged there has changed its count
        state.folders.uncounted.push_back(left.name.clone());
        state.previous = Some(left.name);
    }
    state.message = None;
    let access = if state.options.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let text = named(state, "Opening folder ", &name, "");
    state.status.work(text, state.now);
    state.mailbox = Some(OpenMailbox::new(id, name.clone(), state.options.order));
    let mailbox = id;
    state.ask(
        Request::Open {
            mailbox,
            name,
            access,
        },
        Job::Open,
    );
}

/// The request to open has ended.
pub fn opened(state: &mut State, result: Result<()>) {
    state.status.progress = None;
    let Some(open) = &mut state.mailbox else {
        return;
    };
    if let Err(error) = result {
        open.failed = true;
        if state.leaving.is_some() {
            return;
        }
        let inbox = open.name.is_inbox();
        let name = open.name.clone();
        let text = named(state, "Cannot open folder ", &name, &format!(": {error}"));
        state.complain(text);
        if inbox {
            state.ask(Request::Doctor, Job::Doctor);
        } else if let Some(previous) = state.previous.take() {
            // a name typed wrong leads back to where one was, once
            begin(state, previous);
            state.previous = None;
        }
        return;
    }
    open.loaded = true;
    let start = open.next_interesting(0, false);
    open.move_to(start.unwrap_or(usize::MAX));
    let (count, unseen) = (open.len(), open.unseen());
    let order = open.order;
    let absent = open.list.state().is_some_and(|found| found.path.is_none());
    let (inbox, remote) = (open.name.is_inbox(), open.name.is_remote());
    let messages = match count {
        1 => " opened with 1 message".to_owned(),
        count => format!(" opened with {count} messages"),
    };
    let new = match unseen {
        0 => String::new(),
        unseen => format!(" - {unseen} new"),
    };
    let name = open.name.clone();
    let read_only = open.is_read_only();
    let text = named(state, "Folder ", &name, &format!("{messages}{new}"));
    state.say(text);
    if read_only && !state.options.read_only {
        tell_why_read_only(state);
    }
    if order.key != SortKey::Arrival && count > 1 {
        state.ask_mailbox(Ask::Sort(order), Job::Sort(order, Vec::new()));
    }
    if count == 0 && inbox && absent && !remote {
        state.ask(Request::Doctor, Job::Doctor);
    }
}

fn tell_why_read_only(state: &mut State) {
    let found = state.mailbox.as_ref().and_then(|open| open.list.state());
    let why = found.and_then(|found| found.why_read_only.clone());
    let text = match why {
        Some(why) => phrase("The folder is read-only: ", &why, ""),
        None => Printable::own("The folder is read-only"),
    };
    state.complain(text);
}

/// News of a mailbox.
pub fn changed(state: &mut State, id: MailboxId, change: &Change) {
    let Some(open) = state.mailbox.as_mut().filter(|open| open.id == id) else {
        return;
    };
    let was_read_only = open.is_read_only();
    let had_state = open.list.state().is_some();
    let was_empty = open.list.messages().is_empty();
    let ours = state
        .jobs
        .values()
        .any(|job| matches!(job, Job::Expunge(_)));
    open.apply(change, ours);
    match change {
        Change::Arrived(new) if open.loaded => {
            let count = new.len();
            if open.cursor.is_none() {
                open.move_to(0);
            }
            let name = open.name.clone();
            let text = match count {
                1 => named(state, "New mail in ", &name, "!"),
                count => named(state, &format!("{count} new messages in "), &name, "!"),
            };
            state.say(text);
            sort_again(state);
        }
        Change::State(_) if had_state && open.is_read_only() && !was_read_only => {
            tell_why_read_only(state);
        }
        Change::Expunged(gone) => {
            let shown = state.message.as_ref().map(|message| message.uid);
            if shown.is_some_and(|uid| gone.contains(uid)) {
                state.message = None;
                if matches!(state.screen, Screen::Text | Screen::Attachments) {
                    state.go(Screen::Index);
                }
            }
            if !ours && state.leaving.is_none() {
                tell_removed(state, gone.len());
            }
        }
        Change::Reset => replaced(state, was_empty),
        Change::Closed(Why::Failed(why)) => lost(state, why),
        _ => {}
    }
}

/// Another program has expunged.
fn tell_removed(state: &mut State, count: u64) {
    let Some(open) = &state.mailbox else {
        return;
    };
    let before = match count {
        1 => "Another program removed 1 message from ".to_owned(),
        count => format!("Another program removed {count} messages from "),
    };
    let text = named(state, &before, &open.name, "");
    state.complain(text);
}

/// Nothing that was known of the mailbox holds any longer. That is no news of one in which nothing was: its first mail
/// may make it one of another format.
fn replaced(state: &mut State, was_empty: bool) {
    state.message = None;
    if matches!(state.screen, Screen::Text | Screen::Attachments) {
        state.go(Screen::Index);
    }
    let name = state.mailbox.as_ref();
    let name = name.filter(|open| open.loaded && !was_empty);
    if let Some(name) = name.map(|open| open.name.clone()) {
        let after = " was replaced by another program; this is what is in it now";
        let text = named(state, "Folder ", &name, after);
        state.complain(text);
    }
}

/// New messages find their place in an index that is sorted.
fn sort_again(state: &mut State) {
    let order = state.mailbox.as_ref().map(|open| open.order);
    let sorting = state.is_busy_with(|job| matches!(job, Job::Sort(..)));
    if let Some(order) = order.filter(|order| order.key != SortKey::Arrival && !sorting) {
        state.ask_mailbox(Ask::Sort(order), Job::Sort(order, Vec::new()));
    }
}

fn lost(state: &mut State, why: &Foreign) {
    let name = match &state.mailbox {
        Some(open) => short_name(state, &open.name),
        None => return,
    };
    let text = Printable::concat(&[
        Printable::own("Folder \""),
        name,
        phrase("\" was closed: ", why, ""),
    ]);
    state.complain(text);
}
