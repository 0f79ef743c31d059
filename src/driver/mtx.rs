//! The driver `mtx`: one file, every message behind a line with its size and flags in octal; lines that end in CRLF.

use std::sync::Arc;

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::layout::prefile::format::{Format, Newline, State};
use crate::driver::network;
use crate::driver::octal::Octal;
use crate::os::environment::Environment;

/// The driver for this environment.
pub fn driver(environment: &Arc<Environment>) -> Octal {
    Octal::new(environment, &FORMAT, &CHARACTERISTICS)
}

/// The format.
pub static FORMAT: Format = Format {
    driver: "mtx",
    newline: Newline::CrLf,
    state: State::Bare,
};

static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "mtx",
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Limited("put off until nobody else has it open"),
    sticky_uids: Ability::Limited("kept in the state folder, by this program alone"),
    keywords: Ability::Limited(
        "those beyond `local.keywords` are kept in the state folder, by this program alone",
    ),
    submailboxes: Ability::No,
    nfs: network::READ_ONLY,
    performance: "excellent",
    layout: "file",
};
