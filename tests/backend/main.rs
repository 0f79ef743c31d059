//! The backend over a store in memory: its laws for threads and tasks alike, copies between mailboxes, short jobs.

#[path = "../common/mod.rs"]
mod common;

mod carried;
mod conflicts;
mod copies;
mod ends;
mod face;
mod jobs;
mod laws;
mod locked;
mod moves;
mod questions;
mod reading;
mod real;
mod snarf;
mod toy;
mod transfers;
mod watched;
