//! A scratch world for one test: a home and a spool of its own, and the real program run in it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Three messages: one seen and flagged, one with a keyword, one new.
pub(crate) const THREE: &str = "\
From ana@example.org Mon Jan  5 10:00:00 2026 +0000
From: Ana <ana@example.org>
To: robin@example.org
Subject: first
Date: Mon, 5 Jan 2026 10:00:00 +0000
Message-ID: <1@example.org>
X-IMAPbase: 1767607200 2 work
X-UID: 1
Status: RO
X-Status: F
X-Keywords:

one
two

From milo@example.org Tue Jan  6 11:00:00 2026 +0100
From: =?UTF-8?Q?Milo_=C3=84?= <milo@example.org>
To: robin@example.org
Subject: second
Date: Tue, 6 Jan 2026 11:00:00 +0100
X-UID: 2
Status: RO
X-Keywords: work

two

From sun@example.org Wed Jan  7 12:00:00 2026 +0000
From: sun@example.org
Subject: third \u{1b}[31m\u{202e}red
Date: Wed, 7 Jan 2026 12:00:00 +0000

three

";

/// A folder with `home`, `spool` and what a run writes for itself.
pub(crate) struct Dir {
    folder: TempDir,
}

/// What a run came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Dir {
    /// A world whose INBOX holds [`THREE`] and which has an empty folder `home/mail`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        fs::create_dir_all(folder.path().join("home/mail")).expect("a home");
        let dir = Self { folder };
        dir.write("spool", THREE);
        dir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("private");
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file of text")
    }

    /// The program, ready to run here: no variable of ours reaches it.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mugo"));
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.folder.path())
            .env("TZ", "UTC")
            .current_dir(self.folder.path())
            .arg("--set")
            .arg(format!("local.spool={}", self.path("spool").display()))
            .args(words);
        command
    }

    /// Runs `words` with nothing on standard input.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        let output = self.command(words).stdin(Stdio::null()).output();
        Ran::from(output.expect("the program runs"))
    }

    /// Runs `words`, which must succeed silently on standard error; gives the objects that it printed.
    pub(crate) fn json(&self, words: &[&str]) -> Vec<Value> {
        let ran = self.run(&[&["--json"], words].concat());
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (0, ""),
            "{words:?}: {}",
            ran.out
        );
        ran.objects()
    }

    /// Runs `words` with `input` on standard input.
    pub(crate) fn feed(&self, words: &[&str], input: &str) -> Ran {
        let mut child = self.spawn(words);
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("taken");
        drop(stdin);
        Ran::from(child.wait_with_output().expect("it ends"))
    }

    pub(crate) fn spawn(&self, words: &[&str]) -> Child {
        let mut command = self.command(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("the program runs")
    }

    /// Name, mode, times and bytes of everything below the home, and the spool.
    pub(crate) fn digest(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        walk(&self.path("home"), &mut found);
        walk(&self.path("spool"), &mut found);
        found
    }
}

impl Ran {
    /// The objects on standard output, one a line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        self.out.lines().map(object).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// Sends a signal to a run.
pub(crate) fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    kill_process(pid, signal).expect("it still runs");
}

/// How many throw-away homes there are.
pub(crate) fn demos(dir: &Dir) -> usize {
    let entries = fs::read_dir(dir.path("")).expect("a folder");
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter(|name| name.to_string_lossy().starts_with("mugo-demo-"))
        .count()
}

fn walk(path: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let about = fs::symlink_metadata(path).expect("it is there");
    let accessed = (about.atime(), about.atime_nsec());
    let times = (about.mtime(), about.mtime_nsec());
    if !about.is_dir() {
        let facts = format!("{:o} {times:?} {accessed:?} {}", about.mode(), about.size());
        found.insert(path.to_owned(), facts);
        return;
    }
    found.insert(path.to_owned(), format!("{:o} {times:?}", about.mode()));
    for entry in fs::read_dir(path).expect("a folder") {
        walk(&entry.expect("an entry").path(), found);
    }
}
