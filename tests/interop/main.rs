//! Mugo beside the real programs on the same mailboxes, and Mugo stopped from outside in the middle of its work.
//!
//! Each test names the program it needs. Where that is missing the test says so by name on standard error and passes;
//! with `MUGO_PEERS=1` (as `tests/run` sets it) it fails instead. `MUGO_NIGHT=1` runs every point of the long loops.

mod alternate;
mod checker;
mod delivery;
mod faults;
mod formats;
mod full_disk;
mod home;
mod inbox;
mod listing;
mod maildir;
mod news;
mod nmh;
mod peers;
mod prefile;
mod readers;
mod signals;
#[allow(
    dead_code,
    reason = "the benches use parts that these tests do not need"
)]
#[path = "../pty/terminal.rs"]
mod terminal;
mod two;
