//! Mailboxes on IMAP servers: the real program and the driver against real Dovecot, and against servers made up for a test, old
//! ones and hostile ones.
//!
//! Tests with Dovecot say by name that they were not run where it is missing; with `MUGO_PEERS=1` that is a failure. Courier is unpacked by `tests/run` where that can be done.

mod again;
mod cancel;
#[path = "../common/mod.rs"]
mod common;
mod contract;
mod counts;
mod courier;
mod cut;
mod desk;
mod dovecot;
mod fake;
mod home;
mod hostile;
mod kept;
mod killed;
mod levels;
mod others;
mod outline;
#[allow(dead_code, reason = "not every loop is here")]
#[path = "../interop/peers.rs"]
mod peers;
mod piped;
mod proxy;
mod real;
mod script;
mod squeezed;
#[allow(dead_code, reason = "screens of whole programs need more of it")]
#[path = "../pty/terminal.rs"]
mod terminal;
mod tls;
