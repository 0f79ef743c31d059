//! The redo journal: a mailbox file keeps its inode and is rewritten in place, yet is whole again after any crash.
//!
//! A journal file is a sealed header and two slots of equal size. The header says what is to become of the mailbox; a
//! slot holds a sealed record: the bytes that the present window writes. Records go to the two slots in turn, and
//! a record is written only when the window before it is on disk, so the newest valid record tells where a change
//! stands. A journal is made under the name `*.new` and renamed when it is on disk: a `*.journal` was whole once.

pub mod error;
pub mod note;
pub mod plan;
pub mod redo;

mod bytes;
mod check;
mod header;
mod order;
mod packed;
mod record;
mod recovery;
mod run;
mod store;
mod stream;
