//! Mugo, a terminal mail client.
pub mod backend;
pub mod cli;
pub mod config;
pub mod driver;
pub mod mail;
pub mod mime;
pub mod os;
pub mod present;
pub mod start;
pub mod tui;
