//! The local drivers: laws that hold for all of them, and the rules of each.

#[path = "../common/mod.rs"]
mod common;

mod desk;
mod dummy;
mod fixtures;
mod phile;
mod unix;
