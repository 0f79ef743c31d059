//! Copying a whole folder to another one, and the receipt for it.

use crate::backend::error::{Error, Result};
use crate::backend::request::{Ask, Request};
use crate::mail::name::MailboxName;
use crate::mail::receipt::Receipt;
use crate::mail::text::Printable;
use crate::present::receipt::receipt_lines;
use crate::tui::state::job::Job;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::listing;
use crate::tui::update::names::named as phrase_of;

/// Begins. What was changed in the open folder and is not on disk yet is brought there first, to come along.
pub fn begin(state: &mut State, from: MailboxName, to: MailboxName) {
    let open = state.mailbox.as_ref().filter(|open| open.is_open());
    if open.is_some_and(|open| open.name == from && !open.is_read_only()) {
        state.ask_mailbox(Ask::Check, Job::CheckAndTransfer(from, to));
        return;
    }
    pour(state, from, to);
}

/// The open folder is on disk as it is shown: goes on.
pub fn checked(state: &mut State, from: MailboxName, to: MailboxName, result: Result<()>) {
    match result {
        Ok(()) => pour(state, from, to),
        Err(error) => state.complain_own(format!("The transfer was not begun: {error}")),
    }
}

fn pour(state: &mut State, from: MailboxName, to: MailboxName) {
    let text = phrase_of(state, "Transferring ", &from, "");
    state.status.work(text, state.now);
    let job = Job::Transfer(to.without_format(), None);
    state.ask(Request::Transfer { from, to }, job);
}

/// It has ended: shows the receipt, where there is one.
pub fn ended(
    state: &mut State,
    to: &MailboxName,
    receipt: Option<Box<Receipt>>,
    result: Result<()>,
) {
    state.status.progress = None;
    listing::list(state);
    if let Some(receipt) = &receipt {
        keep(state, to, receipt);
    }
    match (result, receipt) {
        (Ok(()), Some(receipt)) => {
            let same = if receipt.is_exact() {
                ", all the same".to_owned()
            } else {
                format!(", with {} differences", receipt.different)
            };
            let count = receipt.messages;
            let said = phrase_of(state, &format!("{count} messages copied to "), to, &same);
            state.say(said);
        }
        (Ok(()), None) => {}
        (Err(Error::Cancelled), _) => state.say_own("Transfer cancelled; nothing was copied"),
        (Err(error), _) => state.complain_own(format!("The transfer failed: {error}")),
    }
}

fn keep(state: &mut State, to: &MailboxName, receipt: &Receipt) {
    let width = usize::from(state.areas().alone.width);
    let mut lines = vec![
        phrase_of(state, "Receipt for ", to, ""),
        Printable::default(),
    ];
    lines.extend(receipt_lines(receipt, width));
    let lines: Vec<&str> = lines.iter().map(Printable::as_str).collect();
    state.receipt = Some(lines.join("\n"));
}

/// Shows a receipt once the folder list is there to come back to.
pub fn settle(state: &mut State) {
    let free = state.screen == Screen::Folders && state.prompt.is_none();
    if let Some(receipt) = state.receipt.take_if(|_| free) {
        state.show_text("RECEIPT", &receipt);
    }
}
