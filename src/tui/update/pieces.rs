//! Content that the backend sends.

use crate::backend::event::Piece;
use crate::backend::request::Ticket;
use crate::tui::effect::Effect;
use crate::tui::state::job::Job;
use crate::tui::state::state::State;
use crate::tui::update::{about, complete, listing, reading, trace};

/// The most bytes of one message that are kept for a file, a program or a screen.
const LARGEST: usize = 512 << 20;

/// Takes in a piece.
pub fn piece(state: &mut State, ticket: Ticket, piece: Piece) {
    match piece {
        Piece::View(_, document) => reading::arrived(state, ticket, document),
        Piece::Listed(entries) => match state.jobs.get_mut(&ticket) {
            Some(Job::Complete { prefix, names, .. }) => complete::found(prefix, names, &entries),
            Some(Job::Scan(_, found, _)) => found.extend(entries),
            Some(Job::List | Job::ListSubscribed) => listing::found(state, entries),
            // Nobody waits for it any more.
            _ => {}
        },
        Piece::Status(status) => {
            if let Some(Job::Count(name)) = state.jobs.get(&ticket) {
                state.folders.count(name, status.unseen);
            }
        }
        Piece::Unseen(counts) => {
            for (name, unseen) in counts {
                state.folders.count(&name, unseen);
            }
        }
        Piece::Finding(finding) => {
            if let Some(open) = &mut state.mailbox {
                open.findings.push(finding);
            }
        }
        Piece::Envelopes(envelopes) => {
            let known = matches!(state.jobs.get(&ticket), Some(Job::Envelopes));
            if let Some(open) = state.mailbox.as_mut().filter(|_| known) {
                open.keep_envelopes(envelopes.keep());
            }
        }
        Piece::Bytes(more) => bytes(state, ticket, &more),
        Piece::Found(found) => {
            if let Some(Job::Sort(_, uids) | Job::Search(_, uids)) = state.jobs.get_mut(&ticket) {
                uids.extend(found);
            }
        }
        Piece::Structures(_) | Piece::Appended(_) | Piece::Copied(..) | Piece::Root(_) => {}
        Piece::Traced(lines, count) => {
            if let Some(Job::Trace(seen)) = state.jobs.get(&ticket) {
                trace::told(state, *seen, &lines, count);
            }
        }
        Piece::About(about) => about::told(state, &about),
        Piece::Receipt(receipt) => {
            if let Some(Job::Transfer(_, kept)) = state.jobs.get_mut(&ticket) {
                *kept = Some(receipt);
            }
        }
    }
}

/// Keeps bytes of a message; one that is too large is given up, never cut short in silence.
fn bytes(state: &mut State, ticket: Ticket, more: &[u8]) {
    let Some(Job::Read(_, bytes)) = state.jobs.get_mut(&ticket) else {
        return;
    };
    if bytes.len() + more.len() <= LARGEST {
        bytes.extend_from_slice(more);
        return;
    }
    state.jobs.remove(&ticket);
    state.outbox.push(Effect::Cancel(ticket));
    state.complain_own("The message is larger than 512 MB; nothing was done with it");
}
