//! What tenex and mtx mailboxes have no room for, kept outside of them in the state folder: UIDs, keywords without a bit,
//! and which messages wait to be expunged. It follows each message by its content.

pub mod follow;
pub mod names;
pub mod table;
pub mod uids;
