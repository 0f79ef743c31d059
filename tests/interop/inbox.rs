//! INBOX as c-client finds it: in each home the real program and Mugo count the messages of the same file.

use std::path::Path;

use crate::home::Home;
use crate::peers::{have, skip};

/// Messages in each format, and the file in which they are INBOX.
fn content(format: &str, count: usize) -> Vec<u8> {
    let lf = "Subject: x\n\nText.\n";
    let crlf = lf.replace('\n', "\r\n");
    let date = " 2-Mar-2026 10:20:31 +0100";
    let message = match format {
        "unix" => format!("From a@example.org Mon Mar  2 10:20:31 2026 +0100\n{lf}\n"),
        "tenex" => format!("{date},{};000000000000\n{lf}", lf.len()),
        "mtx" => format!("{date},{};000000000000\r\n{crlf}", crlf.len()),
        _ => format!("{date},{};000000000000-00000000\r\n{crlf}", crlf.len()),
    };
    let mut bytes = Vec::new();
    if format == "mbx" {
        bytes.extend(b"*mbx*\r\n6ab9fb4000000000\r\n");
        bytes.extend(b"\r\n".repeat(30));
        bytes.resize(2048, 0);
    }
    bytes.extend(message.repeat(count).into_bytes());
    bytes
}

#[test]
fn mailutil_and_mugo_find_the_same_inbox() {
    let test = "mailutil_and_mugo_find_the_same_inbox";
    if !have(test, &["mailutil"]) {
        return;
    }
    if Path::new("/var/mail/nobody").exists() {
        return skip(test, "needs a machine without /var/mail/nobody");
    }
    // Each count tells which file was taken.
    let unix = ("mbox", content("unix", 1));
    let junk = ("mbox", b"junk\n".to_vec());
    let mbx = ("INBOX", content("mbx", 2));
    let inbox = ("INBOX", content("unix", 3));
    let empty = ("mbox", Vec::new());
    let homes = [
        (vec![unix.clone()], 1),
        (vec![unix, mbx.clone()], 1),
        (vec![mbx.clone()], 2),
        (vec![junk, mbx.clone()], 2),
        (vec![empty, mbx], 0),
        (vec![inbox], 0),
        (vec![], 0),
    ];
    for (files, count) in homes {
        let home = Home::new();
        for (name, bytes) in &files {
            home.write(name, bytes);
        }
        let names: Vec<_> = files.iter().map(|file| file.0).collect();
        let told = home.mugo_done(&["--json", "status", "INBOX"]);
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["messages"], count, "Mugo, {names:?}: {told}");
        assert_eq!(home.mailutil_count("INBOX"), count, "mailutil, {names:?}");
    }
}
