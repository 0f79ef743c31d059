//! Content that the backend sends.

use crate::backend::event::Piece;
use crate::backend::request::Ticket;
use crate::tui::state::job::Job;
use crate::tui::state::state::State;
use crate::tui::update::{listing, reading};

/// The most bytes of one message that are kept for a file, a program or a screen.
const LARGEST: usize = 512 << 20;

/// Takes in a piece.
pub fn piece(state: &mut State, ticket: Ticket, piece: Piece) {
    match piece {
        Piece::View(_, document) => return reading::arrived(state, ticket, document),
        Piece::Listed(entries) => return listing::found(state, entries),
        Piece::Status(status) => {
            if let Some(Job::Count(name)) = state.jobs.get(&ticket) {
                state.folders.count(name, status.unseen);
            }
            return;
        }
        Piece::Finding(finding) => {
            if let Some(open) = &mut state.mailbox {
                open.findings.push(finding);
            }
            return;
        }
        Piece::Envelopes(envelopes) => {
            let known = matches!(state.jobs.get(&ticket), Some(Job::Envelopes(..)));
            if let Some(open) = state.mailbox.as_mut().filter(|_| known) {
                open.keep_envelopes(envelopes);
            }
            return;
        }
        Piece::Bytes(more) => {
            if let Some(Job::Read(_, bytes)) = state.jobs.get_mut(&ticket)
                && bytes.len() + more.len() <= LARGEST
            {
                bytes.extend_from_slice(&more);
            }
            return;
        }
        Piece::Found(found) => match state.jobs.get_mut(&ticket) {
            Some(Job::Sort(_, uids) | Job::Search(_, uids)) => uids.extend(found),
            _ => {}
        },
        Piece::Structures(_) | Piece::Appended(_) | Piece::Copied(..) => {}
    }
}
