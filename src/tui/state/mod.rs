//! What the screen knows: plain data, no handles, no channels, no clock.

pub mod accounts;
pub mod asking;
pub mod browser;
pub mod flags;
pub mod folders;
pub mod job;
pub mod line_edit;
pub mod mailbox;
pub mod message;
pub mod pager;
pub mod prompt;
pub mod screen;
#[expect(clippy::module_inception, reason = "it holds the struct State")]
pub mod state;
pub mod status;
