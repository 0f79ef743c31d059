//! The scripting face: one verb a file, JSON or plain lines, exit codes.

pub mod about;
pub mod append;
pub mod args;
pub mod client;
pub mod copy;
pub mod doctor;
pub mod expunge;
pub mod failure;
pub mod flag;
pub mod index;
pub mod json;
pub mod list;
pub mod names;
pub mod open;
pub mod output;
pub mod progress;
pub mod read;
pub mod records;
pub mod run;
pub mod search;
pub mod setup;
pub mod show;
pub mod status;
pub mod terminal;
pub mod transfer;
pub mod watch;
