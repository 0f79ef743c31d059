//! What the operating system lends: files, locks, the redo journal, atomic replacement, homes, the process's own name.

pub mod environment;
pub mod files;
