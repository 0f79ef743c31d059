//! What mailboxes have no room for, kept outside of them in the state folder: of tenex and mtx UIDs, keywords without a bit,
//! and which messages wait to be expunged, by the content of each; of other formats logs of what they need.

pub mod follow;
pub mod log;
pub mod names;
pub mod table;
pub mod uids;
