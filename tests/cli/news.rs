//! Newsgroups on the command line.

use std::fs;

use serde_json::{Value, json};

use crate::dir::{Dir, Ran};

/// A world with a spool of two groups; the words that name it.
fn spool(dir: &Dir) -> Vec<String> {
    for (group, article) in [("a/one", 3), ("a/one", 4), ("a/one", 9), ("b/two", 1)] {
        let folder = dir.path("news/spool").join(group);
        fs::create_dir_all(&folder).expect("a directory");
        let text = format!("Subject: s{article}\nMessage-ID: <{article}@x>\n\ntext {article}\n");
        fs::write(folder.join(article.to_string()), text).expect("written");
    }
    dir.write("news/active", "a.one 9 3 y\nb.two 1 1 y\n");
    dir.write("home/.newsrc", "options -x\nb.two: 1\na.one! 1-3\n");
    let below = |name: &str| dir.path(name).display().to_string();
    let spool = format!("local.news_spool={}", below("news/spool"));
    let active = format!("local.news_active={}", below("news/active"));
    ["--set", &spool, "--set", &active]
        .map(str::to_owned)
        .into()
}

fn run(dir: &Dir, front: &[String], words: &[&str]) -> Ran {
    let front: Vec<&str> = front.iter().map(String::as_str).collect();
    dir.run(&[&front, &["--json"][..], words].concat())
}

fn told(dir: &Dir, front: &[String], words: &[&str]) -> Vec<Value> {
    let ran = run(dir, front, words);
    assert_eq!(ran.code, 0, "{words:?}: {} {}", ran.out, ran.err);
    ran.objects()
}

#[test]
fn a_group_is_listed_read_and_marked() {
    let dir = Dir::new();
    let front = spool(&dir);
    let told = |words: &[&str]| told(&dir, &front, words);
    let names = |all: &[Value]| all.iter().map(|it| it["name"].clone()).collect::<Vec<_>>();
    assert_eq!(
        names(&told(&["list", "#news.", "*"])),
        ["#news.a.one", "#news.b.two"]
    );
    assert_eq!(
        names(&told(&["list", "--subscribed", "#news.*"])),
        ["#news.b.two"]
    );
    told(&["subscribe", "#news.a.one"]);
    told(&["unsubscribe", "#news.b.two"]);
    let status = told(&["status", "#news.a.one"]).remove(0);
    for (field, value) in [
        ("messages", 3),
        ("unseen", 2),
        ("recent", 2),
        ("uid_next", 10),
    ] {
        assert_eq!(status[field], json!(value), "{field}: {status}");
    }
    assert_eq!(status["uid_validity"], json!(3_203_398_350_u32));
    told(&[
        "flag",
        "--uid",
        "#news.a.one",
        "4",
        "+\\Deleted",
        "+\\Flagged",
        "+work",
    ]);
    assert_eq!(
        dir.read("home/.newsrc"),
        "options -x\nb.two! 1\na.one: 1-8\n"
    );
    let shown = told(&["--read-only", "show", "#news.a.one"]);
    let flags: Vec<_> = shown
        .iter()
        .skip(1)
        .map(|it| (&it["uid"], &it["flags"]))
        .collect();
    assert_eq!(flags[1].0, &json!(4));
    assert_eq!(flags[1].1, &json!(["\\Seen", "\\Flagged", "\\Deleted"]));
    let gone = told(&["expunge", "#news.a.one"]);
    assert_eq!(gone.len(), 2);
    assert_eq!(told(&["status", "#news.a.one"])[0]["messages"], json!(3));
    // A copy of what was read is not marked to be deleted.
    told(&["copy", "#news.a.one", "2", "mail/kept", "--create"]);
    let kept = told(&["--read-only", "show", "mail/kept"]);
    assert_eq!(kept[1]["envelope"]["subject"], json!("s4"));
    assert_eq!(kept[1]["flags"], json!(["\\Seen", "\\Flagged", "\\Recent"]));
    let receipt = told(&["transfer", "#news.a.one", "mail/all", "--format", "mx"]);
    assert_eq!(receipt.last().expect("one")["unexplained"], json!(0));
    // What is moved away was read.
    told(&["move", "#news.a.one", "3", "mail/kept"]);
    assert_eq!(
        dir.read("home/.newsrc"),
        "options -x\nb.two! 1\na.one: 1-9\n"
    );
    assert_eq!(told(&["status", "#news.a.one"])[0]["messages"], json!(3));
}

#[test]
fn nothing_is_made_in_or_of_a_newsgroup() {
    let dir = Dir::new();
    let front = spool(&dir);
    for words in [
        &["create", "#news.c.three"][..],
        &["create", "#news.a.one"],
        &["delete", "#news.a.one"],
        &["rename", "#news.a.one", "mail/x"],
        &["rename", "#news.a.one", "#news.a.two"],
        &["copy", "INBOX", "1", "#news.a.one"],
        &["copy", "INBOX", "1", "#news.none", "--create"],
        &["transfer", "INBOX", "#news.a.one"],
        &["status", "#news.none"],
        &["status", "#news.a."],
    ] {
        let ran = run(&dir, &front, words);
        assert!(ran.code != 0 && !ran.err.is_empty(), "{words:?}");
    }
    let posted = run(&dir, &front, &["copy", "INBOX", "1", "#news.a.one"]);
    assert!(
        posted.err.contains("posted through a news server"),
        "{}",
        posted.err
    );
    assert_eq!(
        dir.read("home/.newsrc"),
        "options -x\nb.two: 1\na.one! 1-3\n"
    );
    assert!(!dir.path("news/spool/c").exists());
}
