//! Mailboxes on IMAP servers of every age.

pub mod account;
pub mod append;
pub mod bodies;
pub mod changing;
pub mod connect;
pub mod connections;
pub mod copying;
pub mod driver;
pub mod headers;
pub mod kept_headers;
pub mod login;
pub mod mailbox;
pub mod manage;
pub mod memory;
pub mod missing;
pub mod opening;
pub mod outline;
pub mod reading;
pub mod searching;
pub mod sequence;
pub mod session;
pub mod talk;
pub mod traced;
pub mod verbs;
pub mod view;
pub mod waiting;
