//! The `os` floor under faults: the redo journal, the locks, atomic replacement.
#![allow(clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod bench;
mod boxes;
mod damaged;
mod helpers;
mod killed;
mod leftovers;
mod locks;
mod powerless;
mod replaced;
mod seized;
