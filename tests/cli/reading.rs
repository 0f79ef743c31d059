//! Verbs that look at mail: `list status show index search read`.

use serde_json::{Value, json};

use crate::dir::Dir;

#[test]
fn status_counts_without_opening() {
    let dir = Dir::new();
    let expected = json!({"name": "INBOX", "driver": "unix", "messages": 3, "recent": 1, "unseen": 1,
        "uid_next": 4, "uid_validity": 1_767_607_200});
    assert_eq!(dir.json(&["status", "INBOX"]), [expected]);
    let plain = dir.run(&["status", "INBOX"]);
    assert_eq!(plain.out, "INBOX: 3 messages, 1 unseen, 1 recent (unix)\n");
}

#[test]
fn show_tells_everything_and_sums_the_exact_bytes() {
    let dir = Dir::new();
    let shown = dir.json(&["--read-only", "show", "INBOX", "1:2"]);
    let [mailbox, first, second] = shown.as_slice() else {
        panic!("{shown:?}");
    };
    let path = dir.path("spool").display().to_string();
    assert_eq!(mailbox["path"], json!(path));
    assert_eq!(mailbox["read_only"], json!(true));
    assert_eq!(mailbox["keywords"], json!(["work"]));
    assert_eq!(first["flags"], json!(["\\Seen", "\\Flagged"]));
    assert_eq!(first["internal_date"], json!("2026-01-05T10:00:00+00:00"));
    assert_eq!(second["internal_date"], json!("2026-01-06T11:00:00+01:00"));
    assert_eq!(second["keywords"], json!(["work"]));
    let milo = json!([{"name": "Milo \u{c4}", "mailbox": "milo", "host": "example.org"}]);
    let envelope = &second["envelope"];
    assert_eq!(envelope["from"], milo);
    assert_eq!((&envelope["sender"], &envelope["reply_to"]), (&milo, &milo));
    assert_eq!(envelope["message_id"], Value::Null);
    assert_eq!(second["body"]["params"], json!({"CHARSET": "US-ASCII"}));
    let raw = dir.run(&["--read-only", "read", "--raw", "INBOX", "1"]).out;
    assert!(raw.ends_with("\r\n\r\none\r\ntwo\r\n"), "{raw:?}");
    assert_eq!(first["size"], json!(raw.len()));
    let sizes = [&first["header_size"], &first["text_size"]].map(|size| size.as_u64().unwrap_or(0));
    assert_eq!(sizes, [raw.len() as u64 - 10, 10]);
    assert_eq!(first["sha256"], json!(sha256(raw.as_bytes())));
}

#[test]
fn index_lines_are_those_of_the_screen() {
    let dir = Dir::new();
    let lines = dir.json(&["index", "INBOX", "--sort", "from", "--reverse"]);
    let numbers: Vec<_> = lines.iter().map(|line| line["msgno"].as_u64()).collect();
    assert_eq!(numbers, [Some(3), Some(2), Some(1)]);
    let plain = dir.run(&["index", "INBOX", "1"]).out;
    assert!(plain.contains("Ana") && plain.contains("first"), "{plain}");
    assert_eq!(lines[2]["line"], json!(plain.trim_end_matches('\n')));
    assert_eq!(lines[2]["depth"], json!(0));
    let found = dir.json(&["index", "INBOX", "2:3", "--search", "unseen"]);
    assert_eq!((found.len(), &found[0]["uid"]), (1, &json!(3)));
}

#[test]
fn search_takes_imap_criteria() {
    let dir = Dir::new();
    let number = |words: &[&str]| {
        let found = dir.json(&[&["search", "INBOX"], words].concat());
        let numbers = found.iter().map(|one| one["msgno"].as_u64().unwrap_or(0));
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(number(&["keyword", "work"]), [2]);
    assert_eq!(number(&["or", "unseen", "flagged"]), [1, 3]);
    assert_eq!(number(&["since 6-Jan-2026"]), [2, 3]);
    assert!(number(&["text", "nowhere"]).is_empty());
    let wrong = dir.run(&["search", "INBOX", "form", "ana"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.starts_with("mugo: INBOX: "), "{}", wrong.err);
}

#[test]
fn read_shows_a_message_and_its_parts_and_never_marks_it() {
    let dir = Dir::new();
    let text = dir.run(&["read", "INBOX", "3"]).out;
    assert!(
        text.contains("From: sun@example.org") && text.contains("three"),
        "{text}"
    );
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{text:?}"
    );
    assert_eq!(
        dir.run(&["read", "--part", "1", "INBOX", "2"]).out,
        "two\r\n"
    );
    let header = dir.run(&["read", "--raw", "--headers", "INBOX", "2"]).out;
    assert!(
        header.starts_with("From: =?UTF-8?") && header.ends_with("\r\n\r\n"),
        "{header:?}"
    );
    assert!(!header.contains("X-UID"));
    assert_eq!(dir.json(&["status", "INBOX"])[0]["unseen"], json!(1));
    assert_eq!(dir.run(&["--json", "read", "--raw", "INBOX", "2"]).code, 2);
    assert_eq!(dir.run(&["read", "INBOX", "4"]).code, 1);
    assert_eq!(dir.run(&["read", "--uid", "INBOX", "9"]).code, 1);
}

#[test]
fn list_matches_wildcards_and_subscriptions() {
    let dir = Dir::new();
    dir.write("home/mail/a", "");
    dir.write("home/mail/b", "");
    let names = |words: &[&str]| {
        let found = dir.json(words);
        let names = found
            .iter()
            .map(|one| one["name"].as_str().unwrap_or("").to_owned());
        names.collect::<Vec<_>>()
    };
    let all = names(&["list", "mail/%"]);
    assert!(
        all.contains(&"mail/a".to_owned()) && all.contains(&"mail/b".to_owned()),
        "{all:?}"
    );
    assert_eq!(names(&["list", "mail/", "b"]), ["mail/b"]);
    let root = dir.json(&["list", "#mh/x/y", ""]);
    let expected = serde_json::json!({
        "name": "#mh/", "delimiter": "/", "attributes": ["\\NoSelect"]
    });
    assert_eq!(root, [expected]);
    assert_eq!(names(&["list", "--subscribed", ""]), Vec::<String>::new());
    dir.json(&["subscribe", "mail/a"]);
    assert_eq!(names(&["list", "--subscribed", "*"]), ["mail/a"]);
    dir.json(&["unsubscribe", "mail/a"]);
    assert_eq!(names(&["list", "--subscribed", "*"]), Vec::<String>::new());
}

#[test]
fn json_holds_no_byte_that_a_terminal_obeys() {
    let dir = Dir::new();
    let line = dir
        .run(&["--json", "--read-only", "show", "INBOX", "3"])
        .out;
    assert!(line.contains("\\u001b[31m\\u202ered"), "{line}");
    assert!(
        line.chars()
            .all(|it| it == '\n' || !it.is_control() && it != '\u{202e}')
    );
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
