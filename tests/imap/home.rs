//! A home for the real program, with settings that know how to log in.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A home.
pub(crate) struct Home {
    folder: TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    /// A home whose settings have this text.
    pub(crate) fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let home = Self { folder };
        fs::create_dir(home.path("home")).expect("a home");
        home.write("config.toml", settings);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a private file.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("private");
        path
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mugo"));
        command
            .arg("--config")
            .arg(self.path("config.toml"))
            .arg("--home")
            .arg(self.path("home"))
            .args(words)
            .env("HOME", self.path("home"))
            .env_remove("XDG_STATE_HOME")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        ran(self.command(words).output().expect("mugo runs"))
    }

    /// Runs it, which must succeed, and gives what it printed.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let ran = self.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.err);
        ran.out
    }

    /// The bytes that a run prints.
    pub(crate) fn bytes(&self, words: &[&str]) -> Vec<u8> {
        let output = self.command(words).output().expect("it starts");
        assert!(output.status.success(), "{words:?}");
        output.stdout
    }

    /// Runs it with `--json`, which must succeed, and gives its objects.
    pub(crate) fn json(&self, words: &[&str]) -> Vec<Value> {
        let out = self.ok(&[&["--json"], words].concat());
        out.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    /// Runs it with this on standard input.
    pub(crate) fn feed(&self, words: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mugo starts");
        let mut stdin = child.stdin.take().expect("an input");
        // One that fails early does not read it.
        let _ = std::io::Write::write_all(&mut stdin, input);
        drop(stdin);
        ran(child.wait_with_output().expect("mugo ends"))
    }

    /// Starts it, its output to be read as it comes.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        let mut command = self.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("mugo starts")
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Events of a `watch`.
pub(crate) struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    /// Watches this mailbox for a minute.
    pub(crate) fn start(home: &Home, name: &str) -> Self {
        let mut child = home.start(&["--json", "watch", name, "--for", "60"]);
        let lines = BufReader::new(child.stdout.take().expect("an output")).lines();
        Self { child, lines }
    }

    /// The next event of this kind.
    pub(crate) fn next(&mut self, kind: &str) -> Value {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(50) {
            let line = self.lines.next().expect("an event").expect("text");
            let event: Value = serde_json::from_str(&line).expect("JSON");
            if event["event"] == kind {
                return event;
            }
            assert_ne!(event["event"], "closed", "{event}");
        }
        panic!("no {kind}");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
