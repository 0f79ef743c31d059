//! New mail comes from the spool into an INBOX at `~/mbox`, as the real program does it, also when it is killed.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::dir::{Dir, THREE};

const OWN: &str = "\
From ann@example.org Mon Jan  5 09:00:00 2026 +0000
Subject: own
Date: Mon, 5 Jan 2026 09:00:00 +0000

own

";

/// How many messages INBOX shows to whoever only looks.
fn shown(dir: &Dir) -> usize {
    dir.run(&["--read-only", "index", "INBOX"])
        .out
        .lines()
        .count()
}

#[test]
fn what_waits_is_counted_and_then_moved() {
    let dir = Dir::new();
    dir.write("home/mbox", OWN);
    let before = dir.digest();
    let looked = dir.run(&["--read-only", "index", "INBOX"]);
    assert_eq!(looked.out.lines().count(), 1, "{}", looked.out);
    assert_eq!(dir.digest(), before);
    let moved = dir.run(&["expunge", "INBOX"]);
    assert_eq!(
        (moved.code, shown(&dir)),
        (0, 4),
        "{}{}",
        moved.out,
        moved.err
    );
    assert!(moved.err.contains("3 messages moved from"), "{}", moved.err);
    assert!(!dir.read("spool").contains("Subject: first"));
    let found = dir.read("home/mbox");
    let works = dir.json(&["search", "INBOX", "KEYWORD", "work"]);
    assert!(format!("{works:?}").contains('3'), "{works:?}: {found}");
    assert!(found.contains("Subject: first") && !found.contains("X-IMAPbase: 1767607200"));
    assert_eq!(dir.run(&["expunge", "INBOX"]).err, "");
}

#[test]
fn a_spool_can_be_left_truly_empty() {
    let dir = Dir::new();
    dir.write("home/mbox", OWN);
    let moved = dir.run(&["--set", "inbox.leave_spool_empty=true", "expunge", "INBOX"]);
    assert_eq!(
        (moved.code, shown(&dir)),
        (0, 4),
        "{}{}",
        moved.out,
        moved.err
    );
    assert_eq!(dir.read("spool"), "");
}

/// Moves mail with a command that is killed sooner or later, and once more to the end: all of it arrives once.
fn killed(name: &str, from: &str, to: &str) {
    for round in 0..30 {
        let dir = Dir::new();
        dir.write(to, OWN);
        dir.write(
            from,
            &THREE
                .repeat(40)
                .replace("X-IMAPbase: 1767607200 2 work\n", ""),
        );
        let mut command = dir.command(&["expunge", name]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it runs");
        sleep(Duration::from_millis(10 + round * 6));
        let _ended_by_itself = child.kill();
        child.wait().expect("it ends");
        let again = dir.run(&["expunge", name]);
        assert_eq!(again.code, 0, "{}", again.err);
        let subjects = |file: &str| dir.read(file).matches("\nSubject: third").count();
        assert_eq!(
            (subjects(to), subjects(from)),
            (40, 0),
            "{name}, round {round}: {}",
            again.err
        );
    }
}

#[test]
fn killed_while_it_moves() {
    killed("INBOX", "spool", "home/mbox");
}

#[test]
fn killed_while_it_moves_by_name() {
    killed("#move+old+new", "home/old", "home/new");
}

#[test]
fn an_inbox_in_mbx_format_gets_what_the_library_would_move() {
    let fixture = |name: &str| {
        let root = env!("CARGO_MANIFEST_DIR");
        format!("{root}/tests/fixtures/mbx/snarf/{name}")
    };
    let dir = Dir::new();
    fs::copy(fixture("before/INBOX"), dir.path("home/INBOX")).expect("a mailbox");
    fs::copy(fixture("before/spool"), dir.path("spool")).expect("a spool");
    let counted = dir.run(&["status", "INBOX"]);
    assert!(counted.out.contains(": 4 messages"), "{}", counted.out);
    let moved = dir.run(&["expunge", "INBOX"]);
    assert!(moved.err.contains("2 messages moved"), "{}", moved.err);
    let ours = dir.json(&["index", "INBOX"]);
    fs::copy(fixture("after/INBOX"), dir.path("home/INBOX")).expect("a mailbox");
    fs::remove_file(dir.path("spool")).expect("removed");
    let library = dir.json(&["index", "INBOX"]);
    assert_eq!(ours.len(), library.len());
    for (ours, library) in ours.iter().zip(&library) {
        for field in [
            "uid",
            "size",
            "subject",
            "date",
            "internal_date",
            "keywords",
        ] {
            assert_eq!(ours.get(field), library.get(field), "{field}");
        }
    }
    dir.write("spool", "this is no mail\n");
    let told = dir.run(&["expunge", "INBOX"]);
    assert!(told.err.contains("it holds no mail"), "{}", told.err);
    assert_eq!(dir.read("spool"), "this is no mail\n");
}
