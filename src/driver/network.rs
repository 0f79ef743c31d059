//! Mailboxes on network file systems, where `flock` protects nobody from programs on other machines.
//!
//! Formats with dot locks are written there all the same: those locks hold over NFS. Formats that know only kernel locks
//! (mbx, tenex, mtx) open read-only, unless the settings say otherwise.

use std::path::Path;

use crate::driver::characteristics::Ability;
use crate::os::environment::Environment;

/// What formats that know only kernel locks can do there.
pub const READ_ONLY: Ability =
    Ability::Limited("read-only, unless local.nfs_writes says otherwise");

/// What is told when a mailbox with dot locks is opened for writing there.
pub const CAUTION: &str =
    "it is on a network file system, where only lock files keep programs on other machines away";

/// Why a mailbox at `path` in a format that knows only kernel locks is not written; `None` where it may be.
pub fn forbids_writing(environment: &Environment, path: &Path) -> Option<&'static str> {
    let forbidden = !environment.formats.nfs_writes && is_on_network(environment, path);
    forbidden.then_some(
        "it is on a network file system, where this format has no safe locks; \
         local.nfs_writes = true writes it all the same",
    )
}

/// Whether `path`, or the first folder above it that exists, is on a network file system.
pub fn is_on_network(environment: &Environment, path: &Path) -> bool {
    let known = |path| environment.files.is_network(path).ok();
    path.ancestors().find_map(known).unwrap_or(false)
}
