//! The engine of the formats that keep a message's state in one line in front of it, of fixed places that are overwritten.

pub mod append;
pub mod contents;
pub mod ends;
pub mod expunge;
pub mod format;
pub mod growth;
pub mod header;
pub mod line;
pub mod locks;
pub mod mailbox;
pub mod manage;
pub mod memory;
pub mod news;
pub mod parts;
pub mod patches;
mod reading;
pub mod record;
pub mod refresh;
pub mod repair;
pub mod scan;
pub mod store;
mod stretch;
pub mod words;
