//! The driver `mh`: a directory below that of all MH mailboxes, one file for each message, flags as sequences.

pub mod append;
pub mod driver;
pub mod entry;
pub mod expunge;
pub mod files;
pub mod folder;
pub mod known;
pub mod locking;
pub mod mailbox;
pub mod manage;
pub mod members;
pub mod profile;
pub mod recovery;
pub mod refresh;
pub mod register;
pub mod row;
pub mod sequence_file;
pub mod sequences;
pub mod store;
pub mod words;
