//! Verbs that change mail: `create delete rename append flag copy move expunge transfer`.

use serde_json::json;

use crate::dir::Dir;

#[test]
fn flags_and_keywords_come_and_go() {
    let dir = Dir::new();
    let changed = dir.json(&["flag", "INBOX", "2:3", "+\\Answered", "-work", "+later"]);
    let expected =
        json!({"msgno": 2, "uid": 2, "flags": ["\\Seen", "\\Answered"], "keywords": ["later"]});
    assert_eq!(changed[0], expected);
    assert_eq!(changed[1]["keywords"], json!(["later"]));
    let again = dir.json(&["--read-only", "show", "INBOX", "2"]);
    assert_eq!(again[1]["keywords"], json!(["later"]));
    let by_uid = dir.json(&["flag", "--uid", "INBOX", "1:99", "-\\Flagged", "--json"]);
    assert_eq!(by_uid.len(), 3);
    assert!(
        by_uid
            .iter()
            .all(|one| !one["flags"].to_string().contains("Flagged"))
    );
}

#[test]
fn wrong_flags_and_numbers_change_nothing() {
    let dir = Dir::new();
    let before = dir.read("spool");
    for (words, code) in [
        (["1", "\\Seen"], 2),
        (["1", "+\\Recent"], 2),
        (["1", "+a b"], 2),
        (["0", "+\\Seen"], 2),
        (["1:4", "+\\Seen"], 1),
        (["4", "+\\Seen"], 1),
    ] {
        let ran = dir.run(&["flag", "INBOX", words[0], words[1]]);
        assert_eq!(ran.code, code, "{words:?} {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
    let stayed = |text: &str| text.matches("Status: RO").count();
    assert_eq!(stayed(&dir.read("spool")), stayed(&before));
    let wanted = dir.json(&["--read-only", "show", "INBOX", "*"]);
    assert!(!wanted[1]["flags"].to_string().contains("Seen"));
}

#[test]
fn append_takes_flags_and_a_date_and_either_line_end() {
    let dir = Dir::new();
    dir.json(&["create", "mail/new"]);
    for text in ["Subject: x\n\nbody\n", "Subject: x\r\n\r\nbody\r\n"] {
        let marks = [
            "--flags",
            "\\Seen later",
            "--date",
            "12-Jan-2026 10:00:00 +0100",
        ];
        let ran = dir.feed(
            &[&["--json", "append", "mail/new"][..], &marks].concat(),
            text,
        );
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(ran.objects()[0]["uid_validity"].is_u64());
    }
    let shown = dir.json(&["show", "mail/new"]);
    let [_, first, second] = shown.as_slice() else {
        panic!("{shown:?}");
    };
    assert_eq!(first["internal_date"], json!("2026-01-12T10:00:00+01:00"));
    assert_eq!(first["sha256"], second["sha256"]);
    assert_eq!(first["size"], json!(20));
    assert_eq!(second["keywords"], json!(["later"]));
    let file = dir.write("message", "Subject: y\n\nz\n");
    let path = file.display().to_string();
    assert_eq!(dir.run(&["append", "mail/new", &path]).code, 0);
    assert_eq!(dir.json(&["status", "mail/new"])[0]["messages"], json!(3));
}

#[test]
fn append_refuses_what_is_no_message() {
    let dir = Dir::new();
    let before = dir.read("spool");
    assert_eq!(dir.feed(&["append", "INBOX"], "").code, 1);
    assert_eq!(
        dir.feed(&["append", "INBOX", "--date", "soon"], "a: b\n\n")
            .code,
        2
    );
    assert_eq!(
        dir.feed(&["append", "INBOX", "--flags", "\\Odd"], "a: b\n\n")
            .code,
        2
    );
    assert_eq!(dir.run(&["append", "INBOX", "missing"]).code, 1);
    assert_eq!(dir.run(&["append", "INBOX", "home"]).code, 1);
    assert_ne!(dir.feed(&["append", "mail/none"], "a: b\n\n").code, 0);
    assert_eq!(dir.read("spool"), before);
}

#[test]
fn copies_and_moves_tell_where_messages_went() {
    let dir = Dir::new();
    let missing = dir.run(&["copy", "INBOX", "1", "mail/to"]);
    assert_eq!(missing.code, 1, "{}", missing.err);
    let copied = dir.json(&["copy", "INBOX", "1,3", "mail/to", "--create"]);
    assert_eq!(
        copied,
        [
            json!({"source_uid": 1, "uid": 1}),
            json!({"source_uid": 3, "uid": 2})
        ]
    );
    let moved = dir.json(&["move", "INBOX", "2", "mail/to"]);
    assert_eq!(moved, [json!({"source_uid": 2, "uid": 3})]);
    assert_eq!(dir.json(&["status", "INBOX"])[0]["messages"], json!(2));
    let shown = dir.json(&["--read-only", "show", "mail/to"]);
    assert_eq!(shown[3]["envelope"]["subject"], json!("second"));
    assert_eq!(
        shown[3]["internal_date"],
        json!("2026-01-06T11:00:00+01:00")
    );
}

#[test]
fn expunge_counts_as_imap_does_and_only_what_was_named() {
    let dir = Dir::new();
    dir.json(&["flag", "INBOX", "1:2", "+\\Deleted"]);
    assert_eq!(
        dir.json(&["expunge", "INBOX", "2:3"]),
        [json!({"expunged": 2})]
    );
    assert_eq!(dir.json(&["flag", "INBOX", "2", "+\\Deleted"]).len(), 1);
    let both = [json!({"expunged": 1}), json!({"expunged": 1})];
    assert_eq!(dir.json(&["expunge", "INBOX"]), both);
    assert_eq!(dir.json(&["status", "INBOX"])[0]["messages"], json!(0));
}

#[test]
fn names_are_made_given_and_taken() {
    let dir = Dir::new();
    assert_eq!(dir.run(&["create", "mail/one"]).code, 0);
    assert_eq!(dir.run(&["create", "mail/one"]).code, 1);
    assert_eq!(dir.run(&["rename", "mail/one", "mail/two"]).code, 0);
    assert_eq!(dir.run(&["rename", "mail/one", "mail/three"]).code, 1);
    assert!(dir.path("home/mail/two").is_file() && !dir.path("home/mail/one").exists());
    assert_eq!(dir.run(&["delete", "mail/two"]).code, 0);
    assert_eq!(dir.run(&["delete", "mail/two"]).code, 1);
}

#[test]
fn a_transfer_brings_everything_along() {
    let dir = Dir::new();
    let transferred = dir.json(&["transfer", "INBOX", "#driver.unix/mail/all"]);
    let receipt = transferred.last().expect("a receipt");
    assert_eq!(receipt["messages"], 3);
    let facts = |name: &str| {
        let shown = dir.json(&["--read-only", "show", name]);
        let kept = [
            "sha256",
            "internal_date",
            "keywords",
            "envelope",
            "body",
            "size",
        ];
        let facts = shown
            .iter()
            .skip(1)
            .map(|one| kept.map(|field| one[field].clone()));
        facts.collect::<Vec<_>>()
    };
    assert_eq!(facts("mail/all"), facts("INBOX"));
}

#[test]
fn append_takes_dates_as_show_prints_them() {
    let dir = Dir::new();
    dir.json(&["create", "mail/new"]);
    let date = "2026-01-05T10:00:00-05:30";
    let marks = ["append", "mail/new", "--date", date];
    assert_eq!(dir.feed(&marks, "Subject: x\n\nbody\n").code, 0);
    let shown = dir.json(&["show", "mail/new"]);
    assert_eq!(shown[1]["internal_date"], json!(date));
    for wrong in [
        "2026-02-31T10:00:00Z",
        "2026-01-05T10:00:00",
        "3026-01-05T10:00:00Z",
    ] {
        let marks = ["append", "mail/new", "--date", wrong];
        let ran = dir.feed(&marks, "Subject: x\n\nbody\n");
        assert_eq!(ran.code, 2, "{wrong}: {}", ran.err);
    }
    assert_eq!(dir.json(&["status", "mail/new"])[0]["messages"], json!(1));
}
