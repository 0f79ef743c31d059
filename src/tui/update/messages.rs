//! What is done to one message, from the index or while reading it: delete, undelete, flag, jump.

use crate::backend::request::Ask;
use crate::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use crate::mail::name::MailboxName;
use crate::mail::summary::Summary;
use crate::mail::text::Printable;
use crate::mail::uid::{Uid, UidSet};
use crate::tui::state::flags::{FORWARDED, FlagScreen};
use crate::tui::state::job::Job;
use crate::tui::state::prompt::{Answer, Choice, Prompt, Purpose, Topic};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::{State, phrase};
use crate::tui::update::names::named;
use crate::tui::update::reading;

const FLAG_HELP: &str = "N new, * important, D deleted, A answered, F forwarded; ! first takes the flag away. ^T shows all flags and keywords.";
const JUMP_HELP: &str =
    "Type the number of a message. ^Y goes to the first one, ^V to the last one.";

/// The message that commands are about, where there is one; says so where there is none.
pub fn target(state: &mut State) -> Option<Uid> {
    let uid = match state.screen {
        Screen::Text | Screen::Attachments => state.message.as_ref().map(|shown| shown.uid),
        _ => state.mailbox.as_ref().and_then(|open| open.cursor),
    };
    if uid.is_none() {
        state.say_own("No messages in folder");
    }
    uid
}

/// The number of a message, as the index shows it.
pub fn number(state: &State, uid: Uid) -> usize {
    let open = state.mailbox.as_ref();
    open.and_then(|open| open.row_of(uid))
        .map_or(0, |row| row + 1)
}

fn summary(state: &State, uid: Uid) -> Option<&Summary> {
    state.mailbox.as_ref()?.list.message(uid)
}

/// Whether the mailbox may be changed; says so where not.
pub fn may_change(state: &mut State) -> bool {
    let read_only = state
        .mailbox
        .as_ref()
        .is_some_and(|open| open.is_read_only());
    if read_only {
        let found = state.mailbox.as_ref().and_then(|open| open.list.state());
        let why = found.and_then(|found| found.why_read_only.clone());
        let text = match why {
            Some(why) if !state.options.read_only => phrase(
                "The folder is read-only: ",
                &why,
                ". Nothing was changed. Open it again from the folder list to try once more",
            ),
            _ => Printable::own("The folder is read-only; nothing was changed"),
        };
        state.complain(text);
    }
    !read_only
}

/// Changes flags, and says `said` when that is done.
pub fn store(state: &mut State, uid: Uid, change: FlagChange, said: Option<Printable>) {
    state.ask_mailbox(Ask::Store(UidSet::one(uid), change), Job::Store(said));
}

/// Marks the message as deleted and goes to the next one that is not.
pub fn delete(state: &mut State) {
    let Some(uid) = target(state) else {
        return;
    };
    if !may_change(state) {
        return;
    }
    let change = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    let said = match number(state, uid) {
        last if state
            .mailbox
            .as_ref()
            .is_some_and(|open| open.len() == last) =>
        {
            "Last message marked for deletion".to_owned()
        }
        number => format!("Message {number} marked for deletion"),
    };
    store(state, uid, change, Some(Printable::own(said)));
    let Some(open) = &mut state.mailbox else {
        return;
    };
    let row = open.row_of(uid).unwrap_or(0);
    let deleted = |row: usize| {
        let summary = open.uid_at(row).and_then(|uid| open.list.message(uid));
        summary.is_some_and(|summary| summary.flags.has(SystemFlags::DELETED))
    };
    if let Some(next) = (row + 1..open.len()).find(|row| !deleted(*row)) {
        open.move_to(next);
        follow(state);
    }
}

/// While reading, shows the message under the cursor of the index.
pub fn follow(state: &mut State) {
    if matches!(state.screen, Screen::Text | Screen::Attachments) {
        reading::open_current(state);
    }
}

/// Takes the mark for deletion away.
pub fn undelete(state: &mut State) {
    let Some(uid) = target(state) else {
        return;
    };
    let deleted = summary(state, uid).is_some_and(|found| found.flags.has(SystemFlags::DELETED));
    if !deleted {
        state.say_own("Message not marked for deletion; no action taken");
        return;
    }
    if may_change(state) {
        let said = format!("Deletion mark removed from message {}", number(state, uid));
        let change = FlagChange::Remove(Flags::system(SystemFlags::DELETED));
        store(state, uid, change, Some(Printable::own(said)));
    }
}

/// Asks which flag to set.
pub fn ask_flag(state: &mut State, not: bool) {
    let Some(uid) = target(state) else {
        return;
    };
    if !may_change(state) {
        return;
    }
    let choice = |key, label| Choice {
        key,
        label,
        // as in Pine, Return marks what is important
        is_default: key == '*',
    };
    let choices = [
        choice('n', "New"),
        choice('*', "Important"),
        choice('d', "Deleted"),
        choice('a', "Answered"),
        choice('f', "Forwarded"),
        choice('!', if not { "Set" } else { "Not" }),
        choice('\u{14}', "To Flag Details"),
    ];
    let question = if not {
        "Take which flag away from"
    } else {
        "Flag"
    };
    let question = format!("{question} message {} as : ", number(state, uid));
    let purpose = Purpose::Flag { uid, not };
    let prompt = Prompt::choice(Printable::own(question), purpose, &choices, FLAG_HELP);
    state.prompt = Some(prompt);
}

/// The flag was chosen.
pub fn flag_chosen(state: &mut State, uid: Uid, not: bool, key: char) {
    let system = |flag| Flags::system(flag);
    let (flags, name) = match key {
        '!' => return ask_flag(state, !not),
        '\u{14}' => return show_flags(state, uid),
        'n' => (system(SystemFlags::SEEN), "New"),
        '*' => (system(SystemFlags::FLAGGED), "Important"),
        'd' => (system(SystemFlags::DELETED), "Deleted"),
        'a' => (system(SystemFlags::ANSWERED), "Answered"),
        _ => {
            let forwarded = Keyword::new(FORWARDED).into_iter().collect();
            (Flags::new(SystemFlags::NONE, forwarded), "Forwarded")
        }
    };
    // New is the absence of \Seen
    let add = not == (key == 'n');
    let change = if add {
        FlagChange::Add(flags)
    } else {
        FlagChange::Remove(flags)
    };
    let verb = if not { "no longer flagged" } else { "flagged" };
    let said = format!("Message {} {verb} as {name}", number(state, uid));
    store(state, uid, change, Some(Printable::own(said)));
}

/// Shows the flag screen.
pub fn show_flags(state: &mut State, uid: Uid) {
    let Some(open) = &state.mailbox else {
        return;
    };
    let Some(found) = open.list.message(uid) else {
        return;
    };
    let defined = open.list.state();
    let keywords = defined.map_or(&[][..], |defined| &defined.keywords);
    let new = defined.is_some_and(|defined| defined.new_keywords);
    let screen = FlagScreen::new(uid, &found.flags, keywords, new);
    state.flags = Some((screen, state.screen));
    state.go(Screen::Flags);
}

/// Asks for a message number; `typed` is what was typed already.
pub fn ask_number(state: &mut State, typed: &str) {
    if state.mailbox.as_ref().is_none_or(|open| open.is_empty()) {
        state.say_own("No messages in folder");
        return;
    }
    let question = Printable::own("Message number to jump to : ");
    let prompt = Prompt::text(question, Purpose::Jump, Topic::Nothing, JUMP_HELP)
        .with_key('y', "First Msg")
        .with_key('v', "Last Msg")
        .typed(typed);
    state.prompt = Some(prompt);
}

/// Goes to the message with this number.
pub fn jump(state: &mut State, typed: &str) {
    let Some(open) = &mut state.mailbox else {
        return;
    };
    let number: Option<usize> = typed.trim().parse().ok();
    match number {
        Some(number) if (1..=open.len()).contains(&number) => {
            open.move_to(number - 1);
            follow(state);
        }
        Some(_) => {
            let last = open.len();
            state.complain_own(format!("The folder has messages 1 to {last}"));
        }
        None => state.complain_own("This is no message number"),
    }
}

/// Goes to the next message that is new or important.
pub fn next_new(state: &mut State) {
    let Some(open) = &mut state.mailbox else {
        return;
    };
    let from = open.cursor_row().map_or(0, |row| row + 1);
    match open.next_interesting(from, true) {
        Some(row) => {
            open.move_to(row);
            follow(state);
        }
        None => match next_group(state) {
            Some(name) => {
                let question = named(state, "No more new messages; view newsgroup ", &name, "?");
                let purpose = Purpose::NextGroup(name);
                state.prompt = Some(Prompt::yes_no(question, purpose, Answer::Yes, NEXT_HELP));
            }
            None => state.say_own("No more new messages in folder"),
        },
    }
}

const NEXT_HELP: &str =
    "Yes opens the next newsgroup of the list in which something was not read. No stays here.";

/// The newsgroup behind the open one in the list, with something that was not read.
fn next_group(state: &State) -> Option<MailboxName> {
    let open = state.mailbox.as_ref().filter(|open| open.is_news())?;
    let mut entries = state.folders.entries.iter();
    entries.find(|entry| entry.folder() == Some(&open.name))?;
    let unread = entries.find(|entry| state.unseen_in(entry) > 0);
    unread.and_then(|entry| entry.folder().cloned())
}

/// Moves the cursor of the index by `step` rows; says so at either end.
pub fn step(state: &mut State, step: isize) {
    let Some(open) = &mut state.mailbox else {
        return;
    };
    let Some(row) = open.cursor_row() else {
        state.say_own("No messages in folder");
        return;
    };
    let last = open.len().saturating_sub(1);
    let wanted = row.saturating_add_signed(step);
    if wanted == row || row == last && step > 0 {
        state.say_own(if step > 0 {
            "No more messages in folder"
        } else {
            "Already on first message"
        });
        return;
    }
    open.move_to(wanted.min(last));
    follow(state);
}
