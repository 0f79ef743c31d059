//! What the operating system lends: files, locks, the redo journal, atomic replacement, homes, the process's own name.

pub mod accounts;
pub mod dot_lock;
pub mod environment;
pub mod files;
pub mod formats;
pub mod guard;
pub mod hex;
pub mod home;
pub mod journal;
pub mod lock_helper;
pub mod lock_holder;
pub mod lock_keeper;
pub mod lock_names;
pub mod name_lock;
pub mod naming;
pub mod network;
pub mod openers;
pub mod process;
pub mod real_files;
pub mod replace;
pub mod trace;
pub mod transfer;
pub mod watch;
