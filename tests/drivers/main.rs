//! The local drivers: laws that hold for all of them, and the rules of each.

#[path = "../common/mod.rs"]
mod common;

mod beside;
mod contract;
mod desk;
mod dummy;
mod faults;
mod fixtures;
mod hostile;
mod maildir;
mod mbox;
mod mbx;
mod meddling;
mod mh;
mod mix;
mod mmdf;
mod model;
mod mx;
mod network;
mod news;
mod news_faults;
mod octal;
mod others;
mod phile;
mod prefile_faults;
mod prefile_hostile;
mod repair;
mod snarf;
mod spool;
mod unix;
mod writers;
