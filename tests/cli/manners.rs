//! Manners: bad input, exit codes, pipes that close, read-only runs, the throw-away home.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::dir::{Dir, demos, send};

#[test]
fn what_is_no_mailbox_is_refused_with_its_reason() {
    let dir = Dir::new();
    let fifo = dir.path("home/fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    symlink("nowhere", dir.path("home/link")).expect("a link");
    dir.write("home/damaged", "this is no mailbox\n");
    let began = Instant::now();
    for (name, reason) in [
        ("missing", "no such mailbox"),
        ("mail", "directory"),
        ("fifo", "this is not a mailbox: it is a pipe"),
        ("link", "a symbolic link to a file that is not there"),
        ("#nonsense", "#mh/"),
        ("", "empty"),
        ("a\nb", "line end"),
        ("{imap.example.org/pop3}INBOX", ""),
    ] {
        for verb in ["status", "show"] {
            let ran = dir.run(&[verb, name]);
            assert!(
                [1, 65].contains(&ran.code),
                "{verb} {name:?}: {} {}",
                ran.code,
                ran.err
            );
            assert!(
                ran.err.starts_with("mugo: ") && ran.err.contains(reason),
                "{}",
                ran.err
            );
            assert_eq!(
                (ran.err.lines().count(), ran.out.as_str()),
                (1, ""),
                "{}",
                ran.err
            );
        }
    }
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "something waited"
    );
}

#[test]
fn errors_are_the_last_object_too() {
    let dir = Dir::new();
    let ran = dir.run(&["--json", "show", "missing"]);
    assert_eq!(ran.code, 1);
    let last = ran.objects().pop().expect("an object");
    assert_eq!(last["error"]["mailbox"], json!("missing"));
    assert_eq!(last["error"]["exit_code"], json!(1));
    assert!(
        ran.err
            .contains(last["error"]["message"].as_str().expect("text"))
    );
}

#[test]
fn a_name_in_an_error_cannot_reach_the_terminal() {
    let dir = Dir::new();
    let ran = dir.run(&["status", "x\u{1b}[2J\u{202e}y"]);
    assert!(
        !ran.err.contains('\u{1b}') && !ran.err.contains('\u{202e}'),
        "{:?}",
        ran.err
    );
}

#[test]
fn an_unreadable_mailbox_is_a_matter_of_permission() {
    let dir = Dir::new();
    let path = dir.write("home/secret", "");
    fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("changed");
    if fs::File::open(&path).is_ok() {
        println!("not run: this user may read everything");
        return;
    }
    assert_eq!(dir.run(&["show", "secret"]).code, 77);
}

#[test]
fn read_only_runs_touch_nothing() {
    let dir = Dir::new();
    dir.write("home/mail/a", crate::dir::THREE);
    let before = dir.digest();
    for words in [
        &["show", "INBOX"][..],
        &["index", "mail/a"],
        &["search", "mail/a", "body", "two"],
        &["read", "mail/a", "3"],
        &["status", "mail/a"],
        &["list", "*"],
        &["doctor"],
    ] {
        let ran = dir.run(&[&["--read-only"], words].concat());
        assert_eq!(ran.code, 0, "{words:?} {}", ran.err);
    }
    for words in [
        &["flag", "mail/a", "1", "+\\Deleted"][..],
        &["expunge", "mail/a"],
        &["create", "mail/b"],
        &["delete", "mail/a"],
        &["copy", "INBOX", "1", "mail/a"],
        &["subscribe", "mail/a"],
    ] {
        let ran = dir.run(&[&["--read-only"], words].concat());
        assert!(
            [1, 77].contains(&ran.code),
            "{words:?} {} {}",
            ran.code,
            ran.err
        );
    }
    assert_eq!(dir.digest(), before);
}

#[test]
fn status_and_list_touch_nothing() {
    let dir = Dir::new();
    let before = dir.digest();
    dir.json(&["status", "INBOX"]);
    dir.json(&["list", "*"]);
    assert_eq!(dir.digest(), before);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let dir = Dir::new();
    let many = crate::dir::THREE.repeat(700);
    dir.write("home/mail/many", &many);
    let mut child = dir.spawn(&["--read-only", "--json", "show", "mail/many"]);
    let mut start = [0; 100];
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut start).expect("the beginning");
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_screen_needs_a_terminal() {
    let dir = Dir::new();
    let ran = dir.run(&[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("needs a terminal"), "{}", ran.err);
}

#[test]
fn usage_errors_are_two() {
    let dir = Dir::new();
    for words in [
        &["--nonsense"][..],
        &["show"],
        &["status", "a", "b"],
        &["index", "INBOX", "--sort", "colour"],
        &["show", "INBOX", "x"],
        &["INBOX", "status", "INBOX"],
    ] {
        assert_eq!(dir.run(words).code, 2, "{words:?}");
    }
    assert_eq!(dir.run(&["--home", "missing", "status", "INBOX"]).code, 1);
}

#[test]
fn help_completions_and_manual_come_from_one_table() {
    let dir = Dir::new();
    for words in [
        &["--help"][..],
        &["man"],
        &["completions", "bash"],
        &["completions", "fish"],
    ] {
        let ran = dir.run(words);
        assert_eq!(ran.code, 0);
        for verb in ["list", "transfer", "unsubscribe", "watch", "doctor"] {
            assert!(
                ran.out.to_lowercase().contains(verb),
                "{words:?} lacks {verb}"
            );
        }
    }
}

#[test]
fn doctor_looks_at_everything() {
    let dir = Dir::new();
    let findings = dir.json(&["doctor"]);
    assert!(
        findings
            .iter()
            .any(|one| one["check"] == json!("settings") && one["ok"] == json!(true))
    );
    assert!(findings.iter().all(|one| one["detail"].is_string()) && findings.len() > 3);
}

#[test]
fn the_demonstration_has_its_own_home_and_leaves_nothing() {
    let dir = Dir::new();
    let before = dir.digest();
    let listed = dir.json(&["--demo", "list", "mail/*"]);
    assert!(
        listed
            .iter()
            .any(|one| one["name"] == json!("mail/garden/plans"))
    );
    for (format, count) in [
        ("mmdf", 3),
        ("mbx", 3),
        ("tenex", 3),
        ("mtx", 3),
        ("note", 1),
    ] {
        let status = dir.json(&["--demo", "status", &format!("mail/formats/{format}")]);
        let driver = if format == "note" { "phile" } else { format };
        assert_eq!(
            (&status[0]["driver"], &status[0]["messages"]),
            (&json!(driver), &json!(count))
        );
    }
    let status = dir.json(&["--demo", "status", "INBOX"]);
    assert_eq!(status[0]["messages"], json!(25));
    assert_eq!(dir.digest(), before);
    assert!(!dir.path("home/.local").exists());
    assert_eq!(demos(&dir), 0);
}

#[test]
fn a_signal_ends_the_demonstration_cleanly() {
    let dir = Dir::new();
    let mut child = dir.spawn(&["--demo", "--json", "watch", "INBOX"]);
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut first).expect("it has begun");
    assert_eq!(demos(&dir), 1);
    send(&child, Signal::INT);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(demos(&dir), 0);
}

#[test]
fn a_signal_ends_an_append_that_waits_for_its_message() {
    let dir = Dir::new();
    let before = dir.read("spool");
    let mut child = dir.spawn(&["append", "INBOX"]);
    // waiting for the child would close its input, and so end the message
    let stdin = child.stdin.take();
    std::thread::sleep(Duration::from_millis(700));
    send(&child, Signal::INT);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    drop(stdin);
    assert_eq!(dir.read("spool"), before);
}

#[test]
fn wrong_usage_is_one_printable_line_and_an_object() {
    let dir = Dir::new();
    for words in [
        &["index", "INBOX", "--sort", "x\u{1b}[2J\u{202e}\u{9b}y"][..],
        &["search", "INBOX"],
        &["list", "a", "b", "c"],
        &["--no\u{7}ne"],
        &["completions", "tortoise"],
    ] {
        let ran = dir.run(&[&["--json"], words].concat());
        assert_eq!((ran.code, ran.err.lines().count()), (2, 1), "{}", ran.err);
        assert!(ran.err.starts_with("mugo: "), "{}", ran.err);
        let is_raw = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!ran.err.contains(is_raw), "{:?}", ran.err);
        let last = ran.objects().pop().expect("an object");
        assert_eq!(last["error"]["exit_code"], json!(2));
    }
}

#[test]
fn a_failing_destination_is_named() {
    let dir = Dir::new();
    for verb in ["copy", "move"] {
        let ran = dir.run(&[verb, "INBOX", "1", "mail"]);
        assert_eq!(ran.code, 65, "{}", ran.err);
        let reason = "mugo: INBOX: mail: this is not a mailbox: it is a directory";
        assert!(ran.err.starts_with(reason), "{}", ran.err);
    }
    let ran = dir.run(&["copy", "INBOX", "1", "mail/new"]);
    let reason = "mugo: INBOX: mail/new: no such mailbox";
    assert!(ran.code == 1 && ran.err.starts_with(reason), "{}", ran.err);
    dir.write("home/mail/x", "");
    let ran = dir.run(&["delete", "mail"]);
    assert!(ran.err.contains("delete them first"), "{}", ran.err);
    assert!(dir.path("home/mail/x").exists());
}

#[test]
fn a_signal_ends_the_wait_for_a_pipe_with_a_message() {
    let dir = Dir::new();
    let fifo = dir.path("pipe");
    let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    let mut child = dir.spawn(&["append", "INBOX", "pipe"]);
    std::thread::sleep(Duration::from_millis(500));
    send(&child, Signal::TERM);
    let end = Instant::now() + Duration::from_secs(10);
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > end {
            child.kill().expect("killed");
            panic!("the signal was not heard");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().expect("ended").code(), Some(128 + 15));
}

#[test]
fn the_doctor_repairs_what_is_damaged_and_leaves_it_as_it_is() {
    let dir = Dir::new();
    let message = |serial: usize| {
        format!("From a@b Mon Mar  2 09:00:0{serial} 2026\nSubject: {serial}\n\ntext\n\n")
    };
    let damaged = format!("{}{}{}", message(1), "\0".repeat(600), message(2));
    let path = dir.write("home/box", &damaged);
    let ran = dir.run(&["status", "box"]);
    assert!(ran.err.contains("hide a message at byte"), "{}", ran.err);
    let told = dir.json(&["doctor", "--repair", "box"]);
    assert_eq!(told[0]["check"], "repaired copy");
    let detail = told[0]["detail"].as_str().expect("a text");
    assert!(
        detail.ends_with("box.repaired: 2 messages, format unix"),
        "{detail}"
    );
    assert_eq!(
        told[1]["detail"],
        format!(
            "600 bytes from byte {} on belong to no message",
            message(1).len()
        )
    );
    assert_eq!(fs::read_to_string(&path).expect("there"), damaged);
    assert_eq!(dir.json(&["status", "box.repaired"])[0]["messages"], 2);
    // Again, under another name; what is no mailbox is refused.
    let told = dir.json(&["doctor", "--repair", "box"]);
    assert!(
        told[0]["detail"]
            .as_str()
            .expect("a text")
            .contains("box.repaired-2: 2")
    );
    dir.write("home/note", "no mailbox\n");
    let ran = dir.run(&["doctor", "--repair", "note"]);
    assert!(ran.code == 1 && ran.err.contains("--format"), "{}", ran.err);
    assert_eq!(dir.run(&["doctor", "--repair", "missing"]).code, 1);
    let ran = dir.run(&["doctor", "--repair", "note", "--format", "nonsense"]);
    assert!(
        ran.code == 1 && ran.err.contains("mbx, tenex"),
        "{}",
        ran.err
    );
    // INBOX in a file of its own is repaired as any other mailbox.
    dir.write("home/mbox", &damaged);
    let told = dir.json(&["doctor", "--repair", "INBOX"]);
    let detail = told[0]["detail"].as_str().expect("a text");
    assert!(detail.contains("mbox.repaired: 2 messages"), "{detail}");
}
