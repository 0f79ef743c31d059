//! Screens: keys and sizes go into the state, which talks to a real backend over a scratch mailbox; what comes out is
//! drawn into memory and compared. No terminal, no clock, no sleeping.

#[path = "../common/mod.rs"]
mod common;
#[path = "../pty/terminal.rs"]
#[allow(dead_code)]
mod terminal;

mod bench;
mod browser;
mod chaos;
mod folders;
mod keys;
mod large;
mod locked;
mod looks;
mod news;
mod program;
mod questions;
mod servers;
mod snarf;
