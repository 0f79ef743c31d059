//! A mail home of its own for each test, and programs run in it as a plain user.
//!
//! c-client's programs refuse to work for root, and root passes permission tests falsely. So as root everything runs
//! under the uid of `nobody`; the binary is copied to where that user can read it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const NOBODY: u32 = 65534;

/// A mail home under a temporary folder.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// Makes an empty home that belongs to the plain user.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("mugo-i")
            .tempdir_in("/tmp")
            .expect("a temporary folder");
        open_to(folder.path(), 0o755);
        let home = Self { folder };
        for name in ["state", "config", "cache", "data"] {
            fs::create_dir(home.path(name)).expect("a folder in the home");
            open_to(&home.path(name), 0o700);
        }
        home
    }

    /// A file in this home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that belongs to the plain user.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("the file is written");
        open_to(&self.path(name), 0o600);
    }

    /// Makes every folder of this home a mailbox of MH.
    pub(crate) fn be_of_mh(&self) {
        let path = self.folder.path().display();
        let profile = format!("Path: {path}\nUnseen-Sequence: unseen\n");
        self.write(".mh_profile", profile.as_bytes());
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("the file is there")
    }

    /// Prepares `words` to be run in this home as the plain user.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let words = as_plain_user(words);
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .envs(self.environment())
            .current_dir(self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    /// The words that start Mugo in this home, whatever the machine is like.
    pub(crate) fn mugo_words(&self, words: &[&str]) -> Vec<String> {
        let home = self.folder.path().display().to_string();
        let spool = format!("local.spool={home}/spool");
        let mut all = vec![binary().display().to_string()];
        all.extend(["--config", "none", "--home", &home, "--set", &spool].map(str::to_owned));
        all.extend(words.iter().map(|word| (*word).to_owned()));
        all
    }

    /// The environment of every program in this home.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let below = |name: &str| self.path(name).display().to_string();
        vec![
            ("HOME".into(), below("")),
            ("XDG_STATE_HOME".into(), below("state")),
            ("XDG_CONFIG_HOME".into(), below("config")),
            ("XDG_CACHE_HOME".into(), below("cache")),
            ("XDG_DATA_HOME".into(), below("data")),
            ("TERM".into(), "xterm".into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ]
    }

    /// Runs Mugo and gives what came of it.
    pub(crate) fn mugo(&self, words: &[&str]) -> Output {
        let words = self.mugo_words(words);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        finish(self.command(&words), None)
    }

    /// Runs Mugo, which must succeed; gives its standard output.
    pub(crate) fn mugo_done(&self, words: &[&str]) -> String {
        done(&self.mugo(words), words)
    }

    /// Hands `text` to Mugo's standard input; it must succeed.
    pub(crate) fn mugo_with(&self, words: &[&str], text: &[u8]) -> String {
        let all = self.mugo_words(words);
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        done(&finish(self.command(&all), Some(text)), words)
    }

    /// Runs c-client's `mailutil`, which must succeed; gives what it said.
    pub(crate) fn mailutil(&self, words: &[&str]) -> String {
        let mut all = vec!["mailutil"];
        all.extend(words);
        done(&finish(self.command(&all), None), &all)
    }

    /// Lets c-client expunge what is marked deleted. `mailutil prune` ends with status 1 also when it succeeds.
    pub(crate) fn mailutil_prune(&self, name: &str) {
        let output = finish(self.command(&["mailutil", "prune", name, "DELETED"]), None);
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("purged"), "{said}");
    }

    /// The number of messages that c-client sees in a mailbox.
    pub(crate) fn mailutil_count(&self, name: &str) -> usize {
        let said = self.mailutil(&["check", name]);
        let total = said
            .split(" total")
            .next()
            .and_then(|head| head.split_whitespace().last());
        total
            .and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("mailutil said {said:?}"))
    }
}

/// Puts in front of `words` what makes them run as the plain user.
pub(crate) fn as_plain_user(words: &[&str]) -> Vec<String> {
    let id = NOBODY.to_string();
    let head = ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"].map(str::to_owned);
    let tail = words.iter().map(|word| (*word).to_owned());
    if is_root() {
        head.into_iter().chain(tail).collect()
    } else {
        tail.collect()
    }
}

/// Whether this test runs as root.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

/// Gives a path to the plain user, with `mode`.
pub(crate) fn open_to(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode is set");
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("the owner is set");
    }
}

/// Runs a command to its end, at most a minute.
pub(crate) fn finish(mut command: Command, input: Option<&[u8]>) -> Output {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
        let _ = pipe.write_all(text);
    }
    let pid = child.id();
    let guard = std::thread::spawn(move || child.wait_with_output());
    let until = Instant::now() + Duration::from_secs(60);
    while !guard.is_finished() {
        if Instant::now() > until {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            panic!("{command:?} did not end within a minute");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    guard
        .join()
        .expect("the waiting thread ends")
        .expect("the program can be waited for")
}

fn done(output: &Output, words: &[&str]) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{words:?}: {}\n{said}\n{complained}",
        output.status
    );
    // `mailutil check` tells what it found on either stream, by version.
    if said.is_empty() {
        complained.into_owned()
    } else {
        said
    }
}

fn binary() -> &'static Path {
    static COPY: OnceLock<(Option<tempfile::TempDir>, PathBuf)> = OnceLock::new();
    let (_, path) = COPY.get_or_init(|| {
        let original = PathBuf::from(env!("CARGO_BIN_EXE_mugo"));
        if !is_root() {
            return (None, original);
        }
        let folder = tempfile::Builder::new()
            .prefix("mugo-b")
            .tempdir_in("/tmp")
            .expect("a temporary folder");
        open_to(folder.path(), 0o755);
        let copy = folder.path().join("mugo");
        fs::copy(&original, &copy).expect("the binary is copied");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("the mode is set");
        (Some(folder), copy)
    });
    path
}
