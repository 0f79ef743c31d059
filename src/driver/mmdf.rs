//! The driver `mmdf`: one file, every message between two lines of four 0x01 bytes.

use std::sync::Arc;

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::layout::file::driver::FileDriver;
use crate::driver::layout::file::format::{EmptyFile, Format};
use crate::driver::layout::file::framing::Framing;
use crate::os::environment::Environment;

/// Makes the driver.
pub enum Mmdf {}

impl Mmdf {
    /// A driver for this environment.
    #[allow(
        clippy::new_ret_no_self,
        reason = "the engine is the driver; this names its format"
    )]
    pub fn new(environment: &Arc<Environment>) -> FileDriver {
        FileDriver::new(environment, &FORMAT)
    }
}

static FORMAT: Format = Format {
    characteristics: &CHARACTERISTICS,
    framing: &Framing::DELIMITERS,
    empty: EmptyFile::IsNobodys,
};

static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "mmdf",
    concurrent_access: Ability::Limited(
        "one writer; readers see new mail, and other programs may append meanwhile",
    ),
    shared_expunge: Ability::Limited("by the writer; readers follow"),
    sticky_uids: Ability::Yes,
    keywords: Ability::Yes,
    submailboxes: Ability::No,
    nfs: Ability::Limited("safe on one host"),
    performance: "good",
    layout: "file",
};
