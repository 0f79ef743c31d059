//! UIDs of mailboxes whose format has none, kept outside of them in the state folder.

pub mod follow;
pub mod names;
pub mod table;
pub mod uids;
