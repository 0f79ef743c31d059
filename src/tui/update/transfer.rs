//! Copying a whole folder to another one, and the receipt for it.

use crate::backend::error::{Error, Result};
use crate::backend::request::Request;
use crate::mail::name::MailboxName;
use crate::mail::receipt::Receipt;
use crate::mail::text::Printable;
use crate::present::receipt::receipt_lines;
use crate::tui::state::job::Job;
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;
use crate::tui::update::listing;
use crate::tui::update::names::named as phrase_of;

/// Begins.
pub fn begin(state: &mut State, from: MailboxName, to: MailboxName) {
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
