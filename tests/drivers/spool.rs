//! The INBOX of a plain user in a folder that only the group `mail` may write, as Debian has it: the real program, run
//! as that user. Only the superuser can set this up.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mugo::os::lock_helper::{self, LockHelper};
use tempfile::TempDir;

const NOBODY: u32 = 65534;
const TWO: &str = "From a@b Mon Mar  2 09:00:00 2026\nSubject: one\n\nx\n\nFrom a@b Mon Mar  2 09:00:01 2026\nSubject: two\n\ny\n\n";

struct Spool {
    dir: TempDir,
    program: PathBuf,
    inbox: PathBuf,
}

/// Sets the folder up; `None`, said by name, where that cannot be done.
fn spool(test: &str) -> Option<Spool> {
    let why = match group_mail() {
        _ if !rustix::process::geteuid().is_root() => "needs the superuser",
        None => "needs a group mail",
        Some(mail) => return Some(set_up(mail)),
    };
    not_run(test, why);
    None
}

fn not_run(test: &str, why: &str) {
    // Written past the test harness, which would keep it to itself for a test that passes.
    let _ = writeln!(std::io::stderr(), "not run: drivers {test}: {why}");
}

fn set_up(mail: u32) -> Spool {
    let dir = tempfile::tempdir().expect("a scratch folder");
    let below = |name: &str| dir.path().join(name);
    for (name, owner, group, mode) in [
        ("", 0, 0, 0o755),
        ("home", NOBODY, NOBODY, 0o700),
        ("spool", 0, mail, 0o2775),
    ] {
        let path = below(name);
        fs::create_dir_all(&path).expect("a folder");
        chown(&path, Some(owner), Some(group)).expect("its owner");
        set_mode(&path, mode);
    }
    let inbox = below("spool/nobody");
    fs::write(&inbox, TWO).expect("a mailbox");
    chown(&inbox, Some(NOBODY), Some(mail)).expect("its owner");
    set_mode(&inbox, 0o660);
    // Where it was built, nobody may enter.
    let program = below("mugo");
    let built = env!("CARGO_BIN_EXE_mugo");
    if fs::hard_link(built, &program).is_err() {
        fs::copy(built, &program).expect("the program");
    }
    Spool {
        dir,
        program,
        inbox,
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

fn group_mail() -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    let line = groups.lines().find_map(|line| line.strip_prefix("mail:"))?;
    line.split(':').nth(1)?.parse().ok()
}

impl Spool {
    /// Runs the program as nobody; nothing that it may call is in its way.
    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", "/nonexistent");
        command.current_dir(self.dir.path());
        command.arg("--home").arg(self.dir.path().join("home"));
        let spool = format!("local.spool={}", self.inbox.display());
        command.args(["--set", &spool]).args(words);
        command.uid(NOBODY).gid(NOBODY);
        command.output().expect("a run")
    }

    fn expect(&self, words: &[&str]) {
        let ran = self.run(words);
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{words:?}: {told}");
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.inbox).expect("the mailbox")
    }

    /// Flag, append, expunge; the folder holds nothing but the mailbox afterwards.
    fn exercise(&self, options: &[&str]) {
        let with = |words: &[&'static str]| [options, words].concat();
        let note = self.dir.path().join("note.eml");
        fs::write(&note, "Subject: three\n\nz\n").expect("a message");
        set_mode(&note, 0o644);
        self.expect(&with(&["flag", "INBOX", "1", "+\\Deleted"]));
        assert!(self.text().contains("X-Status: D"), "{}", self.text());
        self.expect(&with(&["append", "INBOX", "note.eml"]));
        assert!(self.text().contains("Subject: three"));
        self.expect(&with(&["expunge", "INBOX"]));
        let text = self.text();
        assert!(!text.contains("Subject: one"), "{text}");
        assert!(text.contains("Subject: two") && text.contains("Subject: three"));
        let left = fs::read_dir(self.dir.path().join("spool"))
            .expect("the spool")
            .count();
        assert_eq!(left, 1, "a lock was left");
    }
}

#[test]
fn r33_a_plain_user_writes_her_inbox_with_a_helpers_lock() {
    let name = "r33_a_plain_user_writes_her_inbox_with_a_helpers_lock";
    if !lock_helper::usual().iter().any(LockHelper::is_installed) {
        return not_run(name, "needs mlock or dotlockfile");
    }
    let Some(spool) = spool(name) else { return };
    spool.exercise(&[]);

    // The lock of another program is honoured: the helper does not take it, and nothing is written.
    let lock = spool.dir.path().join("spool/nobody.lock");
    fs::write(&lock, "").expect("a lock");
    let before = spool.text();
    let mut command = Command::new("/usr/bin/timeout");
    command.arg("2").arg(&spool.program);
    command.arg("--home").arg(spool.dir.path().join("home"));
    let inbox = format!("local.spool={}", spool.inbox.display());
    command.args(["--set", &inbox, "flag", "INBOX", "1", "+\\Flagged"]);
    let ran = command.uid(NOBODY).gid(NOBODY).output().expect("a run");
    assert!(!ran.status.success());
    assert_eq!(spool.text(), before);
    assert!(lock.exists(), "the lock of another program is gone");
}

#[test]
fn r23_without_helper_the_inbox_is_read_only_unless_the_user_chose_flock() {
    let name = "r23_without_helper_the_inbox_is_read_only_unless_the_user_chose_flock";
    let Some(spool) = spool(name) else { return };
    // The helpers refuse a mailbox that is not theirs to lock: a folder of another group.
    let folder = spool.dir.path().join("spool");
    chown(&folder, Some(0), Some(0)).expect("the superuser's");
    let before = spool.text();
    let ran = spool.run(&["flag", "INBOX", "1", "+\\Deleted"]);
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success());
    let set = "local.without_dot_lock";
    assert!(told.contains(set), "{told}");
    let note = spool.dir.path().join("note.eml");
    fs::write(&note, "Subject: three\n\nz\n").expect("a message");
    let ran = spool.run(&["append", "INBOX", "note.eml"]);
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success() && told.contains(set), "{told}");
    assert_eq!(spool.text(), before);
    spool.exercise(&["--set", "local.without_dot_lock=flock"]);
}
