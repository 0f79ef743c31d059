//! `transfer` with its receipt, `about`, `create --format`, `list --containing`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::dir::{Dir, Ran, THREE};

fn receipt(ran: &Ran) -> serde_json::Value {
    let mut objects = ran.objects();
    objects.retain(|object| object.get("error").is_none());
    objects.pop().expect("a receipt")
}

#[test]
fn the_receipt_tells_what_was_compared() {
    let dir = Dir::new();
    let ran = dir.run(&["--json", "transfer", "INBOX", "mail/all"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let expected = json!({
        "messages": 3, "bytes": receipt(&ran)["bytes"], "source_format": "unix", "format": "unix",
        "same_content": 3, "same_flags": 3, "same_keywords": 3, "same_dates": 3, "same_uids": 3,
        "different": 0, "unexplained": 0, "limits": [],
    });
    assert_eq!(receipt(&ran), expected);
    let plain = dir.run(&["transfer", "INBOX", "mail/again"]);
    assert_eq!((plain.code, plain.err.as_str()), (0, ""));
    assert!(plain.out.contains("3 messages"), "{}", plain.out);
    assert!(
        plain.out.contains("  UIDs      3 of 3 kept"),
        "{}",
        plain.out
    );
}

#[test]
fn uids_are_kept_only_in_an_empty_target_and_gaps_stay() {
    let dir = Dir::new();
    dir.json(&["flag", "INBOX", "2", "+\\Deleted"]);
    dir.json(&["expunge", "INBOX"]);
    let first = dir.run(&["--json", "transfer", "INBOX", "mail/all"]);
    assert_eq!(receipt(&first)["same_uids"], 2);
    let again = dir.run(&["--json", "transfer", "INBOX", "mail/all"]);
    assert_eq!(
        (again.code, receipt(&again)["same_uids"].clone()),
        (0, json!(0))
    );
    let shown = dir.json(&["show", "mail/all"]);
    let uids: Vec<_> = shown.iter().skip(1).map(|one| one["uid"].clone()).collect();
    assert_eq!(uids, [json!(1), json!(3), json!(4), json!(5)]);
}

#[test]
fn a_target_that_holds_mail_gives_uids_in_its_own_order() {
    let dir = Dir::new();
    let high = THREE
        .replace("X-UID: 1\n", "X-UID: 70\n")
        .replace("X-UID: 2\n", "X-UID: 80\n");
    let high = high.replace("1767607200 2", "1767607200 80");
    dir.write("home/mail/high", &high);
    dir.json(&["create", "mail/all"]);
    assert_eq!(
        dir.feed(&["append", "mail/all"], "Subject: x\n\ny\n").code,
        0
    );
    let ran = dir.run(&["--json", "transfer", "mail/high", "mail/all"]);
    assert_eq!(
        (ran.code, receipt(&ran)["same_uids"].clone()),
        (0, json!(0))
    );
    let uids = |mailbox: &str| {
        let shown = dir.json(&["show", mailbox]);
        let uids = shown.iter().skip(1).map(|one| one["uid"].as_u64());
        uids.collect::<Option<Vec<_>>>().expect("UIDs")
    };
    assert_eq!(uids("mail/all"), [1, 2, 3, 4]);
    let ran = dir.run(&["--json", "transfer", "mail/high", "mail/new"]);
    assert_eq!(receipt(&ran)["same_uids"], 3);
    assert_eq!(uids("mail/new"), [70, 80, 81]);
}

#[test]
fn a_search_leaves_new_mail_marked() {
    let dir = Dir::new();
    let path = dir.write("home/mail/new", THREE);
    let file = fs::File::options().write(true).open(&path).expect("there");
    let long_ago = fs::FileTimes::new().set_accessed(std::time::SystemTime::UNIX_EPOCH);
    file.set_times(long_ago).expect("times");
    drop(file);
    let listed = dir.json(&["list", "--containing", "third", "mail/new"]);
    assert_eq!(
        listed[0]["attributes"],
        json!(["\\NoInferiors", "\\Marked"])
    );
    let again = dir.json(&["list", "mail/new"]);
    assert_eq!(again, listed);
}

#[test]
fn what_a_format_changes_is_named_by_message_and_is_no_failure() {
    let dir = Dir::new();
    dir.write(
        "home/odd",
        "From is the first word of this file, which is no mailbox.\n\nFrom here on\n",
    );
    let ran = dir.run(&["--json", "transfer", "odd", "mail/odd"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let objects = ran.objects();
    let expected = json!({
        "difference": "content", "msgno": 1, "source_uid": 1, "uid": 1,
        "sent": null, "found": null, "expected": true,
    });
    assert_eq!(objects[0], expected);
    let receipt = receipt(&ran);
    assert_eq!(
        (&receipt["different"], &receipt["unexplained"]),
        (&json!(1), &json!(0))
    );
    let limits = receipt["limits"].as_array().expect("limits");
    let of: Vec<_> = limits.iter().map(|limit| limit["of"].clone()).collect();
    assert_eq!(of, ["UIDs", "content"]);
    let plain = dir.run(&["transfer", "odd", "mail/odd2"]);
    assert!(plain.out.contains("\n  1  content\n"), "{}", plain.out);
}

#[test]
fn a_transfer_that_fails_leaves_no_new_mailbox() {
    let dir = Dir::new();
    dir.write("home/mail/damaged", "no mailbox at all\n");
    let before = dir.digest();
    for (words, code) in [
        (&["transfer", "INBOX", "#driver.nonsense/mail/x"][..], 1),
        (&["transfer", "INBOX", "mail/x", "--format", "nonsense"], 1),
        (
            &[
                "transfer",
                "INBOX",
                "#driver.unix/mail/x",
                "--format",
                "unix",
            ],
            2,
        ),
        (&["transfer", "INBOX", "mail/x", "--format", "a/b"], 2),
        (&["transfer", "mail/missing", "mail/x"], 1),
        (&["transfer", "INBOX", "INBOX"], 1),
        (&["--read-only", "transfer", "INBOX", "mail/x"], 1),
    ] {
        let ran = dir.run(words);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (code, ""),
            "{words:?}: {}",
            ran.err
        );
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
    let unknown = dir.run(&["create", "#driver.nonsense/mail/x"]);
    assert!(
        unknown.err.contains("there are") && unknown.err.contains("unix"),
        "{}",
        unknown.err
    );
    assert_eq!(dir.digest(), before);
}

#[test]
fn formats_are_told_and_can_be_asked_for() {
    let dir = Dir::new();
    dir.write("home/.mh_profile", "Path: mail\n");
    let formats = dir.json(&["about"]);
    for format in &formats {
        let made = format["can_be_made"] == true;
        let name = format["format"].as_str().expect("a name");
        let mailbox = format!("mail/{name}");
        let ran = dir.run(&["create", &mailbox, "--format", name]);
        assert!(!made || ran.code == 0, "{name}: {}", ran.err);
        if made {
            assert_eq!(
                dir.feed(&["append", &mailbox], "Subject: x\n\ny\n").code,
                0,
                "{name}"
            );
        }
    }
    let about = dir.json(&["about", "INBOX"]).remove(0);
    for (field, expected) in [
        ("name", json!("INBOX")),
        ("format", json!("unix")),
        ("messages", json!(3)),
        ("unseen", json!(1)),
        ("read_only", json!(false)),
        ("why_read_only", json!(null)),
        ("open_by", json!([])),
        ("path", json!(dir.path("spool").to_string_lossy())),
        ("bytes", json!(dir.read("spool").len())),
    ] {
        assert_eq!(about[field], expected, "{field}");
    }
    assert_eq!(about["abilities"]["UID"], "yes");
    assert_eq!(about["abilities"]["CA"], "limited");
    assert!(about["limits"]["CA"].is_string());
    let read_only = dir.json(&["--read-only", "about", "INBOX"]).remove(0);
    assert_eq!(read_only["read_only"], true);
    let plain = dir.run(&["about", "INBOX"]);
    assert!(plain.out.contains("Format       unix\n"), "{}", plain.out);
    assert!(
        plain.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        plain.out
    );
    assert_eq!(dir.run(&["about", "mail/missing"]).code, 1);
}

#[test]
fn who_has_a_mailbox_open_is_told() {
    let dir = Dir::new();
    let mut watching = dir.spawn(&["watch", "INBOX", "--for", "20"]);
    let id = watching.id().to_string();
    let mut told = String::new();
    for _ in 0..100 {
        told = dir.run(&["about", "INBOX"]).out;
        if told.contains(&id) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    watching.kill().expect("it runs");
    watching.wait().expect("it ends");
    assert!(
        told.contains(&format!("Open by      mugo (process {id})")),
        "{told}"
    );
}

#[test]
fn mailboxes_are_found_by_their_text() {
    let dir = Dir::new();
    dir.write(
        "home/mail/one",
        "From a@b Mon Mar  2 09:00:00 2026\nSubject: Pigeons\n\nx\n\n",
    );
    // wherever the pieces end in which a file is read
    let mut far = Vec::new();
    for before in (64 << 10) - 8..(64 << 10) + 16 {
        let name = format!("far-{before}");
        dir.write(
            &format!("home/mail/{name}"),
            &format!("{}needle\n", "x".repeat(before)),
        );
        far.push(format!("mail/{name}"));
    }
    let far: Vec<&str> = far.iter().map(String::as_str).collect();
    dir.write(
        "home/mail/none",
        "From a@b Mon Mar  2 09:00:00 2026\n\nnothing\n\n",
    );
    dir.write("home/mail/one.lock", "");
    dir.run(&["create", "#driver.maildir/mail/folder"]);
    dir.write("home/mail/folder/cur/1.x:2,", "Subject: x\n\nhaystack\n");
    let before = dir.digest();
    for (words, expected) in [
        (
            &["list", "--containing", "pIGEONS", "*"][..],
            &["mail/one"][..],
        ),
        (&["list", "mail/", "%", "--containing", "Needle"], &far),
        (&["list", "--containing", "third", "*"], &["INBOX"]),
        (&["list", "--containing", "haystack", "*"], &["mail/folder"]),
        (&["list", "--containing", "absent", "*"], &[]),
    ] {
        let found = dir.json(&[&["--read-only"], words].concat());
        let names: Vec<_> = found.iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names, expected, "{words:?}");
    }
    assert_eq!(dir.run(&["list", "--containing", "", "*"]).code, 1);
    assert_eq!(dir.digest(), before);
    let mode = fs::Permissions::from_mode(0o000);
    fs::set_permissions(dir.path("home/mail/none"), mode).expect("set");
    let ran = dir.run(&["list", "--containing", "needle", "*"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, format!("{}\n", far.join("\n")).as_str())
    );
}
