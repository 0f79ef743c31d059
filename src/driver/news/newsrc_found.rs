//! `.newsrc` as it is found, and where it stays as it was.

use std::path::{Path, PathBuf};

use crate::driver::layout::file::access::Stamp;
use crate::driver::news::newsrc::Newsrc;

/// What was read, and what tells that it changed since.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// The file; empty where there is none.
    pub newsrc: Newsrc,
    /// `None` where there is none.
    pub stamp: Option<Stamp>,
}

/// The largest file that is read, in bytes.
pub const LARGEST: u64 = 64 << 20;
/// Where the file stays as it was before the last change.
pub fn old_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".old");
    name.into()
}
