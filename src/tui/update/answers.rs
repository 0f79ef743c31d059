//! What happens when a question is answered.

use crate::mail::name::MailboxName;
use crate::tui::state::prompt::{Leave, Purpose};
use crate::tui::state::state::State;
use crate::tui::update::names::typed_name;
use crate::tui::update::{
    files, flags, folders, formats, index, link, messages, opening, questions, save, scan,
    subscribe, transfer, transfer_to, whereis,
};

/// A text was typed, or the default taken; it is not empty.
pub fn text(state: &mut State, purpose: Purpose, typed: &str) {
    match purpose {
        Purpose::Goto => {
            if let Some(name) = typed_name(state, typed) {
                opening::open(state, name);
            }
        }
        Purpose::Save { uid, delete } => save::named_folder(state, uid, delete, typed),
        Purpose::Export(uid) => files::export(state, uid, typed),
        Purpose::SavePart(uid, section) => files::save_part(state, uid, section, typed),
        Purpose::Jump => messages::jump(state, typed),
        Purpose::Pipe(uid) => files::pipe(state, uid, None, typed),
        Purpose::PipePart(uid, section) => files::pipe(state, uid, Some(section), typed),
        Purpose::Whereis(from) => {
            whereis::back_to(state, from.as_ref());
            whereis::search(state, typed);
        }
        Purpose::AddFolder => folders::add(state, typed),
        Purpose::SubscribeGroup => subscribe::typed(state, typed),
        Purpose::Transfer(from) => transfer_to::named(state, from, typed),
        Purpose::ScanFolders => scan::begin(state, typed),
        Purpose::RenameFolder(from) => folders::rename(state, from, typed),
        Purpose::AddKeyword => flags::add_keyword(state, typed),
        Purpose::Password(ticket, number) => questions::typed(state, ticket, number, typed),
        _ => {}
    }
}

/// A key was chosen.
pub fn choice(state: &mut State, purpose: Purpose, key: char) {
    let yes = key == 'y';
    match purpose {
        Purpose::Quit if yes => opening::leave(state, Leave::Quit),
        Purpose::Expunge if yes => opening::expunge(state),
        Purpose::ExpungeAndLeave(then) if yes => opening::expunge_and_close(state, then),
        Purpose::ExpungeAndLeave(then) => opening::close(state, then),
        Purpose::CreateAndSave { uid, delete, to } if yes => {
            save::copy(state, uid, delete, to, true);
        }
        Purpose::DeleteFolder(name) if yes => folders::delete(state, name),
        Purpose::CatchUp if yes => index::catch_up(state),
        Purpose::NextGroup(name) if yes => opening::open(state, name),
        Purpose::Unsubscribe(name) if yes => subscribe::begin(state, name, false),
        Purpose::Format { name, from } => formats::chosen(state, &name, from, key),
        Purpose::AddTo(from, to) if yes => transfer::begin(state, from, to),
        Purpose::FollowLink(url) if yes => link::follow(state, url),
        Purpose::Locked(ticket, number) => questions::answered(state, ticket, number, key),
        Purpose::Certificate(ticket, number) => questions::judged(state, ticket, number, key),
        Purpose::FileExists(job) => files::write_anyway(state, job, key),
        Purpose::Sort => index::sort_chosen(state, key),
        Purpose::Flag { uid, not } => messages::flag_chosen(state, uid, not, key),
        other => cancelled(state, &other),
    }
}

/// A key of its own was pressed at a question for a text.
pub fn special(state: &mut State, purpose: &Purpose, key: char) {
    match (purpose, key) {
        (Purpose::Save { .. }, 'r') => save::toggle_delete(state),
        (Purpose::Goto, 'w') => {
            state.prompt = None;
            opening::open(state, MailboxName::inbox());
        }
        (Purpose::Jump, 'y' | 'v') => {
            state.prompt = None;
            let last = state.mailbox.as_ref().map_or(1, |open| open.len());
            let number = if key == 'y' { 1 } else { last };
            messages::jump(state, &number.to_string());
        }
        (Purpose::Whereis(_), 'y' | 'v') => {
            state.prompt = None;
            whereis::to_end(state, key == 'v');
        }
        _ => {}
    }
}

/// The question was not answered, or with no: nothing changes.
pub fn cancelled(state: &mut State, purpose: &Purpose) {
    let what = match purpose {
        Purpose::Quit | Purpose::FollowLink(_) => return,
        Purpose::Locked(ticket, _)
        | Purpose::Password(ticket, _)
        | Purpose::Certificate(ticket, _) => return questions::cancelled(state, *ticket),
        Purpose::Expunge => "Expunge",
        Purpose::ExpungeAndLeave(Leave::Quit) => "Quit",
        Purpose::ExpungeAndLeave(Leave::Open(_)) | Purpose::Goto => "Goto",
        Purpose::Save { .. } | Purpose::CreateAndSave { .. } => "Save message",
        Purpose::Export(_) => "Export message",
        Purpose::SavePart(..) => "Save attachment",
        Purpose::FileExists(_) => "Writing the file",
        Purpose::Sort => "Sort",
        Purpose::Flag { .. } => "Flag",
        Purpose::Jump => "Jump",
        Purpose::Pipe(_) | Purpose::PipePart(..) => "Pipe",
        Purpose::Whereis(from) => {
            whereis::back_to(state, from.as_ref());
            "Search"
        }
        Purpose::AddFolder | Purpose::Format { from: None, .. } => "Add folder",
        Purpose::Format { .. } | Purpose::Transfer(_) | Purpose::AddTo(..) => "Transfer",
        Purpose::ScanFolders => "Search",
        Purpose::DeleteFolder(_) => "Delete folder",
        Purpose::CatchUp => "Catch up",
        Purpose::NextGroup(_) => "Next newsgroup",
        Purpose::SubscribeGroup => "Subscribe",
        Purpose::Unsubscribe(_) => "Unsubscribe",
        Purpose::RenameFolder(_) => "Rename folder",
        Purpose::AddKeyword => "Add keyword",
    };
    state.say_own(format!("{what} cancelled"));
}
