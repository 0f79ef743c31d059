//! The engine of the traditional formats: messages one behind the other in a text file, state kept in their headers.

pub mod access;
pub mod append;
pub mod content;
pub mod contents;
mod delimited;
pub mod driver;
pub mod filter;
pub mod format;
pub mod framing;
pub mod from_line;
pub mod handing;
pub mod header;
pub mod holes;
pub mod mailbox;
pub mod manage;
pub mod metadata;
pub mod news;
pub mod opener;
pub mod read_ahead;
mod reading;
pub mod record;
pub mod refresh;
pub mod repair;
pub mod rewrite;
pub mod scan;
pub mod target;
pub mod window;
