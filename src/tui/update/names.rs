//! Folder names as users type them.

use crate::mail::name::MailboxName;
use crate::mail::text::Printable;
use crate::tui::state::state::State;

/// The mailbox that `typed` names: within the collection unless it says otherwise. Complains where it names none.
pub fn typed_name(state: &mut State, typed: &str) -> Option<MailboxName> {
    let typed = typed.trim();
    let full = if is_inside(typed) {
        format!("{}{typed}", state.options.default_prefix())
    } else {
        typed.to_owned()
    };
    match MailboxName::parse(full.as_bytes()) {
        Ok(name) => Some(name),
        Err(error) => {
            state.complain_own(format!("This is no folder name: {error}"));
            None
        }
    }
}

/// Whether a name that was typed means one within the collection.
pub fn is_inside(typed: &str) -> bool {
    !typed.eq_ignore_ascii_case("inbox") && !typed.starts_with(['/', '~', '#', '{'])
}

/// The name as people know it: without the collection's directory.
pub fn short_name(state: &State, name: &MailboxName) -> Printable {
    let whole = name.to_foreign();
    match whole.raw().strip_prefix(state.options.default_prefix()) {
        Some(rest) if !rest.is_empty() => crate::mail::text::Foreign::new(rest).field(),
        _ => whole.field(),
    }
}

/// `before` + the short name in quotes + `after`.
pub fn named(state: &State, before: &str, name: &MailboxName, after: &str) -> Printable {
    Printable::concat(&[
        Printable::own(format!("{before}\"")),
        short_name(state, name),
        Printable::own(format!("\"{after}")),
    ])
}
