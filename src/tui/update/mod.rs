//! What happens when something comes in: state and message to new state and effects. Pure: no I/O, no clock.
//!
//! Files import downwards in this order: `update`, `prompt`, `answers`, `events`, the screens, then what they share.

pub mod about;
pub mod answers;
pub mod attachments;
pub mod browser;
pub mod complete;
pub mod events;
pub mod everywhere;
pub mod files;
pub mod flags;
pub mod folders;
pub mod formats;
pub mod help;
pub mod index;
pub mod link;
pub mod listing;
pub mod main_menu;
pub mod messages;
pub mod mouse;
pub mod names;
pub mod opening;
pub mod outcomes;
pub mod pager;
pub mod pieces;
pub mod prompt;
pub mod questions;
pub mod reading;
pub mod save;
pub mod scan;
pub mod select;
pub mod settle;
pub mod subscribe;
pub mod text;
pub mod trace;
pub mod transfer;
pub mod transfer_to;
#[expect(clippy::module_inception, reason = "it holds the function update")]
pub mod update;
pub mod whereis;
