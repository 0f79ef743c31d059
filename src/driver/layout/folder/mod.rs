//! Mailboxes that are directories, with a file for each message.

pub mod cache;
pub mod directory;
pub mod driver;
pub mod in_threads;
pub mod message_file;
pub mod numbers;
pub mod pending;
pub mod staged;
pub mod standing;
pub mod whole_file;
