//! The driver `maildir`: a folder with `cur`, `new` and `tmp`, one file for each message.

pub mod append;
pub mod driver;
pub mod folder;
pub mod letters;
pub mod mailbox;
pub mod manage;
pub mod measure;
pub mod name;
pub mod refresh;
pub mod row;
pub mod uid_log;
