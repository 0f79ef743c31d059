//! INBOX as c-client finds it: in each home the real program and Mugo count the messages of the same file.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::home::Home;
use crate::peers::{have, skip};

/// Messages in each format, and the file in which they are INBOX.
fn content(format: &str, count: usize) -> Vec<u8> {
    let lf = "Subject: x\n\nText.\n";
    let crlf = lf.replace('\n', "\r\n");
    let date = " 2-Mar-2026 10:20:31 +0100";
    let message = match format {
        "unix" => format!("From a@example.org Mon Mar  2 10:20:31 2026 +0100\n{lf}\n"),
        "mmdf" => format!(
            "\u{1}\u{1}\u{1}\u{1}\nFrom a@example.org Mon Mar  2 10:20:31 2026 +0100\n{lf}\u{1}\u{1}\u{1}\u{1}\n"
        ),
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

/// What mailutil takes for INBOX depends on the one spool of the plain user, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn mailutil_and_mugo_find_the_same_inbox() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
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
    let tenex = ("mail.txt", content("tenex", 4));
    let mtx = ("INBOX.MTX", content("mtx", 5));
    let homes = [
        (vec![unix.clone()], 1),
        (vec![unix, mbx.clone()], 1),
        (vec![mbx.clone()], 2),
        (vec![junk, mbx.clone()], 2),
        (vec![empty, mbx.clone()], 0),
        (vec![inbox], 0),
        (vec![("INBOX", content("tenex", 6))], 6),
        (vec![tenex.clone()], 4),
        (vec![("INBOX", content("mtx", 7))], 7),
        (vec![mtx.clone()], 5),
        (vec![mtx.clone(), tenex], 4),
        (vec![("mail.txt", Vec::new()), mtx.clone()], 0),
        (vec![("mail.txt", b"junk\n".to_vec()), mtx.clone()], 5),
        (vec![mbx, mtx], 2),
        (vec![("INBOX.MTX", Vec::new())], 0),
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

#[test]
fn mailutil_and_mugo_count_what_was_delivered() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let test = "mailutil_and_mugo_count_what_was_delivered";
    if !have(test, &["mailutil"]) {
        return;
    }
    let spool = Path::new("/var/mail/nobody");
    if !rustix::process::geteuid().is_root() || spool.exists() {
        return skip(test, "needs root and a machine without /var/mail/nobody");
    }
    let _gone_at_the_end = Spool(spool);
    let mail = content("unix", 2);
    let mmdf = content("mmdf", 3);
    let old = b"From a@example.org Mon Mar  2 10:20:31 2026\nSubject: x\nStatus: RO\n\nText.\n\n";
    // mbox is filled from a spool that it could take all of, and steps back from any other.
    for (own, delivered, count) in [
        (None, &mail, 2),
        (None, &mmdf, 3),
        (Some(old.to_vec()), &mmdf, 3),
        (Some(b"junk\n".to_vec()), &mmdf, 3),
        (Some(old.to_vec()), &mail, 3),
    ] {
        let home = Home::new();
        if let Some(own) = &own {
            home.write("mbox", own);
        }
        home.write("spool", delivered);
        std::fs::copy(home.path("spool"), spool).expect("delivered");
        rustix::fs::chown(spool, Some(rustix::process::Uid::from_raw(65534)), None).expect("given");
        let what = format!("{} bytes of mbox", own.map_or(0, |own| own.len()));
        let told = home.mugo_done(&["--json", "status", "INBOX"]);
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["messages"], count, "Mugo, {what}: {told}");
        assert_eq!(home.mailutil_count("INBOX"), count, "mailutil, {what}");
    }
}

/// The spool of the plain user, removed at the end.
struct Spool<'a>(&'a Path);

impl Drop for Spool<'_> {
    fn drop(&mut self) {
        // it may be that none was made
        let _ = std::fs::remove_file(self.0);
    }
}
