//! `--demo`: a throw-away home with sample mail. Nothing outside its folder is read or written, and the folder
//! goes when the run ends, also when a signal ends it.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::mail::reason::in_words;
use crate::os::home::Overrides;
use crate::os::naming::Naming;
use crate::start::stop::Stop;

/// The sample mail: where it goes, and its bytes. Described in `assets/demo/README.md`.
const MAIL: &[(&str, &[u8])] = &[
    ("spool/robin", include_bytes!("../../assets/demo/INBOX")),
    (
        "home/mail/saved-messages",
        include_bytes!("../../assets/demo/mail/saved-messages"),
    ),
    (
        "home/mail/sent-mail",
        include_bytes!("../../assets/demo/mail/sent-mail"),
    ),
    (
        "home/mail/garden/plans",
        include_bytes!("../../assets/demo/mail/garden/plans"),
    ),
    (
        "home/mail/garden/harvest",
        include_bytes!("../../assets/demo/mail/garden/harvest"),
    ),
    (
        "home/mail/formats/mmdf",
        include_bytes!("../../assets/demo/mail/formats/mmdf"),
    ),
    (
        "home/mail/formats/mbx",
        include_bytes!("../../assets/demo/mail/formats/mbx"),
    ),
    (
        "home/mail/formats/tenex",
        include_bytes!("../../assets/demo/mail/formats/tenex"),
    ),
    (
        "home/mail/formats/mtx",
        include_bytes!("../../assets/demo/mail/formats/mtx"),
    ),
    (
        "home/mail/formats/note",
        include_bytes!("../../assets/demo/mail/formats/note"),
    ),
];

/// The address of the person whose mail the demonstration shows.
pub const ADDRESS: &str = "robin@example.org";

/// The throw-away home; removed when this is dropped.
pub struct Demo {
    folder: TempDir,
}

impl Demo {
    /// Makes the folder and fills it.
    pub fn new() -> Result<Self, Stop> {
        let failed = |error| {
            Stop::new(
                format!("cannot make the demonstration: {}", in_words(&error)),
                1,
            )
        };
        let folder = tempfile::Builder::new()
            .prefix("mugo-demo-")
            .tempdir()
            .map_err(failed)?;
        fill(folder.path()).map_err(failed)?;
        Ok(Self { folder })
    }

    /// Turns every place to the inside of the folder.
    pub fn redirect(&self, overrides: &mut Overrides) {
        let inside = |name: &str| Some(self.folder.path().join(name));
        overrides.home = inside("home");
        overrides.spool = inside("spool/robin");
        overrides.state = inside("state");
        overrides.lock_dir = inside("lock");
        overrides.naming = Naming::default();
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn fill(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    for name in ["home", "spool", "state", "lock"] {
        builder.create(folder.join(name))?;
    }
    std::fs::set_permissions(folder.join("lock"), Permissions::from_mode(0o1777))?;
    for (name, bytes) in MAIL {
        let path: PathBuf = folder.join(name);
        if let Some(parent) = path.parent() {
            builder.create(parent)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(&path)?.write_all(bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_goes_with_the_run() {
        let Ok(demo) = Demo::new() else {
            panic!("no demonstration");
        };
        let folder = demo.path().to_owned();
        assert!(folder.join("spool/robin").is_file());
        drop(demo);
        assert!(!folder.exists());
    }
}
