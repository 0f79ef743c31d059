//! The languages of servers, as bytes only: nothing here opens a socket, waits, or knows the time.

pub mod imap;
pub mod sasl;
