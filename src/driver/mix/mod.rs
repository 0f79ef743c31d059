//! The driver `mix`: a directory with three small files of metadata, and files that hold many messages each.

pub mod append;
pub mod changes;
pub mod contents;
pub mod data;
pub mod driver;
pub mod expunge;
pub mod fields;
pub mod front;
pub mod index;
pub mod locked;
pub mod mailbox;
pub mod manage;
pub mod meta;
pub mod names;
pub mod reading;
pub mod reclaim;
pub mod repair;
pub mod row;
pub mod small;
pub mod status;
pub mod store;
pub mod wasteful;
