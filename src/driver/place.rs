//! Where a local mailbox lives.

use std::path::PathBuf;

use crate::mail::name::MailboxName;

/// The file or folder that a name came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The name as the user knows it.
    pub name: MailboxName,
    /// The file or folder.
    pub path: PathBuf,
    /// Whether this is INBOX.
    pub is_inbox: bool,
    /// Permission bits of what is created here.
    pub protection: Protection,
}

/// Permission bits of new files and directories.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Protection {
    /// Of a file.
    pub file: u32,
    /// Of a directory.
    pub directory: u32,
}

impl Protection {
    /// The user's own mail: 0600 and 0700.
    pub const PRIVATE: Self = Self {
        file: 0o600,
        directory: 0o700,
    };
    /// Below `#ftp/`: 0644 and 0755.
    pub const FTP: Self = Self {
        file: 0o644,
        directory: 0o755,
    };
    /// Below `#public/`: 0666 and 0777.
    pub const PUBLIC: Self = Self {
        file: 0o666,
        directory: 0o777,
    };
    /// Below `#shared/`: 0660 and 0770.
    pub const SHARED: Self = Self {
        file: 0o660,
        directory: 0o770,
    };
}
