//! `cargo bench`: what Mugo takes on a large mailbox, as ratios measured in one run on one machine.
//!
//! `MUGO_BENCH_MESSAGES` sets another number of messages than 100,000. The peers (`mailutil` of c-client; for servers mutt and
//! Alpine, beside a real Dovecot) are compared
//! where they are installed; the report says by name what was not compared. A figure over its limit is marked `OVER`.

mod directories;
#[allow(dead_code, reason = "the tests use more of it than the benches")]
#[path = "../../tests/imap/dovecot.rs"]
mod dovecot;
mod formats;
mod generate;
mod measure;
#[allow(dead_code, reason = "the tests use more of it than the benches")]
#[path = "../../tests/interop/peers.rs"]
mod peers;
#[allow(dead_code, reason = "the tests use more of it than the benches")]
#[path = "../../tests/imap/proxy.rs"]
mod proxy;
mod remote;
mod report;
mod screen;
#[allow(dead_code, reason = "the tests use more of it than the benches")]
#[path = "../../tests/pty/terminal.rs"]
mod terminal;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use generate::{Metadata, mailbox};
use report::Report;

/// Where one run of the benches keeps its files, and how it starts programs there.
pub(crate) struct Place {
    home: PathBuf,
    /// Number of messages in the large mailboxes.
    pub(crate) messages: u64,
}

impl Place {
    /// Gives a file in the bench's mail home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Gives the options that make a run of Mugo depend on nothing but this place.
    pub(crate) fn options(&self) -> Vec<String> {
        let spool = self.path("spool").display().to_string();
        let home = self.home.display().to_string();
        [
            "--config",
            "none",
            "--home",
            &home,
            "--set",
            &format!("local.spool={spool}"),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// Gives the environment of such a run: state and caches live under the place too.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let below = |name: &str| self.home.join(name);
        vec![
            ("HOME", self.home.clone()),
            ("XDG_STATE_HOME", below("state")),
            ("XDG_CONFIG_HOME", below("config")),
            ("XDG_CACHE_HOME", below("cache")),
            ("XDG_DATA_HOME", below("data")),
        ]
    }

    pub(crate) fn mugo(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mugo"));
        command
            .args(self.options())
            .args(words)
            .envs(self.environment())
            .current_dir(&self.home);
        command
    }

    /// c-client refuses to work for root, so its programs run as somebody else, on files that are that user's.
    pub(crate) fn peer(&self, words: &[&str]) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid",
                "65534",
                "--regid",
                "65534",
                "--clear-groups",
                "mailutil",
            ]);
            command
        } else {
            Command::new("mailutil")
        };
        command
            .args(words)
            .env("HOME", &self.home)
            .current_dir(&self.home);
        command
    }

    /// Lets the peer's user read and write a file.
    pub(crate) fn give_to_peer(&self, path: &Path) -> std::io::Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
        if is_root() {
            std::os::unix::fs::chown(path, Some(65534), Some(65534))?;
        }
        Ok(())
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

/// What can be asked for alone, `cargo bench -- servers` for one.
const SECTIONS: [&str; 4] = ["files", "formats", "directories", "servers"];

fn main() -> std::io::Result<()> {
    // `cargo test --all-targets` starts benches without `--bench`: then a small run only shows that they work.
    let small = !std::env::args().any(|word| word == "--bench");
    let asked = std::env::var("MUGO_BENCH_MESSAGES")
        .ok()
        .and_then(|text| text.parse().ok());
    let messages = asked.unwrap_or(if small { 2_000 } else { 100_000 });
    let scratch = tempfile::tempdir()?;
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
    let place = Place {
        home: scratch.path().to_owned(),
        messages,
    };
    let mut report = Report::new();
    let size = mailbox(&place.path("plain"), messages, 1, Metadata::Absent)?;
    mailbox(&place.path("checked"), messages, 2, Metadata::Complete)?;
    println!(
        "mailboxes of {messages} messages, {:.0} MB, in page cache",
        size as f64 / 1e6
    );
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| SECTIONS.contains(&word.as_str()))
        .collect();
    let wanted = |section: &str| asked.is_empty() || asked.iter().any(|word| word == section);
    if wanted("files") {
        for name in ["checked", "plain"] {
            opening(&place, name, &mut report);
        }
        writing(&place, &mut report)?;
        screen::measure(&place, "checked", &mut report);
    }
    if wanted("formats") {
        formats::measure(&place, "plain", &mut report)?;
    }
    if wanted("directories") {
        directories::measure(&place, "plain", &mut report)?;
    }
    if wanted("servers") {
        remote::measure(&place, "plain", &mut report)?;
    }
    report.finish();
    Ok(())
}

fn opening(place: &Place, name: &str, report: &mut Report) {
    let file = place.path(name);
    let cat = || {
        let mut command = Command::new("cat");
        command.arg(&file);
        command
    };
    let Some(base) = measure::time(5, cat) else {
        report.missing("cat", "reading the file");
        return;
    };
    report.note(
        &format!("{name}: cat FILE >/dev/null"),
        &report::milliseconds(base),
    );
    let limit = base * 5 + Duration::from_millis(30);
    let shown = file.display().to_string();
    let verbs: [(&str, Vec<&str>); 2] = [
        ("mugo status", vec!["status", &shown]),
        ("mugo index (last message)", vec!["index", &shown, "*"]),
    ];
    let peer = measure::time(3, || place.peer(&["check", name]));
    for (title, words) in verbs {
        let title = format!("{name}: {title}");
        let Some(taken) = measure::time(5, || place.mugo(&words)) else {
            report.failed(&title);
            continue;
        };
        report.compare(&title, taken, limit, base);
        match peer {
            Some(peer) => report.compare(&format!("{title}, to c-client"), taken, peer / 4, peer),
            None => report.missing("mailutil", &title),
        }
        if let Ok(run) = measure::watch(place.mugo(&words), None) {
            report.at_most(&format!("{title}, peak memory"), run.peak, 40 * 1024, "KiB");
        }
    }
}

fn writing(place: &Place, report: &mut Report) -> std::io::Result<()> {
    let file = place.path("checked");
    let shown = file.display().to_string();
    let size = fs::metadata(&file)?.len();
    let middle = (place.messages / 2).to_string();
    let flag = measure::watch(
        place.mugo(&["flag", &shown, &middle, "+\\Flagged", "+\\Answered"]),
        None,
    )?;
    if flag.success {
        report.at_most(
            "bytes written for one flag",
            flag.written,
            64 * 1024,
            "bytes",
        );
    } else {
        report.failed("mugo flag");
    }
    let letter = place.path("letter");
    let text = "From: a@example.org\nSubject: one more\n\nOne message more.\n";
    fs::write(&letter, text)?;
    let before = (fs::metadata(&file)?.ino(), fs::metadata(&file)?.len());
    let append = measure::watch(place.mugo(&["append", &shown]), Some(&letter))?;
    let after = (fs::metadata(&file)?.ino(), fs::metadata(&file)?.len());
    if append.success && after.0 == before.0 && after.1 > before.1 {
        report.at_most(
            "bytes written to append one message",
            append.written,
            64 * 1024,
            "bytes",
        );
    } else {
        report.failed("mugo append");
    }
    report.note("size of that mailbox", &format!("{size} bytes"));
    make_readable(&file)
}

/// The screen is measured on the file as it is now; the peer's user must still be able to read it.
fn make_readable(file: &Path) -> std::io::Result<()> {
    fs::set_permissions(file, fs::Permissions::from_mode(0o644))
}
