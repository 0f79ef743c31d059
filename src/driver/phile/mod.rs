//! The driver `phile`: a file that is no mailbox, shown as one message.

pub mod driver;
pub mod identity;
pub mod message;
pub mod sniff;
