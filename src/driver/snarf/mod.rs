//! Snarfing: the new mail of one mailbox, most often the spool, is moved into another one, in whatever formats they are.

pub mod batch;
pub mod leftovers;
pub mod mover;
pub mod quiet;
pub mod record;
pub mod route;
