//! A disk that is really full (R6, R7): a small file system of its own holds the mailbox; Mugo's state is elsewhere.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::checker;
use crate::home::{Home, is_root, open_to};
use crate::peers;

/// A mounted file system of a few MiB; unmounted when dropped.
struct Small {
    path: PathBuf,
}

impl Small {
    fn mount(home: &Home, size: &str) -> Option<Self> {
        let path = home.path("small");
        fs::create_dir(&path).ok()?;
        let options = format!("size={size},mode=755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&path)
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            return None;
        }
        open_to(&path, 0o755);
        Some(Self { path })
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let bytes = vec![0u8; 16 << 20];
        // The write fails when the disk is full: that is what it is for.
        let _ = fs::write(self.path.join("filler"), bytes);
    }

    fn free(&self) {
        fs::remove_file(self.path.join("filler")).expect("the filler is removed");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

#[test]
fn every_change_on_a_full_disk() {
    let test = "every_change_on_a_full_disk";
    if !peers::have(test, &["setpriv", "mount", "mailutil"]) {
        return;
    }
    let home = Home::new();
    if !is_root() {
        peers::skip(test, "needs root to mount a small file system");
        return;
    }
    let Some(small) = Small::mount(&home, "2m") else {
        // Containers often forbid mounting; that is no missing program.
        eprintln!("not run: interop {test}: mounting is not permitted here");
        return;
    };
    let old: Vec<u32> = (1..=200).collect();
    home.write("small/box", &checker::checked(200));
    home.write("letter", checker::letter(5_000).as_bytes());
    small.fill();
    let before = home.read("small/box");

    let append = home.mugo(&["append", "small/box", "letter"]);
    assert!(
        !append.status.success(),
        "an append to a full disk cannot succeed"
    );
    let after = home.read("small/box");
    // The highest UID ever promised may be written down already: it only must never be used again.
    assert!(
        after.len() == before.len(),
        "a failed append left {} bytes",
        after.len().abs_diff(before.len())
    );
    assert_eq!(
        checker::read(&after),
        checker::read(&before),
        "a failed append changed a message"
    );

    let grow = home.mugo(&[
        "flag",
        "small/box",
        "1:*",
        "+a-rather-long-keyword-that-cannot-fit-into-the-padding-of-fifty",
    ]);
    let found = checker::read(&home.read("small/box"))
        .unwrap_or_else(|why| panic!("after a growing change: {why}"));
    assert_eq!(checker::serials(&found), old);
    assert!(
        !grow.status.success(),
        "a growing change on a full disk cannot succeed"
    );

    home.mugo_done(&["expunge", "small/box"]);
    let found = checker::read(&home.read("small/box"))
        .unwrap_or_else(|why| panic!("after the expunge: {why}"));
    assert_eq!(
        found.len(),
        100,
        "an expunge must be possible on a full disk"
    );

    small.free();
    home.mugo_done(&["append", "small/box", "letter"]);
    assert_eq!(home.mailutil_count("small/box"), 101);
}
