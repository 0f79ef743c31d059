//! The driver `mx`: a directory with an index of flags, one file for each message.

pub mod append;
pub mod changes;
pub mod driver;
pub mod index;
pub mod index_file;
pub mod kept;
pub mod mailbox;
pub mod manage;
mod record;
pub mod row;
