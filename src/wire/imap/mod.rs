//! IMAP of every age: cutting the server's bytes into responses, understanding them, writing commands.

pub mod capability;
pub mod command;
pub mod cursor;
pub mod fetch;
pub mod level;
pub mod names;
pub mod quota;
pub mod reader;
pub mod response;
pub mod search;
pub mod status;
pub mod structure;
