//! `watch`: news of an open mailbox, whoever causes it.

use std::io::{BufRead, BufReader};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::dir::{Dir, send};

#[test]
fn news_comes_as_it_happens_and_the_watch_ends_on_time() {
    let dir = Dir::new();
    dir.json(&["create", "mail/w"]);
    let words = ["--json", "watch", "mail/w", "--for", "5"];
    let mut child = dir.spawn(&words);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || -> Option<Value> {
        let line = lines.next()?.expect("text");
        Some(serde_json::from_str(&line).expect("JSON"))
    };
    assert_eq!(next(), Some(json!({"event": "exists", "messages": 0})));
    let ran = dir.feed(&["append", "mail/w"], "Subject: news\n\nx\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(next(), Some(json!({"event": "exists", "messages": 1})));
    assert_eq!(next(), None);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_signal_closes_the_mailbox_and_leaves_no_lock() {
    let dir = Dir::new();
    let mut child = dir.spawn(&["--json", "watch", "INBOX"]);
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("text");
    send(&child, Signal::TERM);
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    assert!(!dir.path("spool.lock").exists());
    assert_eq!(dir.json(&["flag", "INBOX", "1", "+\\Seen"]).len(), 1);
}
