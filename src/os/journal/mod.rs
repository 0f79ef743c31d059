//! The redo journal: a mailbox file keeps its inode and is rewritten in place, yet is whole again after any crash.

pub mod error;
pub mod plan;
pub mod redo;
